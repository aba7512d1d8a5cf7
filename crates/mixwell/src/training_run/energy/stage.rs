//! Where the training of an energy stands: the flow is fitted to the data, then the energy learns.
//!
//! Both are updates of one run, so both are saved, resumed and shown.

use std::sync::Arc;

use super::config::{BaseChoice, EnergyConfig};
use super::expected::Pace;
use crate::ebm::{
    Bank, EnergyModel, LawFile, Pretraining, PretrainingState, Training, TrainingData, TrainingError,
    TrainingState,
};
use crate::flow::{Flow, FlowConfig, FlowState, GaussianFlowConfig};
use crate::net::Network;
use crate::proposal::{Gaussian, Scale};
use crate::rng::FLOW_INIT_STREAM;
use crate::training_run::TrainingRunError;
use crate::{ConfigError, Stream};

/// What both stages are made of.
pub(super) struct Parts {
    pub config: EnergyConfig,
    pub data: TrainingData,
    pub network: Network<f32>,
}

/// A stage.
pub(super) enum Stage {
    Fitting(Box<Pretraining>),
    Learning(Box<Learning>),
}

/// The stage in which the energy learns.
pub(super) struct Learning {
    pub training: Training<Network<f32>>,
    pub law: LawFile,
    /// The flow as it was fitted, where there is one.
    pub fitted: Option<Arc<Flow>>,
    /// The flow that is the base, where one is.
    pub base: Option<Arc<Flow>>,
}

/// A [`Stage`] as it lies in a checkpoint.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum StageState {
    Fitting(Box<PretrainingState>),
    Learning(Option<Box<FlowState>>, Box<TrainingState>),
}

impl Stage {
    /// The first stage, and how fast the stages go; everything that does not fit together is found now.
    pub fn first(parts: &Parts) -> Result<(Self, Pace), TrainingRunError> {
        let Some(pretraining) = parts.pretraining()? else {
            let learning = Box::new(parts.learning(None)?);
            return Ok(Self::Learning(learning).with_pace(parts, None));
        };
        // Also where the flow is still to be fitted: what is wrong with the energy's settings is not to be told after hours.
        let learning = parts.learning(Some(pretraining.fitted()))?;
        Ok(if pretraining.is_finished() {
            Self::Learning(Box::new(learning)).with_pace(parts, None)
        } else {
            Self::Fitting(Box::new(pretraining)).with_pace(parts, Some(&learning))
        })
    }

    fn with_pace(self, parts: &Parts, learning: Option<&Learning>) -> (Self, Pace) {
        let own = if let Self::Learning(own) = &self { Some(&**own) } else { learning };
        let pace = own.map_or_else(Pace::default, |learning| Pace::measured(parts, &self, learning));
        (self, pace)
    }

    pub fn save(&self) -> StageState {
        match self {
            Self::Fitting(pretraining) => StageState::Fitting(Box::new(pretraining.save())),
            Self::Learning(learning) => {
                let fitted = learning.fitted.as_ref().map(|flow| Box::new(flow.save_state()));
                StageState::Learning(fitted, Box::new(learning.training.save()))
            }
        }
    }

    pub fn load(&mut self, parts: &Parts, state: StageState) -> Result<(), TrainingRunError> {
        match state {
            StageState::Fitting(state) => {
                let mut pretraining = parts.pretraining()?.ok_or_else(other_state)?;
                pretraining.load(*state)?;
                *self = Self::Fitting(Box::new(pretraining));
            }
            StageState::Learning(fitted, state) => {
                let flow = match (parts.flow()?, fitted) {
                    (Some((mut flow, _)), Some(state)) => {
                        flow.load_state(&state)?;
                        Some(flow)
                    }
                    (None, None) => None,
                    _ => return Err(other_state()),
                };
                let mut learning = parts.learning(flow)?;
                learning.training.load(&state)?;
                *self = Self::Learning(Box::new(learning));
            }
        }
        Ok(())
    }
}

/// Settings of the loop lie in a table of their own.
fn placed(error: TrainingError) -> TrainingRunError {
    match error {
        TrainingError::Config(e) if e.key == "batch" || e.key.starts_with("trainer") => {
            e.under("training").into()
        }
        other => other.into(),
    }
}

fn other_state() -> TrainingRunError {
    TrainingError::OtherState.into()
}

impl Parts {
    /// The flow at its starting parameters, and the stream it goes on with, where one is needed.
    fn flow(&self) -> Result<Option<(Flow, Stream)>, ConfigError> {
        let Some(settings) = self.config.flow() else { return Ok(None) };
        let mut stream = Stream::new(self.config.seed, FLOW_INIT_STREAM);
        let flow = Flow::new(&settings, self.data.dim(), &mut stream).map_err(|e| e.under("flow"))?;
        Ok(Some((flow, stream)))
    }

    /// The fit of the flow at its beginning.
    fn pretraining(&self) -> Result<Option<Pretraining>, TrainingRunError> {
        let Some((flow, stream)) = self.flow()? else { return Ok(None) };
        Ok(Some(Pretraining::new(&self.config.pretraining, flow, &self.data, stream)?))
    }

    /// The training of the energy at its beginning, with a flow that is fitted.
    pub fn learning(&self, flow: Option<Flow>) -> Result<Learning, TrainingRunError> {
        let Self { config, data, network } = self;
        let temperature = config.energy.temperature;
        let mut model = EnergyModel::new(network.clone()).at_temperature(temperature)?;
        let fitted = flow.map(Arc::new);
        let mut base = None;
        let law = match config.base() {
            BaseChoice::None => LawFile::without_base(temperature),
            BaseChoice::Moments { scale } => {
                let (mean, sd) = data.moments();
                let sd = vec![scale * sd.iter().copied().fold(0.0, f64::max); data.dim()];
                let gaussian = Gaussian::new(mean.clone(), Scale::Diagonal(sd.clone()));
                model = model.with_base(Arc::new(gaussian))?;
                LawFile::on_gaussian(temperature, mean, sd)
            }
            BaseChoice::Covariance => {
                // A Gaussian flow is that, and has a file.
                let gaussian = FlowConfig::Gaussian(GaussianFlowConfig::default());
                let mut flow =
                    Flow::new(&gaussian, data.dim(), &mut Stream::new(config.seed, FLOW_INIT_STREAM))?;
                flow.set_whitening_from(data.points(), None);
                base = Some(Arc::new(flow));
                LawFile::on_flow(temperature)
            }
            BaseChoice::Flow => {
                base.clone_from(&fitted);
                LawFile::on_flow(temperature)
            }
        };
        if let Some(flow) = &base {
            model = model.with_base(flow.clone())?;
        }
        // A flow that is the base only is not the trainer's.
        let own =
            fitted.as_ref().filter(|_| config.training.trainer.needs_flow()).map(|flow| (**flow).clone());
        let training =
            Training::new(config.training(), model, data.clone(), own, config.seed).map_err(placed)?;
        let chains = config.evaluation.chains;
        if let Some(most) = training.bank().and_then(Bank::most_chains)
            && chains > most
        {
            let reason = format!("the bank has {most} points, and chains begin at different ones");
            return Err(ConfigError::new("evaluation.chains", chains, reason).into());
        }
        Ok(Learning { training, law, fitted, base })
    }
}
