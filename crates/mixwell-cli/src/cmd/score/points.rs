//! Points: rates of known modes, distances from known curves, and the same of exact draws.

use std::io::Write;
use std::path::{Path, PathBuf};

use mixwell::Points;
use mixwell::density::{Target, TargetConfig};
use mixwell::io::{CONFIG_BYTES, read_text};
use mixwell::metric::{CurveDistance, LeastPerMode, ModeRadius, ModeRateOptions, ModeRates};
use mixwell::score::{KnownLawScores, PointScores};
use mixwell::training_run::{points_of_run, read_points};
use serde_json::json;

use super::super::config_file::build_target;
use super::super::truth::read_truth;
use crate::cli::ScoreArgs;
use crate::exit::{Status, bad_input};
use mixwell_report::number;

/// Scores points.
pub fn run(args: &ScoreArgs) -> anyhow::Result<Status> {
    refuse_options_of_images(args)?;
    let options = ModeRateOptions {
        radius: args.deviations.map_or(ModeRadius::Quantile(args.quantile), ModeRadius::Deviations),
        least: args.least_share.map_or(LeastPerMode::Draws(args.least), LeastPerMode::ShareOfExpected),
    };
    let path = &args.images;
    let truth = match &args.truth {
        Some(file) => read_truth(file)?,
        None => own_truth(path)?,
    };
    let points: Points = match points_of_run(path, &args.variable)? {
        Some(points) => points,
        None => read_points(path, truth.dim(), None, args.seed)?,
    };
    let scored = mixwell::on_threads(args.threads, || {
        PointScores::of(points.as_batch(), truth.as_ref(), options, args.seed)
    });
    let scores = scored.map_err(bad_input)??;
    if args.json {
        let value = json!({
            "version": env!("CARGO_PKG_VERSION"), "points": path, "truth": args.truth, "seed": args.seed,
            "options": options, "scores": scores,
        });
        writeln!(std::io::stdout(), "{value:#}")?;
    } else {
        print(&scores, &options)?;
    }
    Ok(Status::Finished)
}

fn refuse_options_of_images(args: &ScoreArgs) -> anyhow::Result<()> {
    for (name, given) in [
        ("--network", args.network.is_some()),
        ("--features", args.features.is_some()),
        ("--grid", args.grid.is_some()),
        ("--training", args.training.is_some()),
    ] {
        if given {
            return Err(bad_input(format!(
                "`{name}` is for images; to score some, give a reference and --weights"
            )));
        }
    }
    Ok(())
}

/// The target of a run itself, where its modes or curves are known.
fn own_truth(path: &Path) -> anyhow::Result<Box<dyn Target>> {
    let shown = path.display();
    let needs = "to score points, name the law that they should follow with --truth (a TOML file with a [target]); to score images, give a reference and --weights";
    let config: PathBuf = path.join("config.toml");
    if !config.is_file() {
        return Err(bad_input(format!(
            "`{shown}` is not the folder of a run, so nothing says what its points should be; {needs}"
        )));
    }
    let text = read_text(&config, CONFIG_BYTES)
        .map_err(|e| bad_input(format!("cannot read `{}`: {e}", config.display())))?;
    let own = TargetConfig::in_text(&text).map(|config| build_target(Some(&config))).transpose()?;
    own.filter(|own| PointScores::can_be_of(own.as_ref())).ok_or_else(|| {
        bad_input(format!(
            "the target of `{shown}` has neither round modes nor curves that are known; {needs}"
        ))
    })
}

fn print(scores: &PointScores, options: &ModeRateOptions) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let sets: Vec<(&str, &KnownLawScores)> =
        [("points", Some(&scores.points)), ("exact draws", scores.exact.as_ref())]
            .into_iter()
            .filter_map(|(name, scores)| Some((name, scores?)))
            .collect();
    if scores.points.modes.is_some() {
        writeln!(
            out,
            "{:12} {:>8} {:>12} {:>9} {:>9} {:>9} {:>9} {:>14}",
            "", "n", "high quality", "error", "modes", "mode sd", "JSD", "JSD of modes"
        )?;
        for (name, scores) in &sets {
            let Some(ModeRates {
                n,
                high_quality,
                standard_error,
                covered,
                n_modes,
                mode_sd,
                jsd,
                jsd_of_modes,
                ..
            }) = &scores.modes
            else {
                continue;
            };
            let or_none = |v: &Option<f64>| v.map_or("-".to_string(), number);
            writeln!(
                out,
                "{name:12} {n:>8} {high_quality:>12.4} {:>9} {:>9} {:>9} {:>9} {:>14}",
                number(*standard_error),
                format!("{covered}/{n_modes}"),
                or_none(mode_sd),
                number(*jsd),
                or_none(jsd_of_modes),
            )?;
        }
        let near = match options.radius {
            ModeRadius::Quantile(p) => format!("as near as {p} of a mode's own draws"),
            ModeRadius::Deviations(r) => format!("within {r} standard deviations"),
        };
        let least = match options.least {
            LeastPerMode::Draws(1) => "by 1 such draw or more".to_string(),
            LeastPerMode::Draws(least) => format!("by {least} such draws or more"),
            LeastPerMode::ShareOfExpected(share) => format!("by {share} of what its weight expects"),
        };
        writeln!(out, "high quality: {near}, to the nearest mode only; a mode is covered {least}")?;
    }
    if scores.points.curve.is_some() {
        writeln!(out, "{:12} {:>8} {:>9} {:>9} {:>9}", "distance", "n", "median", "90 %", "99 %")?;
        for (name, scores) in &sets {
            let Some(CurveDistance { n, median, q90, q99 }) = &scores.curve else { continue };
            writeln!(out, "{name:12} {n:>8} {:>9} {:>9} {:>9}", number(*median), number(*q90), number(*q99))?;
        }
    }
    out.flush()
}
