//! A product of targets: `log p(x) = sum_k a_k log p_k(x)`, high where all factors are.
//!
//! Factors need not be normalised, and the product never is. Reference: Hinton, "Training products of experts by minimizing contrastive
//! divergence", Neural Computation 14 (2002); there all powers are 1.

use serde::{Deserialize, Serialize};

use super::parts::Parts;
use super::{DataLoader, EvaluationError, Target, TargetConfig, TargetError, Variable};
use crate::scratch::scratch;
use crate::{Batch, BatchMut, ConfigError, range};

/// Settings of a product of targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProductConfig {
    /// The factors.
    pub factors: Vec<FactorConfig>,
}

/// A factor of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FactorConfig {
    /// The power it is raised to.
    pub power: f64,
    /// The target.
    pub target: TargetConfig,
}

impl Default for FactorConfig {
    fn default() -> Self {
        Self { power: 1.0, target: TargetConfig::StandardGaussian(Default::default()) }
    }
}

impl Default for ProductConfig {
    fn default() -> Self {
        let target =
            TargetConfig::StandardGaussian(super::StandardGaussianConfig { dim: 2, ..Default::default() });
        let modes = TargetConfig::GaussianMixture(Default::default());
        let factors = [modes, target].map(|target| FactorConfig { target, ..FactorConfig::default() });
        Self { factors: factors.into() }
    }
}

impl ProductConfig {
    /// Checks the powers, and the settings of the factors.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.factors.is_empty() {
            return Err(ConfigError::new("factors", "empty", "at least one is needed"));
        }
        self.factors.iter().enumerate().try_for_each(|(k, factor)| {
            let place = format!("factors[{k}]");
            range::positive("power", factor.power).map_err(|e| e.under(&place))?;
            factor.target.check().map_err(|e| e.under("target").under(&place))
        })
    }

    /// Makes the target.
    pub fn build(&self, data: &dyn DataLoader) -> Result<Product, TargetError> {
        let factors = self.factors.iter().enumerate().map(|(k, factor)| {
            let target = factor.target.build(data);
            Ok((factor.power, target.map_err(|e| e.under("target").under(&format!("factors[{k}]")))?))
        });
        Ok(Product::new(factors.collect::<Result<_, TargetError>>()?)?)
    }
}

/// A product of targets, each raised to a power.
///
/// ```
/// use mixwell::density::{Product, Target, from_fn};
/// let wide = from_fn(1, |x: &[f64]| -0.5 * x[0] * x[0]);
/// let right = from_fn(1, |x: &[f64]| -(x[0] - 1.0).abs());
/// let both = Product::new(vec![(1.0, Box::new(wide) as Box<dyn Target>), (2.0, Box::new(right))])?;
/// assert_eq!(both.log_prob_at(&[2.0])?, -4.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Product {
    powers: Vec<f64>,
    factors: Parts,
}

impl Product {
    /// The product of some targets, each with its power.
    ///
    /// # Errors
    /// When there is none, they differ in dimension, or a power is not positive and finite.
    pub fn new(factors: Vec<(f64, Box<dyn Target>)>) -> Result<Self, ConfigError> {
        let (powers, targets): (Vec<f64>, Vec<_>) = factors.into_iter().unzip();
        for (k, power) in powers.iter().enumerate() {
            range::positive(&format!("factors[{k}].power"), *power)?;
        }
        Ok(Self { powers, factors: Parts::new("factors", targets)? })
    }
}

impl Target for Product {
    fn dim(&self) -> usize {
        self.factors.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        mut grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        let mut value = scratch(x.rows());
        let mut slope = scratch(if grad.is_some() { x.data().len() } else { 0 });
        log_prob.fill(0.0);
        if let Some(grad) = &mut grad {
            grad.data_mut().fill(0.0);
        }
        for (power, factor) in self.powers.iter().zip(self.factors.iter()) {
            let own = grad.is_some().then(|| BatchMut::new(&mut slope, x.dim()));
            factor.evaluate(x, &mut value, own)?;
            log_prob.iter_mut().zip(value.iter()).for_each(|(p, v)| *p += power * v);
            if let Some(grad) = &mut grad {
                grad.data_mut().iter_mut().zip(slope.iter()).for_each(|(g, s)| *g += power * s);
            }
        }
        Ok(())
    }

    fn has_gradient(&self) -> bool {
        self.factors.have_gradients()
    }

    fn version(&self) -> u64 {
        self.factors.version(self.powers.iter().map(|p| p.to_bits()))
    }

    fn batch_rows(&self) -> Option<usize> {
        self.factors.batch_rows()
    }

    fn complaints(&self) -> Vec<String> {
        self.factors.complaints()
    }

    /// Those of the first factor.
    fn variables(&self) -> Vec<Variable> {
        self.factors.first().variables()
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        self.factors.first().report(x, out);
    }

    fn notes(&self) -> Vec<String> {
        self.factors.notes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{NoData, StandardGaussianConfig, from_fn};

    #[test]
    fn a_product_of_gaussians_is_the_gaussian_of_added_precisions() {
        // N(0, 1)^2 and N(3, 1): precision 3, mean 1.
        let gaussian = |mean| {
            Box::new(StandardGaussianConfig { dim: 1, mean, ..Default::default() }.build().unwrap())
                as Box<dyn Target>
        };
        let product = Product::new(vec![(2.0, gaussian(0.0)), (1.0, gaussian(3.0))]).unwrap();
        let at = |x: f64| product.log_prob_at(&[x]).unwrap();
        for x in [-2.0, 0.4, 5.0] {
            assert!((at(x) - at(1.0) + 1.5 * (x - 1.0).powi(2)).abs() < 1e-12, "{x}");
        }
        assert!(product.has_gradient() && product.facts().mean.is_none());
    }

    #[test]
    fn where_one_factor_ends_all_end_and_factors_that_do_not_fit_are_named() {
        let edge = from_fn(1, |x: &[f64]| if x[0] < 0.0 { f64::NEG_INFINITY } else { 0.0 });
        let flat = Box::new(from_fn(1, |_: &[f64]| 1.0)) as Box<dyn Target>;
        let product = Product::new(vec![(1.0, flat), (1.0, Box::new(edge))]).unwrap();
        assert_eq!(product.log_prob_at(&[-1.0]).unwrap(), f64::NEG_INFINITY);
        assert!(!product.has_gradient());
        let text =
            "[[factors]]\ntarget = { kind = 'banana', dim = 4 }\n[[factors]]\ntarget = { kind = 'rings' }";
        let config: ProductConfig = toml::from_str(text).unwrap();
        let error = config.build(&NoData).err().unwrap().to_string();
        assert_eq!(error, "`factors[1]` is of 2 coordinates, but the first has 4");
        let error = toml::from_str::<ProductConfig>("[[factors]]\npower = 0.0").unwrap().check().unwrap_err();
        assert_eq!(error.key, "factors[0].power");
        assert_eq!(ProductConfig { factors: vec![] }.check().unwrap_err().key, "factors");
    }
}
