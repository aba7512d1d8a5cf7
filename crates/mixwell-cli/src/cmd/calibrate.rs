//! `calibrate`: a discriminator's scores made into log-ratios, by scores of real points that it was not trained on and of generated ones.

use std::io::Write;
use std::path::Path;

use mixwell::Stream;
use mixwell::density::{GanTargetConfig, TargetConfig};
use mixwell::gan::calibrate::{
    CalibrationFile, CalibrationMeasures, Calibrator, CalibratorKind, Candidate, Halves, ReliabilityTable,
};
use mixwell::io::{CONFIG_BYTES, atomic_write, read_text};
use mixwell::rng::CALIBRATION_STREAM;
use mixwell::sampler::RunError;
use mixwell::training_run::{GanScores, TrainingRunError};
use mixwell_figures::{Axis, Curve, Curves, CurvesPanel};
use serde_json::json;

use super::config_file::resolve_target;
use crate::cli::CalibrateArgs;
use crate::exit::{Status, bad_input};
use mixwell_report::number;

/// Runs the subcommand.
pub fn run(args: &CalibrateArgs) -> anyhow::Result<Status> {
    let picture = args.out.with_extension("svg");
    for path in [&args.out, &picture] {
        if path.exists() {
            let shown = path.display();
            return Err(bad_input(format!("`{shown}` exists already; choose another name with --out")));
        }
    }
    let scores = scores_of(&args.gan)?;
    let calibrated = mixwell::on_threads(args.threads, || calibrate(args, &scores)).map_err(bad_input)??;
    calibrated.file.write(&args.out).map_err(TrainingRunError::from)?;
    atomic_write(&picture, reliability_picture(&calibrated.file).as_bytes())
        .map_err(TrainingRunError::from)?;
    if args.json {
        writeln!(std::io::stdout(), "{:#}", as_json(args, &calibrated))?;
    } else {
        print(args, &picture, &calibrated)?;
    }
    Ok(Status::Finished)
}

/// The networks of a config with a target of `kind = "gan"`, or of the folder of a training.
fn scores_of(path: &Path) -> anyhow::Result<GanScores> {
    let shown = path.display();
    if path.is_dir() {
        let path = Some(path.to_string_lossy().into_owned());
        let gan = GanTargetConfig { path, ..GanTargetConfig::default() };
        return Ok(GanScores::open(&gan).map_err(RunError::Target)?);
    }
    let text = read_text(path, CONFIG_BYTES)
        .map_err(|e| bad_input(format!("cannot read the config `{shown}`: {e}; check the path")))?;
    let table: toml::Table = text.parse().map_err(|e| bad_input(format!("{shown}: {e}")))?;
    let target = table.get("target").cloned();
    let none = || bad_input(format!("`{shown}` has no [target]; a calibration needs one of kind = \"gan\""));
    let target: TargetConfig =
        target.ok_or_else(none)?.try_into().map_err(|e| bad_input(format!("{shown}: [target]: {e}")))?;
    let TargetConfig::Gan(gan) = target else {
        return Err(bad_input(format!(
            "the target of `{shown}` is of kind = \"{}\"; only the discriminator of a \"gan\" can be calibrated",
            target.kind()
        )));
    };
    // The file that is to be made may be named already.
    let mut target = TargetConfig::Gan(Box::new(GanTargetConfig { calibration: None, ..*gan }));
    resolve_target(&mut target, path)?;
    let TargetConfig::Gan(gan) = target else { unreachable!("it stays a GAN") };
    Ok(GanScores::open(&gan).map_err(RunError::Target)?)
}

/// What came out.
struct Calibrated {
    file: CalibrationFile,
    candidates: Vec<(CalibratorKind, Candidate)>,
    warnings: Vec<String>,
}

fn calibrate(args: &CalibrateArgs, scores: &GanScores) -> anyhow::Result<Calibrated> {
    let mut stream = Stream::new(args.seed, CALIBRATION_STREAM);
    let real = scores.real_points(&args.real, args.count, &mut stream)?;
    let real = scores.of_points(real.as_batch());
    let generated = scores.of_generated(real.len(), &mut stream);
    let halves = Halves::of(&real, &generated, &mut stream).map_err(bad_input)?;
    let kinds = CalibratorKind::ALL.into_iter();
    let candidates = kinds
        .map(|kind| Ok((kind, halves.candidate(kind).map_err(bad_input)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let chosen =
        &candidates.iter().find(|(kind, _)| *kind == args.method.kind()).expect("all kinds are there").1;
    let file =
        halves.file(chosen, scores.generator_sha256(), scores.discriminator_sha256()).map_err(bad_input)?;
    let warnings = [scores.notes(), &halves.warnings(chosen)].concat();
    Ok(Calibrated { file, warnings, candidates })
}

fn reliability_picture(file: &CalibrationFile) -> String {
    let curve = |name: &str, table: &ReliabilityTable| Curve {
        name: name.into(),
        x: table.bins.iter().map(|b| b.predicted).collect(),
        y: table.bins.iter().map(|b| b.observed).collect(),
        error: table.bins.iter().map(|b| b.standard_error).collect(),
        exact: None,
    };
    let diagonal =
        Curve { name: "calibrated".into(), x: vec![0.0, 1.0], y: vec![0.0, 1.0], ..Curve::default() };
    let curves =
        vec![diagonal, curve("before", &file.reliability_before), curve("after", &file.reliability_after)];
    Curves {
        title: format!("Reliability, {} calibration", file.calibrator.kind()),
        x: Axis::new("probability of being real"),
        y: Axis::new("share that is real"),
        panels: vec![CurvesPanel { title: String::new(), curves }],
    }
    .svg()
}

fn as_json(args: &CalibrateArgs, calibrated: &Calibrated) -> serde_json::Value {
    let methods: serde_json::Map<String, serde_json::Value> = calibrated
        .candidates
        .iter()
        .map(|(kind, candidate)| (kind.name().to_string(), json!(candidate.measures)))
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"), "gan": args.gan, "real": args.real, "seed": args.seed, "out": args.out,
        "method": calibrated.file.calibrator.kind(), "calibrator": calibrated.file.calibrator, "methods": methods,
        "warnings": calibrated.warnings,
    })
}

fn print(args: &CalibrateArgs, picture: &Path, calibrated: &Calibrated) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let CalibrationMeasures { n_real, n_generated, .. } = calibrated.file.after;
    writeln!(out, "on {n_real} real and {n_generated} generated points that nothing was fitted to:")?;
    writeln!(out, "{:12} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "Brier", "error", "log loss", "error", "Z")?;
    for (kind, Candidate { measures, .. }) in &calibrated.candidates {
        let chosen = if *kind == args.method.kind() { "*" } else { "" };
        writeln!(
            out,
            "{:12} {:>9} {:>9} {:>9} {:>9} {:>9}",
            format!("{kind}{chosen}"),
            number(measures.brier.value),
            number(measures.brier.standard_error),
            number(measures.log_loss.value),
            number(measures.log_loss.standard_error),
            measures.z.map_or("-".into(), number),
        )?;
    }
    let formula = match &calibrated.file.calibrator {
        Calibrator::Raw {} => "d".to_string(),
        Calibrator::Linear(c) => format!("{} D + {}", number(c.a), number(c.b)),
        Calibrator::Logistic(c) => format!("{} d + {}", number(c.a), number(c.b)),
        Calibrator::Beta(c) => format!("{} ln D - {} ln(1 - D) + {}", number(c.a), number(c.b), number(c.c)),
        Calibrator::Isotonic(c) => format!("steps through {} scores; no gradient", c.scores.len()),
    };
    writeln!(out, "* the log-ratio is {formula}")?;
    for warning in &calibrated.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    writeln!(out, "written to {}, shares beside probabilities to {}", args.out.display(), picture.display())?;
    out.flush()
}
