//! What the passes through a layer are given: back, along a direction, and back through that.

use mixwell_vector::matmul::Finish;

/// What a pass back through a layer is given.
pub(in crate::net) struct Backward<'a, T> {
    /// What went in.
    pub x: &'a [T],
    /// What [`Layer::forward`](super::Layer::forward) left on the tape.
    pub tape: &'a [T],
    /// The derivative in what came out; may be overwritten.
    pub dy: &'a mut [T],
    /// Where the derivative in what went in is to be written, and what is done to it.
    pub dx: Option<(&'a mut [T], Finish<'a, T>)>,
    /// The flat gradient of the whole model, to be added to.
    pub gradient: Option<&'a mut [T]>,
    /// Whether `x` and `dy` are a direction and the derivative along it: then what is added at the end does not count.
    pub is_tangent: bool,
    /// Rows.
    pub rows: usize,
}

/// What a derivative along a direction is made of; after the values.
pub(in crate::net) struct Push<'a, T> {
    /// What went in.
    pub x: &'a [T],
    /// What [`Layer::forward`](super::Layer::forward) left on the tape.
    pub tape: &'a [T],
    /// The direction.
    pub p: &'a [T],
    /// Where the derivatives of the outputs are to be written.
    pub s: &'a mut [T],
    /// Where things for the way back may be left.
    pub own: &'a mut [T],
    /// Rows.
    pub rows: usize,
}

/// What the way back through a derivative along a direction is given.
pub(in crate::net) struct PushBack<'a, T> {
    /// What went in.
    pub x: &'a [T],
    /// What [`Layer::forward`](super::Layer::forward) left on the tape.
    pub tape: &'a [T],
    /// The direction.
    pub p: &'a [T],
    /// What [`Layer::push`](super::Layer::push) left.
    pub own: &'a [T],
    /// The derivative in what [`Layer::push`](super::Layer::push) gave; may be overwritten.
    pub ds: &'a mut [T],
    /// Where the derivative in the direction is to be written.
    pub dp: Option<&'a mut [T]>,
    /// To be added to: the derivative in what went in; there where [`Layer::bends`](super::Layer::bends).
    pub dx: Option<&'a mut [T]>,
    /// The flat gradient of the whole model, to be added to.
    pub gradient: Option<&'a mut [T]>,
    /// Rows, at most a block.
    pub rows: usize,
}
