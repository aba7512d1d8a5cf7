//! The training of an energy, as a [`Task`].

use serde::{Deserialize, Serialize};

use super::config::EnergyConfig;
use super::data::OpenData;
use super::evaluate::{chains, evaluate, look_at_images, modes_of_negatives};
use super::expected::{Pace, memory};
use super::images::OpenImages;
use super::modes::ModeWatch;
use super::stage::{Learning, Parts, Stage, StageState};
use crate::Stream;
use crate::density::Target;
use crate::ebm::{LawFile, Update};
use crate::io::to_npy;
use crate::net::{Init, Network};
use crate::rng::NETWORK_INIT_STREAM;
use crate::training_run::{Column, Outcome, Task, TrainedEnergy, TrainingRunError, Updated, WeightsOf};

/// Jumps accepted less often than this are none.
const FEWEST_JUMPS: f64 = 0.01;
/// Effective share of walkers below which their weights mean little.
const FEWEST_WALKERS: f64 = 0.05;

/// An energy that is being trained.
pub struct EnergyTask {
    parts: Parts,
    stage: Stage,
    pace: Pace,
    /// Updates of the fit.
    fit: u64,
    truth: Option<Box<dyn Target>>,
    images: Option<OpenImages>,
    modes: Option<ModeWatch>,
    so_far: SoFar,
}

/// Means since the last row of the curve, and of the last row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct SoFar {
    sums: Vec<(f64, u64)>,
    last: Vec<f64>,
    told_health: u64,
}

/// An [`EnergyTask`] as it lies in a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub struct EnergyState {
    stage: StageState,
    so_far: SoFar,
}

/// What is averaged between rows of the curve, in the order of the columns.
const MEASURED: [(&str, &str); 11] = [
    ("loss", "loss"),
    ("positive_energy", "energy"),
    ("negative_energy", "energy"),
    ("energy_gap", "energy gap"),
    ("gradient_norm", "gradient norm"),
    ("learning_rate", "learning rate"),
    ("local_acceptance", "acceptance"),
    ("global_acceptance", "acceptance"),
    ("particle_ess", "effective particles"),
    ("walker_ess", "effective walkers"),
    ("flow_loss", "flow loss"),
];
const GAP: usize = 3;
const LOCAL: usize = 6;
const GLOBAL: usize = 7;
const WALKERS: usize = 9;
const FLOW: usize = 10;

fn measured(update: &Update) -> [Option<f64>; MEASURED.len()] {
    [
        Some(update.loss),
        Some(update.positive_energy),
        Some(update.negative_energy),
        Some(update.gap()),
        Some(update.gradient_norm),
        Some(update.learning_rate),
        update.local_acceptance,
        update.global_acceptance,
        update.particle_ess,
        update.walker_ess,
        update.flow_loss,
    ]
}

impl EnergyTask {
    /// Reads the data, makes flow and energy; says how many bytes training will hold.
    pub(super) fn open(config: &EnergyConfig) -> Result<(Self, u64), TrainingRunError> {
        let OpenData { points: data, truth, images } = config.data.open()?;
        let (dim, seed) = (data.dim(), config.seed);
        let spec = config.network(dim, images.as_ref())?;
        let flow = config.flow();
        if let Some((images, flow)) = images.as_ref().zip(flow.as_ref()) {
            images.check_flow(flow)?;
        }
        let init = if config.energy.zero_start { Init::ZeroLast } else { Init::Uniform };
        let network: Network<f32> = Network::new(&spec, init, &mut Stream::new(seed, NETWORK_INIT_STREAM))
            .map_err(|e| e.under("energy.network"))?;
        let parts = Parts { config: config.clone(), data, network };
        let (stage, pace) = Stage::first(&parts)?;
        let bytes = memory(&parts, &spec, &stage)?;
        let fit = if let Stage::Fitting(fit) = &stage { fit.steps().1 } else { 0 };
        let so_far = SoFar { sums: vec![(0.0, 0); MEASURED.len()], ..SoFar::default() };
        let modes = ModeWatch::new(&parts.data, truth.as_deref(), config.evaluation.modes_every);
        Ok((Self { parts, stage, pace, fit, truth, images, modes, so_far }, bytes))
    }

    fn learning(&self) -> Option<&Learning> {
        if let Stage::Learning(learning) = &self.stage { Some(learning) } else { None }
    }

    fn add(&mut self, values: [Option<f64>; MEASURED.len()]) {
        for ((sum, n), value) in self.so_far.sums.iter_mut().zip(values) {
            if let Some(value) = value {
                *sum += value;
                *n += 1;
            }
        }
    }

    fn shown(&self) -> Vec<f64> {
        let sums = &self.so_far.sums;
        if sums.iter().all(|(_, n)| *n == 0) && !self.so_far.last.is_empty() {
            return self.so_far.last.clone();
        }
        sums.iter().map(|(sum, n)| sum / *n as f64).collect()
    }

    /// Bits per dimension of the flow that is shown, of images.
    fn bits(&self, shown: &[f64]) -> Option<f64> {
        self.images.as_ref().map(|images| images.bits(-shown[FLOW])).filter(|bits| bits.is_finite())
    }
}

impl Task for EnergyTask {
    type State = EnergyState;

    fn columns(&self) -> Vec<Column> {
        let drawn = MEASURED.iter().map(|(name, panel)| Column::drawn(*name, panel));
        let health = [
            Column::drawn("log_evidence", "log Z"),
            Column::drawn("rhat", "R-hat"),
            Column::drawn("ess", "ESS"),
            Column::drawn("stuck", "stuck chains"),
        ];
        let bits = self.images.as_ref().map(|_| Column::drawn("bits_per_dimension", "bits per dimension"));
        let modes = self.modes.iter().flat_map(ModeWatch::columns);
        drawn.chain(health).chain(modes).chain(bits).collect()
    }

    fn updates(&self) -> (u64, u64) {
        let done = match &self.stage {
            Stage::Fitting(fit) => fit.steps().0,
            Stage::Learning(learning) => self.fit + learning.training.updates(),
        };
        (done, self.fit.saturating_add(self.parts.config.updates))
    }

    fn step(&self) -> i64 {
        self.updates().0 as i64 - self.fit as i64
    }

    fn seconds_ahead(&self) -> Option<f64> {
        let (done, planned) = self.updates();
        let (fits, updates) = (self.fit.saturating_sub(done), planned.saturating_sub(done.max(self.fit)));
        Some(fits as f64 * self.pace.fit + updates as f64 * self.pace.update)
    }

    fn is_finished(&self) -> bool {
        self.learning().is_some_and(|learning| learning.training.updates() >= self.parts.config.updates)
    }

    fn update(&mut self) -> Result<Updated, TrainingRunError> {
        match &mut self.stage {
            Stage::Fitting(fit) => {
                let loss = fit.step();
                let fitted = fit.is_finished().then(|| fit.fitted());
                let mut values = [None; MEASURED.len()];
                values[FLOW] = Some(loss);
                self.add(values);
                let Some(flow) = fitted else { return Ok(Updated::Quietly) };
                self.stage = Stage::Learning(Box::new(self.parts.learning(Some(flow))?));
                Ok(Updated::AtALandmark)
            }
            Stage::Learning(learning) => {
                let update = learning.training.update()?;
                let every = self.parts.config.training.watch.every;
                let updates = learning.training.updates();
                let looked =
                    updates.is_multiple_of(every) || self.modes.as_ref().is_some_and(|m| m.is_due(updates));
                self.add(measured(&update));
                Ok(if looked { Updated::AtALandmark } else { Updated::Quietly })
            }
        }
    }

    fn row(&mut self) -> Vec<f64> {
        let mut row = self.shown();
        let bits = self.images.as_ref().map(|_| self.bits(&row).unwrap_or(f64::NAN));
        self.so_far.last.clone_from(&row);
        self.so_far.sums.fill((0.0, 0));
        let training = self.learning().map(|learning| &learning.training);
        row.push(training.and_then(|t| t.log_evidence()).unwrap_or(f64::NAN));
        let health = training.and_then(|t| t.health()).filter(|h| h.update > self.so_far.told_health);
        row.extend(health.map_or([f64::NAN; 3], |h| [h.rhat, h.ess, h.stuck]));
        row.extend(self.modes.iter().flat_map(|modes| modes.row(training)));
        self.so_far.told_health = health.map_or(self.so_far.told_health, |h| h.update);
        row.extend(bits);
        row
    }

    fn progress(&self) -> String {
        let shown = self.shown();
        let Some(Learning { training, .. }) = self.learning() else {
            let bits = self.bits(&shown).map_or_else(String::new, |bits| format!("  bits/dim {bits:.3}"));
            return format!("flow loss {:.4}{bits}", shown[FLOW]);
        };
        let mut text = format!("loss {:.4}  energy gap {:+.4}", shown[0], shown[GAP]);
        for (name, value) in [("local", shown[LOCAL]), ("jumps", shown[GLOBAL]), ("walkers", shown[WALKERS])]
        {
            if value.is_finite() {
                text.push_str(&format!("  {name} {value:.2}"));
            }
        }
        if let Some(health) = training.health().filter(|h| h.rhat.is_finite()) {
            text.push_str(&format!("  R-hat {:.2}", health.rhat));
        }
        if !training.events().is_empty() {
            text.push_str(&format!("  went back {} times", training.events().len()));
        }
        text
    }

    fn save(&self) -> EnergyState {
        EnergyState { stage: self.stage.save(), so_far: self.so_far.clone() }
    }

    fn load(&mut self, state: EnergyState) -> Result<(), TrainingRunError> {
        self.stage.load(&self.parts, state.stage)?;
        self.so_far = state.so_far;
        Ok(())
    }

    fn finish(&mut self) -> Result<Outcome, TrainingRunError> {
        let shown = self.shown();
        let Stage::Learning(learning) = &mut self.stage else { return Ok(Outcome::default()) };
        learning.training.take_average();
        let Learning { training, law, base, .. } = &**learning;
        let seed = self.parts.config.seed;
        let truth = self.truth.as_deref();
        let mut found = evaluate(training, truth, seed)?;
        modes_of_negatives(training, truth, &mut found);
        chains(training, truth, self.parts.config.evaluation, seed, &mut found)?;
        for ((name, _), value) in MEASURED.iter().zip(&shown).filter(|(_, v)| v.is_finite()) {
            found.put(name, *value);
        }
        let mut head = vec![format!(
            "{} data, trainer {}, {} parameters; energies of data and negatives {:.4} and {:.4} at the end",
            training.data().rows(),
            training.settings().trainer.kind(),
            training.model().energy().params().len(),
            shown[1],
            shown[2],
        )];
        let acceptance = [("local moves", shown[LOCAL]), ("jumps", shown[GLOBAL])];
        let accepted = acceptance.iter().filter(|(_, v)| v.is_finite());
        let accepted: Vec<String> = accepted.map(|(name, v)| format!("{name} {:.1} %", 100.0 * v)).collect();
        if !accepted.is_empty() {
            head.push(format!("accepted: {}", accepted.join(", ")));
        }
        if let Some(health) = training.health().filter(|h| h.rhat.is_finite()) {
            found.put("rhat", health.rhat);
            found.put("ess", health.ess);
            found.put("stuck", health.stuck);
            head.push(format!("chains of an update: R-hat {:.3}, ESS {:.0}", health.rhat, health.ess));
            let acceptance = if shown[LOCAL].is_finite() { shown[LOCAL] } else { shown[GLOBAL] };
            if health.has_stuck_chains(acceptance) {
                found.problems.push(format!(
                    "{:.1} % of the chains stood still for a whole update: their steps are too long where the energy is steep; take a shorter step, or a base that keeps points away from there",
                    100.0 * health.stuck
                ));
            }
        }
        for event in training.events() {
            head.push(format!("update {}: {}", event.update, event.what));
        }
        if !training.is_calibrated() {
            head.push("the negatives of this trainer are not those of maximum likelihood: weights of modes mean little".into());
        }
        if shown[GLOBAL] < FEWEST_JUMPS {
            found.problems.push(format!(
                "{:.2} % of the jumps are accepted: the flow has lost the energy; lower the energy's learning rate against the flow's",
                100.0 * shown[GLOBAL]
            ));
        }
        if shown[WALKERS] < FEWEST_WALKERS {
            found.problems.push(format!(
                "{:.1} % of the walkers carry the weight; take more, or lower the learning rate",
                100.0 * shown[WALKERS]
            ));
        }
        if training.events().len() > 2 {
            found.problems.push(format!(
                "training diverged {} times and went back; the learning rate is now {:.2e}",
                training.events().len(),
                shown[5]
            ));
        }
        let file = |file: &'static str, bytes| WeightsOf { file: file.into(), bytes };
        let mut weights = vec![
            file(LawFile::NAME, law.to_json().into_bytes()),
            file(LawFile::ENERGY, training.model().energy().to_safetensors()),
        ];
        if let Some(flow) = base {
            weights.push(file(LawFile::BASE, flow.to_safetensors()));
        }
        if let Some(flow) = training.flow() {
            weights.push(file(TrainedEnergy::FLOW, flow.to_safetensors()));
        }
        let persistent = training.persistent_points();
        if let Some(points) = &persistent {
            weights.push(file(TrainedEnergy::BANK, to_npy(&[points.rows(), points.dim()], points.data())));
        }
        if let Some(images) = &self.images {
            look_at_images(images, learning, persistent.as_ref(), &mut found, seed)?;
        }
        head.append(&mut found.lines);
        weights.append(&mut found.weights);
        Ok(Outcome { lines: head, weights, ..found })
    }
}

impl From<crate::ebm::TrainingError> for TrainingRunError {
    fn from(error: crate::ebm::TrainingError) -> Self {
        match error {
            crate::ebm::TrainingError::Config(e) => Self::Config(e),
            other => Self::Energy(other),
        }
    }
}
