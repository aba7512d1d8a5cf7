//! The one loop of all trainers: draw data, make negatives, step the energy, perhaps step the flow.
//!
//! Which of these, and how, is the trainer's recipe (`recipe.rs`). The energy learns by [`Descent`](crate::train::Descent). An update after which
//! training has diverged (a loss or gradient that is not finite, mean energies too far apart, chains of which most stand where the
//! law is not finite) is undone: everything goes back to the last state that was kept, the learning rate falls, and an event says
//! so. States are kept every so many updates. Everything is a function of the seed; a saved state goes on with the same bits.

mod state;
mod step;
mod update;

use super::health::{Health, measure};
use super::negatives::{Ingredients, Negatives, is_calibrated};
use super::offset::Offset;
use super::recipe::{FlowRole, Objective};
use super::{Bank, Energy, EnergyModel, TrainingData, TrainingError, TrainingSettings, Walkers};
use crate::flow::Flow;
use crate::net::{Model, WeightAverage};
use crate::proposal::Proposal;
use crate::rng::TRAINING_STREAM;
use crate::train::{Batches, Learner};
use crate::{ConfigError, Points, Stream};
use state::Moment;

pub use state::TrainingState;
pub use update::{Event, Update};

struct FlowPart {
    flow: Flow,
    learner: Learner,
}

/// The training of an energy.
pub struct Training<E> {
    settings: TrainingSettings,
    objective: Objective,
    role: FlowRole,
    calibrated: bool,
    data: TrainingData,
    batches: Batches,
    model: EnergyModel<E>,
    learner: Learner,
    average: Option<WeightAverage>,
    flow: Option<FlowPart>,
    offset: Option<(Offset, Learner)>,
    negatives: Negatives,
    updates: u64,
    slowed: f64,
    returns: u32,
    events: Vec<Event>,
    health: Option<Health>,
    kept: Box<Moment>,
    /// A mistake that tests must find: the energy climbs instead of descending.
    #[cfg(test)]
    pub(in crate::ebm) climbs: bool,
}

impl<E: Energy> Training<E> {
    /// The training of `model` on `data`, with a flow where the trainer uses one.
    ///
    /// # Errors
    /// When settings, data, energy and flow do not fit together; the error names the setting.
    pub fn new(
        settings: TrainingSettings,
        model: EnergyModel<E>,
        data: TrainingData,
        flow: Option<Flow>,
        seed: u64,
    ) -> Result<Self, TrainingError> {
        settings.check()?;
        let dim = model.energy().dim();
        for (what, found) in [("data", Some(data.dim())), ("flow", flow.as_ref().map(Proposal::dim))] {
            if let Some(found) = found.filter(|d| *d != dim) {
                let value = format!("of {found} coordinates");
                return Err(ConfigError::new(what, value, format!("the energy has {dim}")).into());
            }
        }
        let recipe = settings.trainer.recipe();
        if matches!(recipe.flow, FlowRole::Learns | FlowRole::Opposes) {
            let missing = || ConfigError::new("flow", "missing", "this trainer trains a flow");
            let flow = flow.as_ref().ok_or_else(missing)?;
            if flow.config().learns_by_matching() {
                let reason = "a flow that follows the negatives must learn by its density, e.g. `realnvp`";
                return Err(ConfigError::new("flow.kind", flow.config().name(), reason).into());
            }
        }
        let flow = match (flow, recipe.flow) {
            (Some(flow), role) if role != FlowRole::Unused => {
                Some(FlowPart { learner: Learner::new(&settings.flow_optimiser, &flow)?, flow })
            }
            _ => None,
        };
        let batches =
            Batches::new(&data, settings.batch, settings.data_noise, Stream::new(seed, TRAINING_STREAM))?;
        let with = Ingredients { model: &model, flow: flow.as_ref().map(|f| &f.flow), data: &data };
        let calibrated = is_calibrated(&recipe.source);
        let negatives = Negatives::new::<E>(recipe.source, with, settings.batch, seed)?;
        let offset = match recipe.objective {
            Objective::NoiseContrast { share } => {
                let offset = Offset::new((share / (1.0 - share)).ln());
                let learner = Learner::new(&settings.optimiser, &offset)?;
                Some((offset, learner))
            }
            _ => None,
        };
        let learner = Learner::new(&settings.optimiser, &model)?;
        let average = match settings.average {
            0.0 => None,
            memory => Some(WeightAverage::new(memory, &model)?),
        };
        let now = Moment {
            params: model.params().to_values(),
            version: crate::density::Target::version(&model),
            learner: learner.save(),
            average: average.clone(),
            flow: flow.as_ref().map(|f| (f.flow.save_state(), f.learner.save())),
            offset: offset.as_ref().map(|(o, l)| (o.params().to_values(), l.save())),
            negatives: negatives.save(),
            batches: batches.save(),
            updates: 0,
        };
        Ok(Self {
            objective: recipe.objective,
            role: recipe.flow,
            calibrated,
            data,
            batches,
            learner,
            average,
            flow,
            offset,
            negatives,
            model,
            updates: 0,
            slowed: 1.0,
            returns: 0,
            events: Vec::new(),
            health: None,
            kept: Box::new(now),
            settings,
            #[cfg(test)]
            climbs: false,
        })
    }

    /// One update. Where it diverges, training goes back and slows down, and the update is made again from there: its number may be
    /// smaller than the last one.
    ///
    /// # Errors
    /// When the energy cannot be evaluated, or training has diverged too often.
    pub fn update(&mut self) -> Result<Update, TrainingError> {
        loop {
            let looks = (self.updates + 1).is_multiple_of(self.settings.watch.every);
            let update = self.attempt(looks)?;
            match self.trouble(&update) {
                None => {
                    self.updates += 1;
                    if let Some(average) = &mut self.average {
                        average.update(&self.model);
                    }
                    if looks {
                        self.look();
                    }
                    return Ok(update);
                }
                Some(reason) => self.go_back(update.update, reason)?,
            }
        }
    }

    /// Why an update cannot stand, if it cannot.
    fn trouble(&self, update: &Update) -> Option<String> {
        if !update.loss.is_finite() {
            return Some("a loss or gradient that is not finite".into());
        }
        let gap = update.gap() / self.model.temperature();
        let contrasts = matches!(self.objective, Objective::Contrast);
        if contrasts && (gap.is_nan() || gap.abs() > self.settings.watch.max_gap) {
            return Some(format!("mean energies {gap:.3e} apart"));
        }
        if update.flow_loss.is_some_and(|loss| !loss.is_finite()) {
            return Some("a loss of the flow that is not finite".into());
        }
        let bank = self.negatives.bank()?;
        let steps = bank.n_chains() as f64;
        (bank.moves().stranded() as f64 > 0.5 * steps)
            .then(|| format!("{} stays of chains where the law is not finite", bank.moves().stranded()))
    }

    fn go_back(&mut self, update: u64, reason: String) -> Result<(), TrainingError> {
        self.returns += 1;
        let watch = &self.settings.watch;
        self.slowed *= watch.slow_down;
        let learning_rate = self.settings.optimiser.learning_rate * self.slowed;
        if self.returns > watch.max_returns {
            return Err(TrainingError::Diverged { update, reason, returns: self.returns - 1, learning_rate });
        }
        let kept = self.kept.clone();
        self.set(&kept)?;
        self.learner.slow_down::<TrainingError>(self.slowed, &self.model)?;
        self.events.push(Event {
            update,
            what: format!(
                "diverged ({reason}); went back to update {}, learning rate now {learning_rate:.3e}",
                self.updates
            ),
        });
        Ok(())
    }

    /// Measures the health of the chains and keeps this state to go back to.
    fn look(&mut self) {
        if let Some(bank) = self.negatives.bank() {
            self.health = Some(measure(self.updates, bank.path(), bank.n_chains(), self.data.dim()));
        }
        *self.kept = self.moment();
    }

    #[cfg(test)]
    pub(in crate::ebm) fn make_forgetful(&mut self) {
        self.model.forgets_its_version = true;
    }

    /// Number of updates made.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The energy with its base: a target.
    pub fn model(&self) -> &EnergyModel<E> {
        &self.model
    }

    /// The energy with its base, when training is over.
    pub fn into_model(self) -> EnergyModel<E> {
        self.model
    }

    /// Gives the energy the moving average of its weights, where one is kept: when training is over, since it would go on from there.
    pub fn take_average(&mut self) {
        if let Some(average) = &self.average {
            average.write_to(&mut self.model).expect("the average of this model");
        }
    }

    /// The flow, if the trainer uses one.
    pub fn flow(&self) -> Option<&Flow> {
        self.flow.as_ref().map(|part| &part.flow)
    }

    /// The data.
    pub fn data(&self) -> &TrainingData {
        &self.data
    }

    /// The bank of persistent points, if the trainer has one.
    pub fn bank(&self) -> Option<&Bank> {
        self.negatives.bank()
    }

    pub(super) fn negatives(&self) -> &Negatives {
        &self.negatives
    }

    /// The negatives of the last update, and their weights where they are not equal.
    pub(crate) fn last_negatives(&self) -> (crate::Batch<'_>, Option<&[f64]>) {
        self.negatives.points()
    }

    /// The weighted walkers, if the trainer has them.
    pub fn walkers(&self) -> Option<&Walkers> {
        self.negatives.walkers()
    }

    /// The persistent points of bank or walkers in the space of the data, also where chains move in latents; if the trainer has them.
    pub fn persistent_points(&self) -> Option<Points> {
        let flow = self.flow.as_ref().map(|part| &part.flow);
        self.negatives.persistent(flow)
    }

    /// The settings.
    pub fn settings(&self) -> &TrainingSettings {
        &self.settings
    }

    /// Health of the chains when they were last looked at.
    pub fn health(&self) -> Option<Health> {
        self.health
    }

    /// What a reader should know, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Whether the trainer aims at maximum likelihood with negatives of the model's own law. Where it does not, the energy is off by
    /// more than noise.
    pub fn is_calibrated(&self) -> bool {
        self.calibrated
    }

    /// The estimate of `ln Z` that the trainer has of itself, if it has one.
    pub fn log_evidence(&self) -> Option<f64> {
        if let (Objective::NoiseContrast { share }, Some((offset, _))) = (self.objective, &self.offset) {
            return Some((share / (1.0 - share)).ln() - offset.value());
        }
        self.negatives.walkers().map(Walkers::log_evidence)
    }
}
