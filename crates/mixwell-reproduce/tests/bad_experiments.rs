//! Mistakes in an experiment file are told before anything runs.

use mixwell_reproduce::Experiment;

const GOOD: &str = r#"
id = "x"
title = "X"
source = "nowhere"
axes = ["dim"]
methods = ["a"]
metrics = ["m"]
[sweep]
dim = [1, 2]
[run]
chains = 2
draws = 10
target = { kind = "standard_gaussian", dim = "${dim}" }
[method.a]
title = "A"
run.method = { kind = "kernel", warmup = 5, kernel = { kind = "mala" } }
[metric.m]
title = "M"
measure = { kind = "rhat" }
[[rule]]
metric = "m"
methods = ["a"]
test = { kind = "at_most", value = 2.0 }
"#;

/// The message for the good experiment with one thing changed.
fn told(from: &str, to: &str) -> String {
    let text = GOOD.replacen(from, to, 1);
    assert_ne!(text, GOOD, "nothing was changed by {from}");
    Experiment::parse(&text, "x.toml", "full").unwrap_err().to_string()
}

#[test]
fn the_good_one_is_good() {
    Experiment::parse(GOOD, "x.toml", "full").unwrap();
}

#[test]
fn mistakes_are_named() {
    for (from, to, words) in [
        ("id = \"x\"", "id = ", vec!["x.toml", "line 2"]),
        ("id = \"x\"", "id = \"../x\"", vec!["../x", "letters"]),
        ("title = \"X\"", "titel = \"X\"", vec!["titel"]),
        ("methods = [\"a\"]", "methods = [\"b\"]", vec!["no method `b`", "there are a"]),
        ("methods = [\"a\"]", "methods = [\"a\", \"a\"]", vec!["twice"]),
        ("metrics = [\"m\"]", "metrics = [\"n\"]", vec!["no metric `n`"]),
        ("\"${dim}\"", "\"${dom}\"", vec!["${dom}", "no such column"]),
        ("dim = [1, 2]", "dim = [0, 2]", vec!["`a` at 0", "dim"]),
        ("chains = 2", "chain = 2", vec!["unknown key `chain`", "`chains`"]),
        ("warmup = 5", "warm = 5", vec!["`method.warm`", "`warmup`"]),
        ("kind = \"rhat\"", "kind = \"rhut\"", vec!["[metric.m]", "rhut"]),
        ("title = \"A\"", "title = \"A\"\nflow_from = \"b\"", vec!["flow of `b`"]),
        ("methods = [\"a\"]\ntest", "methods = [\"c\"]\ntest", vec!["no method `c`"]),
        ("metric = \"m\"\nmethods", "metric = \"k\"\nmethods", vec!["no metric `k`"]),
        ("test = {", "points = [3]\ntest = {", vec!["no point `3`", "1; 2"]),
        ("at_most", "at_moost", vec!["at_moost"]),
        ("target = {", "no_target = {", vec!["no_target"]),
    ] {
        let message = told(from, to);
        for word in words {
            assert!(message.contains(word), "`{word}` is missing in: {message}");
        }
    }
}

#[test]
fn unknown_presets_are_named() {
    let message = Experiment::parse(GOOD, "x.toml", "quick").unwrap_err().to_string();
    assert!(message.contains("no preset `quick`"), "{message}");
}
