//! What is kept of every draw: reported values and sample statistics, in the ecosystem's names.

use crate::density::{Modes, Target};
use crate::io::{Stat, StatKind};
use crate::kernel::{Block, Leaf, Role, Tally};

/// Which statistics a run records, decided by the leaves of its kernels.
#[derive(Clone, Debug)]
pub struct Recorder {
    n_values: usize,
    stats: Vec<Stat>,
    leaves: Vec<Leaf>,
    flow_version: Option<u64>,
    modes: Option<Modes>,
}

const LOCAL: &[(&str, StatKind)] = &[("acceptance_rate", StatKind::Float), ("step_size", StatKind::Float)];
const HAMILTONIAN: &[(&str, StatKind)] = &[
    ("energy", StatKind::Float),
    ("diverging", StatKind::Bool),
    ("tree_depth", StatKind::Int),
    ("n_steps", StatKind::Int),
];
const GLOBAL: &[(&str, StatKind)] = &[
    ("global_accepted", StatKind::Int),
    ("global_acceptance", StatKind::Float),
    ("isir_ess", StatKind::Float),
    ("flow_log_prob", StatKind::Float),
];

impl Recorder {
    /// A recorder for a target and the leaves of all kernels.
    pub fn new(target: &dyn Target, leaves: Vec<Leaf>) -> Self {
        let n_values = target.variables().iter().map(crate::density::Variable::len).sum();
        let mut stats = vec![("lp", StatKind::Float), ("non_finite", StatKind::Int)];
        if leaves.iter().any(|l| l.role == Role::Local) {
            stats.extend_from_slice(LOCAL);
        }
        if leaves.iter().any(is_own) {
            stats.extend_from_slice(HAMILTONIAN);
        }
        if leaves.iter().any(|l| l.role == Role::Global) {
            stats.extend_from_slice(GLOBAL);
        }
        let modes = target.facts().modes;
        if modes.is_some() {
            stats.push(("mode", StatKind::Int));
        }
        let stats = stats.into_iter().map(|(name, kind)| Stat::new(name, kind)).collect();
        Self { n_values, stats, leaves, flow_version: None, modes }
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
        for (out, stat) in stats.iter_mut().zip(&self.stats) {
            *out = self.stat(&stat.name, block, row, tallies);
        }
    }

    fn stat(&self, name: &str, block: &Block<'_>, row: usize, tallies: &[Tally]) -> f64 {
        let of =
            |role: Role| self.leaves.iter().zip(tallies).filter(move |(l, t)| l.role == role && t.tries > 0);
        let rate = |role: Role| {
            let (sum, tries) = of(role).fold((0.0, 0u32), |(s, n), (_, t)| (s + t.accept_prob, n + t.tries));
            if tries > 0 { sum / f64::from(tries) } else { f64::NAN }
        };
        let hamiltonian =
            || self.leaves.iter().zip(tallies).filter(|(l, t)| is_own(l) && t.tries > 0).map(|(_, t)| t);
        match name {
            "lp" => block.log_prob()[row],
            "non_finite" => tallies.iter().map(|t| f64::from(t.non_finite)).sum(),
            "acceptance_rate" => rate(Role::Local),
            "step_size" => of(Role::Local).find_map(|(l, _)| l.step_size).unwrap_or(f64::NAN),
            "energy" => hamiltonian().next_back().map_or(f64::NAN, |t| t.energy),
            "diverging" => f64::from(hamiltonian().any(|t| t.divergences > 0)),
            "tree_depth" => hamiltonian().map(|t| f64::from(t.tree_depth)).fold(0.0, f64::max),
            "n_steps" => hamiltonian().map(|t| f64::from(t.leapfrogs)).sum(),
            "global_accepted" => of(Role::Global).map(|(_, t)| f64::from(t.moves)).sum(),
            "global_acceptance" => rate(Role::Global),
            "isir_ess" => of(Role::Global).map(|(_, t)| t.isir_ess).find(|e| *e > 0.0).unwrap_or(f64::NAN),
            "flow_log_prob" => self.flow_version.and_then(|v| block.known_log_q(row, v)).unwrap_or(f64::NAN),
            "mode" => self.modes.as_ref().map_or(f64::NAN, |m| m.nearest(block.x().row(row)) as f64),
            other => unreachable!("no statistic is called {other}"),
        }
    }
}

/// Whether a leaf follows Hamiltonian trajectories of the chain itself, not of a replica.
fn is_own(leaf: &Leaf) -> bool {
    leaf.hamiltonian && leaf.role.moves_chain()
}
