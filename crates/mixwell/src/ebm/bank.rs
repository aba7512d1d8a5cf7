//! The bank: persistent points that chains of any kernel start from at every update, and that their last states go back to.
//!
//! An update picks as many entries as there are chains, all different, moves the chains from there, and writes them back. Where the
//! bank is no larger than the number of chains, the chains simply go on. An entry begins anew with a probability, or
//! where it has become unusable (not finite, or farther out than allowed), which is counted. Without persistence every chain of
//! every update begins anew: at the data (contrastive divergence), or at fresh draws of the start law (short-run sampling).
//!
//! The energy changes at every update: chains keep nothing of the old one. Where entries are picked, their cached values are
//! marked as belonging to no version; where chains go on, the version of the target tells.

use serde::{Deserialize, Serialize};

use super::fresh::StartDraws;
use super::moves::Moves;
use super::{Selection, TrainingError};
use crate::density::Target;
use crate::kernel::{
    Chains, Context, Ensemble, EnsembleState, Kernel, KernelState, Role, StateError, Warmup,
};
use crate::rng::{BANK_STREAM, StreamState};
use crate::scratch::scratch;
use crate::{Batch, BatchMut, ConfigError, Points, Stream, range};

/// How chains begin at an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// Where chains of earlier updates ended: persistent contrastive divergence.
    #[default]
    Persistent,
    /// At the positives of the update: contrastive divergence. The negatives feel the data, so weights of modes are arbitrary.
    Data,
    /// At fresh draws of the start law: short-run sampling, whose model is the short run and not the energy.
    Fresh,
}

/// The bank of persistent points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BankConfig {
    /// Number of points; at least as many as chains that move, and those alone with 0.
    pub size: usize,
    /// How chains begin at an update.
    pub memory: Memory,
    /// Probability that a chain begins anew at an update.
    pub restart: f64,
    /// Points farther from the origin than this begin anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_radius: Option<f64>,
}

impl Default for BankConfig {
    fn default() -> Self {
        Self { size: 8192, memory: Memory::Persistent, restart: 0.0, max_radius: None }
    }
}

impl BankConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::share("restart", self.restart)?;
        self.max_radius.map_or(Ok(()), |r| range::positive("max_radius", r))
    }
}

/// Kernels of a cycle, and how often each is used in a row.
pub(super) type Cycle = Vec<(Box<dyn Kernel>, usize)>;

/// A kernel that moves the chains several times in a row.
struct Phase {
    kernel: Box<dyn Kernel>,
    repeat: usize,
    roles: Vec<Role>,
    /// Steps made so far.
    steps: usize,
}

/// Persistent points and the chains that move them.
pub struct Bank {
    config: BankConfig,
    points: Points,
    chains: Chains,
    cycle: Vec<Phase>,
    steps: usize,
    selection: Selection,
    stream: Stream,
    negatives: Points,
    /// Where the chains stood after every step of the last update, step after step; kept when it was asked for.
    path: Vec<f64>,
    moves: Moves,
    /// Kernels adapt no more.
    frozen: bool,
    restarts: u64,
    rescued: u64,
}

/// A [`Bank`] as it lies in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BankState {
    points: Points,
    chains: EnsembleState,
    kernels: Vec<(KernelState, usize)>,
    stream: StreamState,
    restarts: u64,
    rescued: u64,
}

impl Bank {
    /// A bank of the points `start`, of which `n_chains` move at a time: `steps` steps through the cycle of kernels, each of which
    /// is used so many times in a row.
    ///
    /// # Panics
    /// When there are fewer points than chains.
    pub(super) fn new(
        config: BankConfig,
        start: Points,
        n_chains: usize,
        cycle: Cycle,
        (steps, selection): (usize, Selection),
        seed: u64,
    ) -> Self {
        assert!(start.rows() >= n_chains, "{} points for {n_chains} chains", start.rows());
        let dim = start.dim();
        let first = Points::from_vec(start.data()[..n_chains * dim].to_vec(), dim);
        let ensemble =
            Ensemble::evaluated(first, vec![0.0; n_chains], None, Stream::for_chains(seed, n_chains));
        Self {
            negatives: Points::zeros(0, dim),
            path: Vec::new(),
            moves: Moves::default(),
            chains: ensemble.into(),
            stream: Stream::new(seed, BANK_STREAM),
            points: start,
            config,
            cycle: cycle
                .into_iter()
                .map(|(kernel, repeat)| {
                    let roles = kernel.leaves().iter().map(|leaf| leaf.role).collect();
                    Phase { kernel, repeat, roles, steps: 0 }
                })
                .collect(),
            steps,
            selection,
            frozen: false,
            restarts: 0,
            rescued: 0,
        }
    }

    /// A bank whose points are all chains, which begin where those of an update would and go their own way. `kernels` are those of
    /// this bank, newly built; they take up what these have adapted to, and adapt no more.
    pub(super) fn branch(
        &self,
        kernels: Cycle,
        fresh: &dyn StartDraws,
        data: Batch<'_>,
        (chains, steps, selection): (usize, usize, Selection),
        seed: u64,
    ) -> Result<Self, TrainingError> {
        let mut stream = Stream::new(seed, BANK_STREAM);
        let mut starts = Points::zeros(chains, self.points.dim());
        match self.config.memory {
            Memory::Persistent => {
                let total = self.points.rows();
                if chains > total {
                    let reason = format!("the bank has {total} points, and chains begin at different ones");
                    return Err(ConfigError::new("chains", chains, reason).into());
                }
                let picked = pick(&mut stream, chains, total);
                for (row, entry) in picked.into_iter().enumerate() {
                    starts.row_mut(row).copy_from_slice(self.points.row(entry));
                }
            }
            Memory::Fresh => fresh.fill(&mut stream, &mut starts),
            Memory::Data => {
                let rows = data.rows();
                for row in 0..chains {
                    starts.row_mut(row).copy_from_slice(data.row(row % rows));
                }
            }
        }
        let config = BankConfig { size: chains, ..BankConfig::default() };
        let mut branch = Self::new(config, starts, chains, kernels, (steps, selection), seed);
        for (own, phase) in branch.cycle.iter_mut().zip(&self.cycle) {
            own.kernel.load(&phase.kernel.save())?;
            own.kernel.freeze();
        }
        branch.frozen = true;
        Ok(branch)
    }

    /// Number of chains that move.
    pub fn n_chains(&self) -> usize {
        self.chains.ensemble().n_chains()
    }

    /// The persistent points, `size x dim`.
    pub fn points(&self) -> Batch<'_> {
        self.points.as_batch()
    }

    /// How many chains can begin where those of an update do, each at a point of its own; `None` where there is no end of them.
    pub fn most_chains(&self) -> Option<usize> {
        (self.config.memory == Memory::Persistent).then(|| self.points.rows())
    }

    /// The negatives of the last update.
    pub fn negatives(&self) -> Batch<'_> {
        self.negatives.as_batch()
    }

    /// Log-density of every chain as it is cached with it.
    #[cfg(test)]
    pub(super) fn cached(&self) -> &[f64] {
        self.chains.log_prob()
    }

    /// What the chains did at the last update.
    pub fn moves(&self) -> &Moves {
        &self.moves
    }

    /// The kernels of a cycle, in order.
    pub fn kernels(&self) -> impl Iterator<Item = &dyn Kernel> {
        self.cycle.iter().map(|phase| &*phase.kernel)
    }

    /// Points that began anew by chance, so far.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Points that began anew because they had become unusable, so far.
    pub fn rescued(&self) -> u64 {
        self.rescued
    }

    /// The states of all chains after every step of the last update, `steps x chains x dim`, if they were kept.
    pub fn path(&self) -> &[f64] {
        &self.path
    }

    /// Moves chains under the context's target for one update. `fresh` are draws of the start law, `data` are the positives.
    /// With `keep_path` the states after every step are kept.
    pub(super) fn advance(
        &mut self,
        context: &Context<'_>,
        fresh: &dyn StartDraws,
        data: Batch<'_>,
        keep_path: bool,
    ) {
        let picked = self.begin(context.target.target(), fresh, data);
        let dim = self.points.dim();
        let mut taken = std::mem::take(&mut self.negatives).into_vec();
        taken.clear();
        self.path.clear();
        self.moves = Moves::default();
        let (mut place, mut used) = (0, 0);
        let (mut step, is_alone) = (0, self.cycle.len() == 1);
        while step < self.steps {
            if !is_alone && used == self.cycle[place].repeat {
                (place, used) = ((place + 1) % self.cycle.len(), 0);
            }
            let phase = &mut self.cycle[place];
            // Up to the next step after which something is looked at: the kernel, or the states.
            let of_phase = if is_alone { usize::MAX } else { phase.repeat - used };
            let most = of_phase.min(self.steps - step);
            let is_fixed = self.frozen || !phase.kernel.adapts();
            let unseen = !keep_path && is_fixed && phase.roles.iter().all(|r| *r == Role::Local);
            let is_looked_at = |n: &usize| self.selection.takes(step + n, self.steps);
            let in_a_row = if unseen { (1..most).find(is_looked_at).unwrap_or(most) } else { 1 };
            self.chains.steps_of(&*phase.kernel, phase.roles.len(), context, in_a_row);
            (step, used) = (step + in_a_row, used + in_a_row);
            if !self.frozen {
                // The energy moves on for ever, so adaptation has no end.
                let warmup = Warmup { step: phase.steps, total: usize::MAX };
                self.chains.teach(&mut *phase.kernel, warmup);
            }
            phase.steps += in_a_row;
            self.moves.add(&phase.roles, self.chains.tallies());
            if self.selection.takes(step, self.steps) {
                taken.extend_from_slice(self.chains.x().data());
            }
            if keep_path {
                self.path.extend_from_slice(self.chains.x().data());
            }
        }
        self.negatives = Points::from_vec(taken, dim);
        for (chain, &entry) in picked.iter().enumerate() {
            self.points.row_mut(entry).copy_from_slice(self.chains.x().row(chain));
        }
    }

    /// Sets the chains to where this update begins; returns the entry of every chain.
    fn begin(&mut self, target: &dyn Target, fresh: &dyn StartDraws, data: Batch<'_>) -> Vec<usize> {
        let (n, dim) = (self.n_chains(), self.points.dim());
        let goes_on = self.config.memory == Memory::Persistent && self.points.rows() == n;
        let picked: Vec<usize> =
            if goes_on { (0..n).collect() } else { pick(&mut self.stream, n, self.points.rows()) };
        let mut starts = scratch(n * dim);
        let mut begins = vec![true; n];
        // Chains that begin anew, and the random numbers of their points, which are made all at once.
        let width = fresh.noise_dim(dim);
        let (mut new, mut noise) = (Vec::new(), Vec::new());
        let mut anew = |stream: &mut Stream, chain: usize| {
            new.push(chain);
            noise.resize(new.len() * width, 0.0);
            let first = noise.len() - width;
            fresh.noise(stream, &mut noise[first..]);
        };
        for (chain, x) in starts.chunks_exact_mut(dim).enumerate() {
            match self.config.memory {
                Memory::Data => x.copy_from_slice(data.row(chain % data.rows())),
                Memory::Fresh => anew(&mut self.stream, chain),
                Memory::Persistent => {
                    x.copy_from_slice(self.points.row(picked[chain]));
                    let lost = !self.is_usable(x, chain, goes_on);
                    let restarts = self.config.restart > 0.0 && self.stream.uniform() < self.config.restart;
                    self.rescued += u64::from(lost);
                    self.restarts += u64::from(restarts && !lost);
                    if lost || restarts {
                        anew(&mut self.stream, chain);
                    } else {
                        begins[chain] = !goes_on;
                    }
                }
            }
        }
        if !new.is_empty() {
            let mut x = scratch(new.len() * dim);
            fresh.push(Batch::new(&noise, width), BatchMut::new(&mut x, dim));
            for (chain, x) in new.iter().zip(x.chunks_exact(dim)) {
                starts[chain * dim..(chain + 1) * dim].copy_from_slice(x);
            }
        }
        if begins.contains(&true) {
            let mut block = self.chains.ensemble_mut().whole();
            for (chain, x) in starts.chunks_exact(dim).enumerate().filter(|(chain, _)| begins[*chain]) {
                block.move_to(chain, x, 0.0, None);
            }
            // Of no version: the next step evaluates every chain anew.
            self.chains.ensemble_mut().belongs_to(!target.version());
        }
        picked
    }

    fn is_usable(&self, x: &[f64], chain: usize, goes_on: bool) -> bool {
        let square = x.iter().map(|v| v * v).sum::<f64>();
        let stranded = goes_on && self.chains.ensemble().log_prob()[chain] == f64::NEG_INFINITY;
        square.is_finite() && !stranded && self.config.max_radius.is_none_or(|r| square <= r * r)
    }

    pub(super) fn save(&self) -> BankState {
        BankState {
            points: self.points.clone(),
            chains: self.chains.ensemble().save(),
            kernels: self.cycle.iter().map(|phase| (phase.kernel.save(), phase.steps)).collect(),
            stream: self.stream.state(),
            restarts: self.restarts,
            rescued: self.rescued,
        }
    }

    pub(super) fn load(&mut self, state: &BankState) -> Result<(), StateError> {
        for (phase, (kernel, steps)) in self.cycle.iter_mut().zip(&state.kernels) {
            phase.kernel.load(kernel)?;
            phase.steps = *steps;
        }
        self.points = state.points.clone();
        self.chains = Ensemble::restore(state.chains.clone()).into();
        self.stream = Stream::restore(state.stream);
        (self.restarts, self.rescued) = (state.restarts, state.rescued);
        Ok(())
    }
}

/// `n` different entries of `total`, by Floyd's algorithm.
fn pick(stream: &mut Stream, n: usize, total: usize) -> Vec<usize> {
    let mut is_taken = vec![false; total];
    (total - n..total)
        .map(|last| {
            let drawn = stream.index(last + 1);
            let entry = if is_taken[drawn] { last } else { drawn };
            is_taken[entry] = true;
            entry
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{Failure, from_fn_with_grad};
    use crate::kernel::{StepSize, ula};

    fn standard() -> impl Target {
        from_fn_with_grad(1, |x: &[f64], g: &mut [f64]| {
            g[0] = -x[0];
            -0.5 * x[0] * x[0]
        })
    }

    fn bank(config: BankConfig, chains: usize, steps: usize, selection: Selection) -> Bank {
        let kernel = ula().step_size(StepSize::from_eta(1e-4)).build(1).unwrap();
        let start = Points::from_vec((0..config.size).map(|i| i as f64 * 0.01).collect(), 1);
        Bank::new(config, start, chains, vec![(kernel, 1)], (steps, selection), 3)
    }

    /// Everything starts here.
    struct At(f64);

    impl StartDraws for At {
        fn noise_dim(&self, dim: usize) -> usize {
            dim
        }

        fn noise(&self, _: &mut Stream, noise: &mut [f64]) {
            noise.fill(self.0);
        }
    }

    fn advance(bank: &mut Bank, fresh: f64) {
        let (failure, target) = (Failure::default(), standard());
        let data = Points::from_vec(vec![-7.0; 4], 1);
        bank.advance(&Context::new(&target, &failure), &At(fresh), data.as_batch(), true);
    }

    #[test]
    fn different_entries_are_picked_evenly_and_written_back() {
        let config = BankConfig { size: 20, ..Default::default() };
        let mut bank = bank(config, 5, 2, Selection::All);
        let mut counts = [0u32; 20];
        for _ in 0..4000 {
            let picked = pick(&mut bank.stream, 5, 20);
            let mut sorted = picked.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), 5);
            picked.iter().for_each(|&i| counts[i] += 1);
        }
        // Each is picked with probability 1/4: 1000 of 4000, standard error 27.4.
        assert!(counts.iter().all(|&c| (f64::from(c) - 1000.0).abs() < 5.0 * 27.4), "{counts:?}");
        let before = bank.points.clone();
        advance(&mut bank, 0.0);
        let moved = (0..20).filter(|&i| bank.points.row(i) != before.row(i)).count();
        assert_eq!((moved, bank.negatives().rows(), bank.path().len()), (5, 10, 10));
        assert_eq!(&bank.path()[5..], &bank.negatives().data()[5..]);
    }

    #[test]
    fn chains_begin_where_they_are_told() {
        let begins_at = |memory: Memory| {
            let config = BankConfig { size: 4, memory, ..Default::default() };
            let mut bank = bank(config, 4, 1, Selection::Last);
            advance(&mut bank, 9.0);
            bank.negatives().data().iter().sum::<f64>() / 4.0
        };
        assert!((begins_at(Memory::Data) + 7.0).abs() < 0.2);
        assert!((begins_at(Memory::Fresh) - 9.0).abs() < 0.2);
        assert!((begins_at(Memory::Persistent) - 0.015).abs() < 0.2);
    }

    #[test]
    fn points_begin_anew_by_chance_or_when_they_are_lost() {
        let config = BankConfig { size: 400, restart: 0.25, max_radius: Some(3.985), ..Default::default() };
        let mut bank = bank(config, 400, 1, Selection::Last);
        bank.points.row_mut(0)[0] = f64::NAN;
        advance(&mut bank, 1.5);
        // Entries 0 and 399 are lost; of the others a quarter restarts, standard error 8.7.
        assert_eq!(bank.rescued(), 2);
        assert!((bank.restarts() as f64 - 99.5).abs() < 5.0 * 8.7, "{}", bank.restarts());
        assert!(bank.points().data().iter().all(|x| x.is_finite()));
    }
}
