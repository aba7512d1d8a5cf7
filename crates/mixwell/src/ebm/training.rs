//! The one loop of all trainers: draw data, make negatives, step the energy, perhaps step the flow.
//!
//! Which of these, and how, is the trainer's recipe (`recipe.rs`). The energy learns by [`Descent`](crate::train::Descent). An update after which
//! training has diverged (a loss or gradient that is not finite, mean energies too far apart, chains of which most stand where the
//! law is not finite) is undone: everything goes back to the last state that was kept, the learning rate falls, and an event says
//! so. States are kept every so many updates. Everything is a function of the seed; a saved state goes on with the same bits.

use serde::{Deserialize, Serialize};

use super::batches::{Batches, BatchesState};
use super::health::{Health, measure};
use super::learner::{Learner, LearnerState, Taken};
use super::negatives::{Ingredients, Negatives, NegativesState, is_calibrated};
use super::objective::{Contrast, Denoising, NoiseContrast, Reading, Sliced};
use super::offset::Offset;
use super::recipe::{FlowRole, Objective};
use super::{Bank, Energy, EnergyModel, TrainingData, TrainingError, TrainingSettings, Walkers};
use crate::flow::{Flow, FlowState};
use crate::net::{Gradient, Model, Values, WeightAverage};
use crate::proposal::Proposal;
use crate::rng::TRAINING_STREAM;
use crate::train::LossValue;
use crate::{Batch, ConfigError, Stream};

/// What one update did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Its number, counted from 1.
    pub update: u64,
    /// The loss of the energy.
    pub loss: f64,
    /// Mean energy of the data. For `nce` and `score`, of `-log p~` instead.
    pub positive_energy: f64,
    /// Mean energy of the negatives.
    pub negative_energy: f64,
    /// Norm of the gradient of the energy, before clipping.
    pub gradient_norm: f64,
    /// Learning rate of the energy.
    pub learning_rate: f64,
    /// Mean acceptance probability of local moves.
    pub local_acceptance: Option<f64>,
    /// Share of jumps after which the chain stood elsewhere.
    pub global_acceptance: Option<f64>,
    /// Mean effective number of particles of a jump.
    pub particle_ess: Option<f64>,
    /// Effective share of weighted walkers.
    pub walker_ess: Option<f64>,
    /// Estimate of `ln Z` that the trainer has of itself (`nce`, `jarzynski`).
    pub log_evidence: Option<f64>,
    /// Loss of the flow.
    pub flow_loss: Option<f64>,
}

impl Update {
    /// Mean energy of the data less that of the negatives: hovers around zero where the chains follow the energy.
    pub fn gap(&self) -> f64 {
        self.positive_energy - self.negative_energy
    }
}

/// Something that a reader of the run should know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The update at which it happened.
    pub update: u64,
    /// What happened.
    pub what: String,
}

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
    pub(super) climbs: bool,
}

/// All that an update changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Moment {
    params: Values,
    version: u64,
    learner: LearnerState,
    average: Option<WeightAverage>,
    flow: Option<(FlowState, LearnerState)>,
    offset: Option<(Values, LearnerState)>,
    negatives: NegativesState,
    batches: BatchesState,
    updates: u64,
}

/// A [`Training`] as it lies in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainingState {
    now: Moment,
    kept: Moment,
    slowed: f64,
    returns: u32,
    events: Vec<Event>,
    health: Option<Health>,
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

    fn attempt(&mut self, keep_path: bool) -> Result<Update, TrainingError> {
        self.batches.next(&self.data);
        let flow = self.flow.as_ref().map(|part| &part.flow);
        let with = Ingredients { model: &self.model, flow, data: &self.data };
        self.negatives.advance(with, self.batches.points(), keep_path)?;
        let learning_rate = self.learner.rate();
        let (taken, reading, flow_loss) = match self.objective {
            Objective::NoiseContrast { share } => self.contest(share)?,
            _ => {
                let (taken, reading) = self.step_energy()?;
                (taken, reading, self.follow())
            }
        };
        let moves = self.negatives.bank().map(Bank::moves);
        Ok(Update {
            update: self.updates + 1,
            loss: if taken.made { taken.loss } else { f64::NAN },
            positive_energy: reading.positive,
            negative_energy: reading.negative,
            gradient_norm: taken.gradient_norm,
            learning_rate,
            local_acceptance: moves.and_then(|m| m.local_acceptance()),
            global_acceptance: moves.and_then(|m| m.global_acceptance()),
            particle_ess: moves.and_then(|m| m.particle_ess()),
            walker_ess: self.negatives.walkers().map(Walkers::ess_share),
            log_evidence: self.log_evidence(),
            flow_loss,
        })
    }

    /// A step of the energy on data and negatives, or on data alone.
    fn step_energy(&mut self) -> Result<(Taken, Reading), TrainingError> {
        let (negatives, weights) = self.negatives.points();
        let positives = self.batches.points().data().to_vec();
        let positives = Batch::new(&positives, self.data.dim());
        let regulariser = self.settings.regulariser;
        let (objective, stream) = (self.objective, self.batches.stream());
        #[cfg(test)]
        let climbs = self.climbs;
        let mut outcome = Ok(Reading { positive: f64::NAN, negative: f64::NAN });
        let taken = self.learner.step(&mut self.model, |model, gradient| {
            let result = match objective {
                Objective::Denoising { sigma } => {
                    Denoising { positives, sigma }.evaluate(model, stream, gradient)
                }
                Objective::Sliced { width } => Sliced { positives, width }.evaluate(model, stream, gradient),
                Objective::Contrast | Objective::NoiseContrast { .. } => {
                    Ok(Contrast { positives, negatives, weights, regulariser }.evaluate(model, gradient))
                }
            };
            #[cfg(test)]
            if climbs {
                gradient.scale(-1.0);
            }
            match result {
                Ok((loss, reading)) => {
                    outcome = Ok(reading);
                    loss
                }
                Err(e) => {
                    outcome = Err(e);
                    LossValue::from(f64::NAN)
                }
            }
        });
        Ok((taken, outcome?))
    }

    /// The flow climbs the mean log-density of the negatives, where it learns.
    fn follow(&mut self) -> Option<f64> {
        let part = self.flow.as_mut().filter(|_| self.role == FlowRole::Learns)?;
        let (x, weights) = self.negatives.points();
        let equal = vec![1.0 / x.rows() as f64; x.rows()];
        let weights = weights.unwrap_or(&equal);
        let step = |flow: &Flow, gradient: &mut Gradient| flow.forward_kl(x, weights, gradient).into();
        Some(part.learner.step(&mut part.flow, step).loss)
    }

    /// Noise contrastive estimation: energy and offset step, and the flow where it opposes.
    fn contest(&mut self, share: f64) -> Result<(Taken, Reading, Option<f64>), TrainingError> {
        let (negatives, _) = self.negatives.points();
        let positives = self.batches.points();
        let n = positives.rows();
        let mut log_q = vec![0.0; n];
        match (&self.flow, self.model.base()) {
            (Some(part), _) => part.flow.log_prob(positives, &mut log_q),
            (None, Some(base)) => base.log_prob(positives, &mut log_q),
            (None, None) => unreachable!("checked when training began"),
        }
        let (offset, offset_learner) = self.offset.as_mut().expect("this objective has an offset");
        let contrast = NoiseContrast {
            positives: (positives, &log_q),
            negatives: (negatives, self.negatives.log_q()),
            offset: offset.value(),
            share,
        };
        #[cfg(test)]
        let climbs = self.climbs;
        let mut outcome = None;
        let taken = self.learner.step(&mut self.model, |model, gradient| {
            let contest = contrast.evaluate(model, gradient);
            #[cfg(test)]
            if climbs {
                gradient.scale(-1.0);
            }
            let loss = contest.as_ref().map_or(LossValue::from(f64::NAN), |c| c.loss);
            outcome = Some(contest);
            loss
        });
        let contest = outcome.expect("the loss was asked for")?;
        offset_learner.step(offset, |_, gradient| {
            if let Some([d]) = gradient.slice_mut::<f64>() {
                *d += contest.d_offset;
            }
            contest.loss
        });
        let mut flow_loss = None;
        if let Some(part) = self.flow.as_mut().filter(|_| self.role == FlowRole::Opposes) {
            // The flow lowers the classifier's success: `sum v log q` falls, which is the forward divergence with weights `-v`.
            let weights: Vec<f64> = contest.factors(n, share).into_iter().map(|v| -v).collect();
            let both = [positives.data(), negatives.data()].concat();
            let both = Batch::new(&both, positives.dim());
            let step =
                |flow: &Flow, gradient: &mut Gradient| flow.forward_kl(both, &weights, gradient).into();
            flow_loss = Some(part.learner.step(&mut part.flow, step).loss);
        }
        Ok((taken, contest.reading, flow_loss))
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
        self.learner.slow_down(self.slowed, &self.model)?;
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
    pub(super) fn make_forgetful(&mut self) {
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

    /// The weighted walkers, if the trainer has them.
    pub fn walkers(&self) -> Option<&Walkers> {
        self.negatives.walkers()
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

    fn moment(&self) -> Moment {
        Moment {
            params: self.model.params().to_values(),
            version: crate::density::Target::version(&self.model),
            learner: self.learner.save(),
            average: self.average.clone(),
            flow: self.flow.as_ref().map(|f| (f.flow.save_state(), f.learner.save())),
            offset: self.offset.as_ref().map(|(o, l)| (o.params().to_values(), l.save())),
            negatives: self.negatives.save(),
            batches: self.batches.save(),
            updates: self.updates,
        }
    }

    fn set(&mut self, moment: &Moment) -> Result<(), TrainingError> {
        self.model.set_params(&moment.params)?;
        self.model.set_version(moment.version);
        self.learner.load(&moment.learner)?;
        if self.average.is_some() != moment.average.is_some() {
            return Err(TrainingError::OtherState);
        }
        self.average.clone_from(&moment.average);
        match (&mut self.flow, &moment.flow) {
            (Some(part), Some((flow, learner))) => {
                part.flow.load_state(flow)?;
                part.learner.load(learner)?;
            }
            (None, None) => {}
            _ => return Err(TrainingError::OtherState),
        }
        match (&mut self.offset, &moment.offset) {
            (Some((offset, own)), Some((value, learner))) => {
                offset.set_params(value)?;
                own.load(learner)?;
            }
            (None, None) => {}
            _ => return Err(TrainingError::OtherState),
        }
        self.negatives.load(&moment.negatives)?;
        self.batches.load(&moment.batches);
        self.updates = moment.updates;
        Ok(())
    }

    /// The whole state, for a checkpoint.
    pub fn save(&self) -> TrainingState {
        TrainingState {
            now: self.moment(),
            kept: (*self.kept).clone(),
            slowed: self.slowed,
            returns: self.returns,
            events: self.events.clone(),
            health: self.health,
        }
    }

    /// Goes on from a state: the same updates follow, to the last bit.
    ///
    /// # Errors
    /// When it belongs to a training with other settings.
    pub fn load(&mut self, state: &TrainingState) -> Result<(), TrainingError> {
        self.set(&state.now)?;
        self.learner.slow_down(state.slowed, &self.model)?;
        *self.kept = state.kept.clone();
        (self.slowed, self.returns) = (state.slowed, state.returns);
        self.events.clone_from(&state.events);
        self.health = state.health;
        Ok(())
    }
}
