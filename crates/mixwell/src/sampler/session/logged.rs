//! What a run's `log.txt` keeps of its events.

use std::io::Write;

use crate::io::{RunFolder, timestamp};
use crate::sampler::error::RunError;
use crate::sampler::observer::{Event, Observer};

/// Passes events on and keeps the notable ones in the run's log.
pub(super) struct Logged {
    inner: Box<dyn Observer>,
    log: Option<std::fs::File>,
}

impl Logged {
    pub fn new(inner: Box<dyn Observer>, folder: Option<&RunFolder>) -> Result<Self, RunError> {
        let log = folder.map(RunFolder::open_log).transpose()?;
        Ok(Self { inner, log })
    }

    /// The log is a convenience: a line that cannot be written does not end a run.
    pub fn line(&mut self, text: &str) {
        if let Some(log) = &mut self.log {
            let _ = writeln!(log, "{} {text}", timestamp(std::time::SystemTime::now()));
        }
    }
}

impl Observer for Logged {
    fn event(&mut self, event: &Event) {
        match event {
            Event::PhaseEnded(phase) => self.line(&format!("{} ended", phase.name())),
            Event::Choice(text) => self.line(text),
            Event::Warning(text) => self.line(&format!("warning: {text}")),
            Event::Planned { memory, disk } => {
                self.line(&format!(
                    "needs about {} MB of memory, up to {} MB of disk",
                    memory >> 20,
                    disk >> 20
                ));
            }
            Event::Progress(_) | Event::Checkpoint => {}
        }
        self.inner.event(event);
    }
}
