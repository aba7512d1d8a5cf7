//! `reproduce`: run a published experiment, and tell whether its numbers came out.

use std::io::Write;
use std::path::{Path, PathBuf};

use mixwell::sampler::Observer as _;
use mixwell::training_run::{TrainingEvent, TrainingObserver as _};
use mixwell_reproduce::{Event, Observer, Outcome, Report, Runner, catalogue, index, number};

use crate::cli::ReproduceArgs;
use crate::exit::{Status, bad_input};
use crate::message::tell;
use crate::progress::{Line, TrainingLine};
use crate::signals::interrupt_flag;

/// Runs the subcommand.
pub fn run(args: &ReproduceArgs) -> anyhow::Result<Status> {
    if args.threads == Some(0) {
        return Err(bad_input("--threads is 0, but at least 1 is needed"));
    }
    let preset = args.preset.name();
    let experiments = catalogue::find(&args.id, preset)?;
    let root = args.out.clone().unwrap_or_else(|| Path::new("runs/reproduce").join(preset));
    let interrupt = interrupt_flag()?;
    let mut status = Status::Finished;
    for experiment in experiments {
        if let Some(name) = experiment.missing() {
            let sentence = format!("{} needs data that {name} must name, and it is not set", experiment.id);
            if args.id != "all" {
                return Err(bad_input(format!("{sentence}; set it to the folder that has them")));
            }
            tell(&format!("skipped: {sentence}"));
            continue;
        }
        let out: PathBuf = root.join(&experiment.id);
        let mut runner = Runner::new(experiment, preset, &out)
            .interrupt(interrupt.clone())
            .finished_only(args.finished_only)
            .observer(Cells {
                quiet: args.quiet,
                line: Line::new(args.quiet),
                training: TrainingLine::new(args.quiet),
            });
        if let Some(threads) = args.threads {
            runner = runner.threads(threads);
        }
        match runner.run()? {
            Outcome::Interrupted => {
                tell("interrupted; the same command goes on from here");
                return Ok(Status::Interrupted);
            }
            Outcome::Finished(report) => {
                print(&report, &out)?;
                if !report.passed {
                    status = Status::NotReproduced;
                }
            }
        }
    }
    let page = root.join("INDEX.md");
    mixwell::io::atomic_write(&page, index(&root)?.as_bytes())?;
    if !args.quiet {
        tell(&format!("all experiments in `{}` side by side: {}", root.display(), page.display()));
    }
    Ok(status)
}

/// One line per rule, then the score.
fn print(report: &Report, out: &Path) -> std::io::Result<()> {
    let mut text = std::io::stdout().lock();
    writeln!(text, "{}: {}", report.id, report.title)?;
    for row in &report.results {
        for judged in &row.rules {
            let outcome = if judged.passed { "pass" } else { "MISS" };
            let at = if row.point.is_empty() { String::new() } else { format!(" at {}", row.point) };
            let measured = number(row.measured.mean);
            let published = row.published.map_or_else(String::new, |p| format!(" (published {})", number(p)));
            writeln!(
                text,
                "  {outcome}  {} of {}{at}: {measured}{published}, {}",
                row.metric, row.method, judged.rule
            )?;
        }
    }
    let (passed, total) = report.score();
    let part = report.part().map_or_else(String::new, |part| format!(" in {part}"));
    writeln!(
        text,
        "  {passed} of {total} rules hold{part}; tables are in {}",
        out.join("README.md").display()
    )
}

/// A line for every cell, and the sampler's or training's own line while one runs.
struct Cells {
    quiet: bool,
    line: Line,
    training: TrainingLine,
}

impl Observer for Cells {
    fn event(&mut self, event: &Event) {
        match event {
            Event::CellStarted { number, total, name } if !self.quiet => {
                tell(&format!("[{number}/{total}] {name}"));
                self.line = Line::new(false);
                self.training = TrainingLine::new(false);
            }
            // How much memory each of many small runs needs is of no interest.
            Event::Sampling(mixwell::sampler::Event::Planned { .. }) => {}
            Event::Sampling(event) => self.line.event(event),
            Event::Training(TrainingEvent::Planned { .. }) => {}
            Event::Training(event) => self.training.event(event),
            _ => {}
        }
    }
}
