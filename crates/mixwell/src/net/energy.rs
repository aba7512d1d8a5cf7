//! Energy networks: a dense network with one output, its gradient in the point and in the parameters.
//!
//! `toy` is the network used for all low-dimensional energy-based models of the sources: `d-32-64-64-64-1`, leaky ReLU of
//! slope 0.05, no activation at the end; 10 593 parameters at `d = 2`. Energies come out in `f64`; points are rows.

use super::activation::Activation;
use super::mlp::{Init, Mlp, MlpSpec, Scratch, grow};
use super::model::Model;
use super::parameters::{ArraySpec, Parameters};
use super::values::{Params, ParamsMut, Stored};
use super::workspaces::Workspaces;
use crate::{Batch, BatchMut, Stream};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, buffer_len, each_piece, load_rows, store_rows};

/// Multiply-adds below which work is not worth spreading over threads.
const PARALLEL_WORK: usize = 1_500_000;

/// Working memory of one block of rows.
#[derive(Debug, Default)]
struct Buffers<T> {
    x: Vec<T>,
    dx: Vec<T>,
    tape: Vec<T>,
    head: Vec<T>,
    scratch: Scratch<T>,
}

/// Dense networks, one after the other, as an energy `E(x)`.
#[derive(Debug)]
pub struct EnergyNet<T> {
    networks: Vec<Mlp<T>>,
    layout: Vec<ArraySpec>,
    params: Vec<T>,
    workspaces: Workspaces<Buffers<T>>,
}

impl<T: Real> Clone for EnergyNet<T> {
    fn clone(&self) -> Self {
        Self {
            networks: self.networks.clone(),
            layout: self.layout.clone(),
            params: self.params.clone(),
            workspaces: Workspaces::default(),
        }
    }
}

impl<T: Real> EnergyNet<T> {
    /// The network of this shape at starting weights.
    ///
    /// # Panics
    /// When it has more or fewer outputs than one.
    pub fn new(spec: &MlpSpec, init: Init, stream: &mut Stream) -> Self {
        Self::composed(std::slice::from_ref(spec), init, stream)
    }

    /// Networks whose outputs are the inputs of the next, such as a generator and a critic of what it makes.
    ///
    /// # Panics
    /// When there is none, when one does not fit onto the one before, or when the last has more or fewer outputs than one.
    pub fn composed(specs: &[MlpSpec], init: Init, stream: &mut Stream) -> Self {
        let mut offset = 0;
        let mut networks = Vec::with_capacity(specs.len());
        for spec in specs {
            let network = Mlp::new(spec, offset);
            offset += network.n_params();
            networks.push(network);
        }
        for pair in networks.windows(2) {
            assert_eq!(pair[0].n_out(), pair[1].n_in(), "a network does not fit onto the one before");
        }
        assert_eq!(networks.last().map(Mlp::n_out), Some(1), "an energy is one number");
        let mut params = vec![T::ZERO; offset];
        for network in &mut networks {
            network.initialise(&mut params, init, stream);
            network.pack(&params);
        }
        let layout = networks.iter().enumerate().flat_map(|(i, n)| n.layout(&format!("networks.{i}.")));
        Self { layout: layout.collect(), networks, params, workspaces: Workspaces::default() }
    }

    /// The network `d-32-64-64-64-1` with leaky ReLU 0.05. `Init::ZeroLast` makes it start at energy zero everywhere.
    pub fn toy(dim: usize, init: Init, stream: &mut Stream) -> Self {
        Self::new(&MlpSpec::new(dim, &[32, 64, 64, 64], 1, Activation::LeakyRelu(0.05)), init, stream)
    }

    /// Number of coordinates of a point.
    pub fn dim(&self) -> usize {
        self.networks[0].n_in()
    }

    /// The parameters, network after network, layer after layer: weights (`n_out x n_in`), biases.
    pub fn params(&self) -> &[T] {
        &self.params
    }

    /// Changes the parameters.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut [T]) -> R) -> R {
        let result = change(&mut self.params);
        self.pack();
        result
    }

    /// Takes over changed parameters.
    fn pack(&mut self) {
        for network in &mut self.networks {
            network.pack(&self.params);
        }
    }

    /// Loads a block of rows and takes it through the networks.
    fn forward(&self, ws: &mut Buffers<T>, x: Batch<'_>) {
        let rows = x.rows();
        grow(&mut ws.x, buffer_len(BLOCK, self.dim()));
        grow(&mut ws.tape, self.tape_len(BLOCK));
        load_rows(x.data(), self.dim(), &mut ws.x);
        let (mut input, mut rest) = (ws.x.as_slice(), ws.tape.as_mut_slice());
        for network in &self.networks {
            let (tape, next) = rest.split_at_mut(network.tape_len(rows));
            network.forward(input, tape, rows);
            (input, rest) = (network.output(tape, rows), next);
        }
    }

    fn tape_len(&self, rows: usize) -> usize {
        self.networks.iter().map(|n| n.tape_len(rows)).sum()
    }

    /// The energies of a block that has been through.
    fn energies<'a>(&self, ws: &'a Buffers<T>, rows: usize) -> &'a [T] {
        let end = self.tape_len(rows);
        let last = self.networks.last().expect("at least one network");
        last.output(&ws.tape[end - last.tape_len(rows)..end], rows)
    }

    /// Back through the networks from `ws.head`, to `ws.dx` or to the parameters' `gradient`.
    fn backward(&self, ws: &mut Buffers<T>, rows: usize, mut gradient: Option<&mut [T]>) {
        let Buffers { x, dx, tape, head, scratch } = ws;
        let mut end = self.tape_len(rows);
        for (i, network) in self.networks.iter().enumerate().rev() {
            let from = end - network.tape_len(rows);
            let own = &tape[from..end];
            let before = i.checked_sub(1).map(|i| &self.networks[i]);
            let input = match before {
                Some(before) => before.output(&tape[from - before.tape_len(rows)..from], rows),
                None => x,
            };
            let wanted = if before.is_some() || gradient.is_none() {
                grow(dx, buffer_len(rows, network.n_in()));
                Some(dx.as_mut_slice())
            } else {
                None
            };
            network.backward(input, own, head, wanted, gradient.as_deref_mut(), scratch, rows);
            if before.is_some() {
                // What came out is where the network before starts from.
                std::mem::swap(head, dx);
            }
            end = from;
        }
    }

    fn is_parallel(&self, rows: usize) -> bool {
        rows > BLOCK && rows * self.params.len() > PARALLEL_WORK
    }

    /// Writes the energy of each row.
    pub fn energy(&self, x: Batch<'_>, energy: &mut [f64]) {
        self.check(x);
        let nothing = &mut vec![(); energy.len()];
        each_piece(self.is_parallel(x.rows()), energy, nothing, 1, |first, energy, _| {
            let mut ws = self.workspaces.take();
            let rows = energy.len();
            self.forward(&mut ws, x.slice(first..first + rows));
            store_rows(self.energies(&ws, rows), 1, energy);
            self.workspaces.give(ws);
        });
    }

    /// Writes energy and gradient in `x` of each row.
    pub fn energy_and_grad(&self, x: Batch<'_>, energy: &mut [f64], grad: BatchMut<'_>) {
        self.check(x);
        let dim = self.dim();
        each_piece(self.is_parallel(x.rows()), energy, grad.into_data(), dim, |first, energy, grad| {
            let mut ws = self.workspaces.take();
            let rows = energy.len();
            self.forward(&mut ws, x.slice(first..first + rows));
            store_rows(self.energies(&ws, rows), 1, energy);
            self.start_at(&mut ws, |head| head.fill(T::ONE));
            self.backward(&mut ws, rows, None);
            store_rows(&ws.dx, dim, grad);
            self.workspaces.give(ws);
        });
    }

    /// `sum_i weights[i] E(x_i)`; adds its parameter gradient to `gradient`.
    pub fn weighted_energy(&self, x: Batch<'_>, weights: &[f64], gradient: &mut [T]) -> f64 {
        self.check(x);
        let (mut sum, mut ws) = (0.0, self.workspaces.take());
        for first in (0..x.rows()).step_by(BLOCK) {
            let rows = BLOCK.min(x.rows() - first);
            let weights = &weights[first..first + rows];
            self.forward(&mut ws, x.slice(first..first + rows));
            sum += weights.iter().zip(self.energies(&ws, rows)).map(|(w, e)| w * e.to_f64()).sum::<f64>();
            self.start_at(&mut ws, |head| {
                for (h, w) in head.iter_mut().zip(weights) {
                    *h = T::from_f64(*w);
                }
            });
            self.backward(&mut ws, rows, Some(gradient));
        }
        self.workspaces.give(ws);
        sum
    }

    fn start_at(&self, ws: &mut Buffers<T>, fill: impl FnOnce(&mut [T])) {
        grow(&mut ws.head, BLOCK);
        fill(&mut ws.head[..BLOCK]);
    }

    fn check(&self, x: Batch<'_>) {
        assert_eq!(x.dim(), self.dim(), "points of another dimension");
    }
}

impl<T: Stored> Model for EnergyNet<T> {
    fn layout(&self) -> &[ArraySpec] {
        &self.layout
    }

    fn params(&self) -> Params<'_> {
        T::params(&self.params)
    }

    fn change_params(&mut self, change: &mut dyn FnMut(ParamsMut<'_>) -> bool) {
        if change(T::params_mut(&mut self.params)) {
            self.pack();
        }
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
        mixwell_vector::simd::under_each(|| {
            let mut stream = Stream::new(1, 0);
            gradients_match(EnergyNet::toy(3, Init::Uniform, &mut stream), &mut stream);
            let generator = MlpSpec::new(3, &[9], 7, Activation::Swish).with_output(Activation::Tanh);
            let critic = MlpSpec::new(7, &[5, 11], 1, Activation::LeakyRelu(0.2));
            let specs = [generator, critic];
            gradients_match(EnergyNet::composed(&specs, Init::Uniform, &mut stream), &mut stream);
        });
    }

    fn gradients_match(mut net: EnergyNet<f64>, stream: &mut Stream) {
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
        for i in (0..gradient.len()).step_by(gradient.len() / 20) {
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
