//! The generator's loss with its gradient in the parameters: `mean_i of_generator(d(G(z_i)))`, back through the discriminator.
//!
//! Both networks are in training mode; nothing of the discriminator changes, its running statistics included.

use super::discriminator::generator_terms;
use super::loss::GanLoss;
use crate::net::{Network, Stored};
use crate::{Batch, BatchMut};

/// The loss at these latents; adds its gradient to `gradient` and leaves the scores.
pub(super) fn generator_loss<T: Stored>(
    generator: &Network<T>,
    discriminator: &Network<T>,
    loss: &GanLoss,
    latents: Batch<'_>,
    scores: &mut [f64],
    gradient: &mut [T],
) -> f64 {
    let score = |x: Batch<'_>, mut dx: BatchMut<'_>| {
        if discriminator.couples_rows() {
            let weigh = |y: Batch<'_>, mut dy: BatchMut<'_>| {
                scores.copy_from_slice(y.data());
                let dy = dy.data_mut();
                generator_terms(loss, scores, |row, slope| dy[row] = slope)
            };
            return discriminator.training_pullback(x, weigh, dx);
        }
        discriminator.energy_and_grad(x, scores, dx.reborrow());
        generator_terms(loss, scores, |row, slope| dx.row_mut(row).iter_mut().for_each(|d| *d *= slope))
    };
    generator.training_pass(latents, score, gradient)
}
