//! What a reproduction tells while it runs.

use std::sync::{Arc, Mutex};

use mixwell::{sampler, training_run};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A cell begins: its number from 1, how many there are, and its name.
    CellStarted {
        /// Its number.
        number: usize,
        /// Number of cells.
        total: usize,
        /// Method, point, repetition.
        name: String,
    },
    /// The cell's result was in the folder already.
    CellFound {
        /// Its number.
        number: usize,
        /// Number of cells.
        total: usize,
    },
    /// What the cell's sampler tells.
    Sampling(sampler::Event),
    /// What the cell's training tells.
    Training(training_run::TrainingEvent),
    /// The cell's draws are being measured.
    Measuring,
    /// The cell is stored.
    CellFinished {
        /// Its number.
        number: usize,
        /// Number of cells.
        total: usize,
    },
}

/// Follows a reproduction.
pub trait Observer: Send {
    /// Called on the thread that runs; should return quickly.
    fn event(&mut self, event: &Event);
}

/// One observer, told by the runner and by the sampler of every cell.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<dyn Observer>>);

impl Shared {
    pub fn new(observer: impl Observer + 'static) -> Self {
        Self(Arc::new(Mutex::new(observer)))
    }

    pub fn tell(&self, event: &Event) {
        // An observer that panicked has nothing more to say; the run goes on.
        if let Ok(mut observer) = self.0.lock() {
            observer.event(event);
        }
    }
}

impl sampler::Observer for Shared {
    fn event(&mut self, event: &sampler::Event) {
        self.tell(&Event::Sampling(event.clone()));
    }
}

impl training_run::TrainingObserver for Shared {
    fn event(&mut self, event: &training_run::TrainingEvent) {
        self.tell(&Event::Training(event.clone()));
    }
}

/// Says nothing.
pub(crate) struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &Event) {}
}
