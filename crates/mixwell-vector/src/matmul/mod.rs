//! The three products of a dense layer, on blocks of rows: `y = W x + b`, `dx = W^T dy`, `dW += dy x^T`.
//!
//! Shapes: `x` is `n_in` features, `y` is `n_out`, blocked as in [`block`](super::block); `W` is `n_out x n_in`, row-major.
//! Both orientations of `W` are kept packed ([`Panels`]). Where rows fill the lanes, a tile of six outputs times four
//! (AVX-512) or two vectors of rows stays in registers; the few rows that would leave most lanes of a vector empty have
//! their outputs along the lanes instead.
//!
//! Every number of `y` and `dx` is summed over its inputs in order, one after the other, whatever the number of rows and
//! whichever way they are taken, so results do not depend on how rows are grouped. Products that are gathered over pixels are
//! summed in parts of 32 kB of rows, likewise always the same. `dW` is summed over its rows in order,
//! in parts of two blocks; the few weights of a convolution on few channels keep a sum for every lane, added up at the end.
#![allow(unsafe_code)]

mod dots;
mod few;
mod gather;
mod gather_outer;
mod outer;
mod panels;
mod product;
#[cfg(test)]
mod tests;
mod tile;

pub use gather::{Gather, Tap};
pub use gather_outer::{WeightPlaces, gather_outer, gather_outer_scratch};
pub use outer::{Outer, outer, outer_scratch};
pub use panels::Panels;
pub use product::{Finish, Product, gather_product, product};
