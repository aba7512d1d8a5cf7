//! Walkers with weights that follow an energy as it changes (Jarzynski's identity).
//!
//! With `U_k = -log_prob` of the model after `k` changes, `h = eta`:
//! `X' = X - h grad U_k(X) + sqrt(2 h) xi`,   `A' = A - a_(k+1)(X', X) + a_k(X, X')`,
//! `a_k(x, y) = U_k(x) + (y - x) . grad U_k(x) / 2 + h |grad U_k(x)|^2 / 4`.
//! The exponent is the log-ratio of the step back under the new energy and the step there under the old one, so it holds for any
//! `h`. A walker keeps value and gradient of the model it was last evaluated with: that makes the first step after a change go by
//! the old energy and be weighed by the new, and costs one gradient a step.
//! Expectations are self-normalised with `e^A`; `Z_k / Z_0` is the mean of `e^A`, times the factors kept where walkers were
//! resampled. Walkers start at exact draws of the base with `A = -(U_0 + log rho)`, so the first model may be any.
//! A step to a point that cannot be evaluated gives weight zero. Reference: [carbone2023efficient].

use serde::{Deserialize, Serialize};

use super::recipe::WalkersRecipe;
use crate::density::{EvaluationError, Target};
use crate::diagnostics::ImportanceSummary;
use crate::estimate::systematic;
use crate::math::log_sum_exp;
use crate::rng::{BANK_STREAM, StreamState};
use crate::{Batch, BatchMut, Points, Stream};

/// Weighted walkers.
pub struct Walkers {
    recipe: WalkersRecipe,
    x: Points,
    log_prob: Vec<f64>,
    grad: Points,
    log_weights: Vec<f64>,
    /// `ln` of the factors kept at resamplings.
    log_kept: f64,
    resamplings: u64,
    streams: Vec<Stream>,
    stream: Stream,
    weights: Vec<f64>,
}

/// [`Walkers`] as they lie in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WalkersState {
    x: Points,
    log_prob: Vec<f64>,
    grad: Points,
    log_weights: Vec<f64>,
    log_kept: f64,
    resamplings: u64,
    streams: Vec<StreamState>,
    stream: StreamState,
    weights: Vec<f64>,
}

impl Walkers {
    /// Walkers at `x`, exact draws of the law whose log-density there is `log_base`.
    pub(super) fn new(
        recipe: WalkersRecipe,
        model: &dyn Target,
        (x, log_base): (Points, &[f64]),
        seed: u64,
    ) -> Result<Self, EvaluationError> {
        let n = x.rows();
        let (mut log_prob, mut grad) = (vec![0.0; n], Points::zeros(n, x.dim()));
        model.log_prob_and_grad(x.as_batch(), &mut log_prob, grad.as_batch_mut())?;
        let log_weights: Vec<f64> = log_prob.iter().zip(log_base).map(|(p, q)| usable(p - q)).collect();
        let mut walkers = Self {
            streams: Stream::for_chains(seed, n),
            stream: Stream::new(seed, BANK_STREAM),
            weights: vec![0.0; n],
            log_kept: 0.0,
            resamplings: 0,
            recipe,
            x,
            log_prob,
            grad,
            log_weights,
        };
        walkers.normalise();
        Ok(walkers)
    }

    /// Positions, `walkers x dim`.
    pub fn x(&self) -> Batch<'_> {
        self.x.as_batch()
    }

    /// Weights, which sum to one.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Effective number of walkers as a share of all.
    pub fn ess_share(&self) -> f64 {
        ImportanceSummary::compute(&self.log_weights).ess_share
    }

    /// Estimate of `ln Z` of the present model; the base is normalised.
    pub fn log_evidence(&self) -> f64 {
        self.log_kept + log_sum_exp(&self.log_weights) - (self.log_weights.len() as f64).ln()
    }

    /// Times that the walkers were resampled.
    pub fn resamplings(&self) -> u64 {
        self.resamplings
    }

    /// Moves all walkers by the steps of an update, the last of which are weighed by `model`; resamples where the effective share has
    /// fallen too low.
    pub(super) fn advance(&mut self, model: &dyn Target) -> Result<(), EvaluationError> {
        for _ in 0..self.recipe.steps {
            self.step(model)?;
        }
        let share = self.ess_share();
        if share.is_nan() || share < self.recipe.resample_below {
            self.resample();
        }
        self.normalise();
        Ok(())
    }

    fn step(&mut self, model: &dyn Target) -> Result<(), EvaluationError> {
        let (n, dim, h) = (self.x.rows(), self.x.dim(), self.recipe.eta);
        let sd = (2.0 * h).sqrt();
        let mut y = Points::zeros(n, dim);
        for (row, stream) in self.streams.iter_mut().enumerate() {
            let to = y.row_mut(row);
            stream.fill_normal(to);
            for ((y, x), g) in to.iter_mut().zip(self.x.row(row)).zip(self.grad.row(row)) {
                *y = x + h * g + sd * *y;
            }
        }
        let (mut log_prob, mut grad) = (vec![0.0; n], Points::zeros(n, dim));
        evaluate(model, y.as_batch(), &mut log_prob, grad.as_batch_mut())?;
        for (row, new) in log_prob.iter_mut().enumerate() {
            let there = half(self.log_prob[row], self.x.row(row), y.row(row), self.grad.row(row), h);
            let back = half(*new, y.row(row), self.x.row(row), grad.row(row), h);
            self.log_weights[row] = usable(self.log_weights[row] + there - back);
            if self.log_weights[row] == f64::NEG_INFINITY {
                // Weightless walkers stay where they can be evaluated until they are resampled.
                y.row_mut(row).copy_from_slice(self.x.row(row));
                *new = self.log_prob[row];
                grad.row_mut(row).copy_from_slice(self.grad.row(row));
            }
        }
        (self.x, self.log_prob, self.grad) = (y, log_prob, grad);
        Ok(())
    }

    /// Systematic resampling; the mean weight is kept as a factor.
    fn resample(&mut self) {
        let n = self.log_weights.len();
        let mean = log_sum_exp(&self.log_weights) - (n as f64).ln();
        let u = self.stream.uniform();
        if !mean.is_finite() {
            return;
        }
        let total = mean + (n as f64).ln();
        let weights: Vec<f64> = self.log_weights.iter().map(|w| (w - total).exp()).collect();
        let sources = systematic(&weights, n, u);
        let (x, grad, log_prob) = (self.x.clone(), self.grad.clone(), self.log_prob.clone());
        for (to, &from) in sources.iter().enumerate() {
            self.x.row_mut(to).copy_from_slice(x.row(from));
            self.grad.row_mut(to).copy_from_slice(grad.row(from));
            self.log_prob[to] = log_prob[from];
        }
        self.log_kept += mean;
        self.log_weights.fill(0.0);
        self.resamplings += 1;
    }

    fn normalise(&mut self) {
        let total = log_sum_exp(&self.log_weights);
        self.weights.iter_mut().zip(&self.log_weights).for_each(|(w, l)| *w = (l - total).exp());
    }

    pub(super) fn save(&self) -> WalkersState {
        WalkersState {
            x: self.x.clone(),
            log_prob: self.log_prob.clone(),
            grad: self.grad.clone(),
            log_weights: self.log_weights.clone(),
            log_kept: self.log_kept,
            resamplings: self.resamplings,
            streams: self.streams.iter().map(Stream::state).collect(),
            stream: self.stream.state(),
            weights: self.weights.clone(),
        }
    }

    pub(super) fn load(&mut self, state: &WalkersState) {
        let state = state.clone();
        (self.x, self.grad) = (state.x, state.grad);
        (self.log_prob, self.log_weights, self.weights) = (state.log_prob, state.log_weights, state.weights);
        (self.log_kept, self.resamplings) = (state.log_kept, state.resamplings);
        self.streams = state.streams.into_iter().map(Stream::restore).collect();
        self.stream = Stream::restore(state.stream);
    }
}

/// `a(x, y)`, from `log_prob = -U` and its gradient at `x`.
fn half(log_prob: f64, x: &[f64], y: &[f64], grad: &[f64], h: f64) -> f64 {
    let along: f64 = x.iter().zip(y).zip(grad).map(|((x, y), g)| (y - x) * g).sum();
    let square: f64 = grad.iter().map(|g| g * g).sum();
    -log_prob - 0.5 * along + 0.25 * h * square
}

/// A log-weight, or a weight of zero.
fn usable(log_weight: f64) -> f64 {
    if log_weight.is_finite() { log_weight } else { f64::NEG_INFINITY }
}

/// Values and gradients, blocks of rows in parallel.
fn evaluate(
    model: &dyn Target,
    x: Batch<'_>,
    log_prob: &mut [f64],
    grad: BatchMut<'_>,
) -> Result<(), EvaluationError> {
    use rayon::prelude::*;
    const ROWS: usize = 256;
    let dim = x.dim();
    let points = x.data().par_chunks(ROWS * dim).map(|x| Batch::new(x, dim));
    points
        .zip(log_prob.par_chunks_mut(ROWS))
        .zip(grad.into_data().par_chunks_mut(ROWS * dim))
        .try_for_each(|((x, log_prob), grad)| model.log_prob_and_grad(x, log_prob, BatchMut::new(grad, dim)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::density::{GaussianMixture, TwoModesConfig};
    use crate::ebm::EnergyModel;
    use crate::ebm::tests::Quadratic;
    use crate::net::Model;
    use crate::proposal::{Gaussian, Proposal};

    fn walkers(model: &dyn Target, n: usize, eta: f64, resample_below: f64, seed: u64) -> Walkers {
        let base = Gaussian::standard(1);
        let (mut x, mut log_q) = (Points::zeros(n, 1), vec![0.0; n]);
        let mut noise = Points::zeros(n, 1);
        Stream::new(seed, 99).fill_normal(noise.data_mut());
        base.push(noise.as_batch(), x.as_batch_mut(), &mut log_q);
        let recipe = WalkersRecipe { walkers: n, eta, steps: 1, resample_below };
        Walkers::new(recipe, model, (x, &log_q), seed).unwrap()
    }

    fn model(theta: f64) -> EnergyModel<Quadratic> {
        EnergyModel::new(Quadratic::new(theta)).with_base(Arc::new(Gaussian::standard(1))).unwrap()
    }

    #[test]
    fn a_long_way_gives_the_evidence_whatever_the_step() {
        // theta from 0 to 3 in 30 changes: log Z = -ln(4)/2, with and without resampling, even with a step where ULA's own
        // variance would be off by a half (eta = .15 on precision 4: 1/(1 - .3)).
        for resample_below in [0.0, 0.9] {
            let mut estimates = vec![];
            for seed in 0..40 {
                let mut m = model(0.0);
                let mut walkers = walkers(&m, 500, 0.15, resample_below, seed);
                for _ in 0..30 {
                    m.change_params(&mut |p| {
                        p.map(|_, theta| theta + 0.1);
                        true
                    });
                    walkers.advance(&m).unwrap();
                }
                assert_eq!(walkers.resamplings() > 0, resample_below > 0.0);
                estimates.push(walkers.log_evidence().exp());
                // The weighted second moment is 1/4.
                let x = walkers.x();
                let second: f64 = x.data().iter().zip(walkers.weights()).map(|(x, w)| w * x * x).sum();
                assert!((second - 0.25).abs() < 0.15, "{second}");
            }
            let n = estimates.len() as f64;
            let mean = estimates.iter().sum::<f64>() / n;
            let se = (estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
            assert!((mean - 0.5).abs() < 5.0 * se && se < 0.02, "{mean} {se}");
        }
    }

    #[test]
    fn leaving_out_the_discretisation_is_seen() {
        // The same with weights that only know the change of the energy: E e^A is off, since ULA does not keep the law.
        let mut m = model(3.0);
        let mut walkers = walkers(&m, 20_000, 0.15, 0.0, 1);
        walkers.log_weights.fill(0.0);
        let exact = |w: &Walkers| {
            let x = w.x();
            let n = x.rows() as f64;
            x.data().iter().map(|x| x * x).sum::<f64>() / n
        };
        for _ in 0..30 {
            walkers.step(&m).unwrap();
        }
        // Unweighted walkers have ULA's variance 1/(4 (1 - .3)) = .357; weighted ones the exact one.
        assert!((exact(&walkers) - 0.357).abs() < 0.02, "{}", exact(&walkers));
        m.change_params(&mut |_| false);
    }

    #[test]
    fn weights_of_a_frozen_model_with_two_modes_stay() {
        // Exact draws of a mixture with weights 1/3 and 2/3 whose modes never meet: weighted shares stay at 1/3.
        let target: GaussianMixture =
            TwoModesConfig { dim: 1, centre: 6.0, ..Default::default() }.build().unwrap();
        let n = 3000;
        let mut stream = Stream::new(5, 50);
        let x = target.exact_sampler().unwrap().sample_rows(&mut stream, n, 1);
        let mut log_p = vec![0.0; n];
        target.log_prob(x.as_batch(), &mut log_p).unwrap();
        let recipe = WalkersRecipe { walkers: n, eta: 0.005, steps: 20, resample_below: 0.8 };
        let mut walkers = Walkers::new(recipe, &target, (x, &log_p), 1).unwrap();
        for _ in 0..10 {
            walkers.advance(&target).unwrap();
        }
        let share: f64 =
            walkers.x().data().iter().zip(walkers.weights()).filter(|(x, _)| **x < 0.0).map(|(_, w)| w).sum();
        // 3000 draws: standard error .0086, and less than doubled by weights and resampling.
        assert!((share - 1.0 / 3.0).abs() < 5.0 * 0.0172, "{share}");
        assert!(walkers.log_evidence().abs() < 0.2, "{}", walkers.log_evidence());
    }
}
