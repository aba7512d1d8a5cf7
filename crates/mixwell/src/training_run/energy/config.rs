//! `EnergyConfig`: the training of an energy as data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::data::PointsConfig;
use super::images::OpenImages;
use super::task::EnergyTask;
use crate::ebm::{PretrainingSettings, TrainerConfig, TrainingSettings};
use crate::flow::FlowConfig;
use crate::net::{Activation, NetworkSpec};
use crate::training_run::classifier::NetworkChoice;
use crate::training_run::config::Settings;
use crate::training_run::{TrainingOutput, TrainingRunError};
use crate::{ConfigError, range};

/// Settings of the training of an energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnergyConfig {
    /// Seed of starting weights, order of data, chains.
    pub seed: u64,
    /// Updates of the energy.
    pub updates: u64,
    /// The data.
    pub data: PointsConfig,
    /// The law whose energy is trained.
    pub energy: EnergyLaw,
    /// The flow, for trainers that use one; `realnvp` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowConfig>,
    /// How the flow is fitted to the data before.
    pub pretraining: PretrainingSettings,
    /// How the energy is trained.
    pub training: TrainingSettings,
    /// What is measured of the law while it is trained and afterwards.
    pub evaluation: EvaluationSettings,
    /// How the run is written down.
    pub output: TrainingOutput,
}

impl Default for EnergyConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            updates: 2000,
            data: PointsConfig::default(),
            energy: EnergyLaw::default(),
            flow: None,
            pretraining: PretrainingSettings::default(),
            training: TrainingSettings::default(),
            evaluation: EvaluationSettings::default(),
            output: TrainingOutput::default(),
        }
    }
}

/// What is measured of a law besides its losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationSettings {
    /// Updates between two looks at the weights of modes, where data are draws of a law with known modes; 0 for none. Columns of the
    /// curve: `mode_1`, .. of the law, by quadrature in the plane, and `negatives_1`, .. of the negatives of an update.
    pub modes_every: u64,
    /// Chains that move by the trainer's kernels on the law that was learned, from where chains of an update begin; 0 for none.
    pub chains: usize,
    /// Their steps.
    pub steps: usize,
}

/// The law `exp(-E / temperature) base`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnergyLaw {
    /// The network: its description, a file with it (.toml, .json), or a name of `mixwell list networks`; it has one output. Without,
    /// `d-32-64-64-64-1` with leaky ReLU .05.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkChoice>,
    /// Whether the energy starts at zero everywhere, so that the first law is the base.
    pub zero_start: bool,
    /// The base; `flow` for `nt` and `nce` unless said otherwise, and else `moments`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseChoice>,
    /// Divides the energy.
    pub temperature: f64,
}

impl Default for EnergyLaw {
    fn default() -> Self {
        Self { network: None, zero_start: true, base: None, temperature: 1.0 }
    }
}

/// The base of an energy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum BaseChoice {
    /// None: `exp(-E)` alone, which need not be integrable.
    None,
    /// Independent normal coordinates with the mean of the data and their largest standard deviation, times `scale`.
    Moments {
        /// Factor on the standard deviation.
        #[serde(default = "one")]
        scale: f64,
    },
    /// A Gaussian with the mean and the covariance of the data.
    Covariance,
    /// The flow as it is when it has been fitted to the data.
    Flow,
}

fn one() -> f64 {
    1.0
}

impl EnergyConfig {
    /// The base, also where it is not said.
    pub(super) fn base(&self) -> BaseChoice {
        self.energy.base.unwrap_or(match self.training.trainer {
            TrainerConfig::Nt(_) | TrainerConfig::Nce(_) => BaseChoice::Flow,
            _ => BaseChoice::Moments { scale: 1.0 },
        })
    }

    /// The settings of the loop; schedules without a length are as long as the training.
    pub(super) fn training(&self) -> TrainingSettings {
        let mut training = self.training.clone();
        for optimiser in [&mut training.optimiser, &mut training.flow_optimiser] {
            optimiser.schedule = optimiser.schedule.over(self.updates);
        }
        training
    }

    /// The flow, also where it is not said.
    pub(super) fn flow(&self) -> Option<FlowConfig> {
        let needed = self.training.trainer.needs_flow() || self.base() == BaseChoice::Flow;
        needed.then(|| self.flow.clone().unwrap_or_default())
    }

    /// The description of the network of an energy in so many dimensions.
    pub(super) fn network(
        &self,
        dim: usize,
        images: Option<&OpenImages>,
    ) -> Result<NetworkSpec, TrainingRunError> {
        let spec = match &self.energy.network {
            None => NetworkSpec::dense(dim, &[32, 64, 64, 64], 1, Activation::LeakyRelu(0.05)),
            Some(choice) => choice.spec().map_err(|e| match e {
                TrainingRunError::Config(e) => e.under("energy").into(),
                other => other,
            })?,
        };
        images.map_or(Ok(()), |images| images.check_network("energy.network", &spec))?;
        let (inputs, outputs) = (spec.input_shape()?.len(), spec.output()?.len());
        if inputs != dim || outputs != 1 {
            let value = format!("of {inputs} inputs and {outputs} outputs");
            let reason = format!("the data have {dim} columns, and an energy has one output");
            return Err(ConfigError::new("energy.network", value, reason).into());
        }
        Ok(spec)
    }
}

impl Settings for EnergyConfig {
    type Task = EnergyTask;

    fn check(&self) -> Result<(), ConfigError> {
        crate::config::check_seed(self.seed)?;
        range::within("updates", self.updates, 1, 1 << 40)?;
        self.data.check().map_err(|e| e.under("data"))?;
        range::positive("energy.temperature", self.energy.temperature)?;
        if let Some(BaseChoice::Moments { scale }) = self.energy.base {
            range::positive("energy.base.scale", scale)?;
        }
        self.pretraining.check().map_err(|e| e.under("pretraining"))?;
        if self.evaluation.chains > 0 {
            range::at_least("evaluation.steps", self.evaluation.steps, 1)?;
        }
        self.training().check().map_err(|e| e.under("training"))
    }

    fn seed(&mut self) -> &mut u64 {
        &mut self.seed
    }

    fn output(&self) -> &TrainingOutput {
        &self.output
    }

    fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        self.data.resolve(base)?;
        self.energy.network.as_mut().map_or(Ok(()), |network| network.resolve(base))
    }

    fn open(&self) -> Result<(EnergyTask, u64), TrainingRunError> {
        EnergyTask::open(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_file_and_bad_ones_are_named() {
        let read = |text: &str| toml::from_str::<EnergyConfig>(text).unwrap();
        let config = read("[data]\nlaw = { kind = 'rings' }\n[training.trainer]\nkind = 'nt'");
        config.check().unwrap();
        assert_eq!(config.base(), BaseChoice::Flow);
        assert!(config.flow().is_some());
        assert_eq!(read(&toml::to_string(&config).unwrap()), config);
        let error = |text: &str| read(text).check().unwrap_err().to_string();
        assert_eq!(error(""), "`data.law` is missing, but data are either a `law` or a `table`, or `images`");
        let rings = "[data]\nlaw = { kind = 'rings' }\n";
        assert!(error(&format!("updates = 0\n{rings}")).starts_with("`updates` is 0"));
        assert!(error(&format!("{rings}[training.watch]\nevery = 0")).starts_with("`training.watch.every`"));
        assert!(error(&format!("{rings}[evaluation]\nchains = 9")).starts_with("`evaluation.steps` is 0"));
        assert!(error(&format!("{rings}[energy]\ntemperature = -1.0")).starts_with("`energy.temperature`"));
    }
}
