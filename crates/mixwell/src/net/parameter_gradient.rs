//! Gradients of a [`Network`] in its parameters, summed over rows.
//!
//! Rows are cut into parts of whole blocks, as many as the number of rows says and never the threads; each part sums into a
//! gradient of its own, and these are added in their order. So threads share the work, and no bit depends on them. Where
//! layers share their work among threads there is one part, and memory is that of a block.

use rayon::prelude::*;

use super::network::{Buffers, Network, PARALLEL_WORK};
use super::sequential::grow;
use crate::Batch;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len, load_rows};

/// Parts at most: each has a gradient.
const MOST_PARTS: usize = 16;

/// What the rows of one part give.
#[derive(Debug, Default)]
pub(super) struct Part<T> {
    pub gradient: Vec<T>,
    values: Vec<f64>,
    sum: f64,
}

/// Makes the weights of some rows from one number of each: `weigh(first, numbers, weights)`, rows counted from `first`.
pub type Weigh<'a> = dyn Fn(usize, &[f64], &mut [f64]) + Sync + 'a;

impl<T: Real> Network<T> {
    /// Adds to `gradient` the derivative in the parameters of `sum_rk dy[r, k] y[r, k]`, where `y` are the outputs: `dy` is
    /// `rows x n_out`.
    ///
    /// # Panics
    /// When `x`, `dy` or `gradient` have another shape than the network asks for.
    pub fn parameter_pullback(&self, x: Batch<'_>, dy: Batch<'_>, gradient: &mut [T]) {
        assert_eq!((dy.dim(), dy.rows()), (self.n_out(), x.rows()), "derivatives of another shape");
        self.in_parts(x, gradient, &mut [], |ws, first, x, gradient, _| {
            self.forward(ws, x);
            grow(&mut ws.head, buffer_len(BLOCK, self.n_out()));
            load_rows(dy.slice(first..first + x.rows()).data(), self.n_out(), &mut ws.head);
            self.backward(ws, x.rows(), Some(gradient));
            0.0
        });
    }

    /// `sum_i weights[i] E(x_i)`; adds its parameter gradient to `gradient`.
    ///
    /// # Panics
    /// When the network has several outputs, or an argument has another size than it asks for.
    pub fn weighted_energy(&self, x: Batch<'_>, weights: &[f64], gradient: &mut [T]) -> f64 {
        self.check_energy();
        assert_eq!(weights.len(), x.rows(), "weights of another number");
        self.in_parts(x, gradient, &mut [], |ws, first, x, gradient, _| {
            self.forward(ws, x);
            let weights = &weights[first..first + x.rows()];
            let energies = self.layers.output(&ws.tape, x.rows());
            let sum = weights.iter().zip(energies).map(|(w, e)| w * e.to_f64()).sum();
            grow(&mut ws.head, BLOCK);
            load_rows(weights, 1, &mut ws.head);
            self.backward(ws, x.rows(), Some(gradient));
            sum
        })
    }

    /// [`Network::weighted_energy`] with weights that are made from the energies, in one pass: `weigh(first, energies, weights)` is
    /// told the energies of some rows from row `first` on and writes their weights. It is called for every block of rows, from any
    /// thread. The energies of all rows are left in `energies` (`rows`).
    ///
    /// # Panics
    /// When the network has several outputs, or an argument has another size than it asks for.
    pub fn weighted_energy_by(
        &self,
        x: Batch<'_>,
        weigh: &Weigh<'_>,
        energies: &mut [f64],
        gradient: &mut [T],
    ) {
        self.check_energy();
        assert_eq!(energies.len(), x.rows(), "energies of another number");
        self.in_parts(x, gradient, energies, |ws, first, x, gradient, energies| {
            self.forward(ws, x);
            let outputs = self.layers.output(&ws.tape, x.rows());
            energies.iter_mut().zip(outputs).for_each(|(e, output)| *e = output.to_f64());
            let mut weights = [0.0; BLOCK];
            weigh(first, energies, &mut weights[..x.rows()]);
            grow(&mut ws.head, BLOCK);
            load_rows(&weights[..x.rows()], 1, &mut ws.head);
            self.backward(ws, x.rows(), Some(gradient));
            0.0
        });
    }

    /// Calls `work(workspace, first row, points, gradient, values)` for every block of rows, which adds to the gradient and writes its
    /// part of the values, one a row, where there are any; returns the sum of what it returns.
    pub(super) fn in_parts(
        &self,
        x: Batch<'_>,
        gradient: &mut [T],
        values: &mut [f64],
        work: impl Fn(&mut Buffers<T>, usize, Batch<'_>, &mut [T], &mut [f64]) -> f64 + Sync,
    ) -> f64 {
        assert_eq!(x.dim(), self.dim(), "points of another dimension");
        assert_eq!(gradient.len(), self.params().len(), "a gradient of another model");
        let wants_values = !values.is_empty();
        let range = |from: usize, to: usize, gradient: &mut [T], values: &mut [f64]| {
            let (mut sum, mut ws) = (0.0, self.workspaces.take());
            for first in (from..to).step_by(BLOCK) {
                let last = to.min(first + BLOCK);
                let values = if wants_values { &mut values[first - from..last - from] } else { &mut [] };
                sum += work(&mut ws, first, x.slice(first..last), gradient, values);
            }
            self.workspaces.give(ws);
            sum
        };
        let n_parts = self.n_parts(x.rows());
        if n_parts < 2 {
            return range(0, x.rows(), gradient, values);
        }
        let step = blocks(x.rows()).div_ceil(n_parts) * BLOCK;
        let mut parts = self.parts.take();
        if parts.len() < n_parts {
            parts.resize_with(n_parts, Part::default);
        }
        parts[..n_parts].par_iter_mut().enumerate().for_each(|(p, part)| {
            part.gradient.clear();
            part.gradient.resize(gradient.len(), T::ZERO);
            let [from, to] = [p, p + 1].map(|p| (p * step).min(x.rows()));
            part.values.resize(if wants_values { to - from } else { 0 }, 0.0);
            part.sum = range(from, to, &mut part.gradient, &mut part.values);
        });
        let (mut sum, mut place) = (0.0, 0);
        for part in &parts[..n_parts] {
            sum += part.sum;
            values[place..place + part.values.len()].copy_from_slice(&part.values);
            place += part.values.len();
            gradient.iter_mut().zip(&part.gradient).for_each(|(g, part)| *g += *part);
        }
        self.parts.give(parts);
        sum
    }

    /// Parts of so many rows.
    pub(super) fn n_parts(&self, rows: usize) -> usize {
        if rows * self.layers.work() <= PARALLEL_WORK || self.layers.shares_work() {
            1
        } else {
            // As many as have rows.
            let step = blocks(rows).div_ceil(MOST_PARTS);
            blocks(rows).div_ceil(step)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Activation, Init, NetworkSpec};
    use crate::{Points, Stream};

    #[test]
    fn parts_and_threads_change_nothing() {
        let mut stream = Stream::new(4, 0);
        let spec = NetworkSpec::dense(5, &[60, 70], 3, Activation::Swish);
        let network = Network::<f64>::new(&spec, Init::Uniform, &mut stream).unwrap();
        let rows = 25 * BLOCK + 7;
        assert_eq!(network.n_parts(rows), 13);
        let (mut x, mut dy) = (Points::zeros(rows, 5), Points::zeros(rows, 3));
        stream.fill_normal(x.data_mut());
        stream.fill_normal(dy.data_mut());
        let gradient = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut gradient = vec![0.25; network.params().len()];
            pool.install(|| network.parameter_pullback(x.as_batch(), dy.as_batch(), &mut gradient));
            gradient
        };
        let one = gradient(1);
        assert!(one == gradient(3));
        // Row by row: the same but for the order of the sum.
        let mut slow = vec![0.25; one.len()];
        for r in 0..rows {
            let [x, dy] = [&x, &dy].map(|points| points.as_batch().slice(r..r + 1));
            network.parameter_pullback(x, dy, &mut slow);
        }
        for (a, b) in one.iter().zip(&slow) {
            assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} and {b}");
        }
    }
}
