//! What a flow learns from: forward and reverse Kullback-Leibler divergence with their parameter gradients.
//!
//! Forward: `-sum_i w_i log q(x_i)`; weights and points are constants. Reverse, reparameterised: `mean over z of
//! log rho(z) - log_det(z) - beta log pi(T(z))`; the inverse temperature multiplies `log pi` only.
//! Rows whose reverse loss or target gradient is not finite are left out of the mean and counted.
//!
//! A batch is cut into slices whose number depends on the batch alone; slices run in parallel, each with a gradient of its
//! own, and are added in order. So the result is the same to the last bit for any number of threads.

use rayon::prelude::*;

use super::layer::Direction;
use super::stack::{Stack, Workspace};
use crate::net::grow;
use crate::{Batch, BatchMut};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, buffer_len};

/// Slices of a batch at most.
const SLICES: usize = 16;
/// Blocks per slice, where there are enough for [`FEWEST`] slices: every slice clears and adds up a gradient of its own.
const BLOCKS_PER_SLICE: usize = 4;
/// Slices at least, when there are as many blocks.
const FEWEST: usize = 4;

/// How many slices a batch is cut into.
fn slices(rows: usize) -> usize {
    let blocks = rows.div_ceil(BLOCK);
    (blocks / BLOCKS_PER_SLICE).clamp(FEWEST, SLICES).min(blocks)
}

/// What [`Flow::reverse_kl`](super::Flow::reverse_kl) found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReverseKl {
    /// The mean over finite rows; NaN when there are none.
    pub loss: f64,
    /// Rows left out because the loss or the target's gradient was not finite.
    pub non_finite: usize,
}

/// A log-density with gradient: points, log-densities, gradients.
pub type LogProbAndGrad<'a> = dyn Fn(Batch<'_>, &mut [f64], BatchMut<'_>) + Sync + 'a;

/// Rows `start..end` of slice `s` of a batch of `rows` rows: whole blocks, evenly.
fn slice_bounds(rows: usize, s: usize, n_slices: usize) -> std::ops::Range<usize> {
    let blocks = rows.div_ceil(BLOCK);
    s * blocks / n_slices * BLOCK..((s + 1) * blocks / n_slices * BLOCK).min(rows)
}

impl<T: Real> Stack<T> {
    /// Runs `work` on every slice with a workspace whose gradient is zero, then adds the gradients, scaled, in order. Where
    /// none is asked for, `work` must leave that of the workspace alone.
    pub(super) fn sliced<R: Send>(
        &self,
        rows: usize,
        gradient: Option<&mut [T]>,
        work: impl Fn(&mut Workspace<T>, std::ops::Range<usize>) -> R + Sync,
        scale: impl Fn(&[R]) -> f64,
    ) -> Vec<R> {
        let n_slices = slices(rows);
        let train = gradient.is_some();
        let one = |s: usize| {
            let mut ws = self.workspaces.take();
            if train {
                ws.gradient.clear();
                ws.gradient.resize(self.params.len(), T::ZERO);
            }
            let result = work(&mut ws, slice_bounds(rows, s, n_slices));
            (ws, result)
        };
        let done: Vec<_> = if n_slices > 1 {
            (0..n_slices).into_par_iter().map(one).collect()
        } else {
            (0..n_slices).map(one).collect()
        };
        let (workspaces, results): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        let scale = T::from_f64(scale(&results));
        let add = |(c, part): (usize, &mut [T])| {
            let first = c * CHUNK;
            for ws in &workspaces {
                for (g, v) in part.iter_mut().zip(&ws.gradient[first..]) {
                    *g += scale * *v;
                }
            }
        };
        const CHUNK: usize = 8192;
        match gradient {
            Some(gradient) if gradient.len() > 4 * CHUNK && n_slices > 1 => {
                gradient.par_chunks_mut(CHUNK).enumerate().for_each(add);
            }
            Some(gradient) => gradient.chunks_mut(CHUNK).enumerate().for_each(add),
            None => {}
        }
        for ws in workspaces {
            self.workspaces.give(ws);
        }
        results
    }

    /// `-sum_i w_i log q(x_i)`; adds its parameter gradient.
    pub fn forward_kl(&self, x: Batch<'_>, weights: &[f64], gradient: &mut [T]) -> f64 {
        let used: Vec<usize> = (0..x.rows()).filter(|&i| weights[i] != 0.0).collect();
        let step = self.training_rows();
        let work = |ws: &mut Workspace<T>, range: std::ops::Range<usize>| {
            let mut loss = 0.0;
            for chunk in used[range].chunks(step) {
                let rows = chunk.len();
                let mut points = std::mem::take(&mut ws.rows);
                points.clear();
                for &i in chunk {
                    points.extend_from_slice(x.row(i));
                }
                self.inverse_block(ws, Batch::new(&points, self.dim), true);
                ws.rows = points;
                self.add_base(ws, rows);
                for (r, &i) in chunk.iter().enumerate() {
                    loss -= weights[i] * ws.log_det[r];
                    ws.dlog_det[r] = T::from_f64(-weights[i]);
                }
                // d(-w log rho(z)) = w z dz
                let blocks = ws.v[..buffer_len(rows, self.dim)].chunks_exact_mut(self.dim * BLOCK);
                for (block, dl) in blocks.zip(ws.dlog_det.chunks_exact(BLOCK)) {
                    for feature in block.chunks_exact_mut(BLOCK) {
                        for (v, dl) in feature.iter_mut().zip(dl) {
                            *v = -*dl * *v;
                        }
                    }
                }
                self.pull(Direction::Inverse, ws, rows, true);
            }
            loss
        };
        self.sliced(used.len(), Some(gradient), work, |_| 1.0).iter().sum()
    }

    /// See [`ReverseKl`]; adds the parameter gradient of the mean.
    pub fn reverse_kl(
        &self,
        z: Batch<'_>,
        target: &LogProbAndGrad<'_>,
        beta: f64,
        gradient: &mut [T],
    ) -> ReverseKl {
        let step = self.training_rows();
        let work = |ws: &mut Workspace<T>, range: std::ops::Range<usize>| {
            let (mut loss, mut n_finite) = (0.0, 0usize);
            for first in range.clone().step_by(step) {
                let block = first..(first + step).min(range.end);
                let (part, kept) = self.reverse_block(ws, z.slice(block), target, beta);
                loss += part;
                n_finite += kept;
            }
            (loss, n_finite)
        };
        let kept = |results: &[(f64, usize)]| results.iter().map(|r| r.1).sum::<usize>();
        let results = self.sliced(z.rows(), Some(gradient), work, |r| 1.0 / kept(r).max(1) as f64);
        let n_finite = kept(&results);
        let loss = results.iter().map(|r| r.0).sum::<f64>() / n_finite as f64;
        ReverseKl { loss, non_finite: z.rows() - n_finite }
    }

    /// Sum of the loss over the finite rows of one block, and how many they are; adds the gradient to `ws.gradient`.
    fn reverse_block(
        &self,
        ws: &mut Workspace<T>,
        z: Batch<'_>,
        target: &LogProbAndGrad<'_>,
        beta: f64,
    ) -> (f64, usize) {
        let (rows, dim) = (z.rows(), self.dim);
        self.forward_block(ws, z, true);
        self.take_rows(ws, rows);
        grow(&mut ws.log_prob, rows);
        let points = Batch::new(&ws.rows[..rows * dim], dim);
        target(points, &mut ws.log_prob[..rows], BatchMut::new(&mut ws.drows[..rows * dim], dim));
        let (mut loss, mut n_finite) = (0.0, 0);
        for r in 0..rows {
            let value =
                crate::math::standard_normal_log_prob(z.row(r)) - ws.log_det[r] - beta * ws.log_prob[r];
            let grad = &mut ws.drows[r * dim..(r + 1) * dim];
            if value.is_finite() && grad.iter().all(|g| g.is_finite()) {
                loss += value;
                n_finite += 1;
                grad.iter_mut().for_each(|g| *g *= -beta);
                ws.dlog_det[r] = -T::ONE;
            } else {
                grad.fill(0.0);
                ws.dlog_det[r] = T::ZERO;
            }
        }
        if n_finite < rows {
            // A row left out may have non-finite numbers on the tape, and zero times those is no zero: put the latent 0
            // in its place. The other rows come out as before.
            let mut clean = z.data().to_vec();
            for (row, dl) in clean.chunks_exact_mut(dim).zip(&ws.dlog_det) {
                if *dl == T::ZERO {
                    row.fill(0.0);
                }
            }
            self.forward_block(ws, Batch::new(&clean, dim), true);
        }
        self.load_derivative(ws, rows);
        self.pull(Direction::Forward, ws, rows, true);
        (loss, n_finite)
    }
}
