//! A trained energy as a target: the setting, and what a loader gives for it.
//!
//! What an energy is, and what a training leaves, this room does not know: the files are read by the [`DataLoader`], as tables are.

use serde::{Deserialize, Serialize};

use super::{DataLoader, Target, TargetError};
use crate::ConfigError;

/// Settings of a trained energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnergyTargetConfig {
    /// The folder that `mixwell train` made for a training of `kind = "energy"`, a folder with its `law.json`, or a network of one output
    /// (.safetensors), whose law is `exp(-E)`.
    pub path: String,
    /// SHA-256 of its files; others are then refused. A run writes down what it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Default for EnergyTargetConfig {
    fn default() -> Self {
        Self { path: "runs/energy".into(), sha256: None }
    }
}

/// A law read from files.
pub struct TrainedLaw {
    /// The law.
    pub target: Box<dyn Target>,
    /// SHA-256 of its files, in hexadecimal digits.
    pub sha256: String,
}

impl EnergyTargetConfig {
    /// Refuses a missing path.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.path.is_empty() {
            return Err(ConfigError::new("path", "empty", "give the folder of a training of an energy"));
        }
        Ok(())
    }

    /// Reads the target.
    ///
    /// # Errors
    /// When the loader cannot, or the files are not those of [`EnergyTargetConfig::sha256`].
    pub fn build(&self, data: &dyn DataLoader) -> Result<Box<dyn Target>, TargetError> {
        self.check()?;
        data.law(&self.path)?.expect(&self.path, self.sha256.as_deref())
    }

    /// Writes down what the files are now, if nothing is written down yet.
    pub(super) fn pin(&mut self, data: &dyn DataLoader) -> Result<(), TargetError> {
        if self.sha256.is_none() {
            self.sha256 = Some(data.law(&self.path)?.sha256);
        }
        Ok(())
    }
}
