//! `mixwell evidence`: table, JSON, and refusals.

use super::common::*;

const QUICK: &str = "seed = 3
[target]
kind = 'banana'
dim = 2
[estimators.is]
kind = 'importance'
draws = 500
proposal = { sd = [6.0, 2.0] }
[estimators.flow]
kind = 'adaptive_importance'
rounds = 2
steps = 2
round_draws = 100
draws = 200
initial = { sd = [6.0, 2.0] }
[estimators.ais]
kind = 'annealed'
chains = 100
pilot = 20
base = { sd = [6.0, 2.0] }
ladder = { kind = 'linear', rungs = 5 }
[estimators.smc]
kind = 'sequential'
particles = 50
replicates = 4
base = { sd = [6.0, 2.0] }
";

#[test]
fn a_table_and_a_file() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let out = text_of(&folder.path().join("new/e.json"));
    let o = call(&["evidence", &config, "--out", &out]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let table = stdout(&o);
    for word in ["log Z", "95 % interval", "Pareto k", "is ", "flow ", "ais ", "smc ", "exact log Z 3.44731"]
    {
        assert!(table.contains(word), "`{word}` is missing in:\n{table}");
    }
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    // ln(2 pi 5).
    let exact = (5.0 * std::f64::consts::TAU).ln();
    assert!((json["exact_log_evidence"].as_f64().unwrap() - exact).abs() < 1e-12);
    for name in ["is", "flow", "ais", "smc"] {
        let e = &json["estimators"][name];
        let (value, error) = (&e["log_evidence"]["value"], &e["log_evidence"]["standard_error"]);
        let (value, error) = (value.as_f64().unwrap(), error.as_f64().unwrap());
        assert!(error > 0.0 && (value - exact).abs() < 6.0 * error, "{name}: {value} +- {error}");
        assert!(e["interval_95"][0].as_f64().unwrap() < value && e["cost"]["densities"].is_u64(), "{e}");
    }
    // The same again, on other threads, is the same but for the time; the file that is there stays.
    let o = call(&["evidence", &config, "--out", &out]);
    assert_eq!(code(&o), 2);
    assert!(stderr(&o).contains("exists already"), "{}", stderr(&o));
    let again = text_of(&folder.path().join("f.json"));
    let o = call(&["evidence", &config, "--out", &again, "--threads", "3", "--quiet"]);
    assert_eq!((code(&o), stdout(&o), stderr(&o)), (0, String::new(), String::new()));
    let mut second: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&again).unwrap()).unwrap();
    for name in ["is", "flow", "ais", "smc"] {
        second["estimators"][name]["wall_seconds"] = json["estimators"][name]["wall_seconds"].clone();
    }
    assert_eq!(json, second);
}

#[test]
fn bad_input_is_refused_before_anything_is_written() {
    let folder = folder();
    let out = text_of(&folder.path().join("e.json"));
    let refused = |text: &str, words: &[&str]| {
        let config = write(folder.path(), "c.toml", text);
        let o = call(&["evidence", &config, "--out", &out]);
        assert_eq!(code(&o), 2, "{}", stderr(&o));
        for word in words {
            assert!(stderr(&o).contains(word), "`{word}` is missing in: {}", stderr(&o));
        }
        assert!(o.stdout.is_empty() && !std::path::Path::new(&out).exists());
    };
    let target = "[target]\nkind = 'standard_gaussian'\ndim = 2\n";
    refused("[estimators.a]\nkind = 'sequential'\n", &["target", "mixwell list targets"]);
    refused(&format!("{target}[estimators.a]\nkind = 'sequental'\n"), &["line 5", "sequential"]);
    refused(
        &format!("{target}[estimators.a]\nkind = 'sequential'\nparticle = 3\n"),
        &["line 6", "`particles`"],
    );
    refused(
        &format!("{target}[estimators.a]\nkind = 'annealed'\nladder = {{ kind = 'given', betas = [0.5] }}\n"),
        &["line 6", "estimators.a.ladder.betas", "end with 1"],
    );
    refused(
        &format!("{target}[estimators.a]\nkind = 'sequential'\nkernel = {{ kind = 'ula' }}\n"),
        &["line 6", "keep the tempered density"],
    );
    for kind in ["sequential", "annealed"] {
        let inside = "{ kind = 'repeat', kernel = { kind = 'parallel_tempering' } }";
        refused(
            &format!("{target}[estimators.a]\nkind = '{kind}'\nkernel = {inside}\n"),
            &["line 6", "replicas", "older rung"],
        );
    }
    refused(
        &format!("{target}[estimators.a]\nkind = 'importance'\nproposal = {{ sd = [1.0, 2.0, 3.0] }}\n"),
        &["line 6", "estimators.a.proposal.sd", "2 coordinates"],
    );
    let config = write(folder.path(), "c.toml", QUICK);
    let o = call(&["evidence", &config, "--out", &out, "--threads", "0"]);
    assert!(code(&o) == 2 && stderr(&o).contains("threads"), "{}", stderr(&o));
}

#[test]
fn the_template_holds_every_estimator() {
    let o = call(&["init", "banana", "--evidence"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let text = stdout(&o);
    assert!(!text.contains("[`"), "{text}");
    let config = mixwell::config::parse::<mixwell::estimate::EvidenceConfig>(&text).unwrap().settings;
    config.check().unwrap();
    let listed = stdout(&call(&["list", "estimators"]));
    for entry in mixwell::estimate::catalogue() {
        let kind = entry.default.kind();
        assert!(
            config.estimators[kind] == entry.default && listed.contains(&format!("{kind}: ")),
            "{listed}"
        );
    }
}
