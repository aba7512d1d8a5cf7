//! One progress line, redrawn at most ten times a second; plain lines every few seconds when not on a terminal.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use mixwell::sampler::{Event, Observer, Phase, Progress};
use mixwell::training_run::{TrainingEvent, TrainingObserver};

use crate::message::tell;

/// Time between plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Shows how a run goes on standard error.
pub struct Line {
    bar: Option<ProgressBar>,
    quiet: bool,
    printed: Option<Instant>,
    phase_started: Instant,
}

impl Line {
    /// A line on the terminal, plain lines elsewhere, nothing but warnings when `quiet`.
    pub fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10));
            let style = ProgressStyle::with_template("{bar:20} {msg}").expect("a valid template");
            bar.set_style(style.progress_chars("=> "));
            bar
        });
        Self { bar, quiet, printed: None, phase_started: Instant::now() }
    }

    fn plain(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(text)),
            None => tell(text),
        }
    }

    fn progress(&mut self, p: &Progress) {
        if self.quiet {
            return;
        }
        let (done, total) = p.total;
        let in_phase = self.phase_started.elapsed();
        self.show(done as u64, total as u64, || describe(p, in_phase));
    }

    /// Redraws the line, or prints one when it is time for it.
    fn show(&mut self, done: u64, total: u64, text: impl Fn() -> String) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(text());
            }
            None => {
                if self.printed.is_none_or(|at| at.elapsed() >= PLAIN_EVERY) {
                    tell(&text());
                    self.printed = Some(Instant::now());
                }
            }
        }
    }
}

/// The words of the line: phase, draws, acceptance, loss, R-hat, time left.
fn describe(p: &Progress, in_phase: Duration) -> String {
    let mut text = format!("{} {}/{}", p.phase.name(), p.draws.0, p.draws.1);
    if p.training {
        text.push_str(" training");
    }
    if let Some(rate) = p.local_acceptance {
        text.push_str(&format!("  local {rate:.2}"));
    }
    if let Some(rate) = p.global_acceptance {
        text.push_str(&format!("  global {rate:.2}"));
    }
    if let Some(loss) = p.flow_loss {
        text.push_str(&format!("  flow loss {loss:.2}"));
    }
    if let Some(rhat) = p.max_rhat {
        text.push_str(&format!("  R-hat {rhat:.3}"));
    }
    let (done, total) = p.draws;
    if done > 0 && total > done {
        let left = in_phase.mul_f64((total - done) as f64 / done as f64);
        text.push_str(&format!("  phase left {}", clock(left)));
    }
    text.push_str(&format!("  elapsed {}", clock(p.elapsed)));
    text
}

fn clock(time: Duration) -> String {
    let s = time.as_secs();
    if s >= 3600 {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    } else {
        format!("{}:{:02}", s / 60, s % 60)
    }
}

impl Observer for Line {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Planned { memory, disk } if !self.quiet => {
                self.plain(&format!(
                    "needs about {} of memory, up to {} of disk",
                    HumanBytes(*memory),
                    HumanBytes(*disk)
                ));
            }
            Event::Progress(p) => self.progress(p),
            Event::PhaseEnded(phase) => {
                self.phase_started = Instant::now();
                self.printed = None;
                if *phase == Phase::Production
                    && let Some(bar) = &self.bar
                {
                    bar.finish_and_clear();
                }
            }
            Event::Choice(text) if !self.quiet => self.plain(text),
            Event::Warning(text) => self.plain(&format!("warning: {text}")),
            Event::Planned { .. } | Event::Choice(_) | Event::Checkpoint => {}
        }
    }
}

/// Shows how a training goes on standard error.
pub struct TrainingLine {
    line: Line,
}

impl TrainingLine {
    /// A line on the terminal, plain lines elsewhere, nothing but warnings when `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { line: Line::new(quiet) }
    }
}

impl TrainingObserver for TrainingLine {
    fn event(&mut self, event: &TrainingEvent) {
        match event {
            TrainingEvent::Planned { memory, time } if !self.line.quiet => {
                // A second or two more or less are not worth a word.
                let time = time.filter(|t| t.as_secs() >= 10);
                let time =
                    time.map_or_else(String::new, |t| format!(", and {} at the present speed", clock(t)));
                self.line.plain(&format!("needs about {} of memory{time}", HumanBytes(*memory)));
            }
            TrainingEvent::Progress { updates, in_session, words, elapsed } => {
                let (done, total) = *updates;
                let left = elapsed.1.mul_f64((total - done) as f64 / (*in_session).max(1) as f64);
                let text = || {
                    let (left, elapsed) = (clock(left), clock(elapsed.0));
                    format!("update {done}/{total}  {words}  left {left}  elapsed {elapsed}")
                };
                self.line.show(done, total, text);
                if done == total
                    && let Some(bar) = &self.line.bar
                {
                    bar.finish_and_clear();
                }
            }
            TrainingEvent::Warning(text) => self.line.plain(&format!("warning: {text}")),
            TrainingEvent::Planned { .. } | TrainingEvent::Checkpoint => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_known() {
        let p = Progress {
            phase: Phase::Production,
            draws: (250, 1000),
            total: (750, 1500),
            training: false,
            local_acceptance: Some(0.574),
            global_acceptance: None,
            flow_loss: None,
            max_rhat: Some(1.0042),
            elapsed: Duration::from_secs(70),
        };
        let expected = "production 250/1000  local 0.57  R-hat 1.004  phase left 0:30  elapsed 1:10";
        assert_eq!(describe(&p, Duration::from_secs(10)), expected);
    }
}
