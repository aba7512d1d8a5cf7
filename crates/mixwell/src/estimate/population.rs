//! One population on the ladder: evaluate, choose the next rung, reweight, resample, move. This is sequential Monte Carlo itself,
//! and the pilot run that finds step sizes and rungs for annealed importance sampling.
//!
//! `ln Z^ += ln sum_i W_i exp((b_{k+1} - b_k) r_i)` with normalised weights `W` and `r = log pi - log pi_0` before the
//! move; the population is resampled when its ESS falls below a share of its size, and then weights are equal again.
//! The kernel adapts to the population after every move, as is usual for sequential Monte Carlo: that and the adaptive
//! ladder make `Z^` consistent, with a bias of the order of one over the number of particles, instead of unbiased.
//! Before the first rung the kernel adapts to the base, which costs no evaluation of the target.

use super::ladder::{bisect, times};
use super::resample::systematic;
use super::route::Route;
use super::walkers::Walkers;
use super::{EstimateError, LadderConfig, Rung};
use crate::density::EvaluationError;
use crate::diagnostics::pareto_smooth;
use crate::kernel::{Kernel, KernelConfig, KernelState, Warmup};
use crate::math::log_sum_exp;
use crate::{Points, Stream};

/// Moves on the base before the climb.
const ACCUSTOMING: usize = 30;
/// Moves of the whole climb, as far as schedules of adaptation are concerned: more than there can be.
const UNKNOWN_TOTAL: usize = 1 << 40;
/// Rungs after which an adaptive ladder is given up.
const MOST_RUNGS: usize = 10_000;
/// Index of the stream that resamples: beyond that of any particle.
const RESAMPLING: u64 = (1 << 40) - 1;

/// How a population climbs.
pub(super) struct Climb<'a> {
    pub route: Route<'a>,
    pub kernel: &'a KernelConfig,
    pub ladder: &'a LadderConfig,
    pub particles: usize,
    pub moves: usize,
    pub resample_below: f64,
    pub seed: u64,
    pub round: u64,
    pub max_rows: usize,
}

/// A population that has arrived.
pub(super) struct Summit {
    pub log_z: f64,
    pub x: Points,
    /// Normalised.
    pub log_weights: Vec<f64>,
    pub rungs: Vec<Rung>,
    /// The kernel after the moves of each rung.
    pub kernels: Vec<KernelState>,
    /// Largest Pareto k of the increments of a rung.
    pub pareto_k: f64,
    pub non_finite: u64,
}

impl Climb<'_> {
    pub fn run(&self) -> Result<Summit, EstimateError> {
        let n = self.particles;
        let streams = (0..n as u64).map(|i| Stream::for_estimate(self.seed, self.round, i)).collect();
        let mut resampling = Stream::for_estimate(self.seed, self.round, RESAMPLING);
        let mut kernel = self.kernel.build(self.route.dim()).map_err(|e| e.under("kernel"))?;
        let mut walkers = Walkers::draw(self.route, streams, &*kernel, self.max_rows)?;
        let mut moves = 0;
        if self.moves > 0 {
            self.move_all(&mut walkers, &mut *kernel, 0.0, ACCUSTOMING, &mut moves)?;
        }
        let given = self.ladder.betas();
        let equal = -(n as f64).ln();
        let mut log_weights = vec![equal; n];
        let (mut beta, mut log_z, mut pareto_k) = (0.0, 0.0, f64::NEG_INFINITY);
        let (mut rungs, mut kernels) = (Vec::new(), Vec::new());
        while beta < 1.0 {
            walkers.look()?;
            let log_ratio = walkers.log_ratio();
            let next = match (&given, self.ladder) {
                (Some(betas), _) => betas[rungs.len()],
                (None, LadderConfig::Adaptive { ess }) => {
                    self.next(beta, bisect(&log_weights, &log_ratio, *ess, 1.0 - beta), rungs.len())?
                }
                (None, _) => unreachable!("every other ladder is known beforehand"),
            };
            let increments: Vec<f64> = log_ratio.iter().map(|r| times(next - beta, *r)).collect();
            pareto_k = pareto_k.max(pareto_smooth(&increments, 1.0).pareto_k);
            log_weights.iter_mut().zip(&increments).for_each(|(w, v)| *w += v);
            let total = log_sum_exp(&log_weights);
            if total == f64::NEG_INFINITY {
                return Err(EstimateError::Extinct { beta: next });
            }
            log_z += total;
            log_weights.iter_mut().for_each(|w| *w -= total);
            let weights: Vec<f64> = log_weights.iter().map(|w| w.exp()).collect();
            let ess_share = 1.0 / (n as f64 * weights.iter().map(|w| w * w).sum::<f64>());
            let resampled = ess_share < self.resample_below;
            if resampled {
                let source = systematic(&weights, n, resampling.uniform());
                walkers.aim(next, |i| source[i]);
                log_weights.fill(equal);
            } else {
                walkers.aim(next, |i| i);
            }
            let acceptance = self.move_all(&mut walkers, &mut *kernel, next, self.moves, &mut moves)?;
            let step_size = kernel.leaves().iter().find_map(|l| l.step_size);
            rungs.push(Rung { beta: next, ess_share, resampled, acceptance, step_size });
            kernels.push(kernel.save());
            beta = next;
        }
        let x = Points::from_vec(walkers.x().data().to_vec(), walkers.x().dim());
        Ok(Summit { log_z, x, log_weights, rungs, kernels, pareto_k, non_finite: walkers.non_finite() })
    }

    /// Moves the population `times` times and adapts the kernel after each; the mean acceptance of the last.
    fn move_all(
        &self,
        walkers: &mut Walkers<'_>,
        kernel: &mut dyn Kernel,
        beta: f64,
        times: usize,
        moves: &mut usize,
    ) -> Result<Option<f64>, EvaluationError> {
        let mut acceptance = None;
        for _ in 0..times {
            walkers.step(kernel, beta)?;
            acceptance = walkers.acceptance();
            walkers.teach(kernel, Warmup { step: *moves, total: UNKNOWN_TOTAL });
            *moves += 1;
        }
        Ok(acceptance)
    }

    /// The inverse temperature `delta` above `beta`; the last is 1 exactly.
    fn next(&self, beta: f64, delta: f64, rungs: usize) -> Result<f64, EstimateError> {
        let next = beta + delta;
        if rungs >= MOST_RUNGS || next <= beta {
            return Err(EstimateError::Endless { rungs, beta });
        }
        Ok(if delta >= 1.0 - beta { 1.0 } else { next })
    }
}
