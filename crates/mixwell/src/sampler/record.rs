//! What is stored of every draw: reported values and sample statistics, under the names that ArviZ uses.

use crate::density::{Modes, Target};
use crate::io::{Stat, StatKind};
use crate::kernel::{Block, Leaf, Role, Tally};

/// One sample statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statistic {
    LogDensity,
    NonFinite,
    AcceptanceRate,
    StepSize,
    Energy,
    Diverging,
    TreeDepth,
    LeapfrogSteps,
    GlobalAccepted,
    GlobalAcceptance,
    IsirEss,
    FlowLogProb,
    Mode,
}

use Statistic as S;

/// Statistics of moves of every kind, of local ones, of trajectories, and of global ones.
const ALWAYS: &[S] = &[S::LogDensity, S::NonFinite];
const LOCAL: &[S] = &[S::AcceptanceRate, S::StepSize];
const HAMILTONIAN: &[S] = &[S::Energy, S::Diverging, S::TreeDepth, S::LeapfrogSteps];
const GLOBAL: &[S] = &[S::GlobalAccepted, S::GlobalAcceptance, S::IsirEss, S::FlowLogProb];

impl Statistic {
    /// Its name in the store, and what kind of number it is.
    fn describe(self) -> Stat {
        let (name, kind) = match self {
            S::LogDensity => ("lp", StatKind::Float),
            S::NonFinite => ("non_finite", StatKind::Int),
            S::AcceptanceRate => ("acceptance_rate", StatKind::Float),
            S::StepSize => ("step_size", StatKind::Float),
            S::Energy => ("energy", StatKind::Float),
            S::Diverging => ("diverging", StatKind::Bool),
            S::TreeDepth => ("tree_depth", StatKind::Int),
            S::LeapfrogSteps => ("n_steps", StatKind::Int),
            S::GlobalAccepted => ("global_accepted", StatKind::Int),
            S::GlobalAcceptance => ("global_acceptance", StatKind::Float),
            S::IsirEss => ("isir_ess", StatKind::Float),
            S::FlowLogProb => ("flow_log_prob", StatKind::Float),
            S::Mode => ("mode", StatKind::Int),
        };
        Stat::new(name, kind)
    }
}

/// Which statistics a run records, decided by the leaves of its kernels.
#[derive(Clone, Debug)]
pub struct Recorder {
    n_values: usize,
    statistics: Vec<Statistic>,
    /// The same, as the store knows them.
    stats: Vec<Stat>,
    leaves: Vec<Leaf>,
    flow_version: Option<u64>,
    modes: Option<Modes>,
}

impl Recorder {
    /// A recorder for a target and the leaves of all kernels.
    pub fn new(target: &dyn Target, leaves: Vec<Leaf>) -> Self {
        let n_values = target.variables().iter().map(crate::density::Variable::len).sum();
        let mut statistics = ALWAYS.to_vec();
        if leaves.iter().any(|l| l.role == Role::Local) {
            statistics.extend_from_slice(LOCAL);
        }
        if leaves.iter().any(is_own) {
            statistics.extend_from_slice(HAMILTONIAN);
        }
        if leaves.iter().any(|l| l.role == Role::Global) {
            statistics.extend_from_slice(GLOBAL);
        }
        let modes = target.facts().modes;
        if modes.is_some() {
            statistics.push(S::Mode);
        }
        let stats = statistics.iter().map(|s| s.describe()).collect();
        Self { n_values, statistics, stats, leaves, flow_version: None, modes }
    }

    /// Reported values per draw and chain.
    pub fn n_values(&self) -> usize {
        self.n_values
    }

    /// The statistics, in the order of a row.
    pub fn stats(&self) -> &[Stat] {
        &self.stats
    }

    /// Takes note of step sizes and the flow's version before a chunk of steps.
    pub fn refresh(&mut self, leaves: Vec<Leaf>, flow_version: Option<u64>) {
        self.leaves = leaves;
        self.flow_version = flow_version;
    }

    /// Whether one of these tallies moved the chain itself.
    pub fn moved(&self, tallies: &[Tally]) -> bool {
        self.leaves.iter().zip(tallies).any(|(leaf, t)| leaf.role.moves_chain() && t.moves > 0)
    }

    /// Writes the reported values and statistics of one chain; `tallies` are those of all leaves since the last draw.
    pub fn record(
        &self,
        target: &dyn Target,
        block: &Block<'_>,
        row: usize,
        tallies: &[Tally],
        values: &mut [f64],
        stats: &mut [f64],
    ) {
        target.report(block.x().row(row), values);
        for (out, statistic) in stats.iter_mut().zip(&self.statistics) {
            *out = self.value(*statistic, block, row, tallies);
        }
    }

    fn value(&self, statistic: Statistic, block: &Block<'_>, row: usize, tallies: &[Tally]) -> f64 {
        let of =
            |role: Role| self.leaves.iter().zip(tallies).filter(move |(l, t)| l.role == role && t.tries > 0);
        let rate = |role: Role| {
            let (sum, tries) = of(role).fold((0.0, 0u32), |(s, n), (_, t)| (s + t.accept_prob, n + t.tries));
            if tries > 0 { sum / f64::from(tries) } else { f64::NAN }
        };
        let hamiltonian =
            || self.leaves.iter().zip(tallies).filter(|(l, t)| is_own(l) && t.tries > 0).map(|(_, t)| t);
        match statistic {
            S::LogDensity => block.log_prob()[row],
            S::NonFinite => tallies.iter().map(|t| f64::from(t.non_finite)).sum(),
            S::AcceptanceRate => rate(Role::Local),
            S::StepSize => of(Role::Local).find_map(|(l, _)| l.step_size).unwrap_or(f64::NAN),
            S::Energy => hamiltonian().next_back().map_or(f64::NAN, |t| t.energy),
            S::Diverging => f64::from(hamiltonian().any(|t| t.divergences > 0)),
            S::TreeDepth => hamiltonian().map(|t| f64::from(t.tree_depth)).fold(0.0, f64::max),
            S::LeapfrogSteps => hamiltonian().map(|t| f64::from(t.leapfrogs)).sum(),
            S::GlobalAccepted => of(Role::Global).map(|(_, t)| f64::from(t.moves)).sum(),
            S::GlobalAcceptance => rate(Role::Global),
            S::IsirEss => of(Role::Global).map(|(_, t)| t.isir_ess).find(|e| *e > 0.0).unwrap_or(f64::NAN),
            S::FlowLogProb => self.flow_version.and_then(|v| block.known_log_q(row, v)).unwrap_or(f64::NAN),
            S::Mode => self.modes.as_ref().map_or(f64::NAN, |m| m.nearest(block.x().row(row)) as f64),
        }
    }
}

/// Whether a leaf follows Hamiltonian trajectories of the chain itself, not of a replica.
fn is_own(leaf: &Leaf) -> bool {
    leaf.hamiltonian && leaf.role.moves_chain()
}
