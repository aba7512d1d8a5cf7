//! A mixture of any targets: `log p(x) = ln sum_k w_k p_k(x) / Z_k`, high where any component is.
//!
//! Weights mean what they say only where every `Z_k` is known: stated by the component, or given. A component without one counts as
//! `Z_k = 1`, and a note says so. Sums run over components with a running maximum, so that each is evaluated once.

use serde::{Deserialize, Serialize};

use super::parts::Parts;
use super::{
    DataLoader, EvaluationError, ExactSampler, Facts, Modes, Target, TargetConfig, TargetError, Variable,
};
use crate::scratch::scratch;
use crate::{Batch, BatchMut, ConfigError, Points, Stream, range};

/// Share of the density at a mode that its own component has at least.
const LEAST_SHARE: f64 = 0.99;

/// Settings of a mixture of targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MixtureConfig {
    /// The components.
    pub components: Vec<MixtureComponentConfig>,
}

/// A component of a mixture of targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MixtureComponentConfig {
    /// Weight; the weights need not add up to one.
    pub weight: f64,
    /// `ln Z` of the component, where it does not state it itself; `mixwell density` or `mixwell evidence` estimate it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_evidence: Option<f64>,
    /// The target.
    pub target: TargetConfig,
}

impl Default for MixtureComponentConfig {
    fn default() -> Self {
        Self { weight: 1.0, log_evidence: None, target: TargetConfig::StandardGaussian(Default::default()) }
    }
}

impl Default for MixtureConfig {
    fn default() -> Self {
        let component = |weight, target| MixtureComponentConfig { weight, target, ..Default::default() };
        let rings = TargetConfig::Rings(Default::default());
        Self {
            components: vec![
                component(0.5, rings),
                component(0.5, TargetConfig::TwoMoons(Default::default())),
            ],
        }
    }
}

impl MixtureConfig {
    /// Checks the weights, and the settings of the components.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.components.is_empty() {
            return Err(ConfigError::new("components", "empty", "at least one is needed"));
        }
        self.components.iter().enumerate().try_for_each(|(k, component)| {
            let place = format!("components[{k}]");
            range::positive("weight", component.weight).map_err(|e| e.under(&place))?;
            if let Some(z) = component.log_evidence {
                range::finite("log_evidence", z).map_err(|e| e.under(&place))?;
            }
            component.target.check().map_err(|e| e.under("target").under(&place))
        })
    }

    /// Makes the target.
    pub fn build(&self, data: &dyn DataLoader) -> Result<Mixture, TargetError> {
        let components = self.components.iter().enumerate().map(|(k, component)| {
            let target = component.target.build(data);
            let target = target.map_err(|e| e.under("target").under(&format!("components[{k}]")))?;
            Ok((component.weight, component.log_evidence, target))
        });
        Ok(Mixture::new(components.collect::<Result<_, TargetError>>()?)?)
    }
}

/// A mixture of targets.
///
/// ```
/// use mixwell::density::{Mixture, StandardGaussianConfig, Target};
/// let gaussian = |mean| StandardGaussianConfig { dim: 1, mean, ..Default::default() }.build();
/// let far = Mixture::new(vec![(1.0, None, Box::new(gaussian(-9.0)?) as Box<dyn Target>), (3.0, None, Box::new(gaussian(9.0)?))])?;
/// // A quarter and three quarters.
/// assert!((far.log_prob_at(&[9.0])? - far.log_prob_at(&[-9.0])? - 3f64.ln()).abs() < 1e-12);
/// assert_eq!(far.facts().log_evidence, Some(0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Mixture {
    /// Sum to one.
    weights: Vec<f64>,
    /// `ln (w_k / Z_k)`.
    log_factors: Vec<f64>,
    components: Parts,
    /// The components whose evidence nobody knows.
    unknown: Vec<usize>,
}

impl Mixture {
    /// The mixture of some targets, each with its weight, and its `ln Z` where it does not state it itself.
    ///
    /// # Errors
    /// When there is none, they differ in dimension, a weight is not positive and finite, or an evidence not finite.
    pub fn new(components: Vec<(f64, Option<f64>, Box<dyn Target>)>) -> Result<Self, ConfigError> {
        let (mut weights, mut evidences, mut targets) = (vec![], vec![], vec![]);
        for (k, (weight, log_evidence, target)) in components.into_iter().enumerate() {
            range::positive(&format!("components[{k}].weight"), weight)?;
            if let Some(z) = log_evidence {
                range::finite(&format!("components[{k}].log_evidence"), z)?;
            }
            weights.push(weight);
            evidences.push(log_evidence.or(target.facts().log_evidence));
            targets.push(target);
        }
        let components = Parts::new("components", targets)?;
        let total: f64 = weights.iter().sum();
        range::positive("components", total)?;
        weights.iter_mut().for_each(|w| *w /= total);
        let log_factors = weights.iter().zip(&evidences).map(|(w, z)| w.ln() - z.unwrap_or(0.0)).collect();
        let unknown = (0..weights.len()).filter(|k| evidences[*k].is_none()).collect();
        Ok(Self { weights, log_factors, components, unknown })
    }
}

impl Target for Mixture {
    fn dim(&self) -> usize {
        self.components.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        mut grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        let (rows, dim) = (x.rows(), x.dim());
        let (mut value, mut sum) = (scratch(rows), scratch(rows));
        let mut slope = scratch(if grad.is_some() { x.data().len() } else { 0 });
        sum.fill(0.0);
        // Until the end: the largest term so far.
        log_prob.fill(f64::NEG_INFINITY);
        if let Some(grad) = &mut grad {
            grad.data_mut().fill(0.0);
        }
        for (log_factor, component) in self.log_factors.iter().zip(self.components.iter()) {
            let own = grad.is_some().then(|| BatchMut::new(&mut slope, dim));
            component.evaluate(x, &mut value, own)?;
            for row in 0..rows {
                let (term, largest) = (value[row] + log_factor, &mut log_prob[row]);
                if term == f64::NEG_INFINITY {
                    continue;
                }
                let (keep, take) = if term > *largest {
                    let keep = (*largest - term).exp();
                    *largest = term;
                    (keep, 1.0)
                } else {
                    // NaN goes through here and stays.
                    (1.0, (term - *largest).exp())
                };
                sum[row] = keep * sum[row] + take;
                if let Some(grad) = &mut grad {
                    let slope = &slope[row * dim..(row + 1) * dim];
                    let grad = &mut grad.data_mut()[row * dim..(row + 1) * dim];
                    grad.iter_mut().zip(slope).for_each(|(g, s)| *g = keep * *g + take * s);
                }
            }
        }
        for row in 0..rows {
            if sum[row] == 0.0 {
                continue;
            }
            log_prob[row] += sum[row].ln();
            if let Some(grad) = &mut grad {
                let inverse = 1.0 / sum[row];
                grad.data_mut()[row * dim..(row + 1) * dim].iter_mut().for_each(|g| *g *= inverse);
            }
        }
        Ok(())
    }

    fn has_gradient(&self) -> bool {
        self.components.have_gradients()
    }

    fn version(&self) -> u64 {
        self.components.version(self.log_factors.iter().map(|f| f.to_bits()))
    }

    fn batch_rows(&self) -> Option<usize> {
        self.components.batch_rows()
    }

    fn complaints(&self) -> Vec<String> {
        self.components.complaints()
    }

    /// Those of the first component.
    fn variables(&self) -> Vec<Variable> {
        self.components.first().variables()
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        self.components.first().report(x, out);
    }

    fn notes(&self) -> Vec<String> {
        let of_components = self.components.notes();
        let unknown = self.unknown.iter().map(|k| {
            format!(
                "the evidence of component {k} of the mixture (the first is 0) is not known and taken as ln Z = 0, so weights are not \
                 what they say; give its `log_evidence`"
            )
        });
        of_components.into_iter().chain(unknown).collect()
    }

    fn facts(&self) -> Facts {
        if !self.unknown.is_empty() {
            return Facts::default();
        }
        let parts: Vec<Facts> = self.components.iter().map(Target::facts).collect();
        let weighted = |k: usize, values: &[f64], sum: &mut Vec<f64>| {
            sum.resize(values.len(), 0.0);
            sum.iter_mut().zip(values).for_each(|(s, v)| *s += self.weights[k] * v);
        };
        let (mut mean, mut squares) = (vec![], vec![]);
        let known = parts.iter().enumerate().all(|(k, part)| {
            let (Some(m), Some(v)) = (&part.mean, &part.variance) else { return false };
            weighted(k, m, &mut mean);
            weighted(k, &m.iter().zip(v).map(|(m, v)| v + m * m).collect::<Vec<_>>(), &mut squares);
            true
        });
        let variance = squares.iter().zip(&mean).map(|(s, m)| s - m * m).collect();
        Facts {
            mean: known.then_some(mean),
            variance: known.then_some(variance),
            covariance: None,
            log_evidence: Some(0.0),
            modes: self.modes(&parts),
            ..Facts::default()
        }
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        let exact = self.unknown.is_empty() && self.components.iter().all(|c| c.exact_sampler().is_some());
        exact.then_some(self)
    }
}

impl Mixture {
    /// Those of all components together, where each knows its own with their weights and none is another's slope: where components
    /// overlap, the modes of the whole lie elsewhere and its parts weigh other than the components do.
    fn modes(&self, parts: &[Facts]) -> Option<Modes> {
        let (mut centres, mut weights, mut deviations) = (vec![], vec![], Some(vec![]));
        for (k, (part, weight)) in parts.iter().zip(&self.weights).enumerate() {
            let modes = part.modes.as_ref().filter(|modes| self.is_alone(k, modes.centres.as_batch()))?;
            centres.extend_from_slice(modes.centres.data());
            weights.extend(modes.weights.as_ref()?.iter().map(|w| w * weight));
            deviations = deviations.zip(modes.deviations.as_ref()).map(|(mut all, these)| {
                all.extend(these);
                all
            });
        }
        Some(Modes { centres: Points::from_vec(centres, self.dim()), weights: Some(weights), deviations })
    }

    /// Whether nearly all of the density at these points is that of one component.
    fn is_alone(&self, component: usize, x: Batch<'_>) -> bool {
        let (mut own, mut all) = (scratch(x.rows()), scratch(x.rows()));
        let target = self.components.iter().nth(component).expect("a component");
        let known = target.log_prob(x, &mut own).is_ok() && self.log_prob(x, &mut all).is_ok();
        let least = LEAST_SHARE.ln() - self.log_factors[component];
        known && own.iter().zip(all.iter()).all(|(own, all)| own - all > least)
    }
}

impl ExactSampler for Mixture {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        let mut left = stream.uniform();
        let mut chosen = self.weights.len() - 1;
        for (k, weight) in self.weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                chosen = k;
                break;
            }
        }
        let component = self.components.iter().nth(chosen).expect("a component for every weight");
        component.exact_sampler().expect("offered only where all have one").sample(stream, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{GaussianMixtureConfig, NoData, StandardGaussianConfig, TwoModesConfig, from_fn};

    fn gaussian(mean: f64, scale: f64) -> Box<dyn Target> {
        Box::new(StandardGaussianConfig { dim: 2, mean, scale }.build().unwrap())
    }

    #[test]
    fn gaussians_mixed_are_the_gaussian_mixture() {
        let mixed =
            Mixture::new(vec![(1.0, None, gaussian(-1.0, 0.5)), (3.0, None, gaussian(2.0, 1.5))]).unwrap();
        let text = "[[components]]\nweight = 1\nmean = [-1, -1]\nscale = 0.5\n[[components]]\nweight = 3\nmean = [2, 2]\nscale = 1.5";
        let known = toml::from_str::<GaussianMixtureConfig>(text).unwrap().build().unwrap();
        let x = [0.3, -1.0, 2.0, 1.4, -40.0, 3.0, 1e9, 0.0];
        let evaluate = |t: &dyn Target| {
            let (mut value, mut grad) = ([0.0; 4], [0.0; 8]);
            t.log_prob_and_grad(Batch::new(&x, 2), &mut value, BatchMut::new(&mut grad, 2)).unwrap();
            [&value[..], &grad[..]].concat()
        };
        for (a, b) in evaluate(&mixed).iter().zip(evaluate(&known)) {
            assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{a} {b}");
        }
        let (own, exact) = (mixed.facts(), known.facts());
        for (a, b) in own.mean.unwrap().iter().zip(exact.mean.unwrap()) {
            assert!((a - b).abs() < 1e-12);
        }
        for (a, b) in own.variance.unwrap().iter().zip(exact.variance.unwrap()) {
            assert!((a - b).abs() < 1e-12);
        }
        assert!(mixed.notes().is_empty());
    }

    #[test]
    fn an_unknown_evidence_is_told_and_a_given_one_used() {
        let scaled =
            || Box::new(from_fn(2, |x: &[f64]| 5.0 - 0.5 * (x[0] * x[0] + x[1] * x[1]))) as Box<dyn Target>;
        let unknown = Mixture::new(vec![(1.0, None, gaussian(0.0, 1.0)), (1.0, None, scaled())]).unwrap();
        assert!(unknown.notes()[0].contains("component 1") && unknown.facts().log_evidence.is_none());
        assert!(unknown.exact_sampler().is_none());
        let z = 5.0 + std::f64::consts::TAU.ln();
        let known = Mixture::new(vec![(1.0, None, gaussian(0.0, 1.0)), (1.0, Some(z), scaled())]).unwrap();
        // Both components are N(0, I).
        assert!((known.log_prob_at(&[0.0, 0.0]).unwrap() + std::f64::consts::TAU.ln()).abs() < 1e-12);
        assert!(known.notes().is_empty() && known.facts().log_evidence == Some(0.0));
    }

    #[test]
    fn modes_are_stated_where_components_keep_apart() {
        let at = |centre: f64| {
            let modes = TwoModesConfig { dim: 1, centre, ..Default::default() };
            Box::new(modes.build().unwrap()) as Box<dyn Target>
        };
        let modes = |a: f64, b: f64| {
            Mixture::new(vec![(1.0, None, at(a)), (3.0, None, at(b))]).unwrap().facts().modes
        };
        let apart = modes(6.0, 30.0).unwrap().weights.unwrap();
        for (found, exact) in apart.iter().zip([1.0 / 12.0, 1.0 / 6.0, 0.25, 0.5]) {
            assert!((found - exact).abs() < 1e-12, "{apart:?}");
        }
        assert!(modes(6.0, 6.5).is_none());
    }

    #[test]
    fn outside_of_one_component_the_others_count_and_nan_stays() {
        let of = |value: f64| Box::new(from_fn(1, move |_: &[f64]| value)) as Box<dyn Target>;
        let mixed = |a: f64, b: f64| {
            let mixture = Mixture::new(vec![(1.0, Some(0.0), of(a)), (1.0, Some(0.0), of(b))]).unwrap();
            mixture.log_prob_at(&[0.0]).unwrap()
        };
        let none = f64::NEG_INFINITY;
        assert!((mixed(none, 1.0) - (1.0 - 2f64.ln())).abs() < 1e-15);
        assert_eq!(mixed(none, none), none);
        assert!(mixed(f64::NAN, 1.0).is_nan() && mixed(1.0, f64::NAN).is_nan());
        let error =
            toml::from_str::<MixtureConfig>("[[components]]\nweight = -1.0").unwrap().check().unwrap_err();
        assert_eq!(error.key, "components[0].weight");
        MixtureConfig::default().build(&NoData).unwrap();
    }
}
