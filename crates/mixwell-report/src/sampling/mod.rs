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
use mixwell::io::RunFolder;
use mixwell::sampler::{RunConfig, Summary, read_summary};

use self::draws::Draws;
use crate::ReportError;
use crate::html::{escape, list};
use crate::page::Page;

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
    let name = name(folder);
    let mut page = Page::new(&format!("{name}: {}", run.summary.verdict_line()));
    page.opening(&verdict::opening(&run, &name));
    page.section("estimates", "Estimates", &table::estimates(&run));
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

/// The name of the run: that of its folder.
fn name(folder: &RunFolder) -> String {
    let path = std::path::absolute(folder.path()).unwrap_or_else(|_| folder.path().into());
    path.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned())
}

/// The method, why it was chosen, and every setting.
fn settings(run: &Material<'_>) -> String {
    let how = match run.summary.chosen.is_empty() {
        true => format!("The method is {}, as the settings say.", run.summary.method),
        false => format!("The method is {}; a short look at the target chose it:", run.summary.method),
    };
    format!(
        "<p>{}</p>\n{}<details><summary>Every setting (config.toml)</summary>\n<pre><code>{}</code></pre></details>\n",
        escape(&how),
        list("reasons", &run.summary.chosen),
        escape(run.text)
    )
}
