//! Images: what a network sees in them, beside what it sees in a reference; whether they are copies of training images.

use std::io::Write;
use std::path::Path;

use mixwell::image::{Grid, ImageSet};
use mixwell::metric::{ClassBalance, ClassScore};
use mixwell::score::{
    Extractor, ImageScores, Memorisation, Preprocessing, ScoreError, ScoreOptions, SetScore,
};
use mixwell::training_run::{NetworkChoice, images_of_run};
use serde_json::{Value, json};

use crate::cli::ScoreArgs;
use crate::exit::{Status, bad_input};
use mixwell_report::number;

/// Images in the picture, at most.
const PICTURE: usize = 100;

/// Scores images.
pub fn run(args: &ScoreArgs, reference: &Path, weights: &Path) -> anyhow::Result<Status> {
    if args.truth.is_some() {
        return Err(bad_input("`--truth` is for points; they are scored without a reference and --weights"));
    }
    let [black, white] = args.pixels[..] else {
        return Err(bad_input("`--pixels` takes two numbers, what black and white become: 0,1 or -1,1"));
    };
    let preprocessing =
        Preprocessing { pixels: [black, white], pad: args.pad, mean: args.mean.clone(), sd: args.sd.clone() };
    let described = args.network.clone().map(|name| NetworkChoice::Named(name).spec()).transpose()?;
    let extractor = Extractor::open(weights, described, args.features)?;
    let [images, reference] = [read(&args.images)?, read(reference)?];
    let training = args.training.as_deref().map(read).transpose()?;
    if let Some(path) = &args.grid {
        let first = images.slice(0..images.len().min(PICTURE)).map_err(ScoreError::from)?;
        Grid::default().write(path, &first).map_err(ScoreError::from)?;
    }
    let options = ScoreOptions { splits: args.splits, seed: args.seed };
    let scores = mixwell::on_threads(args.threads, || -> Result<_, ScoreError> {
        let scores = ImageScores::of(&extractor, &preprocessing, &images, &reference, options)?;
        let memorisation =
            training.map(|training| Memorisation::of(&images, &training, &reference)).transpose()?;
        Ok(Scores { scores, memorisation })
    });
    let scores = scores.map_err(bad_input)??;
    if args.json {
        writeln!(std::io::stdout(), "{:#}", as_json(args, &extractor, &preprocessing, options, &scores))?;
    } else {
        print(args, &extractor, &preprocessing, &scores)?;
    }
    Ok(Status::Finished)
}

/// What is printed.
struct Scores {
    scores: ImageScores,
    memorisation: Option<Memorisation>,
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
    scores: &Scores,
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
        "scores": scores.scores,
        "memorisation": scores.memorisation,
    })
}

fn print(
    args: &ScoreArgs,
    extractor: &Extractor,
    preprocessing: &Preprocessing,
    scores: &Scores,
) -> std::io::Result<()> {
    let Scores { scores, memorisation } = scores;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(
        out,
        "{:10} {:>8} {:>12} {:>9} {:>14} {:>9}",
        "", "n", "class score", "error", "mean of splits", "sd"
    )?;
    let sets = [("images", &scores.images), ("reference", &scores.reference)];
    for (name, SetScore { n, class_score, .. }) in sets {
        let ClassScore { all, standard_error, mean, sd, .. } = class_score;
        let (error, sd) = (number(*standard_error), number(*sd));
        writeln!(out, "{name:10} {n:>8} {all:>12.4} {error:>9} {mean:>14.4} {sd:>9}")?;
    }
    writeln!(
        out,
        "\n{:10} {:>8} {:>12} {:>9} {:>14}",
        "classes", "smallest", "its share", "entropy", "JSD to equal"
    )?;
    for (name, SetScore { class_balance, .. }) in sets {
        let ClassBalance { smallest, smallest_share, entropy, jsd, .. } = class_balance;
        let (entropy, jsd) = (number(*entropy), number(*jsd));
        writeln!(out, "{name:10} {smallest:>8} {smallest_share:>12.4} {entropy:>9} {jsd:>14}")?;
    }
    if let Some(memorisation) = memorisation {
        print_memorisation(&mut out, memorisation)?;
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
    let of_memorisation = memorisation.iter().flat_map(|m| &m.warnings);
    for warning in scores.warnings.iter().chain(of_memorisation) {
        writeln!(out, "warning: {warning}")?;
    }
    if let Some(path) = &args.grid {
        writeln!(out, "the first images are in {}", path.display())?;
    }
    out.flush()
}

fn print_memorisation(out: &mut impl Write, memorisation: &Memorisation) -> std::io::Result<()> {
    let Memorisation { n_training, images, held_out, farther, suspect, pairs, .. } = memorisation;
    writeln!(
        out,
        "\n{:10} {:>8} {:>12} {:>9} {:>14}    distance to the nearest of {n_training} training images",
        "nearest", "copies", "least", "1 %", "median"
    )?;
    for (name, set) in [("images", images), ("reference", held_out)] {
        let (least, q01, median) = (number(set.least), number(set.q01), number(set.median));
        writeln!(out, "{name:10} {:>8} {least:>12} {q01:>9} {median:>14}", set.copies)?;
    }
    writeln!(
        out,
        "reference farther with probability {:.4} +- {:.4} (1/2: as new as the reference); {suspect:.4} of images nearer than 0.01 of the reference",
        farther.value, farther.standard_error
    )?;
    if let Some(nearest) = pairs.first() {
        writeln!(
            out,
            "the nearest: image {} and training image {} (the first is 0), distance {}",
            nearest.image,
            nearest.training,
            number(nearest.distance)
        )?;
    }
    Ok(())
}
