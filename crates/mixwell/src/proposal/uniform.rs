//! The uniform law on a cube: `x = low + (high - low) Phi(noise)`.

use super::{Differentiable, Proposal, content_version};
use crate::math::normal_cdf;
use crate::{Batch, BatchMut, ConfigError, range};

/// Independent coordinates, each uniform on `[low, high]`.
///
/// ```
/// use mixwell::Batch;
/// use mixwell::proposal::{Proposal, Uniform};
/// let law = Uniform::new(2, -1.0, 1.0)?;
/// let mut log_q = [0.0; 2];
/// law.log_prob(Batch::new(&[0.3, -0.9, 0.3, 1.1], 2), &mut log_q);
/// assert_eq!(log_q, [-2.0 * 2f64.ln(), f64::NEG_INFINITY]);
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniform {
    dim: usize,
    low: f64,
    high: f64,
}

impl Uniform {
    /// The law in `dim` dimensions.
    ///
    /// # Errors
    /// When `low` is not below `high`, or one of them is not finite.
    pub fn new(dim: usize, low: f64, high: f64) -> Result<Self, ConfigError> {
        range::finite("low", low)?;
        range::finite("high", high)?;
        if low >= high || !(high - low).is_finite() {
            return Err(ConfigError::new("high", high, format!("it must lie above `low`, which is {low}")));
        }
        Ok(Self { dim, low, high })
    }

    /// Smallest and largest value of a coordinate.
    pub fn interval(&self) -> [f64; 2] {
        [self.low, self.high]
    }

    /// A coordinate from a standard normal number.
    pub fn of_normal(&self, noise: f64) -> f64 {
        // The clamp is for the last rounding.
        (self.low + (self.high - self.low) * normal_cdf(noise)).clamp(self.low, self.high)
    }

    fn log_prob_of(&self, x: &[f64]) -> f64 {
        let inside = x.iter().all(|v| (self.low..=self.high).contains(v));
        if inside { -(self.dim as f64) * (self.high - self.low).ln() } else { f64::NEG_INFINITY }
    }
}

impl Proposal for Uniform {
    fn dim(&self) -> usize {
        self.dim
    }

    fn version(&self) -> u64 {
        content_version([self.dim as u64, self.low.to_bits(), self.high.to_bits()])
    }

    fn push(&self, noise: Batch<'_>, x: BatchMut<'_>, log_q: &mut [f64]) {
        for (x, noise) in x.into_data().iter_mut().zip(noise.data()) {
            *x = self.of_normal(*noise);
        }
        log_q.fill(-(self.dim as f64) * (self.high - self.low).ln());
    }

    fn log_prob(&self, x: Batch<'_>, log_q: &mut [f64]) {
        for (x, log_q) in x.iter().zip(log_q) {
            *log_q = self.log_prob_of(x);
        }
    }
}

impl Differentiable for Uniform {
    fn log_prob_and_grad(&self, x: Batch<'_>, log_q: &mut [f64], mut grad: BatchMut<'_>) {
        self.log_prob(x, log_q);
        grad.data_mut().fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Points, Stream};

    #[test]
    fn draws_fill_the_cube_evenly() {
        let law = Uniform::new(2, -1.0, 3.0).unwrap();
        let (mut noise, mut x) = (Points::zeros(20_000, 2), Points::zeros(20_000, 2));
        Stream::new(1, 0).fill_normal(noise.data_mut());
        let mut log_q = vec![0.0; 20_000];
        law.push(noise.as_batch(), x.as_batch_mut(), &mut log_q);
        let mut again = vec![0.0; 20_000];
        law.log_prob(x.as_batch(), &mut again);
        assert_eq!(log_q, again);
        let mean = x.data().iter().sum::<f64>() / 40_000.0;
        let square = x.data().iter().map(|v| (v - 1.0) * (v - 1.0)).sum::<f64>() / 40_000.0;
        // Mean 1, variance 16/12; the standard errors are .0058 and .006.
        assert!((mean - 1.0).abs() < 0.029 && (square - 4.0 / 3.0).abs() < 0.03, "{mean} {square}");
        assert!(Uniform::new(2, 1.0, 1.0).is_err() && Uniform::new(2, f64::NAN, 1.0).is_err());
    }
}
