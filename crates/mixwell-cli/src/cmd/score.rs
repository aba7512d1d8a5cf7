//! `score`: what a network sees in images, beside what it sees in a reference.

use std::io::Write;
use std::path::Path;

use mixwell::image::{Grid, ImageSet};
use mixwell::metric::ClassScore;
use mixwell::score::{Extractor, ImageScores, Preprocessing, ScoreError, ScoreOptions, SetScore};
use mixwell::training_run::{NetworkChoice, images_of_run};
use serde_json::{Value, json};

use super::summary::number;
use crate::cli::ScoreArgs;
use crate::exit::{Status, bad_input};

/// Images in the picture, at most.
const PICTURE: usize = 100;

/// Runs the subcommand.
pub fn run(args: &ScoreArgs) -> anyhow::Result<Status> {
    let [black, white] = args.pixels[..] else {
        return Err(bad_input("`--pixels` takes two numbers, what black and white become: 0,1 or -1,1"));
    };
    let preprocessing =
        Preprocessing { pixels: [black, white], pad: args.pad, mean: args.mean.clone(), sd: args.sd.clone() };
    let described = args.network.clone().map(|name| NetworkChoice::Named(name).spec()).transpose()?;
    let extractor = Extractor::open(&args.weights, described, args.features)?;
    let [images, reference] = [read(&args.images)?, read(&args.reference)?];
    if let Some(path) = &args.grid {
        let first = images.slice(0..images.len().min(PICTURE)).map_err(ScoreError::from)?;
        Grid::default().write(path, &first).map_err(ScoreError::from)?;
    }
    let options = ScoreOptions { splits: args.splits, seed: args.seed };
    let scores = mixwell::on_threads(args.threads, || {
        ImageScores::of(&extractor, &preprocessing, &images, &reference, options)
    });
    let scores = scores.map_err(bad_input)??;
    if args.json {
        writeln!(std::io::stdout(), "{:#}", as_json(args, &extractor, &preprocessing, options, &scores))?;
    } else {
        print(args, &extractor, &preprocessing, &scores)?;
    }
    Ok(Status::Finished)
}

/// The images of a file or folder, of the draws of a run, or of what a training kept.
fn read(path: &Path) -> anyhow::Result<ImageSet> {
    match images_of_run(path)? {
        Some(images) => Ok(images),
        None => Ok(ImageSet::read(path).map_err(ScoreError::from)?),
    }
}

fn as_json(
    args: &ScoreArgs,
    extractor: &Extractor,
    preprocessing: &Preprocessing,
    options: ScoreOptions,
    scores: &ImageScores,
) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "images": args.images,
        "reference": args.reference,
        "extractor": {
            "weights": extractor.weights(),
            "sha256": extractor.sha256(),
            "network": extractor.spec(),
            "features_behind_layer": extractor.layers(),
            "features": extractor.n_features(),
            "classes": extractor.n_classes(),
        },
        "preprocessing": preprocessing,
        "options": options,
        "scores": scores,
    })
}

fn print(
    args: &ScoreArgs,
    extractor: &Extractor,
    preprocessing: &Preprocessing,
    scores: &ImageScores,
) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(
        out,
        "{:10} {:>8} {:>12} {:>9} {:>14} {:>9}",
        "", "n", "class score", "error", "mean of splits", "sd"
    )?;
    for (name, SetScore { n, class_score }) in [("images", &scores.images), ("reference", &scores.reference)]
    {
        let ClassScore { all, standard_error, mean, sd, .. } = class_score;
        let (error, sd) = (number(*standard_error), number(*sd));
        writeln!(out, "{name:10} {n:>8} {all:>12.4} {error:>9} {mean:>14.4} {sd:>9}")?;
    }
    let d = &scores.frechet_distance;
    writeln!(
        out,
        "\nFrechet distance {} +- {} ({} without the excess of finite sets)",
        number(d.value),
        number(d.standard_error),
        number(d.corrected())
    )?;
    let Preprocessing { pixels: [black, white], pad, mean, sd } = preprocessing;
    let padded = if *pad { ", padded with black" } else { "" };
    let standardised =
        if mean.is_empty() { String::new() } else { format!(", means {mean:?} and deviations {sd:?}") };
    writeln!(
        out,
        "{} features behind layer {} of {}; pixels from {black} to {white}{padded}{standardised}",
        extractor.n_features(),
        extractor.layers(),
        extractor.spec().layers.len()
    )?;
    writeln!(out, "weights {}, sha256 {}", extractor.weights().display(), extractor.sha256())?;
    for warning in &scores.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    if let Some(path) = &args.grid {
        writeln!(out, "the first images are in {}", path.display())?;
    }
    out.flush()
}
