//! `density`: what a trained law is like, in numbers that are known here in other ways.

use std::path::Path;

use serde_json::Value;

use super::common::*;
use super::trained_energies::{TRAINING, barely, trained};

fn report(out: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(out.join("density.json")).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

/// The rows of a file of numbers under names.
fn rows(out: &Path, name: &str) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(out.join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(|v| v.parse().unwrap()).collect()).collect()
}

#[test]
fn a_trained_law_is_looked_at_from_all_sides() {
    let folder = folder();
    let law = trained(folder.path(), TRAINING);
    // Far from the data on one side; the data themselves moved a little on the other.
    let far = write(
        folder.path(),
        "far.csv",
        &(0..50).map(|i| format!("{},-3\n", 3.0 + 0.01 * f64::from(i))).collect::<String>(),
    );
    let points = write(folder.path(), "points.csv", "-1.5,-1.5\n1.5,1.5\n");
    let out = folder.path().join("looked");
    let (out_text, draws) = (text_of(&out), "3000");
    let args = [
        "density", &law, "--out", &out_text, "--others", &far, "--points", &points, "--walk", "0,1",
        "--draws", draws, "--cells", "120",
    ];
    let o = call(&args);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let told = stdout(&o);
    for words in [
        "quadrature",
        "flow",
        "annealed",
        "sequential",
        "estimates agree",
        "KL divergence",
        "AUROC",
        "weights of modes",
    ] {
        assert!(told.contains(words), "`{words}` is missing in:\n{told}");
    }
    for file in [
        "grid.csv",
        "density.svg",
        "energies.csv",
        "energies.svg",
        "points.csv",
        "walk.csv",
        "walk.svg",
        "walk-trace.svg",
    ] {
        assert!(out.join(file).exists(), "{file}");
    }
    let found = report(&out);
    // The training has told the same of itself, on another grid and at other draws.
    let results = summary(Path::new(&law))["results"].clone();
    let plane = &found["plane"];
    assert!((number(&plane["log_evidence"]) - number(&results["log_evidence"])).abs() < 1e-3, "{found}");
    for k in 0..2 {
        assert!((number(&plane["mode_shares"][k]) - number(&results["mode_shares"][k])).abs() < 1e-3);
    }
    let (divergence, error) =
        (number(&found["truth"]["divergence"]), number(&found["truth"]["divergence_error"]));
    let told = number(&results["divergence"]);
    assert!(
        (divergence - told).abs() < 5.0 * error + 5.0 * number(&results["divergence_error"]),
        "{divergence} {told}"
    );
    assert_eq!(number(&found["energies"]["far"]["auroc"]["value"]), 1.0, "{found}");
    assert!(found["disagreements"].as_array().unwrap().is_empty() && found["problems"].is_null(), "{found}");

    // Masses of the cells are one together, and those left of the diagonal are the first mode's.
    let cells = rows(&out, "grid.csv");
    assert_eq!(cells.len(), 120 * 120);
    assert!((cells.iter().map(|r| r[3]).sum::<f64>() - 1.0).abs() < 1e-2);
    let first: f64 = cells.iter().filter(|r| r[0] + r[1] < 0.0).map(|r| r[3]).sum();
    assert!((first - number(&plane["mode_shares"][0])).abs() < 1e-2, "{first}");
    let at = rows(&out, "points.csv");
    let near = |x: &[f64]| {
        cells.iter().min_by(|a, b| {
            let d = |r: &[f64]| (r[0] - x[0]).powi(2) + (r[1] - x[1]).powi(2);
            d(a).total_cmp(&d(b))
        })
    };
    for row in &at {
        assert!((row[2] - near(row).unwrap()[2]).abs() < 0.3, "{row:?}");
    }
    let walk = rows(&out, "walk.csv");
    let reached = found["walk"]["reached"].as_u64().unwrap() as usize;
    assert!(walk[0][3..5] == [-1.5, -1.5] || (walk[0][3] + 1.5).abs() < 1e-3, "{:?}", walk[0]);
    assert!(walk[reached][2] < 0.1 * walk[0][2]);

    // Again, on other threads: the same numbers. What is there is not overwritten.
    let o = call(&args);
    assert!(code(&o) == 2 && stderr(&o).contains("exists already"), "{}", stderr(&o));
    let again = folder.path().join("again");
    let mut args = args.to_vec();
    let again_text = text_of(&again);
    args[3] = &again_text;
    args.extend(["--threads", "3", "--quiet", "--strict"]);
    let o = call(&args);
    assert_eq!((code(&o), stdout(&o), stderr(&o)), (0, String::new(), String::new()));
    let without_times = |out: &Path| {
        let mut value = report(out);
        for (_, estimate) in value["estimates"].as_object_mut().unwrap() {
            estimate["wall_seconds"] = 0.into();
        }
        value
    };
    assert_eq!(without_times(&out), without_times(&again));
}

#[test]
fn what_cannot_be_believed_is_said_and_strict_refuses_it() {
    let folder = folder();
    let law = trained(folder.path(), &barely());
    // A box that cuts the larger mode off: quadrature misses its mass, and the others do not.
    let out = text_of(&folder.path().join("cut"));
    let box_ = ["--low=-4,-4", "--high=1.5,1.5", "--draws", "1000", "--cells", "100"];
    let o = call(&[&["density", &law, "--out", &out, "--strict"][..], &box_].concat());
    assert_eq!(code(&o), 3, "{}", stderr(&o));
    let told = stdout(&o);
    assert!(told.contains("at the edge of the box") && told.contains("quadrature and"), "{told}");
    let found = report(Path::new(&out));
    assert!(!found["disagreements"].as_array().unwrap().is_empty() && found["problems"][0].is_string());
}

#[test]
fn bad_input_is_a_sentence() {
    let folder = folder();
    let law = trained(folder.path(), &barely());
    let out = text_of(&folder.path().join("out"));
    let refused = |args: &[&str], word: &str| {
        let o = call(&[&["density"][..], args, &["--out", &out]].concat());
        let told = stderr(&o);
        assert!(code(&o) == 2 && told.contains(word), "`{word}` is missing in: {} {told}", code(&o));
        assert!(told.starts_with("error: ") && told.trim_end().lines().count() == 1, "{told}");
        assert!(!Path::new(&out).exists());
    };
    refused(&["nowhere"], "nowhere");
    let wide = write(folder.path(), "wide.csv", "1,2,3\n4,5,6\n");
    refused(&[&law, "--data", &wide], "2 points of 3 coordinates, but the law has 2");
    refused(&[&law, "--others", "none.csv"], "none.csv");
    let nan = write(folder.path(), "nan.csv", "1,2\nNaN,6\n");
    refused(&[&law, "--points", &nan], "nan.csv");
    refused(&[&law, "--walk", "0,9999999"], "there is no row 9999999");
    refused(&[&law, "--walk", "1"], "takes two rows");
    refused(&[&law, "--low=3,3", "--high=1,4"], "`high`");
    refused(&[&law, "--low=3", "--high=4"], "two numbers each");
    let o = call(&["density", &law, "--draws", "3"]);
    assert!(code(&o) == 2 && stderr(&o).contains("3 is not in 100"), "{}", stderr(&o));
    refused(&[&law, "--cells", "1"], "`cells` is 1");
    let other = write(folder.path(), "truth.toml", "[target]\nkind = 'banana'\ndim = 4\n");
    refused(&[&law, "--truth", &other], "4 coordinates, but the law has 2");
    let unknown = write(folder.path(), "truth.toml", "[target]\nkind = 'bananna'\n");
    refused(&[&law, "--truth", &unknown], "line 2");
    // A network alone has neither data nor a base.
    let alone = text_of(&Path::new(&law).join("energy.safetensors"));
    refused(&[&alone], "--low and --high");
}
