//! How a chain moves: one file per kernel, combinators in `compose/`, step-size and metric adaptation in `adapt/`.
//!
//! A kernel moves a [`Block`] of chains under a [`Context`]. It leaves every cached value of the block either agreeing
//! with the new position or marked unknown, and writes what happened to a [`Report`]. Parameters change only in
//! [`Kernel::adapt`], which the sampler calls between steps of the warm-up and never after [`Kernel::freeze`].

mod accept;
mod adapt;
mod blended_gaussian;
mod chains;
mod choice;
mod compose;
mod config;
mod elliptical_slice;
mod ensemble;
mod extent;
mod hmc;
mod independent_mh;
mod isir;
mod law;
mod leapfrog;
mod mala;
mod neutra;
mod nuts;
mod pool;
mod pulled_back;
mod random_walk;
pub(crate) mod range;
mod replicas;
mod step_size;
mod tempered;
mod tempering;
mod ula;

pub use accept::{accept, usable};
pub use adapt::{MetricKind, StepRule};
pub use blended_gaussian::BlendedGaussianConfig;
pub(crate) use chains::advance;
pub use choice::{ProposalChoice, ProposalConfig};
pub use compose::{Mixture, MixtureConfig, Repeat, RepeatConfig, Sequence, SequenceConfig};
pub use config::{
    CatalogueEntry, KernelConfig, catalogue, ex2, hmc, independent_mh, isir, mala, mixture, neutra, nuts,
    parallel_tempering, random_walk, sequence, ula,
};
pub use elliptical_slice::{EllipticalSlice, EllipticalSliceConfig};
pub(crate) use ensemble::EnsembleState;
pub use ensemble::{Block, Ensemble, Parts};
pub(crate) use extent::check_work;
pub use hmc::{Hmc, HmcConfig};
pub use independent_mh::{IndependentMh, IndependentMhConfig};
pub use isir::{Isir, IsirConfig};
pub use law::Law;
pub use mala::{Mala, MalaConfig};
pub use neutra::{Neutra, NeutraConfig};
pub use nuts::{Nuts, NutsConfig};
pub use pool::{Pool, PoolBlock};
pub use pulled_back::PulledBack;
pub use random_walk::{RandomWalk, RandomWalkConfig};
pub(crate) use replicas::Replicas;
pub use step_size::StepSize;
pub use tempered::Tempered;
pub use tempering::{LadderRule, ParallelTempering, ParallelTemperingConfig, Spacing, Sweep};
pub use ula::{Ula, UlaConfig};

use serde::{Deserialize, Serialize};

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
pub trait Kernel: Send + Sync {
    /// The leaves of this kernel, in the order of their tallies: itself, or those of its parts.
    fn leaves(&self) -> Vec<Leaf>;

    /// What it promises about the target's law, with frozen parameters.
    ///
    /// There is no default, since a promise that nobody made cannot be relied on: [`Law::reversible`] for a kernel that ends
    /// with Metropolis' rule, [`Law::biased`] for one without correction.
    fn law(&self) -> Law;

    /// What the run must provide.
    fn needs(&self) -> Needs;

    /// Moves every chain of the block once.
    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, report: Report<'_>);

    /// Adapts parameters after a warm-up step of all chains.
    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>);

    /// Ends adaptation: from here on the kernel is fixed.
    fn freeze(&mut self);

    /// Parameters and adaptation state, for a checkpoint.
    fn save(&self) -> KernelState;

    /// Goes on from a saved state.
    fn load(&mut self, state: &KernelState) -> Result<(), StateError>;
}

/// What a kernel needs from the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Gradients of the target.
    pub gradient: bool,
    /// A flow.
    pub flow: bool,
    /// Particles per chain that it can hand to a [`Pool`]; zero when it has none.
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
            pool: self.pool.max(other.pool),
            replicas: self.replicas + other.replicas,
        }
    }
}

/// Whether a kernel explores around a point or jumps across the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Moves near the current point.
    Local,
    /// Proposals that do not depend on where the chain is.
    Global,
    /// Exchanges of the chain's point with that of a replica.
    Swap,
    /// What happens among replicas only: the chain stays where it is.
    Replica,
}

impl Role {
    /// Its name in summaries.
    pub fn name(self) -> &'static str {
        match self {
            Role::Local => "local",
            Role::Global => "global",
            Role::Swap => "swap",
            Role::Replica => "replica",
        }
    }

    /// Whether it can move the chain itself.
    pub fn moves_chain(self) -> bool {
        self != Role::Replica
    }
}

/// A kernel that is not made of others.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Its name in tables, e.g. `mala`.
    pub name: String,
    /// Local or global.
    pub role: Role,
    /// Its step size in its own convention, where it has one (`eta` for Langevin, `epsilon` for Hamiltonian kernels).
    pub step_size: Option<f64>,
    /// Whether it follows Hamiltonian trajectories, and so has an energy and can diverge.
    pub hamiltonian: bool,
    /// The temperature it works at, where that is not 1; of a swap, the hotter one.
    pub temperature: Option<f64>,
}

impl Leaf {
    /// A leaf with a name and a role, without a step size, at temperature 1.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self { name: name.into(), role, step_size: None, hamiltonian: false, temperature: None }
    }
}

/// What one leaf did to one chain during one step of the whole kernel.
///
/// The run zeroes tallies before a step. Kernels add to the counts and to `accept_prob`, since a step may repeat them, and
/// overwrite `tree_depth`, `energy` and `isir_ess`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Proposals made.
    pub tries: u32,
    /// Proposals accepted (for i-SIR: the chosen particle was not the current point).
    pub moves: u32,
    /// Sum of acceptance probabilities over the tries.
    pub accept_prob: f64,
    /// Proposals whose log-density or gradient was NaN or infinite (but not `-inf`).
    pub non_finite: u32,
    /// Trajectories whose energy error exceeded the limit.
    pub divergences: u32,
    /// Gradient evaluations of Hamiltonian trajectories.
    pub leapfrogs: u32,
    /// Depth of the last trajectory tree.
    pub tree_depth: u32,
    /// Total energy at the accepted point of the last trajectory.
    pub energy: f64,
    /// Effective number of particles of the last i-SIR step, between 1 and the pool size.
    pub isir_ess: f64,
    /// Steps after which the chain stood at a point whose log-density is NaN or infinite, which no correct kernel moves to.
    /// Whoever makes the steps counts this, at a kernel's first leaf; kernels need not.
    pub stranded: u32,
}

impl Tally {
    /// Adds a later step of the same leaf: counts add up, what describes the last trajectory is replaced.
    pub fn add(&mut self, later: &Tally) {
        self.tries += later.tries;
        self.moves += later.moves;
        self.accept_prob += later.accept_prob;
        self.non_finite += later.non_finite;
        self.divergences += later.divergences;
        self.leapfrogs += later.leapfrogs;
        self.stranded += later.stranded;
        if later.tries > 0 {
            (self.tree_depth, self.energy, self.isir_ess) = (later.tree_depth, later.energy, later.isir_ess);
        }
    }
}

/// Where the leaves of a kernel write their tallies: `rows x n_leaves`, chain after chain.
pub struct Report<'a> {
    tallies: &'a mut [Tally],
    n_leaves: usize,
    leaf: usize,
}

impl<'a> Report<'a> {
    /// A report over `rows x n_leaves` tallies.
    pub fn new(tallies: &'a mut [Tally], n_leaves: usize) -> Self {
        assert!(
            n_leaves > 0 && tallies.len().is_multiple_of(n_leaves),
            "tallies do not form rows of {n_leaves}"
        );
        Self { tallies, n_leaves, leaf: 0 }
    }

    /// The tally of this leaf for row `row` of the block.
    pub fn tally(&mut self, row: usize) -> &mut Tally {
        &mut self.tallies[row * self.n_leaves + self.leaf]
    }

    /// The report of the rows of `range`.
    pub fn rows(&mut self, range: std::ops::Range<usize>) -> Report<'_> {
        let tallies = &mut self.tallies[range.start * self.n_leaves..range.end * self.n_leaves];
        Report { tallies, n_leaves: self.n_leaves, leaf: self.leaf }
    }

    /// Exchanges the tallies of two rows.
    pub(crate) fn swap_rows(&mut self, i: usize, j: usize) {
        for leaf in 0..self.n_leaves {
            self.tallies.swap(i * self.n_leaves + leaf, j * self.n_leaves + leaf);
        }
    }

    /// The place of this leaf among all leaves of the run: the name under which a kernel keeps replicas.
    pub(crate) fn leaf(&self) -> usize {
        self.leaf
    }

    /// The report of a part whose first leaf is `offset` places after this one's.
    pub fn part(&mut self, offset: usize) -> Report<'_> {
        Report { tallies: self.tallies, n_leaves: self.n_leaves, leaf: self.leaf + offset }
    }
}

/// The tallies of all chains after a step, for adaptation.
#[derive(Clone, Copy)]
pub struct Tallies<'a> {
    tallies: &'a [Tally],
    n_leaves: usize,
    leaf: usize,
}

impl<'a> Tallies<'a> {
    /// A view of `chains x n_leaves` tallies.
    pub fn new(tallies: &'a [Tally], n_leaves: usize) -> Self {
        assert!(
            n_leaves > 0 && tallies.len().is_multiple_of(n_leaves),
            "tallies do not form rows of {n_leaves}"
        );
        Self { tallies, n_leaves, leaf: 0 }
    }

    /// This leaf's tally of every chain, in the order of the chains.
    pub fn iter(&self) -> impl Iterator<Item = &'a Tally> + use<'a> {
        self.tallies.iter().skip(self.leaf).step_by(self.n_leaves)
    }

    /// The tallies of a part whose first leaf is `offset` places after this one's.
    pub fn part(&self, offset: usize) -> Tallies<'a> {
        Tallies { leaf: self.leaf + offset, ..*self }
    }

    /// See [`Report::leaf`].
    pub(crate) fn leaf(&self) -> usize {
        self.leaf
    }

    /// Mean acceptance probability over all tries of this leaf; `None` when it made none.
    pub fn mean_accept_prob(&self) -> Option<f64> {
        let (mut sum, mut tries) = (0.0, 0u64);
        for t in self.iter() {
            sum += t.accept_prob;
            tries += u64::from(t.tries);
        }
        (tries > 0).then(|| sum / tries as f64)
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

/// A kernel's parameters and adaptation state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelState {
    /// The kernel it belongs to.
    pub name: String,
    /// Its own state, encoded.
    pub bytes: Vec<u8>,
    /// The states of its parts.
    pub parts: Vec<KernelState>,
}

impl KernelState {
    /// Encodes the state of a kernel without parts.
    pub fn leaf<S: Serialize>(name: &str, state: &S) -> Self {
        let bytes = postcard::to_allocvec(state).expect("plain numbers encode");
        Self { name: name.into(), bytes, parts: Vec::new() }
    }

    /// The state of a kernel that is made of others and has none of its own.
    pub fn of_parts(name: &str, parts: Vec<KernelState>) -> Self {
        Self { name: name.into(), bytes: Vec::new(), parts }
    }

    /// The states of the parts of the kernel `name`, which has `n` of them.
    pub fn parts_of(&self, name: &str, n: usize) -> Result<&[KernelState], StateError> {
        if self.name == name && self.parts.len() == n {
            return Ok(&self.parts);
        }
        let found = format!("{} with {} parts", self.name, self.parts.len());
        Err(StateError { expected: format!("{name} with {n} parts"), found })
    }

    /// Decodes the state of a kernel without parts.
    pub fn read<'a, S: Deserialize<'a>>(&'a self, name: &str) -> Result<S, StateError> {
        if self.name != name {
            return Err(StateError { expected: name.into(), found: self.name.clone() });
        }
        postcard::from_bytes(&self.bytes)
            .map_err(|e| StateError { expected: name.into(), found: e.to_string() })
    }
}

/// A saved state that belongs to another kernel or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the saved state of kernel `{expected}` cannot be used: found {found}; the checkpoint belongs to another configuration"
)]
pub struct StateError {
    /// The kernel that asked.
    pub expected: String,
    /// What was found instead.
    pub found: String,
}

#[cfg(test)]
mod tests;
