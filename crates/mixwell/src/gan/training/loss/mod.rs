//! The losses of a GAN, a file each, and their registry.
//!
//! A loss is a mean over points of a function of their scores: one for data and one for generated points, which the discriminator
//! minimises, and one for generated points, which the generator does. To it the discriminator may add a gradient penalty, the mean over
//! points on lines between data and generated points of `penalty (|grad d| - 1)^2`.

mod hinge;
mod js;
mod wgan;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ConfigError;

pub use hinge::HingeLoss;
pub use js::JsLoss;
pub use wgan::WganLoss;

/// A function of a score, and its derivative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::gan) struct Term {
    pub value: f64,
    pub slope: f64,
}

/// What every loss says.
trait Adversarial {
    /// Every range check.
    fn check(&self) -> Result<(), ConfigError>;

    /// The discriminator's loss of data.
    fn on_data(&self, score: f64) -> Term;

    /// The discriminator's loss of generated points.
    fn on_generated(&self, score: f64) -> Term;

    /// The generator's loss.
    fn of_generator(&self, score: f64) -> Term;

    /// The factor of the gradient penalty.
    fn penalty(&self) -> f64;

    /// The bound of the discriminator's weights; 0 for none.
    fn clip(&self) -> f64 {
        0.0
    }
}

/// A loss of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct GanLossEntry {
    /// Its name in a config file.
    pub kind: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// The loss with its defaults.
    pub loss: GanLoss,
}

/// Writes the enum, and every `match` over it, from one list of losses: variant, settings, `kind` in config files, and a line.
macro_rules! losses {
    ($($variant:ident($settings:ty) = $kind:literal, $summary:literal;)*) => {
        /// What generator and discriminator minimise, and so what the discriminator's score is.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        pub enum GanLoss {
            $(#[doc = $summary] #[serde(rename = $kind)] $variant($settings),)*
        }

        impl GanLoss {
            /// Its name in a config file.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            /// Checks every range.
            ///
            /// # Errors
            /// Names the first setting that cannot be used.
            pub fn check(&self) -> Result<(), ConfigError> {
                match self {
                    $(Self::$variant(loss) => loss.check(),)*
                }
            }

            pub(in crate::gan) fn on_data(&self, score: f64) -> Term {
                match self {
                    $(Self::$variant(loss) => loss.on_data(score),)*
                }
            }

            pub(in crate::gan) fn on_generated(&self, score: f64) -> Term {
                match self {
                    $(Self::$variant(loss) => loss.on_generated(score),)*
                }
            }

            pub(in crate::gan) fn of_generator(&self, score: f64) -> Term {
                match self {
                    $(Self::$variant(loss) => loss.of_generator(score),)*
                }
            }

            /// The factor of the gradient penalty; 0 for none.
            pub fn penalty(&self) -> f64 {
                match self {
                    $(Self::$variant(loss) => loss.penalty(),)*
                }
            }

            /// The bound of the discriminator's weights; 0 for none.
            pub fn clip(&self) -> f64 {
                match self {
                    $(Self::$variant(loss) => loss.clip(),)*
                }
            }
        }

        /// Every loss with its defaults.
        pub fn gan_losses() -> Vec<GanLossEntry> {
            vec![$(GanLossEntry { kind: $kind, summary: $summary, loss: GanLoss::$variant(<$settings>::default()) },)*]
        }
    };
}

losses! {
    Js(JsLoss) = "js", "The score is the logit of a classifier; the generator's loss does not saturate.";
    Hinge(HingeLoss) = "hinge", "The score is pushed above 1 on data and below -1 on generated points.";
    Wgan(WganLoss) = "wgan", "The score is a critic whose slope is held, by a penalty or by bounded weights.";
}

impl Default for GanLoss {
    fn default() -> Self {
        Self::Js(JsLoss::default())
    }
}
