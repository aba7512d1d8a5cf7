//! What the training of an energy will take, in bytes and seconds, before it begins.

use std::time::Instant;

use super::stage::{Learning, Parts, Stage};
use crate::density::Target;
use crate::ebm::TrainerConfig;
use crate::flow::Flow;
use crate::footprint::{bytes, numbers};
use crate::net::{Model, NetworkSpec};
use crate::training_run::TrainingRunError;
use crate::training_run::classifier::tape;
use crate::{Batch, Points};

/// Numbers per parameter: weights, packed copies, gradient, moments, average, the state to go back to.
const PER_PARAMETER: usize = 14;
/// Rows that are evaluated to tell the time: networks hold rows in blocks of so many.
const ROWS: usize = 64;

/// Bytes of data, parameters, points and passes.
pub(super) fn memory(parts: &Parts, spec: &NetworkSpec, stage: &Stage) -> Result<u64, TrainingRunError> {
    let Parts { config, data, network } = parts;
    let (dim, threads) = (data.dim(), rayon::current_num_threads());
    let flow = flow(stage);
    // As the base, as the trainer's own, and as the one that was tried.
    let parameters = network.n_params().saturating_add(flow.map_or(0, |f| 3 * f.n_params()));
    let passes = bytes(4, &[2 * config.training.batch + ROWS * threads, tape(spec)?]);
    Ok(numbers(&[data.rows(), dim + 1])
        .saturating_add(numbers(&[parameters, PER_PARAMETER]))
        .saturating_add(numbers(&[config.training.rows(), 4, dim + 2]))
        .saturating_add(numbers(&[config.evaluation.chains, config.evaluation.steps, 4, dim]))
        .saturating_add(passes)
        .saturating_add(flow.map_or(0, |f| 2 * f.working_bytes())))
}

/// Seconds of a step of the fit, and of an update of the energy.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    pub fit: f64,
    pub update: f64,
}

impl Pace {
    /// From a few rows of the data, evaluated now; nothing is changed.
    pub fn measured(parts: &Parts, stage: &Stage, learning: &Learning) -> Self {
        let x = parts.data.points();
        let x = x.slice(0..x.rows().min(ROWS));
        let blocks = |rows: usize| rows.div_ceil(ROWS) as f64;
        // Blocks of rows go to threads.
        let in_turn = |rows: usize| blocks(rows) / blocks(rows).min(rayon::current_num_threads() as f64);
        let fit = match stage {
            Stage::Fitting(fit) => {
                let batch = parts.config.pretraining.batch.min(parts.data.rows());
                fit_seconds(fit.flow(), x) * in_turn(batch)
            }
            Stage::Learning(_) => 0.0,
        };
        let (chains, evaluations) = parts.config.training.work();
        let one = law_seconds(learning, x, matches!(parts.config.training.trainer, TrainerConfig::Nt(_)));
        // The step of the energy goes over both batches, forward and backward.
        let own = 2.0 * in_turn(parts.config.training.batch) * one;
        Self { fit, update: one * evaluations * in_turn(chains) + own }
    }
}

fn flow(stage: &Stage) -> Option<&Flow> {
    match stage {
        Stage::Fitting(fit) => Some(fit.flow()),
        Stage::Learning(learning) => learning.fitted.as_deref(),
    }
}

/// Twice, of which the second counts: the first makes room.
fn seconds(mut work: impl FnMut()) -> f64 {
    work();
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn fit_seconds(flow: &Flow, x: Batch<'_>) -> f64 {
    let mut gradient = flow.zero_gradient();
    let equal = vec![1.0 / x.rows() as f64; x.rows()];
    seconds(|| {
        flow.forward_kl(x, &equal, &mut gradient);
    })
}

/// The law with its gradient, where the chains are.
fn law_seconds(learning: &Learning, x: Batch<'_>, latent: bool) -> f64 {
    let model = learning.training.model();
    let (mut value, mut grad) = (vec![0.0; x.rows()], Points::zeros(x.rows(), x.dim()));
    let law = model.latent_law().filter(|_| latent);
    let target: &dyn Target = match &law {
        Some(law) => law,
        None => model,
    };
    seconds(|| {
        // What cannot be evaluated is found by the training.
        let _ = target.log_prob_and_grad(x, &mut value, grad.as_batch_mut());
    })
}
