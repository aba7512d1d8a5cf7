//! Where the negatives of a training come from, at work: chains of a bank, walkers, fresh draws, or nowhere.

use serde::{Deserialize, Serialize};

use super::bank::{BankState, Cycle};
use super::fresh::{Fresh, StartDraws};
use super::model::LatentLaw;
use super::recipe::{ChainsRecipe, Phase, Source, StartLaw};
use super::walkers::WalkersState;
use super::{Bank, Energy, EnergyModel, Memory, TrainingData, TrainingError, Walkers};
use crate::density::{Failure, Guarded, Target};
use crate::flow::Flow;
use crate::kernel::Context;
use crate::proposal::{Proposal, Transport};
use crate::rng::{BANK_STREAM, START_STREAM, StreamState};
use crate::{Batch, ConfigError, Points, Stream};

/// Largest number of rows that a kernel evaluates in one batch.
const MAX_ROWS: usize = 4096;

/// A source of negatives.
pub(super) enum Negatives {
    Chains { bank: Box<Bank>, start: StartLaw, latent: bool, x: Points },
    Walkers(Box<Walkers>),
    Noise { stream: Box<Stream>, x: Points, log_q: Vec<f64> },
    Nothing,
}

/// Its state in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum NegativesState {
    Chains(BankState),
    Walkers(WalkersState),
    Noise(StreamState),
    Nothing,
}

/// What negatives are made with.
pub(super) struct Ingredients<'a, E> {
    pub model: &'a EnergyModel<E>,
    pub flow: Option<&'a Flow>,
    pub data: &'a TrainingData,
}

impl<E> Clone for Ingredients<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Ingredients<'_, E> {}

impl<'a, E: Energy> Ingredients<'a, E> {
    /// The law that fresh draws are made of: the flow, or the base where there is none.
    fn noise(self) -> Option<&'a dyn Proposal> {
        match self.flow {
            Some(flow) => Some(flow),
            None => self.model.base().map(|base| &**base as &dyn Proposal),
        }
    }

    fn base(self) -> Result<&'a dyn Proposal, ConfigError> {
        let none =
            || ConfigError::new("base", "missing", "this trainer starts from draws of the energy's base");
        self.model.base().map(|base| &**base as &dyn Proposal).ok_or_else(none)
    }

    /// Something that draws from a start law.
    fn start(self, start: StartLaw) -> Result<Fresh<'a>, ConfigError> {
        Ok(match start {
            StartLaw::Moments { scale } => {
                let (mean, mut sd) = self.data.moments();
                sd.iter_mut().for_each(|s| *s *= scale);
                Fresh::Normal { mean, sd }
            }
            StartLaw::Uniform { low, high } => Fresh::Uniform { low, high },
            StartLaw::Data => Fresh::Data(self.data),
            StartLaw::Base => Fresh::Proposal(self.base()?),
            StartLaw::Flow => {
                let missing = || {
                    let reason = "there is no flow: give one, or start elsewhere";
                    ConfigError::new("trainer.start", "flow", reason)
                };
                Fresh::Proposal(self.flow.ok_or_else(missing)?)
            }
        })
    }
}

/// The kernels of a cycle.
fn build<E: Energy>(cycle: Vec<Phase>, with: Ingredients<'_, E>) -> Result<Cycle, ConfigError> {
    let built = cycle.into_iter().map(|phase| {
        let kernel = phase.kernel.build(with.data.dim()).map_err(|e| e.under("trainer"))?;
        if kernel.needs().flow && with.flow.is_none() {
            let reason = "this kernel jumps by a flow, and there is none";
            return Err(ConfigError::new("flow", "missing", reason));
        }
        if kernel.needs().base && with.model.base().is_none() {
            let reason = "this kernel proposes the base of the energy, and there is none";
            return Err(ConfigError::new("energy.base", "none", reason));
        }
        if kernel.needs().symmetry {
            let reason = "an energy that is trained states no symmetries";
            return Err(ConfigError::new("trainer", "a kernel that moves by symmetries", reason));
        }
        Ok((kernel, phase.steps))
    });
    built.collect()
}

impl Negatives {
    pub fn new<E: Energy>(
        source: Source,
        with: Ingredients<'_, E>,
        batch: usize,
        seed: u64,
    ) -> Result<Self, TrainingError> {
        let dim = with.data.dim();
        Ok(match source {
            Source::Nothing => Self::Nothing,
            Source::Noise => {
                if with.noise().is_none() {
                    let reason = "this trainer needs a flow, or a base to draw noise from";
                    return Err(ConfigError::new("flow", "missing", reason).into());
                }
                let stream = Box::new(Stream::new(seed, BANK_STREAM));
                Self::Noise { stream, x: Points::zeros(batch, dim), log_q: vec![0.0; batch] }
            }
            Source::Walkers(recipe) => {
                let base = with.base()?;
                let n = recipe.walkers;
                let mut noise = Points::zeros(n, base.noise_dim());
                Stream::new(seed, START_STREAM).fill_normal(noise.data_mut());
                let (mut x, mut log_base) = (Points::zeros(n, dim), vec![0.0; n]);
                base.push(noise.as_batch(), x.as_batch_mut(), &mut log_base);
                Self::Walkers(Box::new(Walkers::new(recipe, with.model, (x, &log_base), seed)?))
            }
            Source::Chains(recipe) => Self::chains(recipe, with, batch, seed)?,
        })
    }

    fn chains<E: Energy>(
        recipe: ChainsRecipe,
        with: Ingredients<'_, E>,
        batch: usize,
        seed: u64,
    ) -> Result<Self, TrainingError> {
        let ChainsRecipe { cycle, steps, selection, bank, start, latent, chains } = recipe;
        let dim = with.data.dim();
        let n_chains = selection.chains(chains.unwrap_or(batch));
        if latent {
            // Versions of two flows may agree by chance, densities at data do not.
            let x = with.data.points().slice(0..with.data.rows().min(8));
            let (mut a, mut b) = (vec![0.0; x.rows()], vec![0.0; x.rows()]);
            let mut is_base = |flow: &Flow| {
                let Some(base) = with.model.base() else { return false };
                base.log_prob(x, &mut a);
                flow.log_prob(x, &mut b);
                base.version() == flow.version() && a == b
            };
            if !with.flow.is_some_and(&mut is_base) {
                let reason = "chains in a flow's latent space need that flow as the base of the energy";
                return Err(ConfigError::new("base", "another", reason).into());
            }
        }
        let fresh = if latent { Fresh::Latent } else { with.start(start)? };
        let mut points = Points::zeros(bank.size.max(n_chains), dim);
        let mut stream = Stream::new(seed, START_STREAM);
        fresh.fill(&mut stream, &mut points);
        let kernels = build(cycle, with)?;
        let bank = Box::new(Bank::new(bank, points, n_chains, kernels, (steps, selection), seed));
        Ok(Self::Chains { bank, start, latent, x: Points::zeros(0, dim) })
    }

    /// Chains of this source that go their own way: they begin where those of an update do, and their kernels adapt no more.
    pub fn branch<E: Energy>(
        &self,
        recipe: ChainsRecipe,
        with: Ingredients<'_, E>,
        (chains, steps): (usize, usize),
        seed: u64,
    ) -> Result<Self, TrainingError> {
        let Self::Chains { bank, start, latent, .. } = self else { return Err(TrainingError::OtherState) };
        let fresh = if *latent { Fresh::Latent } else { with.start(*start)? };
        let kernels = build(recipe.cycle, with)?;
        let data = with.data.points();
        let bank = bank.branch(kernels, &fresh, data, (chains, steps, recipe.selection), seed)?;
        let x = Points::zeros(0, with.data.dim());
        Ok(Self::Chains { bank: Box::new(bank), start: *start, latent: *latent, x })
    }

    /// Makes the negatives of one update.
    pub fn advance<E: Energy>(
        &mut self,
        with: Ingredients<'_, E>,
        positives: Batch<'_>,
        keep_path: bool,
    ) -> Result<(), TrainingError> {
        match self {
            Self::Nothing => {}
            Self::Walkers(walkers) => walkers.advance(with.model)?,
            Self::Noise { stream, x, log_q } => {
                let noise = with.noise().expect("checked when training began");
                let mut normal = Points::zeros(x.rows(), noise.noise_dim());
                stream.fill_normal(normal.data_mut());
                noise.push(normal.as_batch(), x.as_batch_mut(), log_q);
            }
            Self::Chains { bank, start, latent, x } => {
                let failure = Failure::default();
                let flow = with.flow.map(|flow| flow as &dyn Transport);
                let mut go = |target: &dyn Target, fresh: Fresh<'_>, data: Batch<'_>| {
                    let context =
                        Context { target: Guarded::new(target, &failure), flow, max_rows: MAX_ROWS };
                    bank.advance(&context, &fresh, data, keep_path);
                };
                if *latent {
                    let map: &Flow = with.flow.expect("checked when training began");
                    go(&LatentLaw { model: with.model, map }, Fresh::Latent, positives);
                    let z = bank.negatives();
                    *x = Points::zeros(z.rows(), z.dim());
                    map.forward(z, x.as_batch_mut(), &mut vec![0.0; z.rows()]);
                } else {
                    go(with.model, with.start(*start)?, positives);
                }
                failure.check()?;
            }
        }
        Ok(())
    }

    /// The negatives, and their weights where they are not equal.
    pub fn points(&self) -> (Batch<'_>, Option<&[f64]>) {
        match self {
            Self::Chains { x, latent: true, .. } => (x.as_batch(), None),
            Self::Chains { bank, .. } => (bank.negatives(), None),
            Self::Walkers(walkers) => (walkers.x(), Some(walkers.weights())),
            Self::Noise { x, .. } => (x.as_batch(), None),
            Self::Nothing => (Batch::new(&[], 1), None),
        }
    }

    /// Log-density of the negatives under the noise they are draws of.
    pub fn log_q(&self) -> &[f64] {
        if let Self::Noise { log_q, .. } = self { log_q } else { &[] }
    }

    pub fn bank(&self) -> Option<&Bank> {
        if let Self::Chains { bank, .. } = self { Some(bank) } else { None }
    }

    pub fn walkers(&self) -> Option<&Walkers> {
        if let Self::Walkers(walkers) = self { Some(walkers) } else { None }
    }

    /// The persistent points in the space of the data.
    pub fn persistent(&self, flow: Option<&Flow>) -> Option<Points> {
        let own = match self {
            Self::Chains { bank, .. } => bank.points(),
            Self::Walkers(walkers) => walkers.x(),
            Self::Noise { .. } | Self::Nothing => return None,
        };
        let mut points = Points::from_vec(own.data().to_vec(), own.dim());
        if let (Self::Chains { latent: true, .. }, Some(flow)) = (self, flow) {
            flow.forward(own, points.as_batch_mut(), &mut vec![0.0; own.rows()]);
        }
        Some(points)
    }

    pub fn save(&self) -> NegativesState {
        match self {
            Self::Chains { bank, .. } => NegativesState::Chains(bank.save()),
            Self::Walkers(walkers) => NegativesState::Walkers(walkers.save()),
            Self::Noise { stream, .. } => NegativesState::Noise(stream.state()),
            Self::Nothing => NegativesState::Nothing,
        }
    }

    pub fn load(&mut self, state: &NegativesState) -> Result<(), TrainingError> {
        match (self, state) {
            (Self::Chains { bank, .. }, NegativesState::Chains(state)) => bank.load(state)?,
            (Self::Walkers(walkers), NegativesState::Walkers(state)) => walkers.load(state),
            (Self::Noise { stream, .. }, NegativesState::Noise(state)) => **stream = Stream::restore(*state),
            (Self::Nothing, NegativesState::Nothing) => {}
            _ => return Err(TrainingError::OtherState),
        }
        Ok(())
    }
}

/// Short-run chains and their like say nothing about the law of the energy.
pub(super) fn is_calibrated(source: &Source) -> bool {
    match source {
        Source::Chains(c) => {
            c.bank.memory == Memory::Persistent && c.cycle.iter().all(|p| p.kernel.law().exact)
        }
        Source::Walkers(_) | Source::Noise => true,
        Source::Nothing => false,
    }
}
