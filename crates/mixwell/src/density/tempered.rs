//! A target at another temperature: `log p_T(x) = log p(x) / T`.
//!
//! Unlike [`GeometricPath`](super::GeometricPath), which leads from a base to a target for the time of a ladder, this owns its target and is one itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    DataLoader, EvaluationError, Facts, Modes, Target, TargetConfig, TargetError, Variable, derived_version,
};
use crate::symmetry::Symmetry;
use crate::{Batch, BatchMut, ConfigError, range};

/// Settings of a target at another temperature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TemperedConfig {
    /// Divides the log-density: above 1 the law is wider, below 1 it is narrower.
    pub temperature: f64,
    /// The target at temperature 1.
    pub target: Box<TargetConfig>,
}

impl Default for TemperedConfig {
    fn default() -> Self {
        Self { temperature: 2.0, target: Box::new(TargetConfig::GaussianMixture(Default::default())) }
    }
}

impl TemperedConfig {
    /// Checks the temperature, and the settings of the target.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::positive("temperature", self.temperature)?;
        self.target.check().map_err(|e| e.under("target"))
    }

    /// Makes the target.
    pub fn build(&self, data: &dyn DataLoader) -> Result<Tempered<Box<dyn Target>>, TargetError> {
        let target = self.target.build(data).map_err(|e| e.under("target"))?;
        Ok(Tempered::new(target, self.temperature)?)
    }
}

/// A target at another temperature.
///
/// ```
/// use mixwell::density::{StandardGaussianConfig, Target, Tempered};
/// // N(0, 1) at temperature 4 is N(0, 4), but for its factor.
/// let tempered = Tempered::new(StandardGaussianConfig { dim: 1, ..Default::default() }.build()?, 4.0)?;
/// let (middle, off) = (tempered.log_prob_at(&[0.0])?, tempered.log_prob_at(&[2.0])?);
/// assert!((middle - off - 0.5).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tempered<T> {
    target: T,
    temperature: f64,
}

impl<T: Target> Tempered<T> {
    /// `target` with its log-density divided by `temperature`.
    ///
    /// # Errors
    /// When the temperature is not positive and finite.
    pub fn new(target: T, temperature: f64) -> Result<Self, ConfigError> {
        range::positive("temperature", temperature)?;
        Ok(Self { target, temperature })
    }
}

impl<T: Target> Target for Tempered<T> {
    fn dim(&self) -> usize {
        self.target.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        mut grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        self.target.evaluate(x, log_prob, grad.as_mut().map(BatchMut::reborrow))?;
        let factor = 1.0 / self.temperature;
        log_prob.iter_mut().for_each(|p| *p *= factor);
        if let Some(mut grad) = grad {
            grad.data_mut().iter_mut().for_each(|g| *g *= factor);
        }
        Ok(())
    }

    fn has_gradient(&self) -> bool {
        self.target.has_gradient()
    }

    fn version(&self) -> u64 {
        derived_version(self.target.version(), self.temperature.to_bits())
    }

    fn batch_rows(&self) -> Option<usize> {
        self.target.batch_rows()
    }

    fn complaints(&self) -> Vec<String> {
        self.target.complaints()
    }

    fn variables(&self) -> Vec<Variable> {
        self.target.variables()
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        self.target.report(x, out);
    }

    fn symmetries(&self) -> &[Arc<dyn Symmetry>] {
        self.target.symmetries()
    }

    fn notes(&self) -> Vec<String> {
        self.target.notes()
    }

    /// Modes stay where they are; their weights and everything else change.
    fn facts(&self) -> Facts {
        let modes = self.target.facts().modes.map(|modes| Modes { weights: None, deviations: None, ..modes });
        Facts { modes, ..Facts::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::TwoModesConfig;

    #[test]
    fn it_is_the_path_without_a_base() {
        let target = TwoModesConfig::default().build().unwrap();
        let tempered = Tempered::new(target.clone(), 2.5).unwrap();
        let path = super::super::GeometricPath::tempered(&target, 0.4);
        let x = [0.3, -1.0, 2.0, 1.4];
        let evaluate = |t: &dyn Target| {
            let (mut value, mut grad) = ([0.0; 2], [0.0; 4]);
            t.log_prob_and_grad(Batch::new(&x, 2), &mut value, BatchMut::new(&mut grad, 2)).unwrap();
            (value, grad)
        };
        assert_eq!(evaluate(&tempered), evaluate(&path));
        let facts = tempered.facts();
        assert!(facts.log_evidence.is_none() && facts.modes.unwrap().weights.is_none());
        assert_ne!(tempered.version(), Tempered::new(target, 2.0).unwrap().version());
    }

    #[test]
    fn what_is_no_temperature_is_named_by_its_path() {
        let config = TemperedConfig { temperature: -1.0, ..TemperedConfig::default() };
        assert_eq!(config.check().unwrap_err().key, "temperature");
        let inner =
            TemperedConfig { target: Box::new(TargetConfig::Tempered(config)), ..TemperedConfig::default() };
        assert_eq!(inner.check().unwrap_err().key, "target.temperature");
    }
}
