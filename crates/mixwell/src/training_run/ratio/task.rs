//! The training of a density ratio, as a [`Task`].

use serde::{Deserialize, Serialize};

use super::config::RatioConfig;
use super::look::look;
use super::source::OpenGan;
use crate::footprint::{bytes, numbers};
use crate::gan::{RatioSettings, RatioState, RatioTraining};
use crate::net::{Activation, Init, Network, NetworkSpec};
use crate::rng::NETWORK_INIT_STREAM;
use crate::train::TrainingData;
use crate::training_run::classifier::tape;
use crate::training_run::energy::OpenData;
use crate::training_run::gan::placed;
use crate::training_run::{Column, Outcome, Task, TrainingRunError, Updated, WeightsOf};
use crate::{ConfigError, Stream};

/// Numbers per parameter: weights, packed copies, gradient, moments, best weights.
const PER_PARAMETER: usize = 14;
/// Hidden layers where no network is given.
const HIDDEN: [usize; 4] = [100; 4];

/// A density ratio that is being trained.
pub struct RatioTask {
    training: RatioTraining,
    discriminator: Option<Network<f32>>,
    planned: u64,
    so_far: SoFar,
}

/// Sums since the last row of the curve, and the last row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct SoFar {
    updates: u64,
    sums: [f64; 5],
    last: Option<[f64; 5]>,
    held_out: Option<f64>,
    told: bool,
}

/// A [`RatioTask`] as it lies in a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub struct RatioRunState {
    training: RatioState,
    so_far: SoFar,
}

/// What is averaged between rows of the curve.
const MEASURED: [(&str, &str); 5] = [
    ("loss", "loss"),
    ("penalty", "penalty"),
    ("mean_ratio", "mean ratio"),
    ("gradient_norm", "gradient norm"),
    ("learning_rate", "learning rate"),
];

impl RatioTask {
    /// The file of the ratio.
    const FILE: &'static str = "ratio.safetensors";

    /// Opens GAN and data, and makes the network; says how many bytes training will hold.
    pub(super) fn open(config: &RatioConfig) -> Result<(Self, u64), TrainingRunError> {
        let OpenGan { generator, discriminator, prior, standardisation, data } = config.gan.open()?;
        let points = config.data.as_ref().or(data.as_ref()).ok_or_else(|| {
            ConfigError::new("data", "missing", "the GAN does not say what it was trained on; give them")
        })?;
        let OpenData { points, images, .. } = points.open_samples()?;
        let dim = generator.n_out();
        if points.dim() != dim {
            let reason = format!("the generator makes points of {dim} numbers");
            return Err(ConfigError::new("data", format!("of {} numbers", points.dim()), reason).into());
        }
        let data = match &standardisation {
            Some(by) => TrainingData::samples(by.apply(points.points()))?,
            None => points,
        };
        if let Some(network) = discriminator.as_ref().filter(|d| d.dim() != dim || d.n_out() != 1) {
            let value = format!("of {} inputs and {} outputs", network.dim(), network.n_out());
            let reason =
                format!("the generator makes points of {dim} numbers, and a discriminator has one output");
            return Err(ConfigError::new("gan.discriminator", value, reason).into());
        }
        let spec = match &config.network {
            Some(choice) => choice.spec().map_err(|e| placed(e, "network"))?,
            None => NetworkSpec::dense(dim, &HIDDEN, 1, Activation::Relu),
        };
        images.map_or(Ok(()), |images| images.check_network("network", &spec))?;
        let mut init = Stream::new(config.seed, NETWORK_INIT_STREAM);
        let networks: Result<Vec<Network<f32>>, ConfigError> = (0..config.members)
            .map(|_| Network::new(&spec, Init::Uniform, &mut init).map_err(|e| e.under("network")))
            .collect();
        let networks = networks?;
        let mut all = memory(&config.training, &data, &spec, &networks)?;
        all = all
            .saturating_add(bytes(4, &[config.training.batch, tape(generator.spec())?]))
            .saturating_add(numbers(&[generator.params().len(), 4]));
        let settings = config.training.over(config.updates);
        let training = RatioTraining::new(settings, generator, prior, networks, &data, config.seed);
        let training = training.map_err(|e| match e.key.as_str() {
            "network" | "data" => e,
            _ => e.under("training"),
        })?;
        Ok((Self { training, discriminator, planned: config.updates, so_far: SoFar::default() }, all))
    }

    fn shown(&self) -> [f64; 5] {
        match (self.so_far.updates, self.so_far.last) {
            (0, Some(last)) => last,
            (updates, _) => self.so_far.sums.map(|sum| sum / updates as f64),
        }
    }
}

/// Bytes of data, parameters, points and passes.
fn memory(
    settings: &RatioSettings,
    data: &TrainingData,
    spec: &NetworkSpec,
    networks: &[Network<f32>],
) -> Result<u64, TrainingRunError> {
    Ok(numbers(&[data.rows(), 3, data.dim()])
        .saturating_add(numbers(&[4, settings.batch, data.dim()]))
        .saturating_add(bytes(4, &[2 * settings.batch, tape(spec)?]))
        .saturating_add(numbers(&[networks.len(), networks[0].params().len(), PER_PARAMETER])))
}

impl Task for RatioTask {
    type State = RatioRunState;

    fn columns(&self) -> Vec<Column> {
        let mut columns: Vec<Column> =
            MEASURED.iter().map(|(name, panel)| Column::drawn(*name, panel)).collect();
        columns.push(Column::drawn("held_out_loss", "loss"));
        columns
    }

    fn updates(&self) -> (u64, u64) {
        (self.training.updates(), self.planned)
    }

    fn is_finished(&self) -> bool {
        self.training.updates() >= self.planned || self.training.has_stopped()
    }

    fn update(&mut self) -> Result<Updated, TrainingRunError> {
        let update = self.training.update();
        let values =
            [update.loss, update.penalty, update.mean_ratio, update.gradient_norm, update.learning_rate];
        self.so_far.sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        self.so_far.updates += 1;
        let Some(held_out) = update.held_out else { return Ok(Updated::Quietly) };
        (self.so_far.held_out, self.so_far.told) = (Some(held_out), false);
        Ok(Updated::AtALandmark)
    }

    fn row(&mut self) -> Vec<f64> {
        let shown = self.shown();
        let held_out = self.so_far.held_out.filter(|_| !self.so_far.told);
        let before = self.so_far.held_out;
        self.so_far = SoFar { last: Some(shown), held_out: before, told: true, ..SoFar::default() };
        let mut row = shown.to_vec();
        row.push(held_out.unwrap_or(f64::NAN));
        row
    }

    fn progress(&self) -> String {
        let held_out = self.so_far.held_out.map_or_else(String::new, |loss| format!("  held out {loss:.4}"));
        format!("loss {:.4}{held_out}", self.shown()[0])
    }

    fn save(&self) -> RatioRunState {
        RatioRunState { training: self.training.save(), so_far: self.so_far.clone() }
    }

    fn load(&mut self, state: RatioRunState) -> Result<(), TrainingRunError> {
        self.training.load(state.training)?;
        self.so_far = state.so_far;
        Ok(())
    }

    fn finish(&mut self) -> Result<Outcome, TrainingRunError> {
        let kept = self.training.kept()?;
        let mut found = look(&kept, self.discriminator.as_ref(), self.training.held_out())?;
        let counts = self.training.counts();
        let skipped: u64 = counts.iter().map(|counts| counts.skipped_non_finite).sum();
        if skipped > 0 {
            let made: u64 = counts.iter().map(|counts| counts.updates).sum();
            found.problems.push(format!(
                "at {skipped} of {} steps the loss or its gradient was not finite, and nothing was changed; lower the learning rate",
                made + skipped
            ));
        }
        for ((name, _), value) in
            MEASURED.iter().zip(self.shown()).filter(|((name, _), _)| *name != "mean_ratio")
        {
            found.results.insert((*name).into(), value.into());
        }
        found.results.insert("parameters".into(), kept.params().len().into());
        let best = self.training.best();
        if let Some((update, loss)) = best {
            found.results.insert("best_update".into(), update.into());
            found.results.insert("held_out_loss".into(), loss.into());
        }
        let mut lines = vec![format!(
            "{} data to learn from, {} held out, {} parameters; the weights are those after update {}",
            self.training.data().rows(),
            self.training.held_out().data.rows(),
            kept.params().len(),
            best.map_or(self.training.updates(), |best| best.0)
        )];
        lines.append(&mut found.lines);
        let weights = vec![WeightsOf { file: Self::FILE.into(), bytes: kept.to_safetensors() }];
        Ok(Outcome { lines, weights, ..found })
    }
}
