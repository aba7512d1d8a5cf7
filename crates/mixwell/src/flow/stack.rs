//! `Stack`: layers one after the other behind a whitening, with a standard normal base, in one precision.
//!
//! `x = whiten(layer_n(... layer_1(z)))`. A block of rows goes through all layers while it lies in cache. Rows are
//! independent and every sum has a fixed order, so results do not depend on how rows are grouped or on threads.
//! Parameters lie in one flat vector; layers keep packed copies, refreshed by [`Stack::pack`].

use std::any::Any;
use std::ops::Range;

use rayon::prelude::*;

use super::layer::{Backward, Bijection, Direction, Layers, Scratch, Whitening};
use crate::net::{ArraySpec, Init, Workspaces, grow};
use crate::{Batch, BatchMut, Stream};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, buffer_len, each_piece, load_rows, store_rows};

/// Multiply-adds below which work is not worth spreading over threads.
const PARALLEL_WORK: usize = 4_000_000;

/// Parameters below which packing is not worth spreading over threads.
const PARALLEL_PACK: usize = 50_000;

/// Examples from which layers choose their starting values at most.
const MOST_STARTING_ROWS: usize = 256;

/// Working memory of one thread; grows to the largest size it has seen.
#[derive(Debug, Default)]
pub(super) struct Workspace<T> {
    /// Points or derivatives, blocked.
    pub v: Vec<T>,
    /// The same at the data end, in double precision.
    pub wide: Vec<f64>,
    /// One per row.
    pub log_det: Vec<f64>,
    /// One per row.
    pub dlog_det: Vec<T>,
    /// What layers leave for the backward pass.
    pub tape: Vec<T>,
    /// For backward passes.
    pub scratch: Scratch<T>,
    /// Points, row-major.
    pub rows: Vec<f64>,
    /// Derivatives, row-major.
    pub drows: Vec<f64>,
    /// Log-densities, one per row.
    pub log_prob: Vec<f64>,
    /// Gradient of one slice of a training batch.
    pub gradient: Vec<T>,
}

/// Layers, parameters and whitening of a flow in one precision.
#[derive(Debug)]
pub(super) struct Stack<T> {
    pub dim: usize,
    layers: Vec<Box<dyn Bijection<T>>>,
    /// The arrays in the flat vector.
    pub layout: Vec<ArraySpec>,
    pub params: Vec<T>,
    pub whitening: Whitening,
    pub workspaces: Workspaces<Workspace<T>>,
}

impl<T: Real> Clone for Stack<T> {
    fn clone(&self) -> Self {
        Self {
            dim: self.dim,
            layers: self.layers.clone(),
            layout: self.layout.clone(),
            params: self.params.clone(),
            whitening: self.whitening.clone(),
            workspaces: Workspaces::default(),
        }
    }
}

impl<T: Real> Stack<T> {
    /// The stack of these layers at their starting values.
    pub fn new(dim: usize, layers: Layers<T>, init: Init, stream: &mut Stream) -> Self {
        let mut params = vec![T::ZERO; layers.n_params()];
        let Layers { mut layers, layout } = layers;
        for layer in &mut layers {
            layer.each_part(&mut |_, part| part.initialise(&mut params, init, stream));
        }
        let (whitening, workspaces) = (Whitening::identity(dim), Workspaces::default());
        let mut stack = Self { dim, layers, layout, params, whitening, workspaces };
        stack.pack();
        stack
    }

    /// Takes over changed parameters.
    pub fn pack(&mut self) {
        let params = &self.params;
        let pack = |layer: &mut Box<dyn Bijection<T>>| layer.each_part(&mut |_, part| part.pack(params));
        if params.len() > PARALLEL_PACK {
            self.layers.par_iter_mut().for_each(pack);
        } else {
            self.layers.iter_mut().for_each(pack);
        }
    }

    /// Lets every layer choose its starting values from these examples, as they come to it after those nearer to the data. False
    /// when that was done before.
    pub fn start_from(&mut self, x: Batch<'_>) -> bool {
        if self.layers.iter().any(|layer| layer.is_started(&self.params)) {
            return false;
        }
        let x = x.slice(0..x.rows().min(MOST_STARTING_ROWS));
        let mut ws = self.workspaces.take();
        self.prepare(&mut ws, x.rows());
        load_rows(x.data(), self.dim, &mut ws.wide);
        self.whitening.inverse(&mut ws.wide, x.rows());
        for (v, w) in ws.v.iter_mut().zip(&ws.wide[..buffer_len(x.rows(), self.dim)]) {
            *v = T::from_f64(*w);
        }
        for layer in self.layers.iter_mut().rev() {
            layer.start_from(&ws.v, x.rows(), &mut self.params);
            grow(&mut ws.tape, layer.tape_len(x.rows()));
            let Workspace { v, log_det, tape, .. } = &mut ws;
            layer.apply(Direction::Inverse, v, log_det, tape, x.rows());
        }
        self.pack();
        self.workspaces.give(ws);
        true
    }

    /// The first layer that is of this type.
    pub fn layer<L: Bijection<T>>(&self) -> Option<&L> {
        self.layers.iter().find_map(|layer| (layer.as_ref() as &dyn Any).downcast_ref())
    }

    /// Rows per block of work of a training pass: as many as keep the tape in a core's cache.
    pub fn training_rows(&self) -> usize {
        let per_row: usize = self.layers.iter().map(|l| l.tape_len(BLOCK) / BLOCK).sum();
        crate::net::rows_for_cache::<T>(per_row)
    }

    /// Bytes that passes over points hold on all threads, about.
    pub fn working_bytes(&self) -> u64 {
        let per_row: usize = self.layers.iter().map(|l| l.tape_len(BLOCK) / BLOCK).sum();
        let threads = rayon::current_num_threads();
        crate::footprint::bytes(size_of::<T>(), &[threads, self.training_rows(), per_row + 8 * self.dim])
    }

    /// Whether this many rows are worth several threads.
    fn is_parallel(&self, rows: usize) -> bool {
        let passes = self.layers.iter().map(|l| l.passes()).max().unwrap_or(1);
        rows > BLOCK && rows * (self.params.len() + 64 * self.dim) * passes > PARALLEL_WORK
    }

    /// Applies `f` to ranges of rows of at most one block each, with a workspace, on this thread or on all.
    fn each_block<'a>(
        &self,
        input: Batch<'a>,
        mut out: BatchMut<'_>,
        per_row: &mut [f64],
        f: impl Fn(&mut Workspace<T>, Batch<'a>, &mut [f64], &mut [f64]) + Sync,
    ) {
        let dim = out.dim();
        if input.rows() == 0 {
            return;
        }
        each_piece(self.is_parallel(input.rows()), per_row, out.data_mut(), dim, |first, per_row, out| {
            let mut ws = self.workspaces.take();
            f(&mut ws, input.slice(first..first + per_row.len()), out, per_row);
            self.workspaces.give(ws);
        });
    }

    /// `x = T(z)` and its log-determinant; with `density`, the log-density of `x` instead.
    pub fn forward(&self, z: Batch<'_>, x: BatchMut<'_>, per_row: &mut [f64], density: bool) {
        self.each_block(z, x, per_row, |ws, z, x, per_row| {
            self.forward_block(ws, z, false);
            store_rows(&ws.wide, self.dim, x);
            for (r, out) in per_row.iter_mut().enumerate() {
                *out = if density {
                    crate::math::standard_normal_log_prob(z.row(r)) - ws.log_det[r]
                } else {
                    ws.log_det[r]
                };
            }
        });
    }

    /// `z = T^-1(x)` and its log-determinant.
    pub fn inverse(&self, x: Batch<'_>, z: BatchMut<'_>, log_det: &mut [f64]) {
        self.each_block(x, z, log_det, |ws, x, z, log_det| {
            self.inverse_block(ws, x, false);
            store_rows(&ws.v, self.dim, z);
            log_det.copy_from_slice(&ws.log_det[..log_det.len()]);
        });
    }

    /// Log-density of `x`.
    pub fn log_prob(&self, x: Batch<'_>, log_q: &mut [f64]) {
        let nothing = &mut vec![(); log_q.len()];
        each_piece(self.is_parallel(x.rows()), log_q, nothing, 1, |first, log_q, _| {
            let mut ws = self.workspaces.take();
            self.inverse_block(&mut ws, x.slice(first..first + log_q.len()), false);
            self.add_base(&mut ws, log_q.len());
            log_q.copy_from_slice(&ws.log_det[..log_q.len()]);
            self.workspaces.give(ws);
        });
    }

    /// Log-density of `x` and its gradient in `x`.
    pub fn log_prob_and_grad(&self, x: Batch<'_>, log_q: &mut [f64], grad: BatchMut<'_>) {
        self.each_block(x, grad, log_q, |ws, x, grad, log_q| {
            let rows = log_q.len();
            self.inverse_block(ws, x, true);
            self.add_base(ws, rows);
            log_q.copy_from_slice(&ws.log_det[..rows]);
            // d log_q = -z dz + d log_det
            for v in &mut ws.v[..buffer_len(rows, self.dim)] {
                *v = -*v;
            }
            ws.dlog_det[..].fill(T::ONE);
            self.pull(Direction::Inverse, ws, rows, false);
            self.widen(ws, rows);
            self.whitening.pull_inverse(&mut ws.wide, rows);
            store_rows(&ws.wide, self.dim, grad);
        });
    }

    /// See [`Transport::forward_pullback`](crate::proposal::Transport::forward_pullback).
    pub fn forward_pullback(
        &self,
        z: Batch<'_>,
        upstream: &mut crate::proposal::Upstream<'_>,
        mut dz: BatchMut<'_>,
    ) {
        let mut ws = self.workspaces.take();
        for first in (0..z.rows()).step_by(BLOCK) {
            let range: Range<usize> = first..(first + BLOCK).min(z.rows());
            let rows = range.len();
            self.forward_block(&mut ws, z.slice(range.clone()), true);
            self.take_rows(&mut ws, rows);
            let Workspace { rows: x, drows, log_det, log_prob, .. } = &mut ws;
            grow(log_prob, rows);
            let n = rows * self.dim;
            let dx = BatchMut::new(&mut drows[..n], self.dim);
            let dl = &mut log_prob[..rows];
            upstream(range.clone(), Batch::new(&x[..n], self.dim), &log_det[..rows], dx, dl);
            for r in 0..rows {
                ws.dlog_det[r] = T::from_f64(ws.log_prob[r]);
            }
            self.load_derivative(&mut ws, rows);
            self.pull(Direction::Forward, &mut ws, rows, false);
            store_rows(&ws.v, self.dim, dz.slice_mut(range).into_data());
        }
        self.workspaces.give(ws);
    }

    /// Points to latents in `ws.v`, log-determinant in `ws.log_det`.
    pub fn inverse_block(&self, ws: &mut Workspace<T>, x: Batch<'_>, taped: bool) {
        let rows = x.rows();
        self.prepare(ws, rows);
        load_rows(x.data(), self.dim, &mut ws.wide);
        self.whitening.inverse(&mut ws.wide, rows);
        for (v, w) in ws.v.iter_mut().zip(&ws.wide[..buffer_len(rows, self.dim)]) {
            *v = T::from_f64(*w);
        }
        ws.log_det.fill(-self.whitening.log_det());
        self.apply(Direction::Inverse, ws, rows, taped);
    }

    /// Latents to points in `ws.wide`, log-determinant in `ws.log_det`.
    pub fn forward_block(&self, ws: &mut Workspace<T>, z: Batch<'_>, taped: bool) {
        let rows = z.rows();
        self.prepare(ws, rows);
        load_rows(z.data(), self.dim, &mut ws.v);
        ws.log_det.fill(self.whitening.log_det());
        self.apply(Direction::Forward, ws, rows, taped);
        self.widen(ws, rows);
        self.whitening.forward(&mut ws.wide, rows);
    }

    /// Copies the points of `ws.wide` to `ws.rows`, row-major.
    pub fn take_rows(&self, ws: &mut Workspace<T>, rows: usize) {
        grow(&mut ws.rows, rows * self.dim);
        grow(&mut ws.drows, rows * self.dim);
        store_rows(&ws.wide, self.dim, &mut ws.rows[..rows * self.dim]);
    }

    /// Brings the derivative in the points (`ws.drows`, row-major) to the data end of the layers (`ws.v`).
    pub fn load_derivative(&self, ws: &mut Workspace<T>, rows: usize) {
        load_rows(&ws.drows[..rows * self.dim], self.dim, &mut ws.wide);
        self.whitening.pull_forward(&mut ws.wide, rows);
        for (v, w) in ws.v.iter_mut().zip(&ws.wide[..buffer_len(rows, self.dim)]) {
            *v = T::from_f64(*w);
        }
    }

    /// Adds the base log-density of the latents in `ws.v` to `ws.log_det`.
    pub fn add_base(&self, ws: &mut Workspace<T>, rows: usize) {
        let constant = -0.5 * self.dim as f64 * std::f64::consts::TAU.ln();
        let Workspace { v, log_det, .. } = ws;
        let blocks = v[..buffer_len(rows, self.dim)].chunks_exact(self.dim * BLOCK);
        for (block, sums) in blocks.zip(log_det.chunks_exact_mut(BLOCK)) {
            let mut squares = [0.0; BLOCK];
            for feature in block.chunks_exact(BLOCK) {
                for (sum, v) in squares.iter_mut().zip(feature) {
                    *sum += v.to_f64() * v.to_f64();
                }
            }
            for (sum, square) in sums.iter_mut().zip(squares) {
                *sum += constant - 0.5 * square;
            }
        }
    }

    /// Widens `ws.v` to `ws.wide`.
    fn widen(&self, ws: &mut Workspace<T>, rows: usize) {
        for (w, v) in ws.wide.iter_mut().zip(&ws.v[..buffer_len(rows, self.dim)]) {
            *w = v.to_f64();
        }
    }

    /// Makes room for a block of rows.
    pub fn prepare(&self, ws: &mut Workspace<T>, rows: usize) {
        let len = buffer_len(rows, self.dim);
        grow(&mut ws.v, len);
        grow(&mut ws.wide, len);
        grow(&mut ws.log_det, buffer_len(rows, 1));
        grow(&mut ws.dlog_det, buffer_len(rows, 1));
    }

    fn apply(&self, direction: Direction, ws: &mut Workspace<T>, rows: usize, taped: bool) {
        let mut from = 0;
        let n = self.layers.len();
        for i in 0..n {
            let layer = &self.layers[if direction == Direction::Forward { i } else { n - 1 - i }];
            let len = layer.tape_len(rows);
            grow(&mut ws.tape, from + len);
            let Workspace { v, log_det, tape, .. } = ws;
            layer.apply(direction, v, log_det, &mut tape[from..from + len], rows);
            if taped {
                from += len;
            }
        }
    }

    /// Back through all layers after a taped pass: `ws.v` is the derivative in the outputs of that pass, then in its
    /// inputs; with `train`, adds the derivative in the parameters to `ws.gradient`.
    pub fn pull(&self, direction: Direction, ws: &mut Workspace<T>, rows: usize, train: bool) {
        let mut end: usize = self.layers.iter().map(|l| l.tape_len(rows)).sum();
        let n = self.layers.len();
        let Workspace { v, dlog_det, tape, scratch, gradient, .. } = ws;
        for i in 0..n {
            let layer = &self.layers[if direction == Direction::Forward { n - 1 - i } else { i }];
            let len = layer.tape_len(rows);
            let gradient = train.then_some(gradient.as_mut_slice());
            let tape = &tape[end - len..end];
            layer.pull(Backward { direction, tape, dv: &mut v[..], dlog_det, gradient, rows }, scratch);
            end -= len;
        }
    }
}
