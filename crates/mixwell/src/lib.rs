//! Mixwell draws from distributions that ordinary MCMC gets stuck in, by pairing local moves (Langevin, HMC, NUTS) with
//! global moves proposed by a normalizing flow that is trained while sampling.
//!
//! ```
//! use mixwell::sampler::{Sampler, flex2};
//! use mixwell::density::TwoModesConfig;
//!
//! // Two separate modes with weights 1/3 and 2/3. Real runs train longer than this example.
//! let target = TwoModesConfig::default().build()?;
//! let run = Sampler::new(target).method(flex2().train_iterations(50)).chains(10).draws(50).seed(1).run()?;
//! let summary = run.summary()?;
//! println!("{}: mode weights {:?}", summary.verdict_line(), summary.mode_weights);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The rooms, in the order in which they may use one another:
//! [`symmetry`] (maps that leave a density alone), [`proposal`] (what can be drawn from) and [`net`] (networks and their derivatives) - [`density`] (what is sampled) and
//! [`flow`] (invertible maps) - [`kernel`] (how a chain moves) and [`train`] (what a flow learns from) - [`estimate`] (weighted
//! draws and evidence) - [`sampler`] (the run) and [`ebm`] (how energies are trained). [`interpolate`] (paths between two latents) and [`image`] (data
//! sets and pictures) stand beside them; [`score`] (what a network sees in images) is made of the latter, `net` and `metric`.
//! [`diagnostics`], [`metric`], [`config`] and [`io`] know no kernel. Points are rows of a [`Batch`]; every chain draws from its
//! own [`Stream`].

#![warn(missing_docs)]
// `unsafe` lives in `mixwell-vector` only.
#![forbid(unsafe_code)]

#[cfg(feature = "ndarray")]
mod arrays;
mod batch;
pub mod config;
pub mod density;
pub mod diagnostics;
pub mod ebm;
mod error;
pub mod estimate;
pub mod expression;
pub mod flow;
mod footprint;
mod fourier;
pub mod gan;
pub mod image;
pub mod interpolate;
pub mod io;
pub mod kernel;
pub mod math;
pub mod metric;
pub mod net;
pub mod proposal;
mod range;
pub mod rng;
pub mod sampler;
pub mod score;
mod scratch;
pub mod symmetry;
mod threads;
pub mod train;
pub mod training_run;

pub use batch::{Batch, BatchMut, Points, PointsError};
pub use error::ConfigError;
pub use rng::Stream;
pub use threads::on_threads;

// The Rust code of the pages is compiled and run with the doc tests; `tests/contracts/pages` looks that no page is left out.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/diagnostics.md")]
    struct Diagnostics;
    #[doc = include_str!("../../../docs/ebm.md")]
    struct TrainingAnEnergy;
    #[doc = include_str!("../../../docs/estimators.md")]
    struct Estimators;
    #[doc = include_str!("../../../docs/extending.md")]
    struct Extending;
    #[doc = include_str!("../../../docs/start/rust.md")]
    struct GettingStarted;
    #[doc = include_str!("../../../docs/symmetries.md")]
    struct Symmetries;
}
