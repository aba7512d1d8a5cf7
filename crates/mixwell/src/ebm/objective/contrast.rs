//! The gradient of maximum likelihood: low energy on data, high energy on negatives.
//!
//! `L = [mean E(x+) - sum_i w_i E(x-_i)] / T + lambda red_i [E(x+_i)^2 + E(x-_i)^2]`, points and weights constants, `sum w = 1`.
//! The base does not enter: it has no parameters. The first part has the gradient of the negative log-likelihood per datum;
//! its value is the energy gap and says nothing about the fit. `red` is the sum, as it is printed in the balanced-training paper,
//! or the mean, by which `lambda` does not depend on the size of the batch.
//! References: [hinton2002training]; [du2019implicit] for the regulariser.

use serde::{Deserialize, Serialize};

use super::super::{Energy, EnergyModel};
use crate::net::Gradient;
use crate::scratch::scratch;
use crate::train::LossValue;
use crate::{Batch, ConfigError, range};

/// How squared energies are summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Their sum over the batch.
    #[default]
    Sum,
    /// Their mean.
    Mean,
}

/// A penalty on large energies: it keeps the free constant of the energy near zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Regulariser {
    /// Factor on the squared energies; 0 for none.
    pub strength: f64,
    /// Sum over the batch, as published, or mean.
    pub reduction: Reduction,
}

impl Default for Regulariser {
    fn default() -> Self {
        Self { strength: 1e-4, reduction: Reduction::Sum }
    }
}

impl Regulariser {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::not_negative("strength", self.strength)
    }
}

/// What an objective saw: mean energies of both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::ebm) struct Reading {
    pub positive: f64,
    pub negative: f64,
}

/// One update's points.
pub(in crate::ebm) struct Contrast<'a> {
    pub positives: Batch<'a>,
    pub negatives: Batch<'a>,
    /// Weights of the negatives, which sum to one; equal ones if there are none.
    pub weights: Option<&'a [f64]>,
    pub regulariser: Regulariser,
}

impl Contrast<'_> {
    /// The loss; adds its gradient.
    pub fn evaluate<E: Energy>(
        &self,
        model: &EnergyModel<E>,
        gradient: &mut Gradient,
    ) -> (LossValue, Reading) {
        let (positive, a) = self.side(model, self.positives, None, 1.0, gradient);
        let (negative, b) = self.side(model, self.negatives, self.weights, -1.0, gradient);
        let gap = (positive - negative) / model.temperature();
        (LossValue::from(gap + a + b), Reading { positive, negative })
    }

    /// Mean energy of one side, and its part of the penalty.
    fn side<E: Energy>(
        &self,
        model: &EnergyModel<E>,
        x: Batch<'_>,
        weights: Option<&[f64]>,
        sign: f64,
        gradient: &mut Gradient,
    ) -> (f64, f64) {
        let n = x.rows();
        let equal = 1.0 / n as f64;
        let factor = sign / model.temperature();
        let mut own = scratch(n);
        match weights {
            None => own.fill(factor * equal),
            Some(w) => own.iter_mut().zip(w).for_each(|(own, w)| *own = factor * w),
        }
        if self.regulariser.strength == 0.0 {
            return (model.energy().weighted(x, &own, gradient) / factor, 0.0);
        }
        let lambda = match self.regulariser.reduction {
            Reduction::Sum => self.regulariser.strength,
            Reduction::Mean => self.regulariser.strength * equal,
        };
        let mut energies = scratch(n);
        let own: &[f64] = &own;
        let penalised = |first: usize, energies: &[f64], weights: &mut [f64]| {
            let own = &own[first..first + energies.len()];
            weights.iter_mut().zip(own).zip(energies).for_each(|((w, own), e)| *w = own + 2.0 * lambda * e);
        };
        model.energy().weighted_by(x, &penalised, &mut energies, gradient);
        let mean = own.iter().zip(energies.iter()).map(|(w, e)| w * e).sum::<f64>() / factor;
        (mean, lambda * energies.iter().map(|e| e * e).sum::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ebm::tests::Quadratic;
    use crate::net::Model;
    use crate::{Batch, Points};

    #[test]
    fn value_and_gradient_by_hand() {
        // E = theta x^2 / 2 with theta = 3; positives 1, 2: mean E 3.75; negatives 1, 3 with weights 1/4, 3/4: 10.5.
        // At T = 2 the gradient is (1.25 - 3.5) / 2 = -1.125.
        let model = EnergyModel::new(Quadratic::new(3.0)).at_temperature(2.0).unwrap();
        let contrast = |regulariser, weights| Contrast {
            positives: Batch::new(&[1.0, 2.0], 1),
            negatives: Batch::new(&[1.0, 3.0], 1),
            weights,
            regulariser,
        };
        let weights = [0.25, 0.75];
        let none = Regulariser { strength: 0.0, ..Default::default() };
        let mut gradient = model.zero_gradient();
        let (loss, reading) = contrast(none, Some(&weights[..])).evaluate(&model, &mut gradient);
        assert_eq!(reading, Reading { positive: 3.75, negative: 10.5 });
        assert_eq!((loss.value, gradient.get(0)), (-3.375, -1.125));
        // The penalty against differences, with both reductions and equal weights.
        for reduction in [Reduction::Sum, Reduction::Mean] {
            let at = |theta: f64, gradient: &mut Gradient| {
                let model = EnergyModel::new(Quadratic::new(theta)).at_temperature(2.0).unwrap();
                contrast(Regulariser { strength: 0.01, reduction }, None).evaluate(&model, gradient).0.value
            };
            let mut gradient = model.zero_gradient();
            at(3.0, &mut gradient);
            let spare = &mut model.zero_gradient();
            let numeric = (at(3.0 + 1e-5, spare) - at(3.0 - 1e-5, spare)) / 2e-5;
            assert!((numeric - gradient.get(0)).abs() < 1e-8, "{reduction:?}");
        }
    }

    #[test]
    fn equal_weights_are_the_mean() {
        let model = EnergyModel::new(Quadratic::new(0.7));
        let points = Points::from_vec((0..100).map(|i| f64::from(i) * 0.03).collect(), 1);
        let equal = vec![0.01; 100];
        let both = [None, Some(&equal[..])].map(|weights| {
            let contrast = Contrast {
                positives: Batch::new(&[0.5], 1),
                negatives: points.as_batch(),
                weights,
                regulariser: Regulariser::default(),
            };
            let mut gradient = model.zero_gradient();
            (contrast.evaluate(&model, &mut gradient).0.value, gradient.get(0))
        });
        assert_eq!(both[0], both[1]);
    }
}
