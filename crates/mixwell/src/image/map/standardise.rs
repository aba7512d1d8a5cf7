//! Each channel by its mean and standard deviation: `y = (x - mean) / sd`, log-determinant minus the sum of `ln sd` over all numbers.

use super::ImageMap;
use crate::image::ImageError;
use crate::{Batch, BatchMut};

/// What a classifier expects: channels shifted and divided by numbers of the set it was trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardise {
    mean: Vec<f64>,
    sd: Vec<f64>,
}

impl Standardise {
    /// A mean and a standard deviation for each channel.
    ///
    /// # Errors
    /// When there are none, not as many of both, or one is not finite or no deviation.
    pub fn new(mean: &[f64], sd: &[f64]) -> Result<Self, ImageError> {
        let usable = !mean.is_empty()
            && mean.len() == sd.len()
            && mean.iter().all(|m| m.is_finite())
            && sd.iter().all(|s| s.is_finite() && *s > 0.0);
        if !usable {
            let reason = format!("means {mean:?} and standard deviations {sd:?} do not standardise channels");
            return Err(ImageError::Unusable(reason));
        }
        Ok(Self { mean: mean.to_vec(), sd: sd.to_vec() })
    }

    /// The channel of each number of a row; rows are a whole number of planes.
    fn channels(&self, dim: usize) -> impl Iterator<Item = (f64, f64)> {
        let plane = dim / self.mean.len();
        assert_eq!(plane * self.mean.len(), dim, "a row has as many planes as there are means");
        (0..dim).map(move |i| (self.mean[i / plane], self.sd[i / plane]))
    }

    fn log_det(&self, dim: usize) -> f64 {
        -(dim as f64) / self.sd.len() as f64 * self.sd.iter().map(|s| s.ln()).sum::<f64>()
    }
}

impl ImageMap for Standardise {
    fn forward(&self, x: Batch<'_>, mut y: BatchMut<'_>, log_det: &mut [f64]) {
        for (y, x) in y.iter_mut().zip(x.iter()) {
            for ((y, x), (mean, sd)) in y.iter_mut().zip(x).zip(self.channels(x.len())) {
                *y = (x - mean) / sd;
            }
        }
        log_det.fill(self.log_det(x.dim()));
    }

    fn inverse(&self, y: Batch<'_>, mut x: BatchMut<'_>, log_det: &mut [f64]) {
        for (x, y) in x.iter_mut().zip(y.iter()) {
            for ((x, y), (mean, sd)) in x.iter_mut().zip(y).zip(self.channels(y.len())) {
                *x = mean + sd * y;
            }
        }
        log_det.fill(-self.log_det(y.dim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_standardise_is_refused() {
        for (mean, sd) in [(&[][..], &[][..]), (&[1.0], &[1.0, 2.0]), (&[1.0], &[0.0]), (&[f64::NAN], &[1.0])]
        {
            assert!(Standardise::new(mean, sd).is_err());
        }
    }
}
