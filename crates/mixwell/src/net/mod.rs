//! The engine room: dense networks with value, input gradient and parameter gradient, and Adam.

pub mod block;
pub mod elementary;
pub mod matmul;
mod real;
pub mod simd;

pub use real::Real;
