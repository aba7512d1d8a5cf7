//! One update: negatives, a step of the energy, and perhaps one of the flow.

use super::{Training, Update};
use crate::Batch;
use crate::ebm::negatives::Ingredients;
use crate::ebm::objective::{Contrast, Denoising, NoiseContrast, Reading, Sliced};
use crate::ebm::recipe::{FlowRole, Objective};
use crate::ebm::{Bank, Energy, TrainingError, Walkers};
use crate::flow::Flow;
use crate::net::Gradient;
use crate::proposal::Proposal;
use crate::train::{LossValue, Taken};

impl<E: Energy> Training<E> {
    pub(super) fn attempt(&mut self, keep_path: bool) -> Result<Update, TrainingError> {
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
                Objective::Sliced { width } => {
                    Ok(Sliced { positives, width }.evaluate(model, stream, gradient))
                }
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
            let loss = contest.loss;
            outcome = Some(contest);
            loss
        });
        let contest = outcome.expect("the loss was asked for");
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
}
