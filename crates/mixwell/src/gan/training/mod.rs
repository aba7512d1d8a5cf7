//! The one loop of all GANs: some steps of the discriminator on fresh data and fresh generated points, then one of the generator.
//!
//! What the scores become is the loss's (`loss/`, a file each). Every step is [`Descent`](crate::train::Descent): a loss or gradient that is
//! not finite changes nothing and is counted. Generated points that the discriminator learns from are made in training mode, and leave
//! the generator's running statistics as they are; these move with its own steps. Everything is a function of the seed; a saved state
//! goes on with the same bits.

mod discriminator;
mod generator;
mod loss;
mod settings;
mod state;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::net::{Model, Network, WeightAverage, WeightsError};
use crate::rng::{LATENT_STREAM, TRAINING_STREAM};
use crate::train::{Batches, GuardCounts, Learner, LossValue, TrainingData};
use crate::{ConfigError, Points, Stream};
pub(in crate::gan) use discriminator::contrast;
use discriminator::discriminator_loss;
use generator::generator_loss;
pub(in crate::gan) use loss::Term;

pub use loss::{GanLoss, GanLossEntry, HingeLoss, JsLoss, WganLoss, gan_losses};
pub use settings::GanSettings;
pub use state::GanState;

/// What an update did; the discriminator's numbers are means over its steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GanUpdate {
    /// The discriminator's loss, its penalty included.
    pub discriminator_loss: f64,
    /// The gradient penalty.
    pub penalty: f64,
    /// The generator's loss.
    pub generator_loss: f64,
    /// Mean score of data.
    pub data_score: f64,
    /// Mean score of generated points.
    pub generated_score: f64,
    /// Norm of the gradient of the discriminator's loss.
    pub discriminator_gradient: f64,
    /// Norm of the gradient of the generator's loss.
    pub generator_gradient: f64,
    /// The generator's learning rate.
    pub learning_rate: f64,
}

/// The training of a generator against a discriminator.
pub struct GanTraining {
    settings: GanSettings,
    data: TrainingData,
    batches: Batches,
    latent_stream: Stream,
    generator: Network<f32>,
    discriminator: Network<f32>,
    generator_learner: Learner,
    discriminator_learner: Learner,
    average: Option<WeightAverage>,
    updates: u64,
    /// Where the discriminator's weights lie.
    weights: Vec<Range<usize>>,
    latents: Points,
    /// Data, and then as many generated points.
    both: Points,
    between: Points,
    scores: Vec<f64>,
    /// A mistake that tests must find: the generator climbs instead of descending.
    #[cfg(test)]
    generator_climbs: bool,
}

impl GanTraining {
    /// The training of these networks on `data`.
    ///
    /// # Errors
    /// When settings, data and networks do not fit together; the error names the setting.
    pub fn new(
        settings: GanSettings,
        generator: Network<f32>,
        discriminator: Network<f32>,
        data: TrainingData,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        settings.check()?;
        let of = |n: usize, what: &str| format!("of {n} {what}");
        if discriminator.n_out() != 1 {
            let value = of(discriminator.n_out(), "outputs");
            return Err(ConfigError::new("discriminator", value, "it has one output, the score"));
        }
        if generator.n_out() != discriminator.dim() {
            let reason = format!("the discriminator takes {} numbers", discriminator.dim());
            return Err(ConfigError::new("generator", of(generator.n_out(), "outputs"), reason));
        }
        if generator.n_out() != data.dim() {
            let reason = format!("the data have {} coordinates", data.dim());
            return Err(ConfigError::new("generator", of(generator.n_out(), "outputs"), reason));
        }
        if settings.loss.penalty() > 0.0 && discriminator.couples_rows() {
            let reason = "the penalty is one of each point's own gradient, and batch normalisation mixes points; take another normalisation";
            return Err(ConfigError::new("loss.penalty", settings.loss.penalty(), reason));
        }
        let (batch, dim) = (settings.batch, data.dim());
        let batches = Batches::new(&data, batch, 0.0, Stream::new(seed, TRAINING_STREAM))?;
        let average = match settings.average {
            0.0 => None,
            memory => Some(WeightAverage::new(memory, &generator)?),
        };
        Ok(Self {
            generator_learner: Learner::new(&settings.generator_optimiser, &generator)?,
            discriminator_learner: Learner::new(&settings.discriminator_optimiser, &discriminator)?,
            latents: Points::zeros(batch, generator.dim()),
            both: Points::zeros(2 * batch, dim),
            between: Points::zeros(batch, dim),
            scores: vec![0.0; 2 * batch],
            latent_stream: Stream::new(seed, LATENT_STREAM),
            updates: 0,
            weights: weights_of(&discriminator),
            average,
            batches,
            settings,
            data,
            generator,
            discriminator,
            #[cfg(test)]
            generator_climbs: false,
        })
    }

    /// One update: the discriminator's steps, and the generator's.
    pub fn update(&mut self) -> GanUpdate {
        let mut update = GanUpdate::default();
        let share = 1.0 / self.settings.discriminator_steps as f64;
        for _ in 0..self.settings.discriminator_steps {
            self.step_discriminator(&mut update, share);
        }
        self.step_generator(&mut update);
        self.updates += 1;
        update
    }

    fn step_discriminator(&mut self, update: &mut GanUpdate, share: f64) {
        let Self { settings, data, batches, latents, both, between, scores, .. } = self;
        let n = settings.batch;
        batches.next(data);
        settings.prior.fill(&mut self.latent_stream, latents.data_mut());
        let (of_data, generated) = both.data_mut().split_at_mut(n * data.dim());
        of_data.copy_from_slice(batches.points().data());
        let made = crate::BatchMut::new(generated, data.dim());
        if self.generator.couples_rows() {
            self.generator.training_values(latents.as_batch(), made);
        } else {
            self.generator.values(latents.as_batch(), made);
        }
        let loss = &settings.loss;
        let penalised = loss.penalty() > 0.0;
        if penalised {
            for i in 0..n {
                let u = self.latent_stream.uniform();
                let (x, y) = (both.row(i), both.row(n + i));
                let to = between.row_mut(i);
                to.iter_mut().zip(x.iter().zip(y)).for_each(|(to, (x, y))| *to = u * x + (1.0 - u) * y);
            }
        }
        let mut penalty = 0.0;
        let taken = self.discriminator_learner.step(&mut self.discriminator, |network, gradient| {
            let between = penalised.then(|| between.as_batch());
            let gradient = gradient.slice_mut().expect("single precision");
            let found = discriminator_loss(network, loss, both.as_batch(), between, scores, gradient);
            penalty = found.penalty;
            LossValue::from(found.value)
        });
        let clip = loss.clip() as f32;
        if clip > 0.0 && taken.made {
            let weights = &self.weights;
            self.discriminator.update(|params| {
                for range in weights {
                    params[range.clone()].iter_mut().for_each(|w| *w = w.clamp(-clip, clip));
                }
            });
        }
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / n as f64;
        update.discriminator_loss += share * taken.loss;
        update.penalty += share * penalty;
        update.data_score += share * mean(&scores[..n]);
        update.generated_score += share * mean(&scores[n..]);
        update.discriminator_gradient += share * taken.gradient_norm;
    }

    fn step_generator(&mut self, update: &mut GanUpdate) {
        let Self { settings, latents, scores, discriminator, .. } = self;
        settings.prior.fill(&mut self.latent_stream, latents.data_mut());
        update.learning_rate = self.generator_learner.rate();
        let scores = &mut scores[..settings.batch];
        #[cfg(test)]
        let climbs = self.generator_climbs;
        let taken = self.generator_learner.step(&mut self.generator, |network, gradient| {
            let numbers = gradient.slice_mut().expect("single precision");
            let loss = &settings.loss;
            let value = generator_loss(network, discriminator, loss, latents.as_batch(), scores, numbers);
            #[cfg(test)]
            if climbs {
                gradient.scale(-1.0);
            }
            value.into()
        });
        if taken.made
            && let Some(average) = &mut self.average
        {
            average.update(&self.generator);
        }
        update.generator_loss = taken.loss;
        update.generator_gradient = taken.gradient_norm;
    }

    /// Updates made.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Its settings.
    pub fn settings(&self) -> &GanSettings {
        &self.settings
    }

    /// The data.
    pub fn data(&self) -> &TrainingData {
        &self.data
    }

    /// The discriminator.
    pub fn discriminator(&self) -> &Network<f32> {
        &self.discriminator
    }

    /// The generator as it stands.
    pub fn generator(&self) -> &Network<f32> {
        &self.generator
    }

    /// The generator as it is to be kept: with the average of its weights, where one is taken.
    ///
    /// # Errors
    /// Never with an average that was made here.
    pub fn kept_generator(&self) -> Result<Network<f32>, WeightsError> {
        let mut kept = self.generator.clone();
        self.average.as_ref().map_or(Ok(()), |average| average.write_to(&mut kept))?;
        Ok(kept)
    }

    /// What the guards of discriminator and generator counted.
    pub fn counts(&self) -> [GuardCounts; 2] {
        [self.discriminator_learner.counts(), self.generator_learner.counts()]
    }
}

/// Where the weights of a network lie; statistics are none.
fn weights_of(network: &Network<f32>) -> Vec<Range<usize>> {
    let weights = network.layout().iter().filter(|array| !array.is_statistic);
    weights.map(|array| array.offset..array.end()).collect()
}
