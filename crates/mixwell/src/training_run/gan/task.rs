//! The training of a GAN, as a [`Task`].

use serde::{Deserialize, Serialize};

use super::config::GanConfig;
use super::look::Looked;
use super::networks::networks;
use super::snapshots;
use crate::Stream;
use crate::density::Target;
use crate::footprint::{bytes, numbers};
use crate::gan::{GanFile, GanState, GanTraining, GanUpdate, Standardisation};
use crate::net::{Init, Network, NetworkSpec};
use crate::rng::NETWORK_INIT_STREAM;
use crate::train::{GuardCounts, TrainingData};
use crate::training_run::classifier::tape;
use crate::training_run::energy::{OpenData, OpenImages};
use crate::training_run::{Column, Outcome, Task, TrainingRunError, Updated, WeightsOf};

/// Numbers per parameter: weights, packed copies, gradient, moments, average, snapshots.
const PER_PARAMETER: usize = 14;

/// A GAN that is being trained.
pub struct GanTask {
    config: GanConfig,
    training: GanTraining,
    standardisation: Option<Standardisation>,
    truth: Option<Box<dyn Target>>,
    images: Option<OpenImages>,
    so_far: SoFar,
}

/// Sums since the last row of the curve, and the last row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct SoFar {
    updates: u64,
    sums: [f64; N],
    last: Option<[f64; N]>,
}

/// A [`GanTask`] as it lies in a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub struct GanRunState {
    training: GanState,
    so_far: SoFar,
}

const N: usize = 8;

/// What is averaged between rows of the curve, in the order of the columns.
const MEASURED: [(&str, &str); N] = [
    ("discriminator_loss", "loss"),
    ("generator_loss", "loss"),
    ("penalty", "penalty"),
    ("data_score", "score"),
    ("generated_score", "score"),
    ("discriminator_gradient", "gradient norm"),
    ("generator_gradient", "gradient norm"),
    ("learning_rate", "learning rate"),
];

fn measured(update: &GanUpdate) -> [f64; N] {
    [
        update.discriminator_loss,
        update.generator_loss,
        update.penalty,
        update.data_score,
        update.generated_score,
        update.discriminator_gradient,
        update.generator_gradient,
        update.learning_rate,
    ]
}

impl GanTask {
    /// Reads the data and makes the networks; says how many bytes training will hold.
    pub(super) fn open(config: &GanConfig) -> Result<(Self, u64), TrainingRunError> {
        let OpenData { points, truth, images } = config.data.open_samples()?;
        let specs = networks(config, points.dim(), images.as_ref())?;
        let standardisation = config.standardise.then(|| Standardisation::of(&points)).transpose()?;
        let data = match &standardisation {
            Some(by) => TrainingData::samples(by.apply(points.points()))?,
            None => points,
        };
        let mut init = Stream::new(config.seed, NETWORK_INIT_STREAM);
        let mut network = |spec: &NetworkSpec, key: &str| {
            Network::new(spec, Init::Uniform, &mut init).map_err(|e| e.under(key))
        };
        let [generator, discriminator] =
            [network(&specs[0], "generator")?, network(&specs[1], "discriminator")?];
        let bytes = memory(config, &data, &specs, [&generator, &discriminator])?;
        let settings = config.training.over(config.updates);
        let training = GanTraining::new(settings, generator, discriminator, data, config.seed);
        let training = training.map_err(|e| match e.key.as_str() {
            "generator" | "discriminator" | "data" => e,
            _ => e.under("training"),
        })?;
        let so_far = SoFar::default();
        Ok((Self { config: config.clone(), training, standardisation, truth, images, so_far }, bytes))
    }

    fn shown(&self) -> [f64; N] {
        match (self.so_far.updates, self.so_far.last) {
            (0, Some(last)) => last,
            (updates, _) => self.so_far.sums.map(|sum| sum / updates as f64),
        }
    }
}

/// Bytes of data, parameters, points and passes.
fn memory(
    config: &GanConfig,
    data: &TrainingData,
    specs: &[NetworkSpec; 2],
    networks: [&Network<f32>; 2],
) -> Result<u64, TrainingRunError> {
    let (dim, batch) = (data.dim(), config.training.batch);
    let mut all = numbers(&[data.rows(), dim + 1]).saturating_add(numbers(&[4, batch, dim]));
    for (spec, network) in specs.iter().zip(networks) {
        all = all
            .saturating_add(bytes(4, &[2 * batch, tape(spec)?]))
            .saturating_add(numbers(&[network.params().len(), PER_PARAMETER]));
    }
    Ok(all.saturating_add(numbers(&[config.samples, 2, dim])))
}

impl Task for GanTask {
    type State = GanRunState;

    fn columns(&self) -> Vec<Column> {
        MEASURED.iter().map(|(name, panel)| Column::drawn(*name, panel)).collect()
    }

    fn updates(&self) -> (u64, u64) {
        (self.training.updates(), self.config.updates)
    }

    fn is_finished(&self) -> bool {
        self.training.updates() >= self.config.updates
    }

    fn update(&mut self) -> Result<Updated, TrainingRunError> {
        let update = measured(&self.training.update());
        self.so_far.sums.iter_mut().zip(update).for_each(|(sum, value)| *sum += value);
        self.so_far.updates += 1;
        Ok(Updated::Quietly)
    }

    fn keeps(&self) -> Result<Vec<WeightsOf>, TrainingRunError> {
        snapshots::snapshot(&self.config, &self.training)
    }

    fn row(&mut self) -> Vec<f64> {
        let row = self.shown();
        self.so_far = SoFar { last: Some(row), ..SoFar::default() };
        row.to_vec()
    }

    fn progress(&self) -> String {
        let [discriminator, generator, _, data, made, ..] = self.shown();
        format!("losses {discriminator:.4}, {generator:.4}  scores {data:+.2}, {made:+.2}")
    }

    fn save(&self) -> GanRunState {
        GanRunState { training: self.training.save(), so_far: self.so_far.clone() }
    }

    fn load(&mut self, state: GanRunState) -> Result<(), TrainingRunError> {
        self.training.load(state.training)?;
        self.so_far = state.so_far;
        Ok(())
    }

    fn finish(&mut self) -> Result<Outcome, TrainingRunError> {
        let shown = self.shown();
        let Self { config, training, standardisation, truth, images, .. } = self;
        let generator = training.kept_generator()?;
        let discriminator = training.discriminator();
        let looked = Looked {
            generator: &generator,
            discriminator,
            prior: training.settings().prior,
            data: training.data().points(),
            standardisation: standardisation.as_ref(),
            truth: truth.as_deref(),
            images: images.as_ref(),
            samples: config.samples,
            seed: config.seed,
        };
        let mut found = looked.look()?;
        let counts = training.counts();
        let mut problems = troubles(counts);
        problems.append(&mut found.problems);
        for ((name, _), value) in MEASURED.iter().zip(shown) {
            found.results.insert((*name).into(), value.into());
        }
        let [generator_size, discriminator_size] = [&generator, discriminator].map(|n| n.params().len());
        found.results.insert("generator_parameters".into(), generator_size.into());
        found.results.insert("discriminator_parameters".into(), discriminator_size.into());
        let mut lines = vec![format!(
            "{} data, loss {}, {generator_size} and {discriminator_size} parameters; losses {:.4} of the discriminator and {:.4} of the generator at the end",
            training.data().rows(),
            training.settings().loss.kind(),
            shown[0],
            shown[1]
        )];
        lines.append(&mut found.lines);
        let file = GanFile::new(training.settings(), generator.dim(), standardisation.clone());
        let left = |file: &'static str, bytes| WeightsOf { file: file.into(), bytes };
        let mut weights = vec![
            left(GanFile::NAME, file.to_json().into_bytes()),
            left(GanFile::GENERATOR, generator.to_safetensors()),
            left(GanFile::DISCRIMINATOR, discriminator.to_safetensors()),
        ];
        weights.append(&mut found.weights);
        Ok(Outcome { lines, problems, weights, kept: snapshots::all(config), ..found })
    }
}

/// Steps that could not be made, of discriminator and generator.
fn troubles(counts: [GuardCounts; 2]) -> Vec<String> {
    let told = |(counts, what): (GuardCounts, &str)| {
        let (bad, all) = (counts.skipped_non_finite, counts.updates + counts.skipped_non_finite);
        (bad > 0).then(|| {
            format!("at {bad} of {all} steps of the {what} the loss or its gradient was not finite, and nothing was changed; lower the learning rate")
        })
    };
    counts.into_iter().zip(["discriminator", "generator"]).filter_map(told).collect()
}
