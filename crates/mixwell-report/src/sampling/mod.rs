//! The report of a run that samples: what its draws are worth, and what to look at.

mod chains;
mod choice;
mod draws;
mod flow;
mod mixing;
mod modes;
mod pairs;
mod table;
mod verdict;
mod warmup;

use mixwell::config::parse;
use mixwell::density::TargetConfig;
use mixwell::io::RunFolder;
use mixwell::sampler::{RunConfig, Summary, read_summary};

use self::draws::Draws;
use crate::html::{escape, list};
use crate::page::{self, Page, name_of};
use crate::{GanRun, ReportError};

/// What every section is made from.
struct Material<'a> {
    folder: &'a RunFolder,
    /// The text of the settings, and what it says.
    text: &'a str,
    config: RunConfig,
    summary: Summary,
    draws: Draws,
}

/// The report of a finished run.
pub(crate) fn page(folder: &RunFolder, text: &str) -> Result<String, ReportError> {
    let config = parse::<RunConfig>(text).map_err(|e| ReportError::Settings {
        file: folder.config().display().to_string(),
        reason: e.to_string(),
    })?;
    if folder.summary().symlink_metadata().is_err() {
        return Err(ReportError::Unfinished { folder: folder.path().into() });
    }
    let summary = read_summary(folder)?;
    let draws = Draws::read(folder, &summary, &config.settings.thresholds)?;
    let run = Material { folder, text, config: config.settings, summary, draws };
    let name = name_of(folder);
    let mut page = Page::new(&format!("{name}: {}", run.summary.verdict_line()));
    page.opening(&verdict::opening(&run, &name));
    page.section("estimates", "Estimates", &table::estimates(&run));
    let samples = samples(&run, &mut page);
    page.section("samples", "Samples of the GAN", &samples);
    let chains = chains::section(&run, &mut page);
    page.section("chains", "Chains", &chains);
    let pairs = pairs::section(&run, &mut page);
    page.section("pairs", "Pairs", &pairs);
    let mixing = mixing::section(&run, &mut page)?;
    page.section("mixing", "Mixing", &mixing);
    let modes = modes::section(&run, &mut page)?;
    page.section("modes", "Modes", &modes);
    let warmup = warmup::section(&run, &mut page)?;
    page.section("warm-up", "Warm-up and moves", &warmup);
    let flow = flow::section(&run, &mut page)?;
    page.section("flow", "Flow and evidence", &flow);
    page.section("settings", "Method and settings", &settings(&run));
    Ok(page.finish(&format!("Made by Mixwell {} from the run folder alone.", run.summary.version)))
}

/// The method, why it was chosen, and every setting.
fn settings(run: &Material<'_>) -> String {
    let how = match run.summary.chosen.is_empty() {
        true => format!("The method is {}, as the settings say.", run.summary.method),
        false => format!("The method is {}; a short look at the target chose it:", run.summary.method),
    };
    format!("<p>{}</p>\n{}{}", escape(&how), list("reasons", &run.summary.chosen), page::settings(run.text))
}

/// What a run among the latents of a GAN has done to its samples.
fn samples(run: &Material<'_>, page: &mut Page) -> String {
    if !matches!(run.config.target, Some(TargetConfig::Gan(_))) {
        return String::new();
    }
    // The networks lie elsewhere and may have gone: that is no reason to have no report.
    let made = GanRun::open(run.folder.path()).and_then(|gan| crate::gan::figures(&gan, page));
    made.unwrap_or_else(|e| format!("<p>There are no pictures: {}.</p>\n", escape(&e.to_string())))
}
