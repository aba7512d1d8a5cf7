//! Generative adversarial networks: a generator makes points of latents, a discriminator scores them, and says so which of them are good:
//! `log pi(z) = log p0(z) + kappa d(G(z))`.
//!
//! [`LatentTarget`] is that law, a [`Target`](crate::density::Target) like any other: every kernel and method applies. Unadjusted Langevin steps
//! on it are DDLS (Che et al., NeurIPS 2020), MALA is REP-GAN (Wang et al., 2021), and no Jacobian of the generator appears.
//!
//! [`GanTraining`] trains both networks against each other; a loss ([`GanLoss`], `training/loss/`, a file each) says what the score of the
//! discriminator becomes. [`calibrate`] repairs the scores of a discriminator. [`GanFile`] says beside their files what the two networks are.
//!
//! ```
//! use mixwell::density::{EightGaussiansConfig, Target};
//! use mixwell::gan::{GanSettings, GanTraining};
//! use mixwell::net::{Activation, Init, Network, NetworkSpec};
//! use mixwell::train::TrainingData;
//! use mixwell::Stream;
//!
//! let law = EightGaussiansConfig::default().build()?;
//! let data = law.exact_sampler().unwrap().sample_rows(&mut Stream::new(1, 0), 2000, 2);
//! let mut stream = Stream::new(2, 0);
//! let generator = NetworkSpec::dense(2, &[32, 32], 2, Activation::Relu);
//! let discriminator = NetworkSpec::dense(2, &[32, 32], 1, Activation::Relu);
//! let mut training = GanTraining::new(
//!     GanSettings::default(),
//!     Network::new(&generator, Init::Uniform, &mut stream)?,
//!     Network::new(&discriminator, Init::Uniform, &mut stream)?,
//!     TrainingData::new(data)?,
//!     3,
//! )?;
//! for _ in 0..20 {
//!     training.update();
//! }
//! assert_eq!(training.updates(), 20);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod calibrate;
mod gan_file;
mod latent;
mod ratio;
mod score;
mod training;

pub use gan_file::{GanFile, GanFileError, Standardisation};
pub use latent::LatentTarget;
pub use ratio::{HeldOut, RatioSettings, RatioState, RatioTraining, RatioUpdate};
pub use score::Score;
pub(crate) use score::without_sigmoid;
pub use training::{
    GanLoss, GanLossEntry, GanSettings, GanState, GanTraining, GanUpdate, HingeLoss, JsLoss, WganLoss,
    gan_losses,
};
