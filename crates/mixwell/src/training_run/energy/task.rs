//! The training of an energy, as a [`Task`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::EvaluationSettings;
use super::config::{BaseChoice, EnergyConfig};
use super::evaluate::{chains, evaluate, modes_of_negatives};
use super::modes::ModeWatch;
use crate::density::Target;
use crate::ebm::{Bank, EnergyModel, LawFile, Training, TrainingData, TrainingState, Update};
use crate::flow::{Flow, FlowConfig, GaussianFlowConfig};
use crate::footprint::numbers;
use crate::net::{Init, Network};
use crate::proposal::{Gaussian, Scale};
use crate::rng::{FLOW_INIT_STREAM, NETWORK_INIT_STREAM};
use crate::training_run::{Column, Outcome, Task, TrainingRunError, Updated, WeightsOf};
use crate::{ConfigError, Stream};

/// Numbers per parameter: weights, packed copies, gradient, moments, average, the state to go back to.
const PER_PARAMETER: usize = 14;
/// Jumps accepted less often than this are none.
const FEWEST_JUMPS: f64 = 0.01;
/// Share of chains that may stand still for a whole update besides those that do so by chance.
const MOST_STUCK: f64 = 0.005;
/// Effective share of walkers below which their weights mean little.
const FEWEST_WALKERS: f64 = 0.05;

/// An energy that is being trained.
pub struct EnergyTask {
    training: Training<Network<f32>>,
    law: LawFile,
    base_flow: Option<Arc<Flow>>,
    truth: Option<Box<dyn Target>>,
    planned: u64,
    seed: u64,
    every: u64,
    evaluation: EvaluationSettings,
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
    training: TrainingState,
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

fn measured(update: &Update) -> [Option<f64>; 11] {
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
    /// Reads the data, fits the flow, makes the energy; says how many bytes training will hold.
    pub(super) fn open(config: &EnergyConfig) -> Result<(Self, u64), TrainingRunError> {
        let (data, truth) = config.data.open()?;
        let (dim, seed) = (data.dim(), config.seed);
        let spec = config.network(dim)?;
        let init = if config.energy.zero_start { Init::ZeroLast } else { Init::Uniform };
        let network: Network<f32> = Network::new(&spec, init, &mut Stream::new(seed, NETWORK_INIT_STREAM))
            .map_err(|e| e.under("energy.network"))?;
        let flow = match config.flow() {
            None => None,
            Some(settings) => {
                let mut stream = Stream::new(seed, FLOW_INIT_STREAM);
                let mut flow = Flow::new(&settings, dim, &mut stream).map_err(|e| e.under("flow"))?;
                config.pretraining.fit(&mut flow, &data, stream)?;
                Some(flow)
            }
        };
        let temperature = config.energy.temperature;
        let mut model = EnergyModel::new(network).at_temperature(temperature)?;
        let mut base_flow = None;
        let law = match config.base() {
            BaseChoice::None => LawFile::without_base(temperature),
            BaseChoice::Moments { scale } => {
                let (mean, sd) = data.moments();
                let sd = vec![scale * sd.iter().copied().fold(0.0, f64::max); dim];
                model =
                    model.with_base(Arc::new(Gaussian::new(mean.clone(), Scale::Diagonal(sd.clone()))))?;
                LawFile::on_gaussian(temperature, mean, sd)
            }
            BaseChoice::Covariance => {
                // A Gaussian flow is that, and has a file.
                let gaussian = FlowConfig::Gaussian(GaussianFlowConfig::default());
                let mut flow = Flow::new(&gaussian, dim, &mut Stream::new(seed, FLOW_INIT_STREAM))?;
                flow.set_whitening_from(data.points(), None);
                let flow = Arc::new(flow);
                base_flow = Some(flow.clone());
                model = model.with_base(flow)?;
                LawFile::on_flow(temperature)
            }
            BaseChoice::Flow => {
                let flow = Arc::new(flow.clone().expect("a base that is a flow needs one"));
                base_flow = Some(flow.clone());
                model = model.with_base(flow)?;
                LawFile::on_flow(temperature)
            }
        };
        let parameters = model.energy().params().len() + flow.as_ref().map_or(0, Flow::n_params);
        let bytes = numbers(&[data.rows(), dim + 1])
            .saturating_add(numbers(&[parameters, PER_PARAMETER]))
            .saturating_add(numbers(&[config.training.rows(), 4, dim + 2]))
            .saturating_add(numbers(&[config.evaluation.chains, config.evaluation.steps, 4, dim]));
        let training = Self::make(config, model, data, flow)?;
        if let Some(most) = training.bank().and_then(Bank::most_chains)
            && config.evaluation.chains > most
        {
            let reason = format!("the bank has {most} points, and chains begin at different ones");
            return Err(ConfigError::new("evaluation.chains", config.evaluation.chains, reason).into());
        }
        let task = Self {
            modes: ModeWatch::new(&training, truth.as_deref(), config.evaluation.modes_every),
            evaluation: config.evaluation,
            training,
            law,
            base_flow,
            truth,
            planned: config.updates,
            seed,
            every: config.training.watch.every,
            so_far: SoFar { sums: vec![(0.0, 0); MEASURED.len()], ..SoFar::default() },
        };
        Ok((task, bytes))
    }

    fn make(
        config: &EnergyConfig,
        model: EnergyModel<Network<f32>>,
        data: TrainingData,
        flow: Option<Flow>,
    ) -> Result<Training<Network<f32>>, TrainingRunError> {
        // A flow that is the base only is not the trainer's.
        let flow = flow.filter(|_| config.training.trainer.needs_flow());
        Ok(Training::new(config.training(), model, data, flow, config.seed)?)
    }

    fn shown(&self) -> Vec<f64> {
        let sums = &self.so_far.sums;
        if sums[0].1 == 0 && !self.so_far.last.is_empty() {
            return self.so_far.last.clone();
        }
        sums.iter().map(|(sum, n)| sum / *n as f64).collect()
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
        drawn.chain(health).chain(self.modes.iter().flat_map(ModeWatch::columns)).collect()
    }

    fn updates(&self) -> (u64, u64) {
        (self.training.updates(), self.planned)
    }

    fn is_finished(&self) -> bool {
        self.training.updates() >= self.planned
    }

    fn update(&mut self) -> Result<Updated, TrainingRunError> {
        let update = self.training.update()?;
        for ((sum, n), value) in self.so_far.sums.iter_mut().zip(measured(&update)) {
            if let Some(value) = value {
                *sum += value;
                *n += 1;
            }
        }
        let updates = self.training.updates();
        let looked =
            updates.is_multiple_of(self.every) || self.modes.as_ref().is_some_and(|m| m.is_due(updates));
        Ok(if looked { Updated::AtALandmark } else { Updated::Quietly })
    }

    fn row(&mut self) -> Vec<f64> {
        let mut row = self.shown();
        self.so_far.last.clone_from(&row);
        self.so_far.sums.fill((0.0, 0));
        row.push(self.training.log_evidence().unwrap_or(f64::NAN));
        let health = self.training.health().filter(|h| h.update > self.so_far.told_health);
        self.so_far.told_health = health.map_or(self.so_far.told_health, |h| h.update);
        row.extend(health.map_or([f64::NAN; 3], |h| [h.rhat, h.ess, h.stuck]));
        row.extend(self.modes.iter().flat_map(|modes| modes.row(&self.training)));
        row
    }

    fn progress(&self) -> String {
        let shown = self.shown();
        let mut text = format!("loss {:.4}  energy gap {:+.4}", shown[0], shown[GAP]);
        for (name, value) in [("local", shown[LOCAL]), ("jumps", shown[GLOBAL]), ("walkers", shown[WALKERS])]
        {
            if value.is_finite() {
                text.push_str(&format!("  {name} {value:.2}"));
            }
        }
        if let Some(health) = self.training.health().filter(|h| h.rhat.is_finite()) {
            text.push_str(&format!("  R-hat {:.2}", health.rhat));
        }
        if !self.training.events().is_empty() {
            text.push_str(&format!("  went back {} times", self.training.events().len()));
        }
        text
    }

    fn save(&self) -> EnergyState {
        EnergyState { training: self.training.save(), so_far: self.so_far.clone() }
    }

    fn load(&mut self, state: EnergyState) -> Result<(), TrainingRunError> {
        self.training.load(&state.training)?;
        self.so_far = state.so_far;
        Ok(())
    }

    fn finish(&mut self) -> Result<Outcome, TrainingRunError> {
        self.training.take_average();
        let truth = self.truth.as_deref();
        let mut found = evaluate(&self.training, truth, self.seed)?;
        modes_of_negatives(&self.training, truth, &mut found);
        chains(&self.training, truth, self.evaluation, self.seed, &mut found)?;
        let shown = self.shown();
        for ((name, _), value) in MEASURED.iter().zip(&shown).filter(|(_, v)| v.is_finite()) {
            found.put(name, *value);
        }
        let mut head = vec![format!(
            "{} data, trainer {}, {} parameters; energies of data and negatives {:.4} and {:.4} at the end",
            self.training.data().rows(),
            self.training.settings().trainer.kind(),
            self.training.model().energy().params().len(),
            shown[1],
            shown[2],
        )];
        let acceptance = [("local moves", shown[LOCAL]), ("jumps", shown[GLOBAL])];
        let accepted = acceptance.iter().filter(|(_, v)| v.is_finite());
        let accepted: Vec<String> = accepted.map(|(name, v)| format!("{name} {:.1} %", 100.0 * v)).collect();
        if !accepted.is_empty() {
            head.push(format!("accepted: {}", accepted.join(", ")));
        }
        if let Some(health) = self.training.health().filter(|h| h.rhat.is_finite()) {
            found.put("rhat", health.rhat);
            found.put("ess", health.ess);
            found.put("stuck", health.stuck);
            head.push(format!("chains of an update: R-hat {:.3}, ESS {:.0}", health.rhat, health.ess));
            // Some stand still by chance where an update has few steps.
            let refused = 1.0 - if shown[LOCAL].is_finite() { shown[LOCAL] } else { shown[GLOBAL] };
            let by_chance = if refused.is_finite() { refused.powi(health.steps as i32 - 1) } else { 0.0 };
            if health.stuck > MOST_STUCK + 2.0 * by_chance {
                found.problems.push(format!(
                    "{:.1} % of the chains stood still for a whole update: their steps are too long where the energy is steep; take a shorter step, or a base that keeps points away from there",
                    100.0 * health.stuck
                ));
            }
        }
        for event in self.training.events() {
            head.push(format!("update {}: {}", event.update, event.what));
        }
        if !self.training.is_calibrated() {
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
        if self.training.events().len() > 2 {
            found.problems.push(format!(
                "training diverged {} times and went back; the learning rate is now {:.2e}",
                self.training.events().len(),
                shown[5]
            ));
        }
        head.append(&mut found.lines);
        let mut weights = vec![
            WeightsOf { file: LawFile::NAME, bytes: self.law.to_json().into_bytes() },
            WeightsOf { file: LawFile::ENERGY, bytes: self.training.model().energy().to_safetensors() },
        ];
        if let Some(flow) = &self.base_flow {
            weights.push(WeightsOf { file: LawFile::BASE, bytes: flow.to_safetensors() });
        }
        if let Some(flow) = self.training.flow() {
            weights.push(WeightsOf { file: "flow.safetensors", bytes: flow.to_safetensors() });
        }
        Ok(Outcome { results: found.results, lines: head, problems: found.problems, weights })
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
