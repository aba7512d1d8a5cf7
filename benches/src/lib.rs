//! What is measured: the tasks that `mixwell-bench` times beside a peer, and the set-ups that the micro benchmarks share.
//!
//! A task is a name and a function that gives a [`Measurement`]. Steady tasks are warmed first and sampled for some
//! seconds; whole runs are done once, cold. The same names are known to the peers' scripts in `peers/`.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod auto;
pub mod convolutions;
pub mod energies;
pub mod flows;
mod gans;
pub mod growth;
pub mod kernels;
pub mod networks;
pub mod runs;
pub mod statistics;
pub mod timing;
pub mod training;

use std::path::PathBuf;
use std::time::Duration;

pub use timing::Measurement;

/// What a task is told.
#[derive(Clone, Debug)]
pub struct Request {
    /// How long steady tasks are sampled.
    pub sampling: Duration,
    /// Folder of the repository's example data.
    pub data: PathBuf,
}

/// A task's function.
pub type TaskFunction = Box<dyn Fn(&Request) -> anyhow::Result<Measurement>>;

/// Something that can be measured.
pub struct Task {
    /// As asked for on the command line.
    pub name: String,
    /// Whole runs take seconds to minutes and are done once.
    pub whole_run: bool,
    /// Does the measurement.
    pub measure: TaskFunction,
}

impl Task {
    /// A task that is repeated while it is sampled.
    pub fn steady(
        name: impl Into<String>,
        measure: impl Fn(&Request) -> anyhow::Result<Measurement> + 'static,
    ) -> Self {
        Self { name: name.into(), whole_run: false, measure: Box::new(measure) }
    }

    /// A task that is done once.
    pub fn whole(
        name: impl Into<String>,
        measure: impl Fn(&Request) -> anyhow::Result<Measurement> + 'static,
    ) -> Self {
        Self { name: name.into(), whole_run: true, measure: Box::new(measure) }
    }
}

/// Every task.
pub fn tasks() -> Vec<Task> {
    let mut all = flows::tasks();
    all.extend(auto::tasks());
    all.extend(energies::tasks());
    all.extend(gans::tasks());
    all.extend(networks::tasks());
    all.extend(convolutions::tasks());
    all.extend(training::tasks());
    all.extend(kernels::tasks());
    all.extend(statistics::tasks());
    all.extend(runs::tasks());
    all.extend(growth::tasks());
    all
}
