//! The discriminator's loss with its gradient in the parameters.
//!
//! `mean_i on_data(d(x_i)) + mean_i on_generated(d(G(z_i))) + penalty mean_i (|grad d(u_i x_i + (1 - u_i) G(z_i))| - 1)^2`, `u_i`
//! uniform. A discriminator with statistics (batch normalisation, spectral normalisation) sees data and generated points as two batches
//! in training mode, as is usual; what a step takes from its statistics is the mean over the two.

use crate::net::{Model, Network, Stored};
use crate::{Batch, BatchMut};

use super::loss::{GanLoss, Term};

/// The value of the loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct DiscriminatorLoss {
    pub value: f64,
    /// What of it is the penalty.
    pub penalty: f64,
}

/// The mean over data and the mean over generated points of functions of their scores, `term(row, score)`, at `both`, the data and then as
/// many generated points; adds the gradient of their sum to `gradient` and leaves the scores.
pub(in crate::gan) fn contrast<T: Stored>(
    network: &Network<T>,
    both: Batch<'_>,
    term: &(dyn Fn(usize, f64) -> Term + Sync),
    scores: &mut [f64],
    gradient: &mut [T],
) -> f64 {
    let n = both.rows() / 2;
    if network.has_statistics() {
        for first in [0, n] {
            let scores = &mut scores[first..first + n];
            let weigh = |y: Batch<'_>, mut dy: BatchMut<'_>| {
                scores.copy_from_slice(y.data());
                for (i, (d, score)) in dy.data_mut().iter_mut().zip(y.data()).enumerate() {
                    *d = term(first + i, *score).slope / n as f64;
                }
                0.0
            };
            network.training_pass(both.slice(first..first + n), weigh, gradient);
        }
        for array in network.layout().iter().filter(|array| array.is_statistic) {
            gradient[array.offset..array.end()].iter_mut().for_each(|g| *g *= T::from_f64(0.5));
        }
    } else {
        let weigh = |first: usize, scores: &[f64], weights: &mut [f64]| {
            for (i, (weight, score)) in weights.iter_mut().zip(scores).enumerate() {
                *weight = term(first + i, *score).slope / n as f64;
            }
        };
        network.weighted_energy_by(both, &weigh, scores, gradient);
    }
    let sum: f64 = scores.iter().enumerate().map(|(row, score)| term(row, *score).value).sum();
    sum / n as f64
}

/// The loss at `both`, the data and then as many generated points, and `between`, points for the penalty; adds its gradient to `gradient`
/// and leaves the scores of `both`.
pub(super) fn discriminator_loss<T: Stored>(
    network: &Network<T>,
    loss: &GanLoss,
    both: Batch<'_>,
    between: Option<Batch<'_>>,
    scores: &mut [f64],
    gradient: &mut [T],
) -> DiscriminatorLoss {
    let n = both.rows() / 2;
    let term = |row: usize, score: f64| if row < n { loss.on_data(score) } else { loss.on_generated(score) };
    let fit = contrast(network, both, &term, scores, gradient);
    let penalty = between.map_or(0.0, |x| network.gradient_penalty(x, loss.penalty(), gradient));
    DiscriminatorLoss { value: fit + penalty, penalty }
}

/// The generator's loss of points with these scores, and its derivative in the scores.
pub(super) fn generator_terms(loss: &GanLoss, scores: &[f64], mut each: impl FnMut(usize, f64)) -> f64 {
    let n = scores.len() as f64;
    let mut sum = 0.0;
    for (row, score) in scores.iter().enumerate() {
        let Term { value, slope } = loss.of_generator(*score);
        sum += value;
        each(row, slope / n);
    }
    sum / n
}
