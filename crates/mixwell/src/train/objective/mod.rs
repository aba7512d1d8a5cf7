//! What a training call of a schedule minimises, one file each. A call names its objective by `kind`.
//!
//! To add one: a file with a type that is a [`FlowLoss`], and a row in the list below, which makes its `kind` and its variant
//! of [`Objective`]. Weights, particles and past draws are constants of every loss; only the reverse KL differentiates
//! through points.

mod forward;
mod mix;
mod mixed;
mod pool;
mod reverse;
mod score_climbing;

pub(super) use forward::PastDraws;
pub use mix::MixSchedule;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{forward::Forward, mixed::Mixed, pool::Pool, reverse::Reverse, score_climbing::ScoreClimbing};
use super::{Examples, LossValue, Replay};
use crate::flow::Flow;
use crate::net::Gradient;
use crate::{ConfigError, Points, Stream};

/// What is minimised over a flow.
pub(super) trait FlowLoss {
    /// Its value now; adds its gradient to `gradient`, which is zero before.
    fn evaluate(&self, flow: &Flow, from: &mut Sources<'_>, gradient: &mut Gradient) -> LossValue;

    /// Every range check.
    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Whether some gradient of the target is ever needed.
    fn uses_target(&self) -> bool {
        false
    }

    /// Whether it learns from the particles of the last i-SIR step.
    fn uses_particles(&self) -> bool {
        false
    }

    /// Whether it has a fixed set of examples, the past draws, that can be gone through in epochs.
    fn has_epochs(&self) -> bool {
        false
    }
}

/// What a loss may learn from.
pub(super) struct Sources<'a> {
    /// Target, positions, particles.
    pub examples: Examples<'a>,
    /// Past draws.
    pub replay: &'a Replay,
    /// The training stream.
    pub stream: &'a mut Stream,
    /// Rows of past draws a step.
    pub batch: usize,
    /// Fresh latents a step.
    pub reverse_draws: usize,
    /// The share of the planned training that is done.
    pub progress: f64,
    /// Inverse temperature of the target that is learnt.
    pub beta: f64,
    /// A gradient that a sum of two losses keeps from step to step.
    pub spare: Option<Gradient>,
}

/// Writes the enum, and every `match` over it, from one list of objectives.
///
/// A row is: variant (its snake_case name is the `kind`), its settings if it has any, the type that is the loss and has the
/// same settings.
macro_rules! objectives {
    ($(
        $(#[$meta:meta])*
        $variant:ident $({ $($(#[$field_meta:meta])* $field:ident: $type:ty),* })? => $loss:ident;
    )*) => {
        /// What a training call minimises.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
        pub enum Objective {
            $($(#[$meta])* $variant $({ $($(#[$field_meta])* #[serde(default)] $field: $type),* })?,)*
        }

        impl Objective {
            /// Calls `f` with the loss.
            pub(super) fn with<R>(&self, f: impl FnOnce(&dyn FlowLoss) -> R) -> R {
                match self {
                    $(Self::$variant $({ $($field),* })? => f(&$loss $({ $($field: *$field),* })?),)*
                }
            }
        }
    };
}

objectives! {
    /// Forward KL on past draws: `-mean log q(x)` over the replay buffer; for the flow `flow_matching` its own loss.
    #[default]
    Forward => Forward;
    /// Self-normalised forward KL over the particles of the last i-SIR step, weights and particles constant,
    /// mixed with reverse KL: `a L_forward + (1 - a) L_reverse`.
    Pool {
        /// The weight `a` of the forward part.
        mix: MixSchedule
    } => Pool;
    /// Reverse KL, `mean[log rho(z) - log_det - log_prob(T(z))]` over fresh latents.
    Reverse => Reverse;
    /// Forward KL on past draws mixed with reverse KL.
    Mixed {
        /// The weight `a` of the forward part.
        mix: MixSchedule
    } => Mixed;
    /// Markovian score climbing: the gradient of `log q` at the chains' new states (Naesseth et al. 2020).
    ScoreClimbing => ScoreClimbing;
}

impl Objective {
    /// Whether some gradient of the target is ever needed.
    pub fn uses_target(&self) -> bool {
        self.with(|loss| loss.uses_target())
    }

    /// Every range check.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.with(|loss| loss.check())
    }
}

/// The loss by which this flow learns from weighted examples, with noise of its own where it needs some.
fn example_loss(
    flow: &Flow,
    (x, weights): (crate::Batch<'_>, &[f64]),
    stream: &mut Stream,
    gradient: &mut Gradient,
) -> LossValue {
    let noise = flow.example_noise(x.rows(), stream);
    flow.example_loss(x, weights, &noise, Some(gradient)).into()
}

/// Weights whose mean is one, divided by their number.
fn shares(weights: impl IntoIterator<Item = f64, IntoIter: ExactSizeIterator>) -> Vec<f64> {
    let weights = weights.into_iter();
    let n = weights.len() as f64;
    weights.map(|w| w / n).collect()
}

/// These rows side by side.
fn gather(rows: crate::Batch<'_>, which: &[usize]) -> Points {
    let mut points = Points::zeros(which.len(), rows.dim());
    for (to, &from) in which.iter().enumerate() {
        points.row_mut(to).copy_from_slice(rows.row(from));
    }
    points
}
