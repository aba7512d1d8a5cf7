//! The trajectory tree of NUTS: grown leaf by leaf, with subtrees merged as soon as two of equal size stand side by side.
//!
//! A doubling to depth `j` adds `2^j` leaves on one side. Finished subtrees lie on a stack like the digits of a binary
//! counter, so `j + 1` summaries are enough and nothing recurses. A summary holds what the turning test needs: the momenta at
//! both ends, their sum `rho`, the log of the total weight, and one point drawn from it.
//! All buffers are kept between trajectories; merging exchanges them instead of copying.

use crate::density::Guarded;
use crate::kernel::leapfrog::{MAX_ENERGY_ERROR, drift, energy, kick};
use crate::proposal::Scale;
use crate::{Batch, BatchMut, Stream};

/// A point of a trajectory with its whitened momentum.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) x: Vec<f64>,
    pub(super) r: Vec<f64>,
    pub(super) grad: Vec<f64>,
    pub(super) log_prob: f64,
}

impl State {
    pub(super) fn set(&mut self, x: &[f64], r: &[f64], grad: &[f64], log_prob: f64) {
        for (to, from) in [(&mut self.x, x), (&mut self.r, r), (&mut self.grad, grad)] {
            to.clear();
            to.extend_from_slice(from);
        }
        self.log_prob = log_prob;
    }

    pub(super) fn copy(&mut self, other: &State) {
        self.set(&other.x, &other.r, &other.grad, other.log_prob);
    }

    pub(super) fn energy(&self) -> f64 {
        energy(self.log_prob, &self.r)
    }

    /// One leapfrog step; a negative `eps` goes back in time.
    fn leapfrog(&mut self, target: Guarded<'_>, scale: &Scale, eps: f64) {
        let dim = self.x.len();
        kick(scale, 0.5 * eps, &self.grad, &mut self.r);
        drift(scale, eps, &self.r, &mut self.x);
        target.log_prob_and_grad(
            Batch::new(&self.x, dim),
            std::slice::from_mut(&mut self.log_prob),
            BatchMut::new(&mut self.grad, dim),
        );
        kick(scale, 0.5 * eps, &self.grad, &mut self.r);
    }
}

/// A stretch of trajectory. `first` is the end that was reached first, `last` the other one.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) size: usize,
    pub(super) first: Vec<f64>,
    pub(super) last: Vec<f64>,
    pub(super) rho: Vec<f64>,
    pub(super) log_weight: f64,
    pub(super) chosen: State,
}

impl Summary {
    pub(super) fn leaf(&mut self, state: &State, log_weight: f64) {
        self.size = 1;
        for end in [&mut self.first, &mut self.last, &mut self.rho] {
            end.clear();
            end.extend_from_slice(&state.r);
        }
        self.log_weight = log_weight;
        self.chosen.copy(state);
    }

    /// Takes in the stretch that follows this one; false when the joined stretch makes a U-turn.
    ///
    /// Inside a subtree the point is drawn uniformly by weight.
    fn join(&mut self, next: &mut Summary, stream: &mut Stream) -> bool {
        let straight = straight(&self.first, &self.last, &self.rho, &next.first, &next.last, &next.rho);
        let total = log_add(self.log_weight, next.log_weight);
        if stream.uniform() < (next.log_weight - total).exp() {
            std::mem::swap(&mut self.chosen, &mut next.chosen);
        }
        self.log_weight = total;
        self.size += next.size;
        std::mem::swap(&mut self.last, &mut next.last);
        add(&mut self.rho, &next.rho);
        straight
    }
}

/// The generalised no-U-turn test of two stretches `a`, `b` in order, joined: over the whole, and over each stretch with the
/// nearest point of the other, which notices turns that happen between the two.
pub(super) fn straight(
    a_first: &[f64],
    a_last: &[f64],
    a_rho: &[f64],
    b_first: &[f64],
    b_last: &[f64],
    b_rho: &[f64],
) -> bool {
    // Six inner products with sums that need not be stored: p . (rho + q).
    let dot3 = |p: &[f64], rho: &[f64], q: &[f64]| -> f64 {
        p.iter().zip(rho).zip(q).map(|((p, rho), q)| p * (rho + q)).sum()
    };
    dot3(a_first, a_rho, b_rho) > 0.0
        && dot3(b_last, a_rho, b_rho) > 0.0
        && dot3(a_first, a_rho, b_first) > 0.0
        && dot3(b_first, a_rho, b_first) > 0.0
        && dot3(a_last, b_rho, a_last) > 0.0
        && dot3(b_last, b_rho, a_last) > 0.0
}

pub(super) fn add(sum: &mut [f64], other: &[f64]) {
    sum.iter_mut().zip(other).for_each(|(s, o)| *s += o);
}

pub(super) fn log_add(a: f64, b: f64) -> f64 {
    let max = a.max(b);
    if max == f64::NEG_INFINITY { max } else { max + (-(a - b).abs()).exp().ln_1p() }
}

/// What growing a tree counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) leaves: u32,
    pub(super) accept_sum: f64,
    pub(super) diverged: bool,
    pub(super) non_finite: bool,
}

/// How far a trajectory goes, and on what.
pub(super) struct Course<'a> {
    pub(super) target: Guarded<'a>,
    pub(super) scale: &'a Scale,
    pub(super) eps: f64,
    pub(super) start_energy: f64,
}

/// Grows `2^depth` leaves from `end`, which moves along; the result lies in `stack[0]`.
///
/// False when the new subtree turns or diverges: then nothing of it may be used.
pub(super) fn grow(
    course: &Course<'_>,
    depth: u32,
    end: &mut State,
    stack: &mut Vec<Summary>,
    stream: &mut Stream,
    count: &mut Count,
) -> bool {
    let mut height = 0;
    for _ in 0..1u64 << depth {
        end.leapfrog(course.target, course.scale, course.eps);
        count.leaves += 1;
        let error = end.energy() - course.start_energy;
        if end.log_prob != f64::NEG_INFINITY
            && !(end.log_prob.is_finite() && end.grad.iter().all(|g| g.is_finite()))
        {
            count.non_finite = true;
            count.diverged = true;
            return false;
        }
        // `min` drops a NaN: without this test, an energy that is lost would count as a certain acceptance.
        if !error.is_nan() {
            count.accept_sum += (-error).min(0.0).exp();
        }
        if error.is_nan() || error > MAX_ENERGY_ERROR {
            count.diverged = true;
            return false;
        }
        if height == stack.len() {
            stack.push(Summary::default());
        }
        stack[height].leaf(end, -error);
        height += 1;
        while height > 1 && stack[height - 1].size == stack[height - 2].size {
            let (lower, upper) = stack.split_at_mut(height - 1);
            if !lower[height - 2].join(&mut upper[0], stream) {
                return false;
            }
            height -= 1;
        }
    }
    true
}
