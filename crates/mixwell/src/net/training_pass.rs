//! A whole batch through a [`Network`] in training: values, the caller's loss, and its parameter gradient.
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
        assert_eq!(x.dim(), self.dim(), "points of another dimension");
        assert_eq!(gradient.len(), self.params().len(), "a gradient of another model");
        let (rows, n_out) = (x.rows(), self.n_out());
        let n_parts = if self.layers.couples_rows() { 1 } else { self.n_parts(rows) };
        let step = (blocks(rows).div_ceil(n_parts) * BLOCK).max(1);
        let mut training = self.trainings.take();
        let Training { parts, outputs, d_outputs } = &mut training;
        if parts.len() < n_parts {
            parts.resize_with(n_parts, TrainingPart::default);
        }
        outputs.resize(rows * n_out, 0.0);
        d_outputs.clear();
        d_outputs.resize(rows * n_out, 0.0);

        let values = |(p, part, y): (usize, &mut TrainingPart<T>, &mut [f64])| {
            let x = x.slice(p * step..rows.min((p + 1) * step));
            grow(&mut part.x, buffer_len(x.rows(), self.dim()));
            grow(&mut part.tape, self.layers.tape_len(x.rows()));
            load_rows(x.data(), self.dim(), &mut part.x);
            self.layers.run(Mode::Training, &part.x, &mut part.tape, x.rows());
            store_rows(self.layers.output(&part.tape, x.rows()), n_out, y);
        };
        let wide = (step * n_out).max(1);
        if n_parts > 1 {
            let pieces = parts.par_iter_mut().zip(outputs.par_chunks_mut(wide)).enumerate();
            pieces.for_each(|(p, (part, y))| values((p, part, y)));
        } else {
            values((0, &mut parts[0], outputs));
        }

        let dim = n_out.max(1);
        let loss = loss(Batch::new(outputs, dim), BatchMut::new(d_outputs, dim));

        let back = |(part, dy, gradient): (&mut TrainingPart<T>, &[f64], &mut [T])| {
            let rows = dy.len() / dim;
            let TrainingPart { x, tape, head, scratch, .. } = part;
            grow(head, buffer_len(rows, n_out));
            load_rows(dy, n_out, head);
            self.layers.run_back(Mode::Training, x, tape, head, None, Some(gradient), scratch, rows);
        };
        if n_parts > 1 {
            let n = gradient.len();
            parts.par_iter_mut().zip(d_outputs.par_chunks(wide)).for_each(|(part, dy)| {
                let mut own = std::mem::take(&mut part.sum.gradient);
                own.clear();
                own.resize(n, T::ZERO);
                back((part, dy, &mut own));
                part.sum.gradient = own;
            });
            for part in parts.iter().take(rows.div_ceil(step)) {
                gradient.iter_mut().zip(&part.sum.gradient).for_each(|(g, part)| *g += *part);
            }
        } else {
            back((&mut parts[0], d_outputs, gradient));
        }
        self.layers.advance(gradient);
        self.trainings.give(training);
        loss
    }
}
