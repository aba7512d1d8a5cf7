//! The training of a density ratio against a generator: whose generator, which data, and what came out beside the GAN's own discriminator.
//!
//! The loop itself is `gan/ratio/`.

mod config;
mod look;
mod source;
mod task;

pub use config::RatioConfig;
pub use source::GanSource;
pub use task::{RatioRunState, RatioTask};
