//! Score matching: fit the gradient of the log-density, without negatives and without a normaliser.
//!
//! With `s(x) = grad log p~(x) = -grad E(x) / T + grad log rho(x)`:
//! - denoising: points `y = x + sigma e`; `L = mean |s(y) + e / sigma|^2 sigma^2 / (2 d)`. Its optimum is the score of the data blurred by
//!   `sigma`.
//! - sliced: `L = mean [(v . s)^2 / 2 + v . (ds/dx) v]`, `v ~ N(0, I)`; the second derivative along `v` is the difference of the slope
//!   at `x +- h v`, and the base's part is constant in the parameters.
//!
//! Both are written with slopes `v . grad E` only: the gradient of a slope in the parameters is all they need.
//! Blind to weights of modes that do not touch: their scores are the same whatever the weights.
//! References: [vincent2011connection]; [song2019sliced]; [pang2020efficient] for differences.

use super::super::{Energy, EnergyModel};
use super::contrast::Reading;
use crate::density::{EvaluationError, Target};
use crate::net::Gradient;
use crate::scratch::scratch;
use crate::train::LossValue;
use crate::{Batch, Points, Stream};

/// Denoising score matching at one noise level.
pub(in crate::ebm) struct Denoising<'a> {
    pub positives: Batch<'a>,
    pub sigma: f64,
}

impl Denoising<'_> {
    /// The loss with noise from `stream`; adds its gradient.
    pub fn evaluate<E: Energy>(
        &self,
        model: &EnergyModel<E>,
        stream: &mut Stream,
        gradient: &mut Gradient,
    ) -> Result<(LossValue, Reading), EvaluationError> {
        let (x, sigma) = (self.positives, self.sigma);
        let (n, dim) = (x.rows(), x.dim());
        let mut noise = Points::zeros(n, dim);
        stream.fill_normal(noise.data_mut());
        let moved: Vec<f64> = x.data().iter().zip(noise.data()).map(|(x, e)| x + sigma * e).collect();
        let y = Batch::new(&moved, dim);
        let (mut log_p, mut miss) = (scratch(n), Points::zeros(n, dim));
        model.evaluate(y, &mut log_p, Some(miss.as_batch_mut()))?;
        miss.data_mut().iter_mut().zip(noise.data()).for_each(|(s, e)| *s += e / sigma);
        let scale = sigma * sigma / (n * dim) as f64;
        let value = 0.5 * scale * miss.data().iter().map(|m| m * m).sum::<f64>();
        // d |m|^2 / 2 = m . ds, and ds = -d grad E / T.
        let weights = vec![-scale / model.temperature(); n];
        model.energy().slope_gradient(y, miss.as_batch(), &weights, gradient);
        let mean = -log_p.iter().sum::<f64>() / n as f64;
        Ok((value.into(), Reading { positive: mean, negative: mean }))
    }
}

/// Sliced score matching with one random direction a point.
pub(in crate::ebm) struct Sliced<'a> {
    pub positives: Batch<'a>,
    /// The step `h` to either side for the second derivative.
    pub width: f64,
}

impl Sliced<'_> {
    /// The loss with directions from `stream`; adds its gradient.
    pub fn evaluate<E: Energy>(
        &self,
        model: &EnergyModel<E>,
        stream: &mut Stream,
        gradient: &mut Gradient,
    ) -> (LossValue, Reading) {
        let (x, h) = (self.positives, self.width);
        let (n, dim) = (x.rows(), x.dim());
        let mut along = Points::zeros(n, dim);
        stream.fill_normal(along.data_mut());
        let (each, temperature, along) = (1.0 / n as f64, model.temperature(), along.as_batch());
        let (mut slopes, mut of_base, mut log_base) = (scratch(n), scratch(n), scratch(n));
        // The slope of log p~ is -slope / T and the base's.
        model.base_slopes(x, along, &mut log_base, &mut of_base);
        let mean_log_base = each * log_base.iter().sum::<f64>();
        let base = &of_base[..];
        let score = |row: usize, slope: f64| base[row] - slope / temperature;
        let weigh = |first: usize, slopes: &[f64], weights: &mut [f64]| {
            for (row, (w, s)) in (first..).zip(weights.iter_mut().zip(slopes)) {
                *w = -each * score(row, *s) / temperature;
            }
        };
        let energies = model.energy().slope_gradient_by(x, along, &weigh, &mut slopes, gradient);
        let scores = slopes.iter().enumerate().map(|(row, s)| score(row, *s));
        let mut value = 0.5 * each * scores.map(|s| s * s).sum::<f64>();
        for side in [1.0, -1.0] {
            let moved: Vec<f64> = x.data().iter().zip(along.data()).map(|(x, v)| x + side * h * v).collect();
            let y = Batch::new(&moved, dim);
            let factor = side * each / (2.0 * h);
            let weigh = |_: usize, _: &[f64], weights: &mut [f64]| weights.fill(-factor / temperature);
            model.energy().slope_gradient_by(y, along, &weigh, &mut slopes, gradient);
            model.base_slopes(y, along, &mut log_base, &mut of_base);
            value +=
                factor * of_base.iter().zip(slopes.iter()).map(|(b, s)| b - s / temperature).sum::<f64>();
        }
        let mean = each * energies / temperature - mean_log_base;
        (value.into(), Reading { positive: mean, negative: mean })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::net::{Activation, Init, Model, Network, NetworkSpec};
    use crate::proposal::Gaussian;

    fn model() -> EnergyModel<Network<f64>> {
        let spec = NetworkSpec::dense(2, &[7, 5], 1, Activation::Swish);
        let net = Network::new(&spec, Init::Uniform, &mut Stream::new(2, 0)).unwrap();
        let model = EnergyModel::new(net).with_base(Arc::new(Gaussian::standard(2))).unwrap();
        model.at_temperature(0.8).unwrap()
    }

    #[test]
    fn gradients_match_differences() {
        let mut x = Points::zeros(20, 2);
        Stream::new(3, 0).fill_normal(x.data_mut());
        type Loss<'a> = dyn Fn(&EnergyModel<Network<f64>>, &mut Gradient) -> f64 + 'a;
        let denoising = |model: &EnergyModel<Network<f64>>, gradient: &mut Gradient| {
            let loss = Denoising { positives: x.as_batch(), sigma: 0.4 };
            loss.evaluate(model, &mut Stream::new(4, 0), gradient).unwrap().0.value
        };
        let sliced = |model: &EnergyModel<Network<f64>>, gradient: &mut Gradient| {
            let loss = Sliced { positives: x.as_batch(), width: 1e-2 };
            loss.evaluate(model, &mut Stream::new(4, 0), gradient).0.value
        };
        for loss in [&denoising as &Loss<'_>, &sliced] {
            let mut model = model();
            let mut gradient = model.zero_gradient();
            loss(&model, &mut gradient);
            for i in (0..gradient.len()).step_by(5) {
                let mut at = |by: f64| {
                    model.change_params(&mut |params| {
                        params.map(|j, p| if i == j { p + by } else { p });
                        true
                    });
                    loss(&model, &mut Gradient::zeros(model.params()))
                };
                let (up, down) = (at(1e-5), at(-2e-5));
                at(1e-5);
                let numeric = (up - down) / 2e-5;
                let exact = gradient.get(i);
                assert!((numeric - exact).abs() < 1e-6 * (1.0 + exact.abs()), "{i}: {numeric} {exact}");
            }
        }
    }
}
