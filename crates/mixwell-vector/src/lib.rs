//! Vectors of `f32` and `f64` under the best instruction set of the machine: elementary functions, normal numbers, and the
//! matrix products of a dense layer.
//!
//! The lowest room of Mixwell: it knows nothing of networks, densities or chains, and it is the only one with `unsafe`.
//! Buffers are held in [`block`]s of 64 rows; a [`simd::Job`] is written once and compiled for every instruction set. All is
//! generic over [`Real`]. The heavy loops are compiled here, once for each number type, and not again in the crates that call them.

#![warn(missing_docs)]

pub mod block;
pub mod elementary;
pub mod matmul;
pub mod normal;
mod real;
pub mod simd;

pub use real::Real;
