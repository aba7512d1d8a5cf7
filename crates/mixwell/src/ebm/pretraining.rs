//! A flow is fitted to the data before an energy is trained with it: forward Kullback-Leibler divergence on minibatches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TrainingData, TrainingError};
use crate::flow::{Flow, FlowState};
use crate::net::{Gradient, OptimiserConfig, WeightAverage};
use crate::train::{Batches, BatchesState, Learner, LearnerState};
use crate::{ConfigError, Stream, range};

/// How a flow is fitted to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PretrainingSettings {
    /// Steps; 0 for the whitening alone.
    pub steps: u64,
    /// Data of a step, or all of them where there are fewer.
    pub batch: usize,
    /// Memory of the moving average of the flow's weights, which is what is kept, e.g. 0.999; 0 for the weights themselves.
    pub average: f64,
    /// The optimiser.
    pub optimiser: OptimiserConfig,
}

impl Default for PretrainingSettings {
    fn default() -> Self {
        let optimiser = OptimiserConfig { learning_rate: 1e-2, ..OptimiserConfig::default() };
        Self { steps: 1024, batch: 256, average: 0.0, optimiser }
    }
}

impl PretrainingSettings {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("steps", self.steps, 0, 1 << 40)?;
        range::at_least("batch", self.batch, 1)?;
        range::below_one("average", self.average)?;
        self.optimiser().check().map_err(|e| e.under("optimiser"))
    }

    /// The optimiser, whose schedule is as long as the fit where it has no length.
    fn optimiser(&self) -> OptimiserConfig {
        OptimiserConfig {
            schedule: self.optimiser.schedule.over(self.steps.max(1)),
            ..self.optimiser.clone()
        }
    }
}

/// A flow while it is fitted.
pub struct Pretraining {
    steps: u64,
    done: u64,
    flow: Flow,
    data: TrainingData,
    batches: Batches,
    learner: Learner,
    average: Option<WeightAverage>,
}

/// A [`Pretraining`] as it lies in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PretrainingState {
    done: u64,
    flow: FlowState,
    batches: BatchesState,
    learner: LearnerState,
    average: Option<WeightAverage>,
}

impl Pretraining {
    /// Whitens the flow by the data; what layers choose from examples they choose now.
    ///
    /// # Errors
    /// When a setting cannot be used, or the flow learns by other means than its density.
    pub fn new(
        settings: &PretrainingSettings,
        mut flow: Flow,
        data: &TrainingData,
        stream: Stream,
    ) -> Result<Self, TrainingError> {
        settings.check()?;
        flow.set_whitening_from(data.points(), None);
        if settings.steps > 0 && flow.config().learns_by_matching() {
            let reason = "a flow for an energy must learn by its density, e.g. `realnvp`";
            return Err(ConfigError::new("flow.kind", flow.config().name(), reason).into());
        }
        let average = match settings.average {
            0.0 => None,
            memory => Some(WeightAverage::new(memory, &flow)?),
        };
        Ok(Self {
            steps: if flow.n_params() == 0 { 0 } else { settings.steps },
            done: 0,
            batches: Batches::new(data, settings.batch.min(data.rows()), 0.0, stream)?,
            learner: Learner::new(&settings.optimiser(), &flow)?,
            data: data.clone(),
            average,
            flow,
        })
    }

    /// Steps made, and to be made.
    pub fn steps(&self) -> (u64, u64) {
        (self.done, self.steps)
    }

    /// Whether all steps are made.
    pub fn is_finished(&self) -> bool {
        self.done >= self.steps
    }

    /// One step; returns its loss, the mean of `-log q` over the batch. A loss that is not finite changes nothing.
    pub fn step(&mut self) -> f64 {
        self.batches.next(&self.data);
        let x = self.batches.points();
        let equal = vec![1.0 / x.rows() as f64; x.rows()];
        let step = |flow: &Flow, gradient: &mut Gradient| flow.forward_kl(x, &equal, gradient).into();
        let loss = self.learner.step(&mut self.flow, step).loss;
        if let Some(average) = &mut self.average {
            average.update(&self.flow);
        }
        self.done += 1;
        loss
    }

    /// The flow as it is now.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The fitted flow: with the average of its weights, where one is kept.
    pub fn fitted(&self) -> Flow {
        let mut flow = self.flow.clone();
        if let Some(average) = self.average.as_ref().filter(|_| self.done > 0) {
            average.write_to(&mut flow).expect("the average of this flow");
        }
        flow
    }

    /// The state, for a checkpoint.
    pub fn save(&self) -> PretrainingState {
        PretrainingState {
            done: self.done,
            flow: self.flow.save_state(),
            batches: self.batches.save(),
            learner: self.learner.save(),
            average: self.average.clone(),
        }
    }

    /// Goes on from a state: the same steps follow, to the last bit.
    ///
    /// # Errors
    /// When it belongs to another flow.
    pub fn load(&mut self, state: PretrainingState) -> Result<(), TrainingError> {
        if self.average.is_some() != state.average.is_some() {
            return Err(TrainingError::OtherState);
        }
        self.flow.load_state(&state.flow)?;
        self.learner.load(&state.learner)?;
        self.batches.load(&state.batches);
        (self.done, self.average) = (state.done, state.average);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::FlowConfig;
    use crate::proposal::Proposal;
    use crate::{Points, Stream};

    fn pretraining(average: f64) -> Pretraining {
        let mut x = Points::zeros(300, 2);
        Stream::new(1, 0).fill_normal(x.data_mut());
        // A bent law: the second coordinate follows the square of the first.
        x.data_mut().chunks_exact_mut(2).for_each(|x| x[1] = 0.3 * x[1] + x[0] * x[0]);
        let data = TrainingData::new(x).unwrap();
        let settings = PretrainingSettings { steps: 120, batch: 100, average, ..Default::default() };
        let flow = Flow::new(&FlowConfig::default(), 2, &mut Stream::new(2, 0)).unwrap();
        Pretraining::new(&settings, flow, &data, Stream::new(3, 0)).unwrap()
    }

    #[test]
    fn a_flow_learns_and_goes_on_from_a_state() {
        for average in [0.0, 0.9] {
            let (mut whole, mut first, mut second) =
                (pretraining(average), pretraining(average), pretraining(average));
            let losses: Vec<f64> = (0..120).map(|_| whole.step()).collect();
            let mean = |some: &[f64]| some.iter().sum::<f64>() / some.len() as f64;
            assert!(mean(&losses[100..]) < mean(&losses[..10]) - 0.2, "{losses:?}");
            assert!(whole.is_finished() && whole.steps() == (120, 120));
            (0..70).for_each(|_| _ = first.step());
            second.load(first.save()).unwrap();
            let rest: Vec<f64> = (0..50).map(|_| second.step()).collect();
            assert_eq!(rest, losses[70..]);
            let log_q = |p: &Pretraining| {
                let mut log_q = vec![0.0; 300];
                p.fitted().log_prob(p.data.points(), &mut log_q);
                log_q
            };
            assert_eq!(log_q(&whole), log_q(&second));
            // The average is another flow than the last one.
            let mut last = vec![0.0; 300];
            whole.flow().log_prob(whole.data.points(), &mut last);
            assert_eq!(last == log_q(&whole), average == 0.0);
        }
        assert!(pretraining(0.9).load(pretraining(0.0).save()).is_err());
    }
}
