//! Gaussian mixtures: any weights, means and covariances.
//!
//! `log_prob(x) = ln sum_k w_k N(x; m_k, S_k)`; normalised, so the log-evidence is zero.
//! Exact: mean `sum w m`, variance `sum w (S_jj + m_j^2) - mean_j^2`, draws. Named mixtures: [`super::mixtures`].
//! Shapes: points are rows of `dim`; means are components x `dim`.

use serde::{Deserialize, Serialize};

use super::diagonal_mixture::DiagonalMixture;
use super::gaussian::Gaussian;
use super::lanes::{self, Lanes};
use super::{EvaluationError, ExactSampler, Facts, Modes, Target};
use crate::{Batch, BatchMut, ConfigError, Points, Stream, range};
use mixwell_vector::elementary::exp_slice;

/// Any Gaussian mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianMixtureConfig {
    /// The components.
    pub components: Vec<ComponentConfig>,
}

/// One component of a mixture. Exactly one of `scale`, `scales` and `covariance` is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ComponentConfig {
    /// Weight; the weights need not add up to one.
    pub weight: f64,
    /// Mean, one number per coordinate.
    pub mean: Vec<f64>,
    /// Standard deviation of every coordinate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// Standard deviation of each coordinate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scales: Option<Vec<f64>>,
    /// Covariance, as rows; symmetric and positive definite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariance: Option<Vec<Vec<f64>>>,
}

impl Default for GaussianMixtureConfig {
    fn default() -> Self {
        let component = |weight, mean: [f64; 2]| ComponentConfig {
            weight,
            mean: mean.to_vec(),
            scale: Some(0.5),
            ..Default::default()
        };
        Self { components: vec![component(0.3, [-2.0, 0.0]), component(0.7, [2.0, 0.0])] }
    }
}

impl GaussianMixtureConfig {
    /// Checks weights, shapes and covariances.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.build().map(|_| ())
    }

    /// The target.
    pub fn build(&self) -> Result<GaussianMixture, ConfigError> {
        let Some(first) = self.components.first() else {
            return Err(ConfigError::new("components", "empty", "at least one component is needed"));
        };
        let dim = first.mean.len();
        let mut parts = Vec::with_capacity(self.components.len());
        for (k, c) in self.components.iter().enumerate() {
            parts.push((c.weight, c.build(dim).map_err(|e| e.under(&format!("components[{k}]")))?));
        }
        Ok(GaussianMixture::new(parts))
    }
}

impl ComponentConfig {
    fn build(&self, dim: usize) -> Result<Gaussian, ConfigError> {
        range::positive("weight", self.weight)?;
        range::vector("mean", &self.mean)?;
        let mean = self.mean.clone();
        if mean.len() != dim {
            let reason = format!("the first component has {dim}");
            return Err(ConfigError::new("mean", format!("{} numbers", mean.len()), reason));
        }
        match (&self.scale, &self.scales, &self.covariance) {
            (Some(scale), None, None) => {
                range::positive("scale", *scale)?;
                Ok(Gaussian::diagonal(mean, vec![*scale; dim]))
            }
            (None, Some(scales), None) => {
                if scales.len() != dim {
                    let reason = format!("{dim} are needed");
                    return Err(ConfigError::new("scales", format!("{} numbers", scales.len()), reason));
                }
                for (i, s) in scales.iter().enumerate() {
                    range::positive(&format!("scales[{i}]"), *s)?;
                }
                Ok(Gaussian::diagonal(mean, scales.clone()))
            }
            (None, None, Some(rows)) => Gaussian::from_rows(mean, rows),
            (scale, scales, covariance) => {
                let given = [scale.is_some(), scales.is_some(), covariance.is_some()];
                let count = given.iter().filter(|g| **g).count();
                let reason = "exactly one of `scale`, `scales` and `covariance` is needed";
                Err(ConfigError::new("scale", format!("one of {count} shapes given"), reason))
            }
        }
    }
}

/// A Gaussian mixture; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture {
    components: Vec<Gaussian>,
    weights: Vec<f64>,
    log_weights: Vec<f64>,
    /// The quick way, when no component has correlations.
    diagonal: Option<DiagonalMixture>,
}

impl GaussianMixture {
    /// Components with positive weights, which are made to add up to one. All have the same dimension.
    pub(crate) fn new(parts: Vec<(f64, Gaussian)>) -> Self {
        let total: f64 = parts.iter().map(|p| p.0).sum();
        let weights: Vec<f64> = parts.iter().map(|p| p.0 / total).collect();
        let log_weights: Vec<f64> = weights.iter().map(|w| w.ln()).collect();
        let components: Vec<Gaussian> = parts.into_iter().map(|p| p.1).collect();
        let diagonal = DiagonalMixture::of(&components, &log_weights);
        Self { components, weights, log_weights, diagonal }
    }

    /// Isotropic components given by `(weight, mean, scale)`.
    pub(crate) fn isotropic(parts: impl IntoIterator<Item = (f64, Vec<f64>, f64)>) -> Self {
        let part = |(weight, mean, scale): (f64, Vec<f64>, f64)| {
            let scales = vec![scale; mean.len()];
            (weight, Gaussian::diagonal(mean, scales))
        };
        Self::new(parts.into_iter().map(part).collect())
    }

    /// The components.
    pub fn components(&self) -> &[Gaussian] {
        &self.components
    }

    /// Their weights, which add up to one.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }
}

impl Lanes for GaussianMixture {
    const WIDE: bool = true;

    fn lanes_dim(&self) -> usize {
        self.components[0].dim()
    }

    fn scratch(&self) -> usize {
        self.components.len() * (1 + self.lanes_dim())
    }

    #[inline(always)]
    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        scratch: &mut [[f64; L]],
    ) -> [f64; L] {
        let (weights, white) = scratch.split_at_mut(self.components.len());
        let mut max = [f64::NEG_INFINITY; L];
        let parts = self.components.iter().zip(&self.log_weights);
        for ((w, u), (component, log_weight)) in
            weights.iter_mut().zip(white.chunks_exact_mut(x.len())).zip(parts)
        {
            *w = lanes::map(component.whiten(x, u), |v| v + log_weight);
            for l in 0..L {
                max[l] = if w[l] > max[l] { w[l] } else { max[l] };
            }
        }
        // So far out that every component is -inf, nothing is left to subtract.
        max = lanes::map(max, |m| if m == f64::NEG_INFINITY { 0.0 } else { m });
        let mut sum = [0.0; L];
        for w in weights.iter_mut() {
            for l in 0..L {
                w[l] -= max[l];
            }
        }
        exp_slice(weights.as_flattened_mut());
        for w in weights.iter() {
            for l in 0..L {
                sum[l] += w[l];
            }
        }
        if GRAD {
            grad.fill([0.0; L]);
            let inverse = lanes::map(sum, |s| if s == 0.0 { 0.0 } else { 1.0 / s });
            for ((w, u), component) in weights.iter().zip(white.chunks_exact(x.len())).zip(&self.components) {
                let mut share = [0.0; L];
                for l in 0..L {
                    share[l] = w[l] * inverse[l];
                }
                component.add_gradient(u, share, grad);
            }
        }
        let mut out = [0.0; L];
        for l in 0..L {
            out[l] = max[l] + sum[l].ln();
        }
        out
    }
}

impl Target for GaussianMixture {
    fn dim(&self) -> usize {
        self.lanes_dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        match &self.diagonal {
            Some(diagonal) => {
                diagonal.evaluate(x, log_prob, grad);
                Ok(())
            }
            None => lanes::evaluate(self, x, log_prob, grad),
        }
    }

    fn facts(&self) -> Facts {
        let dim = self.dim();
        let average = |f: &dyn Fn(&Gaussian) -> f64| -> f64 {
            self.components.iter().zip(&self.weights).map(|(c, w)| w * f(c)).sum()
        };
        let mean: Vec<f64> = (0..dim).map(|j| average(&|c| c.mean()[j])).collect();
        // Around the mean, so that far-off mixtures keep their digits.
        let variance =
            (0..dim).map(|j| average(&|c| c.variance()[j] + (c.mean()[j] - mean[j]).powi(2))).collect();
        let centres: Vec<&[f64]> = self.components.iter().map(Gaussian::mean).collect();
        Facts {
            mean: Some(mean),
            variance: Some(variance),
            log_evidence: Some(0.0),
            modes: Some(Modes {
                centres: Points::from_rows(&centres),
                weights: Some(self.weights.clone()),
                deviations: self.components.iter().map(Gaussian::deviation).collect(),
            }),
            ..Facts::default()
        }
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        Some(self)
    }
}

impl ExactSampler for GaussianMixture {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        // Weights are positive and finite, so there is always an answer.
        let k = stream.categorical(&self.log_weights).unwrap_or(0);
        self.components[k].sample(stream, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell_vector::simd;

    fn one(target: &GaussianMixture, x: &[f64]) -> (f64, Vec<f64>) {
        let (mut value, mut grad) = ([0.0], vec![0.0; x.len()]);
        target
            .log_prob_and_grad(Batch::new(x, x.len()), &mut value, BatchMut::new(&mut grad, x.len()))
            .unwrap();
        (value[0], grad)
    }

    #[test]
    fn halfway_between_two_equal_modes_the_gradient_vanishes() {
        // 1/2 N(-1, 1) + 1/2 N(1, 1) at 0 is the density of N(1, 1) at 0.
        let m = GaussianMixture::isotropic([(1.0, vec![-1.0], 1.0), (1.0, vec![1.0], 1.0)]);
        let (value, grad) = one(&m, &[0.0]);
        assert!((value - (-0.5 - 0.5 * std::f64::consts::TAU.ln())).abs() < 1e-15);
        assert!(grad[0].abs() < 1e-16);
    }

    #[test]
    fn far_away_it_is_finite_or_minus_infinity_and_never_nan() {
        let m = GaussianMixtureConfig::default().build().unwrap();
        assert!(one(&m, &[1e100, 0.0]).0 < -1e199);
        let (value, grad) = one(&m, &[1e200, 0.0]);
        assert_eq!(value, f64::NEG_INFINITY);
        assert!(grad.iter().all(|g| !g.is_nan()));
        assert!(one(&m, &[f64::NAN, 0.0]).0.is_nan());
    }

    #[test]
    fn all_three_shapes_of_a_component_agree() {
        let part = |c: ComponentConfig| GaussianMixtureConfig {
            components: vec![
                ComponentConfig { weight: 1.0, mean: vec![1.0, 2.0], ..c },
                ComponentConfig { weight: 3.0, mean: vec![0.0, 0.0], scale: Some(2.0), ..Default::default() },
            ],
        };
        let same = [
            part(ComponentConfig { scale: Some(0.5), ..Default::default() }),
            part(ComponentConfig { scales: Some(vec![0.5, 0.5]), ..Default::default() }),
            part(ComponentConfig {
                covariance: Some(vec![vec![0.25, 0.0], vec![0.0, 0.25]]),
                ..Default::default()
            }),
        ]
        .map(|c| one(&c.build().unwrap(), &[0.4, 1.3]));
        for other in &same[1..] {
            assert!((same[0].0 - other.0).abs() < 1e-14);
            assert!(same[0].1.iter().zip(&other.1).all(|(a, b)| (a - b).abs() < 1e-14));
        }
    }

    #[test]
    fn rows_with_and_without_neighbours_and_both_ways_agree() {
        let components =
            [(0.2, [0.0, 3.0], [0.4, 1.5]), (0.7, [-1.0, 0.5], [2.0, 0.3]), (0.1, [4.0, 4.0], [1.0, 1.0])];
        let parts =
            components.map(|(w, mean, scales)| (w, Gaussian::diagonal(mean.to_vec(), scales.to_vec())));
        let quick = GaussianMixture::new(parts.to_vec());
        let general = GaussianMixture { diagonal: None, ..quick.clone() };
        assert!(quick.diagonal.is_some());
        let mut x = Points::from_vec((0..38).map(|i| 5.0 * (i as f64 * 0.77).sin()).collect(), 2);
        // Components that every row of a vector is far from are left out; a row that is not a number is far from none.
        x.row_mut(5)[1] = f64::NAN;
        simd::under_each(|| {
            let mut values = vec![0.0; 19];
            quick.log_prob(x.as_batch(), &mut values).unwrap();
            for (i, value) in values.iter().enumerate() {
                let alone = one(&quick, x.row(i));
                if i == 5 {
                    assert!(value.is_nan() && alone.0.is_nan() && alone.1.iter().all(|g| g.is_nan()));
                    continue;
                }
                assert_eq!(alone.0, *value, "row {i}");
                let (want, slope) = one(&general, x.row(i));
                assert!((want - value).abs() < 1e-13 * (1.0 + want.abs()));
                assert!(slope.iter().zip(&alone.1).all(|(a, b)| (a - b).abs() < 1e-12 * (1.0 + a.abs())));
            }
        });
    }

    #[test]
    fn bad_components_are_named() {
        let mut c = GaussianMixtureConfig::default();
        c.components[1].weight = 0.0;
        assert_eq!(c.check().unwrap_err().key, "components[1].weight");
        let mut c = GaussianMixtureConfig::default();
        c.components[1].mean.push(0.0);
        assert_eq!(c.check().unwrap_err().key, "components[1].mean");
        let mut c = GaussianMixtureConfig::default();
        c.components[0].scales = Some(vec![1.0; 2]);
        assert_eq!(c.check().unwrap_err().key, "components[0].scale");
        assert_eq!(GaussianMixtureConfig { components: vec![] }.check().unwrap_err().key, "components");
    }
}
