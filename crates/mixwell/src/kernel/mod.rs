//! How a chain moves: one file per kernel, combinators in `compose/`, step-size and metric adaptation in `adapt/`.
//!
//! A kernel moves a [`Block`] of chains under a [`Context`]. It leaves every cached value of the block either agreeing
//! with the new position or marked unknown, and writes what happened to a [`TallySheet`]. Parameters change only in
//! [`Kernel::adapt`], which the sampler calls between steps of the warm-up and never after [`Kernel::freeze`].

mod accept;
mod adapt;
mod block;
mod candidates;
mod chains;
mod choice;
mod compose;
mod config;
mod elliptical_slice;
mod ensemble;
mod extent;
mod hmc;
mod independent_chain;
mod independent_mh;
mod isir;
mod law;
mod leaf;
mod leapfrog;
mod mala;
mod neutra;
mod nuts;
mod pool;
mod random_walk;
mod rejection;
mod replicas;
mod settings;
mod state;
mod step_size;
mod symmetry;
mod tally;
mod tally_sheet;
mod tempering;
mod ula;

pub use accept::{accept, usable};
pub use adapt::{AcceptanceOver, MetricKind, StepRule, Tuner, TunerConfig};
pub use block::{Block, Parts};
pub use chains::Chains;
pub(crate) use chains::{advance, block_rows};
pub use choice::{ProposalChoice, ProposalConfig};
pub use compose::{Mixture, MixtureConfig, Repeat, RepeatConfig, Sequence, SequenceConfig};
pub use config::{
    CatalogueEntry, KernelConfig, catalogue, ex2, hmc, independent_mh, isir, mala, mixture, neutra, nuts,
    parallel_tempering, random_walk, sequence, symmetry, ula,
};
pub use elliptical_slice::{EllipticalSlice, EllipticalSliceConfig};
pub use ensemble::Ensemble;
pub(crate) use ensemble::EnsembleState;
pub(crate) use extent::check_work;
pub use hmc::{Hmc, HmcConfig};
pub use independent_chain::{IndependentChain, IndependentChainConfig};
pub use independent_mh::{IndependentMh, IndependentMhConfig};
pub use isir::{Isir, IsirConfig};
pub use law::Law;
pub use leaf::{Leaf, Role};
pub use mala::{Mala, MalaConfig};
pub use neutra::{Neutra, NeutraConfig};
pub use nuts::{Nuts, NutsConfig};
pub use pool::{ParticlePool, PoolBlock};
pub use random_walk::{RandomWalk, RandomWalkConfig};
pub use rejection::{Gamma, Rejection, RejectionConfig};
pub(crate) use replicas::Replicas;
pub use state::{KernelState, StateError};
pub use step_size::StepSize;
pub use symmetry::{SymmetryMoves, SymmetryMovesConfig};
pub use tally::Tally;
pub use tally_sheet::{Tallies, TallySheet};
pub use tempering::{LadderRule, ParallelTempering, ParallelTemperingConfig, Spacing, Sweep};
pub use ula::{Ula, UlaConfig};

use crate::density::{Failure, Guarded, Target};
use crate::proposal::Transport;

/// What a kernel may look at while it moves chains.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The density to sample. It always answers: with NaN once it has failed for good.
    pub target: Guarded<'a>,
    /// The flow being trained (or frozen) in this run, if there is one.
    pub flow: Option<&'a dyn Transport>,
    /// Largest number of rows a kernel may evaluate in one batch: the bound on its memory.
    pub max_rows: usize,
}

impl<'a> Context<'a> {
    /// A context without a flow that keeps a fatal error of `target` in `failure`: look there after every step.
    pub fn new(target: &'a dyn Target, failure: &'a Failure) -> Self {
        Self { target: Guarded::new(target, failure), flow: None, max_rows: 4096 }
    }
}

/// A Markov transition of many chains.
///
/// Three methods are required. A kernel that needs nothing, adapts nothing and keeps no state leaves the others alone; one that adapts
/// a step size (and a metric) hands out its [`Tuner`]; only others write `adapt`, `freeze`, `save` and `load` themselves.
pub trait Kernel: Send + Sync {
    /// The leaves of this kernel, in the order of their tallies: itself, or those of its parts. There is at least one.
    fn leaves(&self) -> Vec<Leaf>;

    /// What it promises about the target's law, with frozen parameters.
    ///
    /// There is no default, since a promise that nobody made cannot be relied on: [`Law::reversible`] for a kernel that ends
    /// with Metropolis' rule, [`Law::biased`] for one without correction.
    fn law(&self) -> Law;

    /// Moves every chain of the block once.
    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, sheet: TallySheet<'_>);

    /// What the run must provide; nothing by default.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// The step size and metric that it adapts in warm-up, if these are all that it adapts.
    fn tuner(&self) -> Option<&Tuner> {
        None
    }

    /// [`Kernel::tuner`], to be changed.
    fn tuner_mut(&mut self) -> Option<&mut Tuner> {
        None
    }

    /// Whether [`Kernel::adapt`] changes anything. Where it does not, chains need not wait for each other after every step.
    fn adapts(&self) -> bool {
        true
    }

    /// Adapts parameters after a warm-up step of all chains; by default, those of the tuner.
    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        if let Some(tuner) = self.tuner_mut() {
            tuner.learn(warmup, chains.x(), tallies);
        }
    }

    /// Ends adaptation: from here on the kernel is fixed.
    fn freeze(&mut self) {
        if let Some(tuner) = self.tuner_mut() {
            tuner.freeze();
        }
    }

    /// Parameters and adaptation state, for a checkpoint; by default, those of the tuner, under the name of the first leaf.
    fn save(&self) -> KernelState {
        let name = first_name(self.leaves());
        self.tuner().map_or_else(|| KernelState::leaf(&name, &()), |tuner| tuner.save(&name))
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// When it belongs to another kernel or cannot be read.
    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        let name = first_name(self.leaves());
        match self.tuner_mut() {
            Some(tuner) => tuner.load(&name, state),
            None => state.read(&name),
        }
    }
}

fn first_name(leaves: Vec<Leaf>) -> String {
    leaves.into_iter().next().map_or_else(String::new, |leaf| leaf.name)
}

impl<K: Kernel + ?Sized> Kernel for Box<K> {
    fn leaves(&self) -> Vec<Leaf> {
        (**self).leaves()
    }

    fn law(&self) -> Law {
        (**self).law()
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, sheet: TallySheet<'_>) {
        (**self).step(context, block, sheet);
    }

    fn needs(&self) -> Needs {
        (**self).needs()
    }

    fn tuner(&self) -> Option<&Tuner> {
        (**self).tuner()
    }

    fn tuner_mut(&mut self) -> Option<&mut Tuner> {
        (**self).tuner_mut()
    }

    fn adapts(&self) -> bool {
        (**self).adapts()
    }

    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        (**self).adapt(warmup, chains, tallies);
    }

    fn freeze(&mut self) {
        (**self).freeze();
    }

    fn save(&self) -> KernelState {
        (**self).save()
    }

    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        (**self).load(state)
    }
}

/// What a kernel needs from the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Gradients of the target.
    pub gradient: bool,
    /// A flow.
    pub flow: bool,
    /// A target with a base ([`Target::base`]).
    pub base: bool,
    /// A target that states symmetries ([`Target::symmetries`]).
    pub symmetry: bool,
    /// A target with symmetries that can be summed over ([`Orbit`](crate::symmetry::Orbit)).
    pub images: bool,
    /// Particles per chain that it can hand to a [`ParticlePool`]; zero when it has none.
    pub pool: usize,
    /// Points beside each chain that it keeps from step to step.
    pub replicas: usize,
}

impl Needs {
    /// The needs of two kernels together.
    pub fn and(self, other: Needs) -> Needs {
        Needs {
            gradient: self.gradient || other.gradient,
            flow: self.flow || other.flow,
            base: self.base || other.base,
            symmetry: self.symmetry || other.symmetry,
            images: self.images || other.images,
            pool: self.pool.max(other.pool),
            replicas: self.replicas + other.replicas,
        }
    }
}

/// Where the warm-up stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warmup {
    /// Steps of this kernel done before this one.
    pub step: usize,
    /// Steps of this kernel planned in the whole warm-up.
    pub total: usize,
}

#[cfg(test)]
pub(crate) mod tests;
