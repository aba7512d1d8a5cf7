//! The runner on a small experiment: results, resuming, threads, interruption, and folders that hold something else.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use mixwell_reproduce::{Event, Experiment, Observer, Outcome, Report, ReproduceError, Runner};

/// Two dimensions, three methods, one of which starts from another's flow.
const SMALL: &str = r#"
id = "small"
title = "Small"
source = "nowhere"
axes = ["dim"]
repetitions = 2
methods = ["iid", "train", "walk"]
metrics = ["mean", "rhat"]
[sweep]
dim = [1, 2]
[run]
chains = 4
draws = 200
target = { kind = "standard_gaussian", dim = "${dim}" }
[method.iid]
title = "exact"
exact = true
[method.train]
title = "fitted Gaussian"
[method.train.run]
flow = { kind = "gaussian" }
method = { kind = "ex2", warmup = 60, frozen = 0, local_steps = 1, global = { n_particles = 4 } }
[method.walk]
title = "independent proposals of the fitted Gaussian"
flow_from = "train"
run.method = { kind = "kernel", warmup = 0, kernel = { kind = "independent_mh" } }
[metric.mean]
title = "Mean"
measure = { kind = "moment", power = "first", coordinate = 0 }
[metric.rhat]
title = "R-hat"
measure = { kind = "rhat" }
[[published]]
metric = "mean"
method = "walk"
source = "exact"
values = { all = 0.0 }
[[rule]]
metric = "mean"
methods = ["walk"]
test = { kind = "z_test", sigmas = 5.0 }
[[rule]]
metric = "rhat"
methods = ["walk", "iid"]
points = [2]
test = { kind = "at_most", value = 1.1 }
[preset.one]
repetitions = 1
[preset.wrong]
repetitions = 1
rule = [{ metric = "mean", methods = ["walk"], test = { kind = "near", value = 3.0, tolerance = 0.1 } }]
"#;

fn small(preset: &str) -> Experiment {
    Experiment::parse(SMALL, "small", preset).unwrap()
}

fn report(outcome: Outcome) -> Report {
    match outcome {
        Outcome::Finished(report) => *report,
        Outcome::Interrupted => panic!("nobody interrupted it"),
    }
}

/// Counts cells; may set a flag after some of them.
struct Watch {
    sender: Sender<&'static str>,
    stop_after: Option<(usize, Arc<AtomicBool>)>,
}

impl Observer for Watch {
    fn event(&mut self, event: &Event) {
        match event {
            Event::CellFinished { number, .. } => {
                let _ = self.sender.send("made");
                if let Some((n, flag)) = &self.stop_after
                    && number == n
                {
                    flag.store(true, Ordering::Relaxed);
                }
            }
            Event::CellFound { .. } => {
                let _ = self.sender.send("found");
            }
            _ => {}
        }
    }
}

/// Runs with a watch; how many cells were made and found, and the outcome.
fn watched(experiment: Experiment, out: &Path, stop_after: Option<usize>) -> (usize, usize, Outcome) {
    let (sender, events) = channel();
    let flag = Arc::new(AtomicBool::new(false));
    let stop_after = stop_after.map(|n| (n, flag.clone()));
    let runner = Runner::new(experiment, "full", out).observer(Watch { sender, stop_after }).interrupt(flag);
    let outcome = runner.run().unwrap();
    let all: Vec<&str> = events.try_iter().collect();
    let count = |word| all.iter().filter(|e| **e == word).count();
    (count("made"), count("found"), outcome)
}

/// The report without times, which differ from run to run; as text, in which what is not known equals itself.
fn timeless(mut report: Report) -> String {
    report.costs.iter_mut().for_each(|c| c.cost.seconds = 0.0);
    report.to_json()
}

#[test]
fn results_are_those_of_every_method_and_point() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(Runner::new(small("full"), "full", folder.path()).run().unwrap());
    assert!(report.passed, "{}", report.to_markdown());
    // z-tests at two points, R-hat of two methods at one.
    assert_eq!(report.score(), (4, 4));
    assert_eq!(report.results.len(), 2 * 2 * 3);
    assert_eq!(report.costs.len(), 2 * 2);
    let walk = report.results.iter().find(|r| r.method == "walk" && r.metric == "mean").unwrap();
    assert_eq!((walk.measured.n, walk.published), (2, Some(0.0)));
    let page = std::fs::read_to_string(folder.path().join("README.md")).unwrap();
    assert!(page.contains("4 of 4 rules hold") && page.contains("| 2 | exact |"), "{page}");
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("results.json")).unwrap()).unwrap();
    assert_eq!(json["passed"], true);
}

#[test]
fn an_interrupted_run_goes_on_and_ends_with_the_same_numbers() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (made, found, outcome) = watched(small("full"), whole.path(), None);
    assert_eq!((made, found), (12, 0));
    let expected = timeless(report(outcome));

    // The flag goes up when cell 5 (a training cell) is stored: cell 6 is given up at its first safe place.
    let (made, found, outcome) = watched(small("full"), parts.path(), Some(5));
    assert_eq!((made, found, outcome), (5, 0, Outcome::Interrupted));
    assert!(!parts.path().join("results.json").exists());
    let (made, found, outcome) = watched(small("full"), parts.path(), None);
    assert_eq!((made, found), (7, 5));
    assert_eq!(timeless(report(outcome)), expected);
    // Nothing is left to do, and the report is the same once more, times included.
    let (made, found, _) = watched(small("full"), parts.path(), None);
    assert_eq!((made, found), (0, 12));
}

#[test]
fn threads_do_not_change_results() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let run =
        |out: &Path, n| timeless(report(Runner::new(small("one"), "one", out).threads(n).run().unwrap()));
    assert_eq!(run(a.path(), 1), run(b.path(), 3));
}

#[test]
fn rules_can_change_and_cells_stay() {
    let folder = tempfile::tempdir().unwrap();
    watched(small("one"), folder.path(), None);
    let (made, found, outcome) = watched(small("wrong"), folder.path(), None);
    assert_eq!((made, found), (0, 6));
    let report = report(outcome);
    assert!(!report.passed);
    assert_eq!(report.score(), (0, 2));
    assert!(report.to_markdown().contains("**MISS**"));
    // More repetitions use those that are there.
    let (made, found, _) = watched(small("full"), folder.path(), None);
    assert_eq!((made, found), (6, 6));
}

#[test]
fn figures_are_drawn_and_a_new_one_makes_only_its_cells_again() {
    let folder = tempfile::tempdir().unwrap();
    let with = |figures: &str| {
        let text = SMALL.replacen("[preset.one]", &format!("{figures}\n[preset.one]"), 1);
        Experiment::parse(&text, "small", "one").unwrap()
    };
    let metric =
        "[[figure]]\nname = 'mean'\ntitle = 'Mean'\nshow = { kind = 'metrics', metrics = ['mean'] }\n";
    let traces = "[[figure]]\nname = 'traces'\ntitle = 'Traces'\nshow = { kind = 'traces', methods = ['walk'], point = '2', coordinate = 1 }\n";
    assert_eq!(watched(with(metric), folder.path(), None).0, 6);
    assert!(std::fs::read_to_string(folder.path().join("mean.svg")).unwrap().starts_with("<svg"));
    let (made, found, _) = watched(with(&format!("{metric}{traces}")), folder.path(), None);
    assert_eq!((made, found), (1, 5));
    assert!(folder.path().join("traces.svg").exists());
    let page = std::fs::read_to_string(folder.path().join("README.md")).unwrap();
    assert!(page.contains("![Traces](traces.svg)"), "{page}");
    assert_eq!(watched(with(&format!("{metric}{traces}")), folder.path(), None).0, 0);
}

#[test]
fn other_settings_in_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    watched(small("one"), folder.path(), None);
    let mut other = small("one");
    other.run.insert("draws".into(), 300.into());
    let error = Runner::new(other, "one", folder.path()).run().unwrap_err();
    assert!(matches!(error, ReproduceError::OtherSettings { .. }), "{error}");
    assert!(error.to_string().contains("--out"), "{error}");
    // A cell that cannot be read is no reason to write over it.
    let cell = std::fs::read_dir(folder.path().join("cells"))
        .unwrap()
        .flatten()
        .find(|f| f.path().extension().is_some_and(|e| e == "json"));
    std::fs::write(cell.unwrap().path(), "{").unwrap();
    assert!(Runner::new(small("one"), "one", folder.path()).run().is_err());
}

#[test]
fn a_file_in_the_way_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Runner::new(small("one"), "one", &file).run().unwrap_err().to_string();
    assert!(error.contains("create the folder") && error.contains("--out"), "{error}");
}

#[test]
fn what_is_finished_can_be_reported_before_the_rest_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let part = |finished_only| {
        report(Runner::new(small("one"), "one", folder.path()).finished_only(finished_only).run().unwrap())
    };
    let nothing = part(true);
    assert_eq!((nothing.finished, nothing.cells, nothing.passed), (0, 6, false));
    assert!(nothing.results.is_empty() && nothing.costs.is_empty());
    assert_eq!(watched(small("one"), folder.path(), Some(2)).2, Outcome::Interrupted);
    let some = part(true);
    assert_eq!((some.finished, some.passed), (2, false));
    assert!(some.results.iter().all(|r| r.point == "1" && r.method != "walk"));
    let page = std::fs::read_to_string(folder.path().join("README.md")).unwrap();
    assert!(page.contains("2 of 6 cells"), "{page}");
    let whole = part(false);
    assert_eq!((whole.finished, whole.passed), (6, true));
    let page = std::fs::read_to_string(folder.path().join("README.md")).unwrap();
    assert!(!page.contains("cells (a method"), "{page}");
    assert_eq!(timeless(part(true)), timeless(whole));
}
