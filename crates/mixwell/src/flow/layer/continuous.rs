//! Continuous layer: `x` is where a latent `z` is carried from time 0 to time 1 by a velocity, `dx/dt = v(x, t)`.
//!
//! forward (z -> x) integrates from 0 to 1 and adds `int_0^1 div v dt` to the log-determinant; inverse (x -> z) integrates from
//! 1 to 0 and adds minus that. So `log q(x) = log rho(z) - int_0^1 div v dt` with the base density at the *latent* `z`.
//! Each direction is solved on its own, so they undo each other to the accuracy of the solver, not to rounding error.
//! Derivatives are those of the discrete steps taken. Starts as the identity when the network starts at zero.
//! Shapes: blocked `rows x dim`. Reference: [lipman2023flow]; [chen2018neural], section 4, for the density.

use super::bijection::{Backward, Bijection, Direction, Scratch};
use super::ode::{self, Field};
use super::solver::Solver;
use super::velocity::Velocity;
use crate::net::Parameters;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, rows_in};

/// A continuous layer.
#[derive(Clone, Debug)]
pub(crate) struct Continuous<T> {
    velocity: Velocity<T>,
    solver: Solver,
}

impl<T: Real> Continuous<T> {
    /// The layer that this velocity gives.
    pub fn new(velocity: Velocity<T>, solver: Solver) -> Self {
        Self { velocity, solver }
    }

    /// The velocity, which can learn by flow matching.
    pub fn velocity(&self) -> &Velocity<T> {
        &self.velocity
    }

    fn record_len(&self) -> usize {
        self.solver.record_len(self.velocity.dim())
    }
}

impl<T: Real> Bijection<T> for Continuous<T> {
    fn each_part(&mut self, f: &mut dyn FnMut(&str, &mut dyn Parameters<T>)) {
        f("velocity.", &mut self.velocity.net);
    }

    fn tape_len(&self, rows: usize) -> usize {
        blocks(rows) * self.record_len() + ode::work_len(&self.velocity)
    }

    fn apply(&self, direction: Direction, v: &mut [T], log_det: &mut [f64], tape: &mut [T], rows: usize) {
        let n = self.velocity.dim() * BLOCK;
        let (records, work) = tape.split_at_mut(blocks(rows) * self.record_len());
        for (b, record) in records.chunks_exact_mut(self.record_len()).enumerate() {
            ode::integrate(
                &self.velocity,
                &self.solver,
                direction == Direction::Inverse,
                &mut v[b * n..(b + 1) * n],
                &mut log_det[b * BLOCK..(b + 1) * BLOCK],
                record,
                work,
                rows_in(rows, b),
            );
        }
    }

    fn pull(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { tape, dv, dlog_det, mut gradient, rows, .. } = pass;
        let n = self.velocity.dim() * BLOCK;
        for (b, record) in tape.chunks_exact(self.record_len()).take(blocks(rows)).enumerate() {
            let dl = &dlog_det[b * BLOCK..(b + 1) * BLOCK];
            let dv = &mut dv[b * n..(b + 1) * n];
            ode::pull(&self.velocity, record, dv, dl, gradient.as_deref_mut(), scratch, rows_in(rows, b));
        }
    }

    fn passes(&self) -> usize {
        ode::evaluations(&self.solver) * (1 + self.velocity.n_directions())
    }

    fn clone_box(&self) -> Box<dyn Bijection<T>> {
        Box::new(self.clone())
    }
}
