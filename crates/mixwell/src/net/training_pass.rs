//! A whole batch through a [`Network`] in training: values, the caller's loss, and its gradient in the parameters or in the points.
//!
//! The batch is cut into parts as for any parameter gradient, or is one part where its rows depend on each other, as under batch
//! normalisation. The tape of every part is kept until the loss is known, so memory is that of the batch; what convolutions work
//! with beside it is that of a block.

use rayon::prelude::*;

use super::network::Network;
use super::parameter_gradient::Part;
use super::sequential::{Scratch, grow};
use super::stage::Mode;
use crate::{Batch, BatchMut};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len, load_rows, store_rows};

/// Working memory of a training pass.
#[derive(Debug, Default)]
pub(super) struct Training<T> {
    parts: Vec<TrainingPart<T>>,
    outputs: Vec<f64>,
    d_outputs: Vec<f64>,
}

#[derive(Debug, Default)]
struct TrainingPart<T> {
    x: Vec<T>,
    tape: Vec<T>,
    head: Vec<T>,
    dx: Vec<T>,
    scratch: Scratch<T>,
    sum: Part<T>,
}

impl<T: Real> Network<T> {
    /// Takes a batch through the layers in training mode, lets `loss` look at the outputs, `rows x n_out`, and write its derivative in
    /// them, and adds the derivative of the loss in the parameters to `gradient`. Returns what `loss` returns.
    ///
    /// Under batch normalisation the statistics are those of the batch, and the entries of the running ones in `gradient` are what
    /// a step is to take away from them ([`ArraySpec::is_statistic`](super::ArraySpec)). A network without it gives the
    /// values and the gradient of evaluation. The same bits for any number of threads.
    ///
    /// # Panics
    /// When the points or the gradient have another size than the network asks for.
    pub fn training_pass(
        &self,
        x: Batch<'_>,
        loss: impl FnOnce(Batch<'_>, BatchMut<'_>) -> f64,
        gradient: &mut [T],
    ) -> f64 {
        assert_eq!(gradient.len(), self.params().len(), "a gradient of another model");
        let loss = self.there_and_back(x, loss, None, Some(&mut *gradient));
        self.layers.advance(gradient);
        loss
    }

    /// Writes the outputs of a batch in training mode, `rows x n_out`: under batch normalisation by the statistics of the batch, which
    /// leave the running ones as they are.
    ///
    /// # Panics
    /// When the points or the outputs have another size than the network asks for.
    pub fn training_values(&self, x: Batch<'_>, y: BatchMut<'_>) {
        assert_eq!((y.dim(), y.rows()), (self.n_out(), x.rows()), "outputs of another shape");
        let mut training = self.trainings.take();
        self.there(x, &mut training.parts, y.into_data());
        self.trainings.give(training);
    }

    /// [`training_pass`](Self::training_pass) for the derivative of the loss in the points, `dx` of `rows x dim`: what a generator learns
    /// by from a discriminator. Nothing is to change in this network, so its running statistics are left alone.
    ///
    /// # Panics
    /// When the points or their derivative have another size than the network asks for.
    pub fn training_pullback(
        &self,
        x: Batch<'_>,
        loss: impl FnOnce(Batch<'_>, BatchMut<'_>) -> f64,
        dx: BatchMut<'_>,
    ) -> f64 {
        assert_eq!((dx.dim(), dx.rows()), (self.dim(), x.rows()), "derivatives of another shape");
        self.there_and_back(x, loss, Some(dx.into_data()), None)
    }

    /// Rows of a part.
    fn part_rows(&self, rows: usize) -> usize {
        let n_parts = if self.layers.couples_rows() { 1 } else { self.n_parts(rows) };
        (blocks(rows).div_ceil(n_parts) * BLOCK).max(1)
    }

    /// Values, with the tape of every part.
    fn there(&self, x: Batch<'_>, parts: &mut Vec<TrainingPart<T>>, outputs: &mut [f64]) {
        assert_eq!(x.dim(), self.dim(), "points of another dimension");
        let (rows, n_out) = (x.rows(), self.n_out());
        let step = self.part_rows(rows);
        let n_parts = rows.div_ceil(step).max(1);
        if parts.len() < n_parts {
            parts.resize_with(n_parts, TrainingPart::default);
        }
        let values = |(p, part, y): (usize, &mut TrainingPart<T>, &mut [f64])| {
            let x = x.slice(p * step..rows.min((p + 1) * step));
            grow(&mut part.x, buffer_len(x.rows(), self.dim()));
            grow(&mut part.tape, self.layers.tape_len(x.rows()));
            load_rows(x.data(), self.dim(), &mut part.x);
            self.layers.run(Mode::Training, &part.x, &mut part.tape, x.rows());
            store_rows(self.layers.output(&part.tape, x.rows()), n_out, y);
        };
        if n_parts > 1 {
            let wide = (step * n_out).max(1);
            let pieces = parts.par_iter_mut().zip(outputs.par_chunks_mut(wide)).enumerate();
            pieces.for_each(|(p, (part, y))| values((p, part, y)));
        } else {
            values((0, &mut parts[0], outputs));
        }
    }

    /// Values, the loss, and the way back to the points or the parameters.
    fn there_and_back(
        &self,
        x: Batch<'_>,
        loss: impl FnOnce(Batch<'_>, BatchMut<'_>) -> f64,
        dx: Option<&mut [f64]>,
        gradient: Option<&mut [T]>,
    ) -> f64 {
        let (rows, n_out) = (x.rows(), self.n_out());
        let step = self.part_rows(rows);
        let n_parts = rows.div_ceil(step).max(1);
        let mut training = self.trainings.take();
        let Training { parts, outputs, d_outputs } = &mut training;
        outputs.resize(rows * n_out, 0.0);
        d_outputs.clear();
        d_outputs.resize(rows * n_out, 0.0);
        self.there(x, parts, outputs);

        let dim = n_out.max(1);
        let loss = loss(Batch::new(outputs, dim), BatchMut::new(d_outputs, dim));

        let to_points = dx.is_some();
        let back = |part: &mut TrainingPart<T>, dy: &[f64], gradient: Option<&mut [T]>| {
            let rows = dy.len() / dim;
            let TrainingPart { x, tape, head, dx, scratch, .. } = part;
            grow(head, buffer_len(rows, n_out));
            load_rows(dy, n_out, head);
            if to_points {
                grow(dx, buffer_len(rows, self.dim()));
            }
            let into = to_points.then_some(dx.as_mut_slice());
            self.layers.run_back(Mode::Training, x, tape, head, into, gradient, scratch, rows);
        };
        if n_parts > 1 {
            let n = gradient.as_deref().map_or(0, <[T]>::len);
            let wide = (step * n_out).max(1);
            parts.par_iter_mut().zip(d_outputs.par_chunks(wide)).for_each(|(part, dy)| {
                let mut own = std::mem::take(&mut part.sum.gradient);
                own.clear();
                own.resize(n, T::ZERO);
                back(part, dy, (n > 0).then_some(&mut own));
                part.sum.gradient = own;
            });
            if let Some(gradient) = gradient {
                for part in &parts[..n_parts] {
                    gradient.iter_mut().zip(&part.sum.gradient).for_each(|(g, part)| *g += *part);
                }
            }
        } else {
            back(&mut parts[0], d_outputs, gradient);
        }
        if let Some(dx) = dx {
            let wide = (step * self.dim()).max(1);
            for (part, dx) in parts.iter().zip(dx.chunks_mut(wide)) {
                store_rows(&part.dx, self.dim(), dx);
            }
        }
        self.trainings.give(training);
        loss
    }
}
