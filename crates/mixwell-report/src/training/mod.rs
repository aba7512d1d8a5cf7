//! The report of a training: whether it went well, its curves, its pictures and, in the plane, what was learned.

mod curves;
mod landscape;
mod pictures;
mod samples;

use mixwell::io::RunFolder;
use mixwell::training_run::{TrainingSummary, read_training_summary};

use crate::ReportError;
use crate::html::{count, escape, facts, list, number};
use crate::page::{Page, name_of, settings};

pub use self::curves::training_curve;

/// The report of a finished training.
pub(crate) fn page(folder: &RunFolder, text: &str) -> Result<String, ReportError> {
    if folder.summary().symlink_metadata().is_err() {
        return Err(ReportError::Unfinished { folder: folder.path().into() });
    }
    let summary = read_training_summary(folder)?;
    let name = name_of(folder);
    let mut page = Page::new(&format!("{name}: {}", summary.verdict_line()));
    page.opening(&opening(&summary, &name));
    page.section(
        "results",
        "What came out",
        &format!("<pre class=\"words\">{}</pre>\n", escape(&summary.lines.join("\n"))),
    );
    let learned = landscape::figures(folder, &summary, &mut page) + &samples::figure(folder, &mut page);
    page.section("law", "What was learned", &learned);
    page.section("pictures", "Pictures", &pictures::figures(folder));
    let curves = curves::section(folder, &summary, &mut page)?;
    page.section("curves", "Curves", &curves);
    page.section("settings", "Settings", &settings(text));
    Ok(page.finish(&format!("Made by Mixwell {} from the run folder alone.", env!("CARGO_PKG_VERSION"))))
}

/// The head of the page.
fn opening(summary: &TrainingSummary, name: &str) -> String {
    let kind = match &*summary.kind {
        "gan" => "a GAN",
        "ratio" => "a density ratio",
        "energy" => "an energy",
        "classifier" => "a classifier",
        "long_chains" => "long chains",
        other => other,
    };
    let what = match &*summary.kind {
        "long_chains" => format!("Long chains under what was trained: {} rounds", count(summary.updates)),
        _ => format!("The training of {kind}: {} updates", count(summary.updates)),
    };
    let (class, mark, line) = match summary.went_well {
        true => ("good", "\u{2713}", "Training went well."),
        false => ("bad", "\u{2715}", "Training went badly."),
    };
    format!(
        "<header>\n<h1>{}</h1>\n<p class=\"what\">{}</p>\n</header>\n\
         <div class=\"verdict {class}\" role=\"status\"><p><span aria-hidden=\"true\">{mark}</span> {line}</p>{}</div>\n{}",
        escape(name),
        escape(&what),
        list("why", &summary.problems),
        facts(&[
            ("updates", count(summary.updates)),
            ("seconds", number(summary.wall_seconds)),
            ("seed", summary.seed.to_string())
        ])
    )
}
