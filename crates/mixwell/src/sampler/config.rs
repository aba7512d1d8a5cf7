//! The settings of a run: one struct, read from TOML or filled in from Rust, and written to the run folder.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Method, Start};
use crate::ConfigError;
use crate::config::Checked;
use crate::density::{TargetConfig, check_name};
use crate::diagnostics::Thresholds;
use crate::flow::FlowConfig;
use crate::footprint::MOST_COUNT;
use crate::range::{at_least, at_most, not_negative};
use crate::symmetry::SymmetryConfig;
use crate::train::TrainingConfig;

/// The settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunConfig {
    /// Number of chains.
    pub chains: usize,
    /// Production draws per chain; with a stopping rule, the most that are made.
    pub draws: usize,
    /// Keep every n-th step as a draw, in warm-up and production.
    pub thin: usize,
    /// Seed of every random stream: the same seed gives the same draws, whatever the threads or interruptions.
    pub seed: u64,
    /// Largest number of points evaluated in one batch by one thread: bounds memory, does not change draws.
    pub max_batch_rows: usize,
    /// Report Rao-Blackwellised means from the particles of i-SIR.
    pub rao_blackwell: bool,
    /// Why the method was chosen, where `auto` chose it: words that are written with the config and not read by anybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<String>,
    /// What is sampled. Left out when the target is given in code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetConfig>,
    /// Symmetries of the target beside those that it states itself; a run that uses them looks whether they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symmetries: Vec<SymmetryConfig>,
    /// How chains move: a named method, one kernel, or a schedule of your own.
    pub method: Method,
    /// Where chains start.
    pub start: Start,
    /// Functions of the variables that are reported and judged like them: names, and expressions such as `theta[0] - theta[1]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub derived: BTreeMap<String, String>,
    /// The flow that proposes global moves. Used by methods that have one.
    pub flow: FlowConfig,
    /// How the flow is trained.
    pub training: TrainingConfig,
    /// When production stops early.
    pub stop: Stop,
    /// What is written, and how often.
    pub output: Output,
    /// Bars of the verdict.
    pub thresholds: Thresholds,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            chains: 20,
            draws: 1000,
            thin: 1,
            seed: 1,
            max_batch_rows: 16_384,
            rao_blackwell: false,
            chosen: Vec::new(),
            target: None,
            symmetries: Vec::new(),
            method: Method::default(),
            start: Start::default(),
            derived: BTreeMap::new(),
            flow: FlowConfig::default(),
            training: TrainingConfig::default(),
            stop: Stop::default(),
            output: Output::default(),
            thresholds: Thresholds::default(),
        }
    }
}

/// When production ends before all draws are made. Zero switches a rule off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// Stop once every parameter's bulk and tail effective sample size reach this (0: no condition) ...
    pub ess: f64,
    /// ... and every R-hat is at most this (0: no condition). With neither condition all draws are made.
    pub rhat: f64,
    /// Stop after this many seconds of sampling (0: never). The warm-up counts.
    pub seconds: f64,
}

/// What is written, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Keep the draws of the warm-up (in groups of their own).
    pub warmup: bool,
    /// Seconds between checkpoints; one is also written at the end of each phase.
    pub checkpoint_seconds: f64,
    /// Points drawn from the frozen proposal after sampling, for the evidence and the proposal's report (0: none).
    pub evidence_draws: usize,
}

impl Default for Output {
    fn default() -> Self {
        Self { warmup: true, checkpoint_seconds: 30.0, evidence_draws: 4096 }
    }
}

impl RunConfig {
    /// The settings, after [`RunConfig::check`].
    ///
    /// # Errors
    /// As there.
    pub fn checked(self) -> Result<Checked<Self>, ConfigError> {
        Checked::new(self, Self::check)
    }

    /// Checks every range; keys are dotted paths as in the file.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        at_least("chains", self.chains, 1)?;
        crate::config::check_seed(self.seed)?;
        at_least("draws", self.draws, 1)?;
        at_least("thin", self.thin, 1)?;
        at_least("max_batch_rows", self.max_batch_rows, 1)?;
        at_most("draws", self.draws, MOST_COUNT)?;
        at_most("thin", self.thin, MOST_COUNT)?;
        at_most("max_batch_rows", self.max_batch_rows, MOST_COUNT)?;
        not_negative("stop.ess", self.stop.ess)?;
        not_negative("stop.seconds", self.stop.seconds)?;
        if !(self.stop.rhat == 0.0 || (self.stop.rhat >= 1.0 && self.stop.rhat.is_finite())) {
            return Err(ConfigError::new(
                "stop.rhat",
                self.stop.rhat,
                "R-hat is never below 1; use 0 for no condition",
            ));
        }
        not_negative("output.checkpoint_seconds", self.output.checkpoint_seconds)?;
        if let Some(target) = &self.target {
            target.check().map_err(|e| e.under("target"))?;
        }
        for (i, symmetry) in self.symmetries.iter().enumerate() {
            symmetry.check().map_err(|e| e.under(&format!("symmetries[{i}]")))?;
        }
        self.derived.keys().try_for_each(|name| check_name(name)).map_err(|e| e.under("derived"))?;
        self.start.check().map_err(|e| e.under("start"))?;
        self.training.check().map_err(|e| e.under("training"))?;
        self.method.check().map_err(|e| e.under("method"))?;
        self.thresholds.check().map_err(|e| e.under("thresholds"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_settings_are_named() {
        let key = |c: RunConfig| c.check().unwrap_err().key;
        assert_eq!(key(RunConfig { chains: 0, ..Default::default() }), "chains");
        assert_eq!(key(RunConfig { seed: 1 << 63, ..Default::default() }), "seed");
        assert_eq!(key(RunConfig { draws: 0, ..Default::default() }), "draws");
        assert_eq!(
            key(RunConfig { stop: Stop { rhat: 0.9, ..Default::default() }, ..Default::default() }),
            "stop.rhat"
        );
        RunConfig::default().check().unwrap();
    }

    /// The check of a file against the schema must accept whatever the settings can be, not only their defaults.
    #[test]
    fn every_alternative_is_accepted_in_a_file() {
        let adapt = [
            "dual_averaging'",
            "multiplicative', factor = 1.1, tolerance = 0.02",
            "simple', rate = 0.1",
            "fixed'",
        ]
        .map(|rule| {
            format!("[method]\nkind = 'kernel'\nkernel = {{ kind = 'mala', adapt = {{ kind = '{rule} }} }}\n")
        });
        let schedules = ["constant', forward = 0.5", "ramp', cap = 0.4, slope = 2.0"]
            .map(|mix| format!("[method]\nkind = 'flex2'\nmix = {{ kind = '{mix} }}\n"));
        let rates =
            ["constant'", "step', every = 10, factor = 0.5", "exponential', every = 10, factor = 0.9"]
                .map(|rate| format!("[training]\nschedule = {{ kind = '{rate} }}\n"));
        let bounds = ["{ tanh = 1.0 }", "{ learned_tanh = 1.0 }", "{ clamp = [-2.0, 2.0] }"]
            .map(|bound| format!("[flow]\nkind = 'realnvp'\nscale = {bound}\n"));
        let objectives = ["forward'", "pool'", "reverse'", "mixed', mix = { kind = 'constant', forward = 0.5 }"]
            .map(|objective| {
                let train = format!("{{ train = {{ objective = {{ kind = '{objective} }}, steps = 1 }} }}");
                format!(
                    "[method]\nkind = 'schedule'\nproduction = [{{ kernel = 'a' }}]\nkernels = {{ a = {{ kind = 'isir' }} }}\nwarmup = [{{ repeat = 2, actions = [{{ move = {{ kernel = 'a' }} }}, {train}] }}]\n"
                )
            });
        let starts = ["uniform', radius = 1.0", "gaussian', scale = 1.0", "modes', jitter = 0.1", "exact'"]
            .map(|start| format!("start = {{ kind = '{start} }}\n"));
        let all =
            adapt.into_iter().chain(schedules).chain(rates).chain(bounds).chain(objectives).chain(starts);
        for text in all {
            crate::config::parse::<RunConfig>(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        }
    }
}
