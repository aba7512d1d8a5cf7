//! The look: chains of NUTS from where those of the run will start, and others from further out. Both groups adapt on their own, as long as a run
//! would, so that what they meet afterwards is what a run of NUTS would meet.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::search::unvisited;
use crate::density::{Counted, Failure, Target};
use crate::kernel::{Chains, Context, Ensemble, Kernel, Nuts, NutsConfig, Warmup};
use crate::sampler::config::RunConfig;
use crate::sampler::error::RunError;
use crate::sampler::method::Auto;
use crate::sampler::start::Start;
use crate::symmetry::Symmetry;
use crate::{Points, Stream};

/// Steps in which a group of chains adapts, and those in which it adapts anew when these were too few.
const WARMUP: usize = 300;
const LONGER: usize = 1000;
/// Fewest steps that are looked at: R-hat needs some.
const FEWEST: usize = 8;
/// Fewest and most chains at the run's starts; there are half as many further out.
const CHAINS: (usize, usize) = (8, 12);
/// Points that climb in search of peaks that no chain stands under: this many from where the run starts, as many from further out.
const CLIMBERS: usize = 64;
/// Gradients of a trajectory, and steps of warm-up, by which a run is priced when the look is given its share.
const TRAJECTORY: f64 = 1024.0;
const RUN_WARMUP: usize = 1000;

/// A group of chains, and what it did after its warm-up.
pub(super) struct Group {
    chains: Chains,
    kernel: Nuts,
    /// Positions and log-densities of each step: `chains x dim`, `chains`.
    steps: Vec<(Vec<f64>, Vec<f64>)>,
    /// Trajectories, those that diverged, and those that ended at the greatest depth.
    pub trajectories: u64,
    pub divergences: u64,
    pub at_limit: u64,
    /// Gradients of the trajectories.
    pub leapfrogs: u64,
}

impl Group {
    fn new(chains: Ensemble) -> Result<Self, RunError> {
        let kernel = NutsConfig::default().build(chains.dim())?;
        let (chains, steps) = (Chains::from(chains), Vec::new());
        Ok(Self { chains, kernel, steps, trajectories: 0, divergences: 0, at_limit: 0, leapfrogs: 0 })
    }

    /// Forgets what was learned and seen; the chains stay where they are.
    fn forget(&mut self) -> Result<(), RunError> {
        self.kernel = NutsConfig::default().build(self.chains.ensemble().dim())?;
        self.steps.clear();
        (self.trajectories, self.divergences, self.at_limit, self.leapfrogs) = (0, 0, 0, 0);
        Ok(())
    }

    /// Takes note of the last step.
    fn record(&mut self) {
        for tally in self.chains.tallies().iter() {
            self.trajectories += 1;
            self.divergences += u64::from(tally.divergences > 0);
            self.at_limit += u64::from(tally.tree_depth >= NutsConfig::default().max_depth);
            self.leapfrogs += u64::from(tally.leapfrogs);
        }
        self.steps.push((self.chains.x().data().to_vec(), self.chains.log_prob().to_vec()));
    }

    pub fn n_chains(&self) -> usize {
        self.chains.ensemble().n_chains()
    }

    /// Positions (`steps x dim`) and log-densities of one chain, as if it moved by the target's symmetries: where images are parted by valleys they
    /// count as one point, others are drawn.
    pub fn walk(
        &self,
        chain: usize,
        symmetries: &[Arc<dyn Symmetry>],
        stream: &mut Stream,
    ) -> (Points, Vec<f64>) {
        let dim = self.chains.ensemble().dim();
        let mut x = Points::zeros(0, dim);
        let mut before = vec![0.0; dim];
        for (all, _) in &self.steps {
            x.push(&all[chain * dim..(chain + 1) * dim]);
            let row = x.row_mut(x.rows() - 1);
            for symmetry in symmetries.iter().filter(|s| !s.folds()) {
                let mut element = vec![0.0; symmetry.element_len()];
                symmetry.draw(stream, &mut element);
                before.copy_from_slice(row);
                symmetry.apply(&element, &before, row);
            }
            symmetries.iter().for_each(|s| s.fold(row));
        }
        (x, self.steps.iter().map(|(_, log_prob)| log_prob[chain]).collect())
    }
}

/// The groups, and what sends them on.
pub(super) struct Look<'a> {
    target: &'a Counted<&'a dyn Target>,
    interrupt: &'a AtomicBool,
    /// The run's.
    pub seed: u64,
    /// Gradients that may be spent.
    most: u64,
    /// The chains at the run's starts, then those further out and those at peaks that a search found, where there are any.
    pub groups: Vec<Group>,
    /// Peaks that the search found, and chains from them.
    pub found: usize,
    /// Whether the gradients were used up.
    pub cut_short: bool,
}

impl<'a> Look<'a> {
    /// Sends the chains out, and lets them adapt.
    pub fn begin(
        target: &'a Counted<&'a dyn Target>,
        config: &RunConfig,
        auto: &Auto,
        interrupt: &'a AtomicBool,
    ) -> Result<Self, RunError> {
        let planned = (config.chains * (RUN_WARMUP + config.draws)) as f64 * TRAJECTORY;
        let n_near = config.chains.clamp(CHAINS.0, CHAINS.1);
        // Refused as the run's would be.
        let near = config.start.evaluate(target, n_near, config.seed, true)?;
        let mut groups = vec![Group::new(near.chains(streams(config.seed, 0..n_near)))?];
        if let Some(start) = further(&config.start, auto.wide) {
            let x = finite(target, start.points(target, n_near / 2, config.seed)?)?;
            if x.rows() > 1 {
                let streams = streams(config.seed, n_near..n_near + x.rows());
                groups.push(Group::new(Ensemble::new(target, x, streams)?)?);
            }
        }
        let most = (auto.share * planned) as u64;
        let mut look =
            Self { target, interrupt, seed: config.seed, most, groups, found: 0, cut_short: false };
        // Fifths: two for the first chains, one each for those further out, for the search, and for what comes after.
        for group in 0..look.groups.len() {
            look.warm_up(group, WARMUP, most / 5 * (2 + group as u64))?;
        }
        look.search(config, auto)?;
        Ok(look)
    }

    /// Sends chains to peaks that none stands under.
    fn search(&mut self, config: &RunConfig, auto: &Auto) -> Result<(), RunError> {
        let (target, dim) = (self.target, self.target.dim());
        let mut starts = Points::zeros(0, dim);
        let sources = match &config.start {
            Start::Uniform { .. } | Start::Gaussian { .. } | Start::Base => {
                [Some(config.start.clone()), further(&config.start, auto.wide)]
            }
            // Whoever says where chains start knows what is there.
            _ => return Ok(()),
        };
        // The first points are those that chains began at.
        for source in sources.into_iter().flatten() {
            let x = source.points(target, CHAINS.1 + CLIMBERS, self.seed)?;
            (CHAINS.1..x.rows()).for_each(|row| starts.push(x.row(row)));
        }
        let mut standing = Points::zeros(0, dim);
        for group in &self.groups {
            group.chains.x().iter().for_each(|row| standing.push(row));
        }
        let most = self.most / 5 * 4;
        let found = unvisited(target, &standing, &starts, || target.gradients() < most)?;
        self.found = found.rows();
        if self.found > 0 {
            let taken: usize = self.groups.iter().map(Group::n_chains).sum();
            let streams = streams(self.seed, taken..taken + self.found);
            self.groups.push(Group::new(Ensemble::new(target, found, streams)?)?);
            self.warm_up(self.groups.len() - 1, WARMUP, most)?;
        }
        Ok(())
    }

    /// Has all chains adapt anew from where they are, for longer, and looks at them afresh.
    pub fn adapt_longer(&mut self) -> Result<(), RunError> {
        let (spent, left) = (self.target.gradients(), self.most.saturating_sub(self.target.gradients()));
        let n = self.groups.len() as u64;
        for group in 0..self.groups.len() {
            self.groups[group].forget()?;
            self.warm_up(group, LONGER, spent + left / (n + 1) * (group as u64 + 1))?;
        }
        Ok(())
    }

    fn warm_up(&mut self, group: usize, steps: usize, most: u64) -> Result<(), RunError> {
        for step in 0..steps {
            if self.target.gradients() > most {
                self.cut_short = true;
                break;
            }
            let Group { chains, kernel, .. } = self.step(group)?;
            chains.teach(kernel, Warmup { step, total: steps });
        }
        self.groups[group].kernel.freeze();
        Ok(())
    }

    /// So many more steps of every chain; fewer once nothing is left to spend.
    pub fn go_on(&mut self, steps: usize) -> Result<(), RunError> {
        for _ in 0..steps {
            if self.used_up() && self.steps() >= FEWEST {
                self.cut_short = true;
                return Ok(());
            }
            for group in 0..self.groups.len() {
                self.step(group)?.record();
            }
        }
        Ok(())
    }

    /// Whether nothing is left to spend.
    pub fn used_up(&self) -> bool {
        self.target.gradients() > self.most
    }

    /// Steps made after the warm-up.
    pub fn steps(&self) -> usize {
        self.groups[0].steps.len()
    }

    fn step(&mut self, group: usize) -> Result<&mut Group, RunError> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(RunError::LookInterrupted);
        }
        let group = &mut self.groups[group];
        let failure = Failure::default();
        group.chains.step_in(&group.kernel, &Context::new(self.target, &failure));
        failure.check()?;
        Ok(group)
    }
}

/// Random streams of chains of the look.
fn streams(seed: u64, chains: Range<usize>) -> Vec<Stream> {
    chains.map(|c| Stream::for_pilot(seed, c)).collect()
}

/// Starts spread so many times further, where they are random.
fn further(start: &Start, factor: f64) -> Option<Start> {
    match start {
        _ if factor == 1.0 => None,
        Start::Uniform { radius } => Some(Start::Uniform { radius: radius * factor }),
        Start::Gaussian { scale } => Some(Start::Gaussian { scale: scale * factor }),
        _ => None,
    }
}

/// Those of the points at which density and gradient are finite.
fn finite(target: &dyn Target, x: Points) -> Result<Points, RunError> {
    let (mut log_prob, mut grad) = (vec![0.0; x.rows()], Points::zeros(x.rows(), x.dim()));
    target.log_prob_and_grad(x.as_batch(), &mut log_prob, grad.as_batch_mut())?;
    let mut kept = Points::zeros(0, x.dim());
    for (row, value) in log_prob.iter().enumerate() {
        if value.is_finite() && grad.row(row).iter().all(|g| g.is_finite()) {
            kept.push(x.row(row));
        }
    }
    Ok(kept)
}
