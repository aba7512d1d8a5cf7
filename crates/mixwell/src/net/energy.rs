//! Energy networks: a dense network with one output, its gradient in the point and in the parameters.
//!
//! `toy` is the network used for all low-dimensional energy-based models of the sources: `d-32-64-64-64-1`, leaky ReLU of
//! slope 0.05, no activation at the end; 10 593 parameters at `d = 2`. Energies come out in `f64`; points are rows.

use std::sync::Mutex;

use super::activation::Activation;
use super::block::{BLOCK, buffer_len, load_rows, store_rows};
use super::mlp::{Init, Mlp, MlpSpec, Scratch, grow};
use super::real::Real;
use crate::{Batch, BatchMut, Stream};

/// Working memory of one evaluation.
#[derive(Debug, Default)]
struct Workspace<T> {
    x: Vec<T>,
    dx: Vec<T>,
    tape: Vec<T>,
    head: Vec<T>,
    scratch: Scratch<T>,
}

/// A dense network as an energy `E(x)`.
#[derive(Debug)]
pub struct EnergyNet<T> {
    mlp: Mlp<T>,
    params: Vec<T>,
    pool: Mutex<Vec<Workspace<T>>>,
}

impl<T: Real> Clone for EnergyNet<T> {
    fn clone(&self) -> Self {
        Self { mlp: self.mlp.clone(), params: self.params.clone(), pool: Mutex::default() }
    }
}

impl<T: Real> EnergyNet<T> {
    /// The network of this shape at starting weights.
    ///
    /// # Panics
    /// When it has more or fewer outputs than one.
    pub fn new(spec: &MlpSpec, init: Init, stream: &mut Stream) -> Self {
        let mut mlp = Mlp::new(spec, 0);
        assert_eq!(mlp.n_out(), 1, "an energy is one number");
        let mut params = vec![T::ZERO; mlp.n_params()];
        mlp.initialise(&mut params, init, stream);
        mlp.pack(&params);
        Self { mlp, params, pool: Mutex::default() }
    }

    /// The network `d-32-64-64-64-1` with leaky ReLU 0.05. `Init::ZeroLast` makes it start at energy zero everywhere.
    pub fn toy(dim: usize, init: Init, stream: &mut Stream) -> Self {
        Self::new(&MlpSpec::new(dim, &[32, 64, 64, 64], 1, Activation::LeakyRelu(0.05)), init, stream)
    }

    /// Number of coordinates of a point.
    pub fn dim(&self) -> usize {
        self.mlp.n_in()
    }

    /// The parameters, layer after layer: weights (`n_out x n_in`), biases.
    pub fn params(&self) -> &[T] {
        &self.params
    }

    /// Changes the parameters.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut [T]) -> R) -> R {
        let result = change(&mut self.params);
        self.mlp.pack(&self.params);
        result
    }

    /// Runs `f` on blocks of rows that have been through the network.
    fn each_block(&self, x: Batch<'_>, mut f: impl FnMut(usize, usize, &mut Workspace<T>)) {
        assert_eq!(x.dim(), self.dim(), "points of another dimension");
        let pool = || self.pool.lock().unwrap_or_else(|e| e.into_inner());
        let mut ws = pool().pop().unwrap_or_default();
        grow(&mut ws.x, buffer_len(BLOCK, self.dim()));
        grow(&mut ws.dx, buffer_len(BLOCK, self.dim()));
        grow(&mut ws.head, BLOCK);
        grow(&mut ws.tape, self.mlp.tape_len(BLOCK));
        for first in (0..x.rows()).step_by(BLOCK) {
            let rows = BLOCK.min(x.rows() - first);
            load_rows(x.slice(first..first + rows).data(), self.dim(), &mut ws.x);
            self.mlp.forward(&ws.x, &mut ws.tape, rows);
            f(first, rows, &mut ws);
        }
        pool().push(ws);
    }

    /// Writes the energy of each row.
    pub fn energy(&self, x: Batch<'_>, energy: &mut [f64]) {
        self.each_block(x, |first, rows, ws| {
            store_rows(self.mlp.output(&ws.tape, rows), 1, &mut energy[first..first + rows]);
        });
    }

    /// Writes energy and gradient in `x` of each row.
    pub fn energy_and_grad(&self, x: Batch<'_>, energy: &mut [f64], mut grad: BatchMut<'_>) {
        self.each_block(x, |first, rows, ws| {
            store_rows(self.mlp.output(&ws.tape, rows), 1, &mut energy[first..first + rows]);
            let Workspace { x, dx, tape, head, scratch } = ws;
            head.fill(T::ONE);
            self.mlp.backward(x, tape, head, Some(dx), None, scratch, rows);
            store_rows(dx, self.dim(), grad.slice_mut(first..first + rows).into_data());
        });
    }

    /// `sum_i weights[i] E(x_i)`; adds its parameter gradient to `gradient`.
    pub fn weighted_energy(&self, x: Batch<'_>, weights: &[f64], gradient: &mut [T]) -> f64 {
        let mut sum = 0.0;
        self.each_block(x, |first, rows, ws| {
            let Workspace { x, tape, head, scratch, .. } = ws;
            for ((e, w), h) in
                self.mlp.output(tape, rows).iter().zip(&weights[first..first + rows]).zip(&mut *head)
            {
                sum += w * e.to_f64();
                *h = T::from_f64(*w);
            }
            self.mlp.backward(x, tape, head, None, Some(gradient), scratch, rows);
        });
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;

    #[test]
    fn toy_has_the_published_number_of_parameters() {
        // (2+1) 32 + 33*64 + 65*64 + 65*64 + 65 = 96 + 2112 + 4160 + 4160 + 65 = 10 593
        let net = EnergyNet::<f32>::toy(2, Init::ZeroLast, &mut Stream::new(0, 0));
        assert_eq!(net.params().len(), 10_593);
        let mut e = [1.0; 2];
        net.energy(Points::from_rows(&[[1.0, 2.0], [3.0, -4.0]]).as_batch(), &mut e);
        assert_eq!(e, [0.0; 2]);
    }

    #[test]
    fn gradients_match_finite_differences() {
        crate::net::simd::under_each(gradients_match);
    }

    fn gradients_match() {
        let mut stream = Stream::new(1, 0);
        let mut net = EnergyNet::<f64>::toy(3, Init::Uniform, &mut stream);
        let (rows, h) = (70, 1e-6);
        let mut x = Points::zeros(rows, 3);
        stream.fill_normal(x.data_mut());
        let (mut e, mut grad) = (vec![0.0; rows], Points::zeros(rows, 3));
        net.energy_and_grad(x.as_batch(), &mut e, grad.as_batch_mut());
        let energy = |net: &EnergyNet<f64>, x: &Points| {
            let mut e = vec![0.0; rows];
            net.energy(x.as_batch(), &mut e);
            e
        };
        assert_eq!(e, energy(&net, &x));
        for i in 0..3 {
            let mut moved = [x.clone(), x.clone()];
            for r in 0..rows {
                moved[0].row_mut(r)[i] += h;
                moved[1].row_mut(r)[i] -= h;
            }
            let [up, down] = moved.map(|m| energy(&net, &m));
            for r in 0..rows {
                assert!(((up[r] - down[r]) / (2.0 * h) - grad.row(r)[i]).abs() < 1e-7);
            }
        }
        let weights: Vec<f64> = (0..rows).map(|i| i as f64 * 0.01 - 0.2).collect();
        let mut gradient = vec![0.0; net.params().len()];
        let total = net.weighted_energy(x.as_batch(), &weights, &mut gradient);
        assert!((total - weights.iter().zip(&e).map(|(w, e)| w * e).sum::<f64>()).abs() < 1e-12);
        for i in (0..gradient.len()).step_by(501) {
            let mut at = |by: f64| {
                net.update(|p| p[i] += by);
                let e = energy(&net, &x);
                net.update(|p| p[i] -= by);
                weights.iter().zip(e).map(|(w, e)| w * e).sum::<f64>()
            };
            let numeric = (at(h) - at(-h)) / (2.0 * h);
            assert!((numeric - gradient[i]).abs() < 1e-6, "{numeric} and {}", gradient[i]);
        }
    }
}
