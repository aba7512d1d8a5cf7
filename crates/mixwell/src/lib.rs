//! Mixwell draws from distributions that ordinary MCMC gets stuck in, by pairing local moves with global moves
//! proposed by a flow that is trained while sampling.

#![warn(missing_docs)]
#![deny(unsafe_code)]

mod batch;
pub mod config;
pub mod diagnostics;
mod error;
pub mod flow;
pub mod io;
pub mod kernel;
pub mod math;
pub mod net;
pub mod proposal;
pub mod rng;
pub mod sampler;
pub mod target;
pub mod train;

pub use batch::{Batch, BatchMut, Points};
pub use error::ConfigError;
pub use rng::Stream;
