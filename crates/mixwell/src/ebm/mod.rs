//! Energy-based models: laws `p(x) ~ exp(-E(x) / T) rho(x)`, and how their energies are trained.
//!
//! An [`EnergyModel`] is a [`Target`](crate::density::Target) like any other: every kernel, method and estimator works on it. What is new here
//! is how an energy learns: data pull it down, negatives push it up, and negatives must be draws of the present law. [`Training`] is the one
//! loop; a trainer ([`TrainerConfig`], `trainer/`, a file each) says where negatives come from and what the energy minimises.
//! Anything with parameters and a gradient is an [`Energy`]: a [`Network`](crate::net::Network), or a function of one's own.
//!
//! ```
//! use std::sync::Arc;
//! use mixwell::density::{EightGaussiansConfig, Target};
//! use mixwell::ebm::{EnergyModel, TrainerConfig, Training, TrainingData, TrainingSettings, UlaTrainer};
//! use mixwell::net::{Init, Network};
//! use mixwell::proposal::Gaussian;
//! use mixwell::Stream;
//!
//! let law = EightGaussiansConfig::default().build()?;
//! let data = law.exact_sampler().unwrap().sample_rows(&mut Stream::new(1, 0), 2000, 2);
//! let net = Network::<f32>::toy(2, Init::ZeroLast, &mut Stream::new(2, 0));
//! let model = EnergyModel::new(net).with_base(Arc::new(Gaussian::standard(2)))?;
//! let trainer = TrainerConfig::Ula(UlaTrainer { steps: 5, ..UlaTrainer::default() });
//! let settings = TrainingSettings { trainer, batch: 100, ..TrainingSettings::default() };
//! let mut training = Training::new(settings, model, TrainingData::new(data)?, None, 3)?;
//! for _ in 0..20 {
//!     training.update()?;
//! }
//! assert_eq!(training.updates(), 20);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bank;
mod chain_run;
mod energies;
mod energy;
mod error;
mod evidence;
mod fresh;
mod grid;
mod health;
mod law_file;
mod mixing;
mod model;
mod moves;
mod negatives;
mod objective;
mod offset;
mod pretraining;
mod recipe;
mod selection;
mod settings;
#[cfg(test)]
mod tests;
mod trainer;
mod training;
mod walkers;

pub use crate::train::TrainingData;
pub use bank::{Bank, BankConfig, Memory};
pub use chain_run::ChainRun;
pub(crate) use chain_run::shares;
pub use energies::energies;
pub use energy::Energy;
pub use error::TrainingError;
pub use evidence::{EvidenceFound, EvidenceOf, EvidenceWay};
pub use grid::{Distance, Grid, GridDensity, distance};
pub use health::Health;
pub use law_file::{LawFile, LawFileError};
pub use mixing::Mixing;
pub use model::{EnergyModel, LatentLaw};
pub use moves::Moves;
pub use objective::{Reduction, Regulariser};
pub use pretraining::{Pretraining, PretrainingSettings, PretrainingState};
pub use recipe::StartLaw;
pub use selection::Selection;
pub use settings::{TrainingSettings, WatchSettings};
pub use trainer::{
    CoopFlowTrainer, FlowMcTrainer, JarzynskiTrainer, NceTrainer, NtTrainer, ScoreMethod, ScoreTrainer,
    TrainerConfig, TrainerEntry, UlaTrainer, catalogue,
};
pub use training::{Event, Training, TrainingState, Update};
pub use walkers::Walkers;
