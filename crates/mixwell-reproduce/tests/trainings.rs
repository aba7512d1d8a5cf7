//! Methods that are trainings: measured from what they leave, gone on with where they were interrupted, measured anew with other
//! metrics, and refused where they are written down wrong.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mixwell::training_run::TrainingEvent;
use mixwell_reproduce::{Event, Experiment, Observer, Outcome, Report, Runner};

const SMALL: &str = r#"
id = "small"
title = "Small"
source = "nowhere"
methods = ["local", "latent"]
metrics = ["weight", "sd", "error", "rhat", "moment"]
repetitions = 2
[training_run]
updates = 12
data = { law = { kind = "two_modes" }, rows = 300 }
energy = { network = { input = [2], layers = [{ kind = "dense", units = 1 }] } }
evaluation = { modes_every = 4, chains = 8, steps = 6 }
pretraining = { steps = 3 }
flow = { kind = "realnvp", n_blocks = 1, hidden = [4] }
training = { batch = 16 }
[method.local]
title = "PCD"
[method.local.training_run]
energy = { base = { kind = "moments", scale = 1.0 } }
training.trainer = { kind = "ula", steps = 2, bank = { size = 32 } }
[method.latent]
title = "NT"
[method.latent.training_run]
training.trainer = { kind = "nt", steps = 2, chains = 16 }
[metric.weight]
title = "Weight of the upper mode"
measure = { kind = "curve", column = "mode_2", rows = 2 }
[metric.sd]
title = "Its standard deviation"
measure = { kind = "curve", column = "mode_2", statistic = "sd" }
[metric.error]
title = "Largest error"
measure = { kind = "result", name = "mode_weight_error" }
[metric.rhat]
title = "R-hat"
measure = { kind = "result", name = "chains_rhat" }
[metric.moment]
title = "Of draws only"
measure = { kind = "moment", power = "first" }
[[rule]]
metric = "weight"
methods = ["local", "latent"]
test = { kind = "near", value = 0.667, tolerance = 0.3 }
[[figure]]
name = "weights"
title = "Weights"
show = { kind = "curves", methods = ["local", "latent"], columns = ["mode_1", "mode_2"], exact = [0.333, 0.667] }
"#;

fn small() -> Experiment {
    Experiment::parse(SMALL, "small", "full").unwrap()
}

fn report(outcome: Outcome) -> Report {
    match outcome {
        Outcome::Finished(report) => *report,
        Outcome::Interrupted => panic!("nobody interrupted it"),
    }
}

fn run(experiment: Experiment, out: &Path) -> Report {
    report(Runner::new(experiment, "full", out).run().unwrap())
}

fn timeless(mut report: Report) -> String {
    report.costs.iter_mut().for_each(|c| c.cost.seconds = 0.0);
    report.to_json()
}

/// Sets a flag at an update of the third cell.
struct Stop {
    flag: Arc<AtomicBool>,
    cell: usize,
}

impl Observer for Stop {
    fn event(&mut self, event: &Event) {
        match event {
            Event::CellStarted { number, .. } => self.cell = *number,
            Event::Training(TrainingEvent::Progress { updates: (5, _), .. }) if self.cell == 3 => {
                self.flag.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

#[test]
fn trainings_are_measured_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(small(), folder.path());
    let of = |metric: &str| report.results.iter().filter(|r| r.metric == metric).count();
    assert_eq!((of("weight"), of("sd"), of("error"), of("rhat"), of("moment")), (2, 2, 2, 2, 0));
    assert_eq!(report.results.iter().find(|r| r.metric == "rhat").unwrap().measured.n, 2);
    assert!(report.results.iter().all(|r| r.measured.mean.is_finite()), "{}", report.to_markdown());
    assert!(report.to_markdown().contains("| - | - |"), "{}", report.to_markdown());
    let svg = std::fs::read_to_string(folder.path().join("weights.svg")).unwrap();
    assert!(svg.contains("mode 2") && svg.contains("NT"), "{svg}");
    let run = folder.path().join("cells/local-0.run");
    assert!(run.join("energy.safetensors").exists() && run.join("curve.csv").exists());
}

#[test]
fn an_interrupted_training_goes_on_with_the_same_numbers() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = timeless(run(small(), whole.path()));
    let flag = Arc::new(AtomicBool::new(false));
    let runner = Runner::new(small(), "full", parts.path())
        .observer(Stop { flag: flag.clone(), cell: 0 })
        .interrupt(flag);
    assert_eq!(runner.run().unwrap(), Outcome::Interrupted);
    // The third cell has begun and is not finished.
    let third = parts.path().join("cells/local-1.run");
    assert!(third.join("checkpoint").exists() && !third.join("summary.json").exists());
    assert_eq!(timeless(run(small(), parts.path())), expected);
}

#[test]
fn other_metrics_need_no_new_training() {
    let folder = tempfile::tempdir().unwrap();
    run(small(), folder.path());
    let weights = folder.path().join("cells/local-0.run/energy.safetensors");
    let before = std::fs::metadata(&weights).unwrap().modified().unwrap();
    let text = SMALL.replace("name = \"chains_rhat\"", "name = \"chains_ess\"");
    let other = run(Experiment::parse(&text, "small", "full").unwrap(), folder.path());
    assert!(other.results.iter().find(|r| r.metric == "rhat").unwrap().measured.mean > 2.0);
    assert_eq!(std::fs::metadata(&weights).unwrap().modified().unwrap(), before);
}

#[test]
fn mistakes_are_named_before_anything_runs() {
    let told = |from: &str, to: &str| {
        let text = SMALL.replacen(from, to, 1);
        assert_ne!(text, SMALL, "nothing was changed by {from}");
        Experiment::parse(&text, "x.toml", "full").unwrap_err().to_string()
    };
    for (from, to, words) in [
        ("updates = 12", "update = 12", vec!["`update`", "`updates`"]),
        ("updates = 12", "updates = 0", vec!["`local`", "`updates` is 0"]),
        ("title = \"PCD\"", "title = \"PCD\"\nexact = true", vec!["`local` is a training"]),
        ("kind = \"curve\", column", "kind = \"curve\", colum", vec!["[metric.weight]", "colum"]),
        ("size = 32", "sizes = 32", vec!["sizes"]),
    ] {
        let message = told(from, to);
        for word in words {
            assert!(message.contains(word), "`{word}` is missing in: {message}");
        }
    }
}

/// A GAN of two modes, trained for a moment, and what its latents are worth: by itself and sampled.
const GAN: &str = r#"
id = "gan"
title = "A small GAN"
source = "ours"
methods = ["train", "prior", "repgan"]
metrics = ["quality", "covered", "local"]
[known_law]
law = { kind = "two_modes" }
[training_run]
kind = "gan"
updates = 200
samples = 100
standardise = true
data = { law = { kind = "two_modes" }, rows = 500 }
training = { batch = 32 }
[run]
chains = 200
draws = 1
start = { kind = "base" }
target = { kind = "gan", path = "" }
[method.train]
title = "training"
[method.train.training_run]
[method.prior]
title = "GAN"
gan_from = "train"
exact = true
[method.prior.run.target]
kappa = 0.0
[method.repgan]
title = "REP-GAN"
gan_from = "train"
run = { method = { kind = "repgan", chain_length = 20 } }
[metric.quality]
title = "high quality"
measure = { kind = "among_modes", value = "high_quality", radius = { deviations = 4.0 } }
[metric.covered]
title = "covered"
measure = { kind = "among_modes", value = "covered", radius = { deviations = 4.0 } }
[metric.local]
title = "acceptance"
measure = { kind = "acceptance", moves = "local" }
[[rule]]
metric = "quality"
methods = ["repgan"]
test = { kind = "at_least_more", method = "prior", by = -1.0 }
"#;

#[test]
fn a_gan_is_trained_and_sampled() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(Experiment::parse(GAN, "gan", "full").unwrap(), folder.path());
    let of = |metric: &str, method: &str| {
        let row = report.results.iter().find(|r| r.metric == metric && r.method == method);
        row.map(|r| r.measured.mean)
    };
    for method in ["prior", "repgan"] {
        let quality = of("quality", method).unwrap();
        assert!(quality > 0.05 && quality <= 1.0, "{method}: {quality}");
        assert!((1.0..=2.0).contains(&of("covered", method).unwrap()), "{method}");
    }
    assert!(of("local", "repgan").unwrap() > 0.3 && of("local", "prior").is_none());
    let told = |from: &str, to: &str| {
        Experiment::parse(&GAN.replacen(from, to, 1), "x.toml", "full").unwrap_err().to_string()
    };
    let unknown = told("gan_from = \"train\"\nexact", "gan_from = \"repgan\"\nexact");
    assert!(unknown.contains("the GAN of `repgan`, which must come before it"), "{unknown}");
    let scorer = told("kind = \"acceptance\", moves = \"local\"", "kind = \"class_score\"");
    assert!(scorer.contains("[metric.local] scores images") && scorer.contains("[images]"), "{scorer}");
}

/// One training serves every point of the sweep, each with the networks as they were then.
#[test]
fn snapshots_of_a_gan_are_sampled() {
    let swept = |gan_at: &str| {
        GAN.replace("metrics = [", "axes = [\"updates\"]\nsweep = { updates = [50, 200] }\nmetrics = [")
            .replace("standardise = true", "keep_at = [50, 200]")
            .replace("title = \"training\"", "title = \"training\"\npoints = [50]")
            .replace("gan_from = \"train\"", &format!("gan_from = \"train\"\n{gan_at}"))
            .replace(
                "target = { kind = \"gan\", path = \"\" }",
                "target = { kind = \"gan\", path = \"\", loss = \"js\" }",
            )
    };
    let of = |gan_at: &str| {
        let folder = tempfile::tempdir().unwrap();
        let report = run(Experiment::parse(&swept(gan_at), "gan", "full").unwrap(), folder.path());
        let at = |point: &str| {
            let row = report.results.iter().find(|r| {
                (r.metric.as_str(), r.method.as_str(), r.point.as_str()) == ("quality", "prior", point)
            });
            row.unwrap().measured.mean
        };
        [at("50"), at("200")]
    };
    let snapshots = of("gan_at = \"${updates}\"");
    assert_eq!(snapshots[1], of("")[1]);
    assert_eq!(of("")[0], of("")[1]);
    assert!(snapshots[0] != snapshots[1]);
    let told = |text: &str| Experiment::parse(text, "x.toml", "full").unwrap_err().to_string();
    let unit = told(&swept("gan_at = 50").replace("keep_at = [50, 200]", "standardise = true"));
    assert!(unit.contains("standardises its data"), "{unit}");
    let number = told(&swept("gan_at = \"last\""));
    assert!(number.contains("not a number of updates"), "{number}");
    let alone = told(&GAN.replacen("gan_from = \"train\"", "gan_at = 50", 1));
    assert!(alone.contains("no `gan_from`"), "{alone}");
}
