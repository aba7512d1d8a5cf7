//! From data to draws: an energy is trained, and then run, resumed, and integrated as any target is.

use std::path::Path;

use super::common::*;

/// Two modes of weights 1/3 and 2/3, learned in a moment.
pub const TRAINING: &str = r#"kind = "energy"
seed = 3
updates = 200
[data]
law = { kind = "two_modes" }
rows = 2048
[pretraining]
steps = 200
batch = 128
[training]
batch = 64
average = 0.98
optimiser = { learning_rate = 5e-3 }
[training.trainer]
kind = "nce"
"#;

/// The same with hardly any training.
pub fn barely() -> String {
    TRAINING.replace("updates = 200", "updates = 5").replace("steps = 200", "steps = 20")
}

/// Trains, and gives the folder of the training.
pub fn trained(folder: &Path, text: &str) -> String {
    let config = write(folder, "training.toml", text);
    let out = text_of(&folder.join("trained"));
    let o = call(&["train", &config, "--out", &out, "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    out
}

fn run_of(target: &str) -> String {
    let method = "[start]\nkind = 'gaussian'\nscale = 2.0\n[method]\nkind = 'ex2'\nwarmup = 200\n";
    format!("chains = 20\ndraws = 400\nseed = 2\n[target]\n{target}\n{method}")
}

#[test]
fn what_was_trained_is_run_resumed_and_integrated() {
    let folder = folder();
    let trained = trained(folder.path(), TRAINING);
    let results = summary(Path::new(&trained))["results"].clone();
    let weight = |i: usize| results["mode_shares"][i].as_f64().unwrap();
    assert!((weight(0) - 1.0 / 3.0).abs() < 0.1, "{results}");

    // Draws share themselves out between the modes as the law says.
    let target = format!("kind = 'energy'\npath = '{trained}'");
    let config = write(folder.path(), "run.toml", &run_of(&target));
    let out = folder.path().join("run");
    let o = call(&["run", &config, "--out", &text_of(&out), "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let modes = summary(&out)["mode_weights"].clone();
    let share = modes[0].as_f64().unwrap_or_else(|| panic!("{modes}"));
    assert!((share - weight(0)).abs() < 0.05, "{share} {results}");

    // The estimators find the quadrature's ln Z.
    let evidence = format!(
        "[target]\n{target}\n[estimators.smc]\nkind = 'sequential'\nparticles = 300\nreplicates = 4\nbase = {{ sd = [2.5, 2.5] }}\n\
         [estimators.is]\nkind = 'importance'\nproposal = {{ sd = [2.5, 2.5] }}\n"
    );
    let config = write(folder.path(), "evidence.toml", &evidence);
    let json = text_of(&folder.path().join("evidence.json"));
    let o = call(&["evidence", &config, "--out", &json, "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let exact = results["log_evidence"].as_f64().unwrap();
    for name in ["smc", "is"] {
        let z = &json["estimators"][name]["log_evidence"];
        let (value, error) = (z["value"].as_f64().unwrap(), z["standard_error"].as_f64().unwrap());
        assert!((value - exact).abs() < 6.0 * error, "{name}: {value} +- {error}, {exact}");
    }

    // The run has written down which law it began with.
    let kept = std::fs::read_to_string(out.join("config.toml")).unwrap();
    assert!(kept.contains("sha256 = \""), "{kept}");
    let before = draws(&out);
    assert_eq!(code(&call(&["resume", &text_of(&out), "--quiet"])), 0);
    assert!(before == draws(&out));
    // With another law in its place it does not go on.
    let law = std::fs::read_to_string(Path::new(&trained).join("law.json")).unwrap();
    std::fs::remove_file(Path::new(&trained).join("config.toml")).unwrap();
    std::fs::write(Path::new(&trained).join("law.json"), law + " ").unwrap();
    let o = call(&["resume", &text_of(&out), "--quiet"]);
    assert!(code(&o) == 2 && stderr(&o).contains("have changed"), "{}", stderr(&o));
}

#[test]
fn laws_are_tempered_multiplied_and_mixed() {
    let folder = folder();
    let trained = trained(folder.path(), &barely());
    let energy = format!("{{ kind = 'energy', path = '{trained}' }}");
    for (name, target) in [
        ("tempered", format!("kind = 'tempered'\ntemperature = 2.0\ntarget = {energy}")),
        (
            "product",
            format!(
                "kind = 'product'\nfactors = [{{ target = {energy} }}, {{ power = 0.5, target = {{ kind = 'two_modes' }} }}]"
            ),
        ),
        (
            "mixture",
            format!(
                "kind = 'mixture'\ncomponents = [{{ weight = 1.0, log_evidence = 0.1, target = {energy} }}, {{ target = {{ kind = 'rings' }} }}]"
            ),
        ),
    ] {
        let config = write(
            folder.path(),
            &format!("{name}.toml"),
            &run_of(&target).replace("draws = 400", "draws = 20"),
        );
        let out = folder.path().join(name);
        let o = call(&["run", &config, "--out", &text_of(&out)]);
        assert_eq!(code(&o), 0, "{name}: {}", stderr(&o));
        assert!(!stderr(&o).contains("log_evidence"), "{}", stderr(&o));
        // What is kept reads back, hashes and all.
        assert!(std::fs::read_to_string(out.join("config.toml")).unwrap().contains("sha256 = \""), "{name}");
        assert_eq!(code(&call(&["resume", &text_of(&out), "--quiet"])), 0, "{name}");
    }
}

#[test]
fn what_cannot_be_used_is_a_sentence() {
    let folder = folder();
    let trained = trained(folder.path(), &barely());
    let refused = |target: &str, words: &[&str]| {
        let config = write(folder.path(), "bad.toml", &run_of(target));
        let out = folder.path().join("bad");
        let o = call(&["run", &config, "--out", &text_of(&out)]);
        let told = stderr(&o);
        assert!(
            code(&o) == 2 && told.starts_with("error: ") && told.trim_end().lines().count() == 1,
            "{told}"
        );
        for word in words {
            assert!(told.contains(word), "`{word}` is missing in: {told}");
        }
        assert!(!out.exists());
    };
    let energy = |path: &str| format!("kind = 'energy'\npath = '{path}'");
    refused(&energy("nowhere"), &["nowhere", "law.json"]);
    refused("kind = 'energy'\npath = ''", &["`target.path` is empty"]);
    refused(&format!("{}\nsha256 = 'abc'", energy(&trained)), &["have changed", "abc"]);
    let product = format!(
        "kind = 'product'\nfactors = [{{ target = {{ kind = 'energy', path = '{trained}' }} }}, {{ target = {{ kind = 'banana', dim = 4 }} }}]"
    );
    refused(&product, &["target.factors[1]", "4 coordinates", "the first has 2"]);
    // Not an energy, not a training, not finished, damaged.
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/digits_classifier.safetensors");
    refused(&energy(weights), &["10 outputs", "an energy has one"]);
    let run = text_of(&folder.path().join("a-run"));
    assert_eq!(code(&call(&["run", &write(folder.path(), "run.toml", QUICK), "--out", &run, "--quiet"])), 0);
    refused(&energy(&run), &["the folder of a run"]);
    let path = Path::new(&trained);
    let whole = std::fs::read(path.join("energy.safetensors")).unwrap();
    std::fs::write(path.join("energy.safetensors"), &whole[..whole.len() / 2]).unwrap();
    refused(&energy(&trained), &["energy.safetensors", "damaged"]);
    // A network alone is a law without a base; half of one is none.
    let alone = text_of(&folder.path().join("alone.safetensors"));
    std::fs::write(&alone, &whole[..whole.len() / 2]).unwrap();
    refused(&energy(&alone), &["alone.safetensors"]);
    std::fs::remove_file(path.join("manifest.json")).unwrap();
    refused(&energy(&trained), &["not finished", "mixwell resume"]);
}
