//! Elementwise affine layer: a learned scale and shift of every coordinate, `z = x exp(s) + b` in direction x -> z.
//!
//! inverse (x -> z) adds `sum s` to the log-determinant, forward subtracts it. Starts as the identity (`s = b = 0`).
//! Shapes: blocked `rows x dim`; parameters are the `dim` log-scales, then the `dim` shifts.

use super::bijection::{Backward, Bijection, Direction, Scratch};
use crate::Stream;
use crate::net::{ArraySpec, Init, Parameters};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len, rows_in};

/// A learned scale and shift of every coordinate.
#[derive(Clone, Debug)]
pub(crate) struct ElementwiseAffine<T> {
    dim: usize,
    offset: usize,
    /// `exp(s)`, and `s` for the log-determinant.
    scale: Vec<T>,
    shift: Vec<T>,
    log_det: f64,
}

impl<T: Real> ElementwiseAffine<T> {
    /// The layer whose parameters begin at `offset` of the flow's flat vector.
    pub fn new(dim: usize, offset: usize) -> Self {
        let (scale, shift) = (vec![T::ONE; dim], vec![T::ZERO; dim]);
        Self { dim, offset, scale, shift, log_det: 0.0 }
    }
}

impl<T: Real> Parameters<T> for ElementwiseAffine<T> {
    fn layout(&self, prefix: &str) -> Vec<ArraySpec> {
        let part = |name: &str, offset| ArraySpec {
            name: format!("{prefix}{name}"),
            shape: vec![self.dim],
            offset,
            is_statistic: false,
        };
        vec![part("log_scale", self.offset), part("shift", self.offset + self.dim)]
    }

    fn initialise(&self, params: &mut [T], _init: Init, _stream: &mut Stream) {
        params[self.offset..self.offset + 2 * self.dim].fill(T::ZERO);
    }

    fn pack(&mut self, params: &[T]) {
        let (s, b) = params[self.offset..self.offset + 2 * self.dim].split_at(self.dim);
        for (scale, s) in self.scale.iter_mut().zip(s) {
            *scale = T::from_f64(s.to_f64().exp());
        }
        self.shift.copy_from_slice(b);
        self.log_det = s.iter().map(|s| s.to_f64()).sum();
    }
}

impl<T: Real> Bijection<T> for ElementwiseAffine<T> {
    fn each_part(&mut self, f: &mut dyn FnMut(&str, &mut dyn Parameters<T>)) {
        f("", self);
    }

    fn tape_len(&self, rows: usize) -> usize {
        buffer_len(rows, self.dim)
    }

    fn apply(&self, direction: Direction, v: &mut [T], log_det: &mut [f64], tape: &mut [T], rows: usize) {
        for f in 0..blocks(rows) * self.dim {
            let (scale, shift) = (self.scale[f % self.dim], self.shift[f % self.dim]);
            let feature = &mut v[f * BLOCK..(f + 1) * BLOCK];
            // The tape holds the x-side in either direction.
            if direction == Direction::Inverse {
                tape[f * BLOCK..(f + 1) * BLOCK].copy_from_slice(feature);
                for v in feature.iter_mut() {
                    *v = *v * scale + shift;
                }
            } else {
                let inverse = T::ONE / scale;
                for v in feature.iter_mut() {
                    *v = (*v - shift) * inverse;
                }
                tape[f * BLOCK..(f + 1) * BLOCK].copy_from_slice(feature);
            }
        }
        let sign = if direction == Direction::Inverse { 1.0 } else { -1.0 };
        for sum in &mut log_det[..blocks(rows) * BLOCK] {
            *sum += sign * self.log_det;
        }
    }

    fn pull(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        let Backward { direction, tape, dv, dlog_det, mut gradient, rows } = pass;
        for b in 0..blocks(rows) {
            let used = rows_in(rows, b);
            for i in 0..self.dim {
                let at = (b * self.dim + i) * BLOCK;
                let d = &mut dv[at..at + BLOCK];
                let factor =
                    if direction == Direction::Inverse { self.scale[i] } else { T::ONE / self.scale[i] };
                if let Some(gradient) = gradient.as_deref_mut() {
                    let x = &tape[at..at + BLOCK];
                    let dl = &dlog_det[b * BLOCK..];
                    let (mut ds, mut db) = (T::ZERO, T::ZERO);
                    for r in 0..used {
                        if direction == Direction::Inverse {
                            ds += d[r] * x[r] * self.scale[i] + dl[r];
                            db += d[r];
                        } else {
                            // x = (z - b) exp(-s)
                            ds -= d[r] * x[r] + dl[r];
                            db -= d[r] * factor;
                        }
                    }
                    gradient[self.offset + i] += ds;
                    gradient[self.offset + self.dim + i] += db;
                }
                for v in d.iter_mut() {
                    *v *= factor;
                }
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Bijection<T>> {
        Box::new(self.clone())
    }
}
