//! The steps of the solver of a continuous flow: the time of every row, step-size control, and a record of the steps taken.
//!
//! An adaptive step of length `h` with error `e` (in units of the tolerance) is taken when `e <= 1`; the next, or the next
//! attempt, has length `h * 0.9 e^(-1/5)`, between a fifth and five times the last. Reference: [hairer1993solving], section
//! II.4. Differs: a step of the least length is taken whatever its error, so that their number is bounded.
//! Shapes: one block of 64 rows.

use super::solver::Solver;
use mixwell_vector::Real;
use mixwell_vector::block::BLOCK;

impl Solver {
    /// Steps at most; the adaptive solver may need one more for what rounding left of the way, and has room for another.
    fn most_steps(&self) -> usize {
        match *self {
            Self::Fixed { n_steps } => n_steps,
            Self::Adaptive { max_steps, .. } => max_steps + 2,
        }
    }

    /// Length of the first step; of all of them, when they are equal.
    pub(super) fn first_step(&self) -> f64 {
        match *self {
            Self::Fixed { n_steps } => 1.0 / n_steps as f64,
            Self::Adaptive { first_step, max_steps, .. } => first_step.max(1.0 / max_steps as f64),
        }
    }

    /// Numbers that the record of the steps of one block takes.
    pub(super) fn record_len(&self, dim: usize) -> usize {
        (1 + self.most_steps() * (2 + dim)) * BLOCK
    }
}

/// The points of the steps of one block, each with time and step.
pub(super) struct Steps<'a, T> {
    pub dim: usize,
    pub data: &'a mut [T],
}

impl<T: Real> Steps<'_, T> {
    /// Writes step `k` of row `r`.
    pub fn put(&mut self, k: usize, r: usize, t: T, h: T, x: &[T]) {
        let at = (1 + k * (2 + self.dim)) * BLOCK + r;
        self.data[at] = t;
        self.data[at + BLOCK] = h;
        for f in 0..self.dim {
            self.data[at + (2 + f) * BLOCK] = x[f * BLOCK + r];
        }
    }
}

/// Time, step and count of the rows of a block.
pub(super) struct Clock<T> {
    pub t: [T; BLOCK],
    /// Zero once a row has arrived.
    pub h: [T; BLOCK],
    pub last: [bool; BLOCK],
    pub steps: [usize; BLOCK],
}

impl<T: Real> Clock<T> {
    /// The next step of row `r`, of this length or less: the last one ends exactly at `end`.
    pub fn plan(&mut self, r: usize, solver: &Solver, end: T, length: f64) {
        let way = end - self.t[r];
        self.last[r] = match *solver {
            Solver::Fixed { n_steps } => self.steps[r] + 1 == n_steps,
            Solver::Adaptive { .. } => length * 1.000_1 >= way.to_f64().abs(),
        };
        self.h[r] = if self.last[r] { way } else { T::from_f64(length.copysign(way.to_f64())) };
    }
}

/// What follows a trial step.
pub(super) enum Next {
    /// It is taken, and the next has this length.
    Go(f64),
    /// It is tried again with this length.
    Again(f64),
}

/// Step control: the error of a step grows with the fifth power of its length.
pub(super) fn decide(length: f64, error: f64, least: f64) -> Next {
    // An error that is not a number is too large.
    let factor = if error.is_nan() { 0.2 } else { (0.9 * error.powf(-0.2)).clamp(0.2, 5.0) };
    let wanted = (length * factor).clamp(least, 1.0);
    if error <= 1.0 || length <= least * 1.000_1 { Next::Go(wanted) } else { Next::Again(wanted) }
}
