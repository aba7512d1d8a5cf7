//! `Bijection`: one layer of a flow, applied in place to a block of rows in either direction.
//!
//! Buffers are blocked as in [`block`](mixwell_vector::block): `blocks x dim x 64`. A layer *adds* its log-determinant
//! (of the direction applied) to `log_det`, one `f64` per row. What the backward pass needs goes to a tape that the caller
//! owns; a layer never keeps a point or a log-determinant inside itself. Its parameters belong to its parts (networks,
//! learned bounds ..), each a range of the flow's flat vector.

use std::any::Any;
use std::fmt::Debug;

use crate::net::{self, Parameters};
use mixwell_vector::Real;

/// Which way through a layer: `Forward` is `z -> x`, `Inverse` is `x -> z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `z -> x`
    Forward,
    /// `x -> z`
    Inverse,
}

/// Working memory of backward passes; grows to the largest size it has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch<T> {
    /// For the networks themselves.
    pub net: net::Scratch<T>,
    /// Derivatives in the outputs of up to two networks.
    pub heads: [Vec<T>; 2],
    /// Derivative in the inputs of a network.
    pub dx: Vec<T>,
    /// What a layer of many evaluations computes anew on its way back.
    pub work: Vec<T>,
}

/// What a pass back through a layer is given.
pub(crate) struct Backward<'a, T> {
    /// The direction of the pass that left the tape.
    pub direction: Direction,
    /// What [`Bijection::apply`] left.
    pub tape: &'a [T],
    /// The derivative in the outputs, which becomes that in the inputs.
    pub dv: &'a mut [T],
    /// The derivative in the log-determinant, one per row.
    pub dlog_det: &'a [T],
    /// The flat gradient of the whole flow, to be added to.
    pub gradient: Option<&'a mut [T]>,
    /// Rows.
    pub rows: usize,
}

/// One invertible layer.
pub(crate) trait Bijection<T: Real>: Any + Debug + Send + Sync {
    /// Calls `f` for each part that has parameters, in the order of the flat vector, with the name that its arrays are
    /// stored under.
    fn each_part(&mut self, f: &mut dyn FnMut(&str, &mut dyn Parameters<T>));

    /// Chooses starting values from examples, as they come to this layer in direction x -> z, where it does so at all: writes them
    /// to `params`, the flow's flat vector, and takes them over.
    fn start_from(&mut self, _v: &[T], _rows: usize, _params: &mut [T]) {}

    /// Whether these parameters say that it has done so.
    fn is_started(&self, _params: &[T]) -> bool {
        false
    }

    /// Numbers of tape for `rows` rows.
    fn tape_len(&self, rows: usize) -> usize;

    /// Maps `v` in place and adds the log-determinant of this direction to `log_det` (one per row, whole blocks).
    fn apply(&self, direction: Direction, v: &mut [T], log_det: &mut [f64], tape: &mut [T], rows: usize);

    /// The way back through [`Bijection::apply`]: turns the derivative in the outputs into that in the inputs, and adds that in the
    /// parameters where it is asked for.
    fn pull(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>);

    /// About how often the parameters are gone through for one point, to tell whether a batch is worth several threads.
    fn passes(&self) -> usize {
        1
    }

    /// A copy in a box.
    fn clone_box(&self) -> Box<dyn Bijection<T>>;
}

impl<T: Real> Clone for Box<dyn Bijection<T>> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}
