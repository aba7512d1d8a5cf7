//! Derived quantities: stored, summarised and judged like parameters; the same bits whatever the threads and interruptions.

use mixwell::io::DrawReader;

use super::common::*;

const CONFIG: &str = "chains = 4
draws = 200
[target]
kind = 'eight_schools'
[method]
kind = 'kernel'
warmup = 100
kernel = { kind = 'nuts' }
[derived]
gap = 'theta[0] - theta[1]'
log_tau = 'ln(tau)'
wide = 'tau > 5'
shrunk = 'theta - mu'
lp = 'log_density'
";

fn run(more: &[&str]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = folder();
    let path = write(folder.path(), "c.toml", CONFIG);
    let out = folder.path().join("out");
    let done = call(&[&["run", path.as_str(), "--out", &text_of(&out), "--quiet"], more].concat());
    assert_eq!(code(&done), 0, "{}", stderr(&done));
    (folder, out)
}

#[test]
fn derived_quantities_are_stored_and_judged() {
    let (_folder, out) = run(&["--threads", "1"]);
    let reader = DrawReader::open(&out.join("draws.zarr")).unwrap();
    let read = |name: &str| reader.read_variable("posterior", name, 1).unwrap();
    let (theta, tau, mu) = (read("theta"), read("tau"), read("mu"));
    let (gap, wide, log_tau, shrunk) = (read("gap"), read("wide"), read("log_tau"), read("shrunk"));
    assert_eq!((gap.len(), shrunk.len()), (tau.len(), 8 * tau.len()));
    let lp = reader.read_variable("sample_stats", "lp", 1).unwrap();
    assert_eq!(read("lp"), lp);
    // Whatever the layout of an array of eight is, it is that of theta.
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    assert!((mean(&shrunk) - (mean(&theta) - mean(&mu))).abs() < 1e-9);
    for i in 0..tau.len() {
        assert_eq!(log_tau[i], tau[i].ln());
        assert_eq!(wide[i], f64::from(u8::from(tau[i] > 5.0)));
    }
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
    let rows = summary["parameters"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(
        names[..10],
        [
            "theta[0]", "theta[1]", "theta[2]", "theta[3]", "theta[4]", "theta[5]", "theta[6]", "theta[7]",
            "mu", "tau"
        ]
    );
    assert_eq!(names[10..14], ["gap", "log_tau", "lp", "shrunk[0]"]);
    let row = rows.iter().find(|p| p["name"] == "gap").unwrap();
    assert!(row["rhat"].as_f64().unwrap() > 0.9 && row["ess_bulk"].as_f64().unwrap() > 10.0, "{row}");
    // Other threads, the same bits.
    let (_other, again) = run(&["--threads", "2"]);
    let other = DrawReader::open(&again.join("draws.zarr")).unwrap();
    for name in ["gap", "shrunk", "lp", "theta"] {
        assert_eq!(other.read_variable("posterior", name, 1).unwrap(), read(name), "{name}");
    }
}

#[test]
fn expressions_that_cannot_be_used_are_refused_with_line_and_place() {
    let folder = folder();
    let deep = format!("deep = '{}tau{}'", "(".repeat(500), ")".repeat(500));
    for (line, words) in [
        (
            "gap = 'theta[0] - thetta[1]'",
            vec!["line 4", "derived.gap", "character 12", "did you mean `theta`?"],
        ),
        ("theta = 'mu'", vec!["line 4", "taken"]),
        ("'a/b' = 'mu'", vec!["a/b", "letters, digits"]),
        ("gap = 3", vec!["line 4", "text"]),
        (deep.as_str(), vec!["line 4", "deeper than 100 levels"]),
    ] {
        let config = format!("[target]\nkind = 'eight_schools'\n[derived]\n{line}\n");
        let path = write(folder.path(), "c.toml", &config);
        let out = folder.path().join("out");
        let refused = call(&["run", &path, "--out", &text_of(&out)]);
        assert_eq!(code(&refused), 2, "{line}: {}", stderr(&refused));
        for word in words {
            assert!(stderr(&refused).contains(word), "{word}: {}", stderr(&refused));
        }
        assert!(!out.exists());
    }
}
