//! A density ratio: a fresh network that learns `r(x) = ln p_data(x) / p_G(x)` against a generator that stays as it is.
//!
//! It minimises `mean softplus(-r(x)) + mean softplus(r(G(z))) + penalty (mean e^r(G(z)) - 1)^2`: the logistic loss is least at the ratio,
//! and a ratio averages to one over generated points, which the penalty holds it to. Part of the data is held out with as many
//! generated points; the weights with the least loss there are kept. As a discriminator of the loss `js` with `kappa = 1` the ratio
//! makes latents of the data's law, however bad the generator's own discriminator is.

mod ensemble;
mod settings;
mod state;
#[cfg(test)]
mod tests;

use super::training::{Term, contrast};
use crate::density::LatentPrior;
use crate::math::{logistic, softplus};
use crate::net::{Model, Network, Stored, Values};
use crate::rng::{LATENT_STREAM, LOOK_STREAM, TRAINING_STREAM};
use crate::train::{Batches, GuardCounts, Learner, LossValue, TrainingData};
use crate::{Batch, BatchMut, ConfigError, Points, Stream};
use ensemble::mean_of;

pub use settings::RatioSettings;
pub use state::RatioState;

/// What an update did; means over the members of an ensemble.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RatioUpdate {
    /// The loss, its penalty included.
    pub loss: f64,
    /// The penalty.
    pub penalty: f64,
    /// Mean of `e^r` over the generated points of the update.
    pub mean_ratio: f64,
    /// Norm of the gradient.
    pub gradient_norm: f64,
    /// The learning rate.
    pub learning_rate: f64,
    /// The loss on what is held out, without the penalty, where this update looked at it.
    pub held_out: Option<f64>,
}

/// Points that are held out: data, and as many generated ones.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// Data.
    pub data: Points,
    /// Generated points.
    pub generated: Points,
}

/// The best weights so far.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Best {
    loss: f64,
    update: u64,
    weights: Values,
}

/// A network with what trains it.
struct Member {
    network: Network<f32>,
    learner: Learner,
    best: Option<Best>,
}

/// The training of a density ratio.
pub struct RatioTraining {
    settings: RatioSettings,
    prior: LatentPrior,
    data: TrainingData,
    batches: Batches,
    generator: Network<f32>,
    members: Vec<Member>,
    latent_stream: Stream,
    held_out: HeldOut,
    updates: u64,
    latents: Points,
    /// Data, and then as many generated points.
    both: Points,
    scores: Vec<f64>,
}

impl RatioTraining {
    /// The training of one or several `networks` on `data` against `generator`, which is used in evaluation mode. Several see the same points
    /// and keep weights of their own; the ratio is their mean.
    ///
    /// # Errors
    /// When settings, data and networks do not fit together; the error names the setting.
    pub fn new(
        settings: RatioSettings,
        generator: Network<f32>,
        prior: LatentPrior,
        networks: Vec<Network<f32>>,
        data: &TrainingData,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        settings.check()?;
        for network in &networks {
            if network.n_out() != 1 {
                let value = format!("of {} outputs", network.n_out());
                return Err(ConfigError::new("network", value, "a ratio has one output"));
            }
        }
        let dims = networks.iter().map(|network| ("network", network.dim()));
        for (key, found) in dims.chain([("data", data.dim())]) {
            if found != generator.n_out() {
                let reason = format!("the generator makes points of {} numbers", generator.n_out());
                return Err(ConfigError::new(key, format!("of {found} numbers"), reason));
            }
        }
        // What is left at the end can be made.
        mean_of(&networks)?;
        if settings.penalty > 0.0 && networks.iter().any(Network::couples_rows) {
            let reason =
                "it is one of single points, and batch normalisation mixes them; take another normalisation";
            return Err(ConfigError::new("penalty", settings.penalty, reason));
        }
        let mut looked = Stream::new(seed, LOOK_STREAM);
        let (learned, data_held) = split(data, settings.validation, &mut looked)?;
        let n_held = data_held.rows();
        let mut generated = Points::zeros(n_held, data.dim());
        made(&generator, prior, n_held, &mut looked, generated.as_batch_mut());
        let batch = settings.batch;
        let batches = Batches::new(&learned, batch, 0.0, Stream::new(seed, TRAINING_STREAM))?;
        let member = |network: Network<f32>| {
            let learner = Learner::new(&settings.optimiser, &network)?;
            Ok(Member { network, learner, best: None })
        };
        let members: Result<Vec<Member>, ConfigError> = networks.into_iter().map(member).collect();
        Ok(Self {
            members: members?,
            latent_stream: Stream::new(seed, LATENT_STREAM),
            held_out: HeldOut { data: data_held, generated },
            updates: 0,
            latents: Points::zeros(batch, generator.dim()),
            both: Points::zeros(2 * batch, data.dim()),
            scores: vec![0.0; 2 * batch],
            data: learned,
            batches,
            generator,
            prior,
            settings,
        })
    }

    /// One update.
    pub fn update(&mut self) -> RatioUpdate {
        let Self { settings, data, batches, latents, both, scores, generator, .. } = self;
        let n = settings.batch;
        batches.next(data);
        self.prior.fill(&mut self.latent_stream, latents.data_mut());
        let (of_data, generated) = both.data_mut().split_at_mut(n * data.dim());
        of_data.copy_from_slice(batches.points().data());
        generator.values(latents.as_batch(), BatchMut::new(generated, data.dim()));
        let (strength, n_members) = (settings.penalty, self.members.len() as f64);
        let mut update = RatioUpdate::default();
        for member in &mut self.members {
            let mut penalty = 0.0;
            update.learning_rate = member.learner.rate();
            let taken = member.learner.step(&mut member.network, |network, gradient| {
                let gradient = gradient.slice_mut().expect("single precision");
                let found = ratio_loss(network, both.as_batch(), strength, scores, gradient);
                penalty = found - logistic_loss(scores);
                LossValue::from(found)
            });
            update.loss += taken.loss / n_members;
            update.penalty += penalty / n_members;
            update.mean_ratio += scores[n..].iter().map(|r| r.exp()).sum::<f64>() / (n as f64 * n_members);
            update.gradient_norm += taken.gradient_norm / n_members;
        }
        self.updates += 1;
        update.held_out = self.updates.is_multiple_of(self.settings.look_every).then(|| self.look());
        update
    }

    /// Looks at what is held out, and keeps weights that are better than all before; returns the members' mean loss.
    fn look(&mut self) -> f64 {
        let mut sum = 0.0;
        for Member { network, best, .. } in &mut self.members {
            let loss = held_out_loss(network, &self.held_out);
            if loss.is_finite() && best.as_ref().is_none_or(|best| loss < best.loss) {
                let weights = Model::params(&*network).to_values();
                *best = Some(Best { loss, update: self.updates, weights });
            }
            sum += loss;
        }
        sum / self.members.len() as f64
    }

    /// Whether it has looked often enough without finding better weights of any member.
    pub fn has_stopped(&self) -> bool {
        let last =
            self.members.iter().filter_map(|member| member.best.as_ref()).map(|best| best.update).max();
        let since = self.updates - last.unwrap_or(0);
        self.settings.patience > 0
            && since >= self.settings.look_every.saturating_mul(self.settings.patience as u64)
    }

    /// Updates made.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The last update after which a member's weights were kept, and the mean of the members' least losses on what is held out.
    pub fn best(&self) -> Option<(u64, f64)> {
        let best = || self.members.iter().filter_map(|member| member.best.as_ref());
        let loss = best().map(|best| best.loss).sum::<f64>() / self.members.len() as f64;
        best().map(|best| best.update).max().map(|update| (update, loss))
    }

    /// The network as it is to be kept: with the best weights, and the mean of all where there are several.
    ///
    /// # Errors
    /// Never with networks that were taken here.
    pub fn kept(&self) -> Result<Network<f32>, ConfigError> {
        let mut networks = vec![];
        for Member { network, best, .. } in &self.members {
            let mut network = network.clone();
            if let Some(best) = best {
                network
                    .set_params(&best.weights)
                    .map_err(|e| ConfigError::new("network", "of other weights", e.to_string()))?;
            }
            networks.push(network);
        }
        mean_of(&networks)
    }

    /// The settings.
    pub fn settings(&self) -> &RatioSettings {
        &self.settings
    }

    /// What is learned from.
    pub fn data(&self) -> &TrainingData {
        &self.data
    }

    /// What is held out.
    pub fn held_out(&self) -> &HeldOut {
        &self.held_out
    }

    /// What the guard counted, of each member.
    pub fn counts(&self) -> Vec<GuardCounts> {
        self.members.iter().map(|member| member.learner.counts()).collect()
    }
}

/// The mean loss of data and of generated points, together: `ln 4` where nothing is told apart.
pub(super) fn held_out_loss(network: &Network<f32>, held_out: &HeldOut) -> f64 {
    let scores = |x: &Points| {
        let mut scores = vec![0.0; x.rows()];
        network.energy(x.as_batch(), &mut scores);
        scores
    };
    logistic_loss(&[scores(&held_out.data), scores(&held_out.generated)].concat())
}

/// The logistic loss of scores of data, and then of as many generated points.
fn logistic_loss(scores: &[f64]) -> f64 {
    let n = scores.len() / 2;
    let (data, generated) = scores.split_at(n);
    let sum: f64 = data.iter().map(|r| softplus(-r)).chain(generated.iter().map(|r| softplus(*r))).sum();
    sum / n as f64
}

/// The loss at `both`, the data and then as many generated points; adds its gradient to `gradient` and leaves the scores.
pub(super) fn ratio_loss<T: Stored>(
    network: &Network<T>,
    both: Batch<'_>,
    penalty: f64,
    scores: &mut [f64],
    gradient: &mut [T],
) -> f64 {
    let n = both.rows() / 2;
    let mut excess = 0.0;
    if penalty > 0.0 {
        let generated = &mut scores[n..];
        network.energy(both.slice(n..2 * n), generated);
        excess = generated.iter().map(|r| r.exp()).sum::<f64>() / n as f64 - 1.0;
    }
    let term = |row: usize, r: f64| {
        if row < n {
            Term { value: softplus(-r), slope: -logistic(-r) }
        } else {
            // The derivative of penalty (mean e^r - 1)^2 is 2 penalty excess e^r / n.
            let held = if penalty > 0.0 { 2.0 * penalty * excess * r.exp() } else { 0.0 };
            Term { value: softplus(r), slope: logistic(r) + held }
        }
    };
    contrast(network, both, &term, scores, gradient) + penalty * excess * excess
}

/// Points of the generator.
fn made(generator: &Network<f32>, prior: LatentPrior, rows: usize, stream: &mut Stream, to: BatchMut<'_>) {
    let mut latents = Points::zeros(rows, generator.dim());
    prior.fill(stream, latents.data_mut());
    generator.values(latents.as_batch(), to);
}

/// What is learned from, and a share that is held out, in an order of the stream's.
fn split(
    data: &TrainingData,
    share: f64,
    stream: &mut Stream,
) -> Result<(TrainingData, Points), ConfigError> {
    let mut order: Vec<u32> = (0..data.rows() as u32).collect();
    stream.shuffle(&mut order);
    let n = (share * data.rows() as f64).round() as usize;
    if n < 2 || data.rows() - n < 2 {
        let reason = format!("of {} rows of data it must leave two on either side", data.rows());
        return Err(ConfigError::new("validation", share, reason));
    }
    let rows = |which: &[u32]| {
        let rows = which.iter().flat_map(|i| data.points().row(*i as usize).iter().copied());
        Points::from_vec(rows.collect(), data.dim())
    };
    Ok((TrainingData::samples(rows(&order[n..]))?, rows(&order[..n])))
}
