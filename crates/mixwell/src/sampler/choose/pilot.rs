//! The look: chains of NUTS from where those of the run will start, and others from further out. Both groups adapt on their own, as long as a run
//! would, so that what they meet afterwards is what a run of NUTS would meet.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::density::{Counted, Failure, Target};
use crate::kernel::{Chains, Context, Ensemble, Kernel, Nuts, NutsConfig, Warmup};
use crate::sampler::config::RunConfig;
use crate::sampler::error::RunError;
use crate::sampler::method::Auto;
use crate::sampler::start::Start;
use crate::{Points, Stream};

/// Steps in which a group of chains adapts.
const WARMUP: usize = 300;
/// Fewest and most chains at the run's starts; there are half as many further out.
const CHAINS: (usize, usize) = (8, 12);
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
    pub fn n_chains(&self) -> usize {
        self.chains.ensemble().n_chains()
    }

    /// Positions (`steps x dim`) and log-densities of one chain.
    pub fn walk(&self, chain: usize) -> (Points, Vec<f64>) {
        let dim = self.chains.ensemble().dim();
        let mut x = Points::zeros(0, dim);
        self.steps.iter().for_each(|(all, _)| x.push(&all[chain * dim..(chain + 1) * dim]));
        (x, self.steps.iter().map(|(_, log_prob)| log_prob[chain]).collect())
    }
}

/// Both groups, and what sends them on.
pub(super) struct Look<'a> {
    target: &'a Counted<&'a dyn Target>,
    interrupt: &'a AtomicBool,
    /// Gradients that may be spent.
    most: u64,
    pub near: Group,
    pub wide: Option<Group>,
    /// Whether they were used up.
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
        let group = |x: Points, first: usize| -> Result<Group, RunError> {
            let streams = (first..first + x.rows()).map(|c| Stream::for_pilot(config.seed, c)).collect();
            let kernel = NutsConfig::default().build(x.dim())?;
            let chains = Chains::from(Ensemble::new(target, x, streams)?);
            let (trajectories, divergences, at_limit, leapfrogs) = (0, 0, 0, 0);
            Ok(Group { chains, kernel, steps: Vec::new(), trajectories, divergences, at_limit, leapfrogs })
        };
        let near = group(start_of(target, &config.start, n_near, config.seed)?, 0)?;
        let wide = match further(&config.start, auto.wide) {
            Some(start) => {
                let x = finite(target, start.points(target, n_near / 2, config.seed)?)?;
                if x.rows() > 1 { Some(group(x, n_near)?) } else { None }
            }
            None => None,
        };
        let most = (auto.share * planned) as u64;
        let mut look = Self { target, interrupt, most, near, wide, cut_short: false };
        // A quarter is left to those further out, and a quarter to what comes after.
        look.warm_up(false, most / 2)?;
        look.warm_up(true, most / 4 * 3)?;
        Ok(look)
    }

    fn warm_up(&mut self, wide: bool, most: u64) -> Result<(), RunError> {
        for step in 0..WARMUP {
            if self.target.gradients() > most {
                self.cut_short = true;
                break;
            }
            let Some(group) = self.step(wide)? else { return Ok(()) };
            group.chains.teach(&mut group.kernel, Warmup { step, total: WARMUP });
        }
        if let Some(group) = self.group(wide) {
            group.kernel.freeze();
        }
        Ok(())
    }

    /// So many more steps of every chain; fewer once nothing is left to spend.
    pub fn go_on(&mut self, steps: usize) -> Result<(), RunError> {
        for step in 0..steps {
            // R-hat needs some.
            if self.target.gradients() > self.most && self.near.steps.len() + step >= 8 {
                self.cut_short = true;
                return Ok(());
            }
            for wide in [false, true] {
                let Some(group) = self.step(wide)? else { continue };
                for tally in group.chains.tallies().iter() {
                    group.trajectories += 1;
                    group.divergences += u64::from(tally.divergences > 0);
                    group.at_limit += u64::from(tally.tree_depth >= NutsConfig::default().max_depth);
                    group.leapfrogs += u64::from(tally.leapfrogs);
                }
                group.steps.push((group.chains.x().data().to_vec(), group.chains.log_prob().to_vec()));
            }
        }
        Ok(())
    }

    /// Steps made after the warm-up.
    pub fn steps(&self) -> usize {
        self.near.steps.len()
    }

    fn group(&mut self, wide: bool) -> Option<&mut Group> {
        if wide { self.wide.as_mut() } else { Some(&mut self.near) }
    }

    fn step(&mut self, wide: bool) -> Result<Option<&mut Group>, RunError> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(RunError::LookInterrupted);
        }
        let target = self.target;
        let Some(group) = self.group(wide) else { return Ok(None) };
        let failure = Failure::default();
        group.chains.step_in(&group.kernel, &Context::new(target, &failure));
        failure.check()?;
        Ok(Some(group))
    }
}

/// The starts of the run, for as many chains as look; refused as the run's would be.
fn start_of(
    target: &Counted<&dyn Target>,
    start: &Start,
    chains: usize,
    seed: u64,
) -> Result<Points, RunError> {
    let chains = start.evaluate(target, chains, seed, true)?.chains(seed);
    Ok(Points::from_vec(chains.x().data().to_vec(), target.dim()))
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
