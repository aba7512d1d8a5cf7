//! What an update of the energy minimises, a file an objective.

mod contrast;
mod noise_contrast;
mod score;

pub(super) use contrast::{Contrast, Reading};
pub use contrast::{Reduction, Regulariser};
pub(super) use noise_contrast::NoiseContrast;
pub(super) use score::{Denoising, Sliced};
