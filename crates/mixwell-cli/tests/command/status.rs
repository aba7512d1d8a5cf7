//! Status, output and help of the command, as a user meets them.

use std::io::Read;
use std::process::Stdio;

use super::common::*;

#[test]
fn status_says_how_it_ended() {
    let folder = folder();
    // Random walks of fifty draws cannot cross between modes this far apart.
    let stuck = "chains = 4\ndraws = 50\n[target]\nkind = 'two_modes'\n[method]\nkind = 'kernel'\nwarmup = 10\nkernel = { kind = 'mala' }\n";
    let config = write(folder.path(), "c.toml", stuck);
    let out = |name: &str| text_of(&folder.path().join(name));
    assert_eq!(code(&call(&["run", &config, "--out", &out("a"), "--quiet"])), 0);
    let o = call(&["run", &config, "--out", &out("b"), "--quiet", "--strict"]);
    assert_eq!(code(&o), 3, "{}", stderr(&o));
    assert_eq!(code(&call(&["resume", &out("b"), "--quiet", "--strict"])), 3);
    assert_eq!(code(&call(&["--version"])), 0);
    assert_eq!(stdout(&call(&["--version"])).trim(), format!("mixwell {}", env!("CARGO_PKG_VERSION")));
    for args in [&["--help"][..], &["run", "--help"], &["summary", "--help"]] {
        assert_eq!(code(&call(args)), 0);
    }
}

#[test]
fn quiet_is_silent_and_loud_is_on_the_right_stream() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let out = |name: &str| text_of(&folder.path().join(name));
    let o = call(&["run", &config, "--out", &out("a"), "--quiet"]);
    assert_eq!((code(&o), stdout(&o), stderr(&o)), (0, String::new(), String::new()));
    let o = call(&["run", &config, "--out", &out("b"), "--seed", "7"]);
    let (tables, progress) = (stdout(&o), stderr(&o));
    assert!(tables.contains("parameter") && tables.contains("mala (local)"), "{tables}");
    assert!(progress.contains("of memory") && progress.contains("of disk"), "{progress}");
    assert!(progress.contains("warm-up ") && progress.contains("/20"), "{progress}");
    assert!(!progress.contains('\u{1b}') && !progress.contains('\r'), "{progress:?}");
    assert!(std::fs::read_to_string(out("b") + "/config.toml").unwrap().contains("seed = 7"));
}

#[test]
fn summaries_are_tables_or_json() {
    let folder = folder();
    let config = write(
        folder.path(),
        "c.toml",
        "chains = 4\ndraws = 60\n[target]\nkind = 'two_modes'\n[method]\nkind = 'ex2'\nwarmup = 30\n",
    );
    let run = text_of(&folder.path().join("run"));
    assert_eq!(code(&call(&["run", &config, "--out", &run, "--quiet"])), 0);
    let o = call(&["summary", &run]);
    assert_eq!(code(&o), 0);
    assert!(stdout(&o).contains("R-hat") && stdout(&o).contains("mode weights"), "{}", stdout(&o));
    let json: serde_json::Value = serde_json::from_str(&stdout(&call(&["summary", &run, "--json"]))).unwrap();
    for key in [
        "converged",
        "reasons",
        "wall_seconds",
        "gradient_evaluations",
        "density_evaluations",
        "acceptance",
        "log_evidence",
        "log_evidence_se",
        "mode_weights",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    let row = &json["parameters"][0];
    for key in ["name", "mean", "sd", "mcse_mean", "q5", "median", "q95", "ess_bulk", "ess_tail", "rhat"] {
        assert!(row.get(key).is_some(), "{key} in {row}");
    }
}

#[test]
fn an_unfinished_run_can_be_looked_at() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", LONG);
    let run = folder.path().join("run");
    let mut child = start(&["run", &config, "--out", &text_of(&run)]);
    wait_until("checkpoint", || run.join("checkpoint/state.bin.previous").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let before = files(&run);
    let o = call(&["summary", &text_of(&run)]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(stdout(&o).contains("not finished"), "{}", stdout(&o));
    assert!(files(&run) == before);
}

#[test]
fn lists_and_templates() {
    for (what, some) in
        [("kernels", "nuts"), ("targets", "two_modes"), ("flows", "realnvp"), ("networks", "resnet56")]
    {
        let o = call(&["list", what]);
        assert_eq!(code(&o), 0);
        assert!(stdout(&o).contains(some) && !stdout(&o).contains("[`"), "{}", stdout(&o));
    }
    for shell in ["bash", "zsh", "fish"] {
        let o = call(&["completions", shell]);
        assert!(code(&o) == 0 && stdout(&o).contains("mixwell"));
    }
}

/// Every template can be run as it is, with fewer draws.
#[test]
fn every_template_runs() {
    let folder = folder();
    for entry in mixwell::density::catalogue() {
        let o = call(&["init", entry.kind, "--method", "kernel"]);
        assert_eq!(code(&o), 0, "{}: {}", entry.kind, stderr(&o));
        let text = stdout(&o);
        assert!(!text.contains("[`") && !text.contains("See "), "{text}");
        let small = text
            .replace("\ndraws = 1000\n", "\ndraws = 5\n")
            .replace("\nchains = 20\n", "\nchains = 2\n")
            .replace("\nwarmup = 1000\n", "\nwarmup = 5\n")
            .replace("\nradius = 2.0\n", "\nradius = 1.5\n");
        assert_ne!(small, text);
        let config = write(folder.path(), &format!("{}.toml", entry.kind), &small);
        let out = text_of(&folder.path().join(entry.kind));
        let o = call(&["run", &config, "--out", &out, "--quiet"]);
        let needs_data = ["logistic_regression", "posteriordb", "energy", "gan"].contains(&entry.kind);
        assert_eq!(code(&o), if needs_data { 2 } else { 0 }, "{}: {}", entry.kind, stderr(&o));
    }
    for method in mixwell::sampler::catalogue() {
        let text = stdout(&call(&["init", "two_modes", "--method", method.name]));
        mixwell::config::parse::<mixwell::sampler::RunConfig>(&text).unwrap().settings.check().unwrap();
    }
}

/// Readers that go away: `mixwell list targets | head -1`, `mixwell run .. 2>&1 | head -1`.
#[test]
fn closed_pipes_are_no_failure() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let run = text_of(&folder.path().join("run"));
    let calls: [&[&str]; 5] = [
        &["run", &config, "--out", &run],
        &["summary", &run],
        &["list", "targets"],
        &["init", "phi4"],
        &["completions", "zsh"],
    ];
    for args in calls {
        let mut child = mixwell().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
    let mut child = mixwell()
        .args(["run", &config, "--out", &text_of(&folder.path().join("other"))])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
