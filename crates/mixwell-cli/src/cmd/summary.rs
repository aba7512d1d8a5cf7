//! `summary`: means, errors, diagnostics and the verdict of a run; what came out of a training.

use std::io::{BufWriter, Write};

use mixwell::io::RunFolder;
use mixwell::sampler::{RunError, Summary, read_summary};
use mixwell::training_run::is_training;
use mixwell_report::number;

use super::{run, train};
use crate::cli::SummaryArgs;
use crate::exit::{Status, bad_input};

/// Rows shown of the table of parameters; the rest is in summary.json.
const MOST_ROWS: usize = 60;

/// Runs the subcommand.
pub fn run(args: &SummaryArgs) -> anyhow::Result<Status> {
    let folder = RunFolder::view(&args.dir).map_err(RunError::from)?;
    if is_training(&folder.read_text(&folder.config()).map_err(RunError::from)?) {
        let summary = train::summary(&folder)?;
        if args.json {
            writeln!(std::io::stdout(), "{}", summary.to_json())?;
        } else {
            train::print(&summary)?;
        }
        return Ok(Status::Finished);
    }
    let summary = if folder.summary().symlink_metadata().is_ok() {
        // Draws that are damaged must not pass for those that the summary speaks of.
        read_summary(&folder)?
    } else {
        // Not finished yet: what the last checkpoint holds.
        let text = folder.read_text(&folder.config()).map_err(RunError::from)?;
        let config = mixwell::config::parse(&text)
            .map_err(|e| bad_input(format!("{}, {e}", folder.config().display())))?;
        run::sampler(config.settings)?.folder(&args.dir).peek()?
    };
    if args.json {
        writeln!(std::io::stdout(), "{}", summary.to_json())?;
    } else {
        print(&summary)?;
    }
    Ok(Status::Finished)
}

/// Prints the tables and the verdict.
pub fn print(s: &Summary) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let width = s.parameters.iter().take(MOST_ROWS).map(|p| p.name.len()).max().unwrap_or(0).max(9);
    writeln!(
        out,
        "{:width$} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8} {:>6}",
        "parameter",
        "mean",
        "sd",
        "mcse mean",
        "mcse sd",
        "5 %",
        "median",
        "95 %",
        "ess bulk",
        "ess tail",
        "R-hat"
    )?;
    for p in s.parameters.iter().take(MOST_ROWS) {
        let v = &p.summary;
        let moment = |v| if p.heavy_tails { format!("{}*", number(v)) } else { number(v) };
        writeln!(
            out,
            "{:width$} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>8.0} {:>8.0} {:>6.3}",
            p.name,
            moment(v.mean),
            moment(v.sd),
            moment(v.mcse_mean),
            moment(v.mcse_sd),
            number(v.q5),
            number(v.median),
            number(v.q95),
            v.ess_bulk,
            v.ess_tail,
            v.rhat
        )?;
    }
    if s.parameters.len() > MOST_ROWS {
        writeln!(out, ".. and {} more in summary.json", s.parameters.len() - MOST_ROWS)?;
    }
    if s.parameters.iter().take(MOST_ROWS).any(|p| p.heavy_tails) {
        writeln!(out, "* heavy tails: this number may not exist; use median and quantiles")?;
    }
    writeln!(out)?;
    for (name, a) in &s.acceptance {
        let step = a.step_size.map_or_else(String::new, |e| format!(", step size {}", number(e)));
        let hot = a.temperature.map_or_else(String::new, |t| format!(", temperature {}", number(t)));
        let short =
            if a.fallbacks > 0 { format!(", fell back {} times", a.fallbacks) } else { String::new() };
        writeln!(
            out,
            "{name} ({}): acceptance {:.3} (sd over chains {:.3}), moved {:.3}{step}{hot}{short}",
            a.role, a.acceptance_rate, a.sd_over_chains, a.move_rate
        )?;
    }
    if let Some(weights) = &s.mode_weights {
        let shown: Vec<String> = weights.iter().map(|w| format!("{w:.3}")).collect();
        let exact = s.exact_mode_weights.as_ref().map_or_else(String::new, |exact| {
            format!(" (exact {})", exact.iter().map(|w| format!("{w:.3}")).collect::<Vec<_>>().join(" "))
        });
        writeln!(out, "mode weights {}{exact}", shown.join(" "))?;
    }
    if let (Some(value), Some(error)) = (s.log_evidence, s.log_evidence_se) {
        writeln!(out, "log evidence {value:.4} +- {error:.4} from {}", s.proposal_words())?;
    }
    writeln!(
        out,
        "{} chains x {} draws in {:.1} s; {} gradients, {} densities",
        s.chains, s.draws, s.wall_seconds, s.gradient_evaluations, s.density_evaluations
    )?;
    for reason in &s.chosen {
        writeln!(out, "chosen: {reason}")?;
    }
    writeln!(out, "\n{}", s.verdict_line())?;
    for reason in &s.reasons {
        writeln!(out, "  - {reason}")?;
    }
    for warning in &s.warnings {
        writeln!(out, "  warning: {warning}")?;
    }
    out.flush()
}
