//! `Network`: a network with its parameters; values, gradients in the point and in the parameters, over rows.
//!
//! One with a single output is an energy. `toy` is the network used for all low-dimensional energy-based models of the sources:
//! `d-32-64-64-64-1`, leaky ReLU of slope 0.05, no activation at the end; 10 593 parameters at `d = 2`. Points are rows of `f64`;
//! values come out in `f64`. Rows are taken a block at a time, on all threads where that is worth it, and nothing depends on
//! how they are shared.

use super::activation::Activation;
use super::directional::Directions;
use super::model::Model;
use super::network_spec::NetworkSpec;
use super::parameter_gradient::Part;
use super::parameters::{ArraySpec, Parameters};
use super::sequential::{Init, Scratch, Sequential, grow};
use super::training_pass::Training;
use super::values::{Params, ParamsMut, Stored};
use super::workspaces::Workspaces;
use crate::footprint::Footprint;
use crate::{Batch, BatchMut, ConfigError, Stream};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, buffer_len, each_piece, load_rows, store_rows};

/// Multiply-adds below which work is not worth spreading over threads.
pub(super) const PARALLEL_WORK: usize = 1_500_000;

/// Bytes of a network for which nobody asks whether they are free.
const SMALL: u64 = 64 << 20;

/// Working memory of one block of rows.
#[derive(Debug, Default)]
pub(super) struct Buffers<T> {
    pub x: Vec<T>,
    pub dx: Vec<T>,
    pub tape: Vec<T>,
    pub head: Vec<T>,
    pub scratch: Scratch<T>,
    pub directions: Directions<T>,
}

/// A network and its parameters.
#[derive(Debug)]
pub struct Network<T> {
    spec: NetworkSpec,
    pub(super) layers: Sequential<T>,
    layout: Vec<ArraySpec>,
    params: Vec<T>,
    pub(super) workspaces: Workspaces<Buffers<T>>,
    pub(super) parts: Workspaces<Vec<Part<T>>>,
    pub(super) trainings: Workspaces<Training<T>>,
}

impl<T: Real> Clone for Network<T> {
    fn clone(&self) -> Self {
        Self {
            spec: self.spec.clone(),
            layers: self.layers.clone(),
            layout: self.layout.clone(),
            params: self.params.clone(),
            workspaces: Workspaces::default(),
            parts: Workspaces::default(),
            trainings: Workspaces::default(),
        }
    }
}

impl<T: Real> Network<T> {
    /// The network of this description at starting weights.
    ///
    /// # Errors
    /// When the layers do not fit onto each other, see [`NetworkSpec::output`], or the network onto the memory that is free.
    pub fn new(spec: &NetworkSpec, init: Init, stream: &mut Stream) -> Result<Self, ConfigError> {
        let bytes = spec.bytes()?;
        if bytes > SMALL {
            let mut footprint = Footprint::default();
            footprint.hold(bytes, &[("layers", spec.layers.len())]);
            footprint.check()?;
        }
        let layers = Sequential::new(spec, 0);
        let mut params = vec![T::ZERO; layers.n_params()];
        layers.initialise(&mut params, init, stream);
        let layout = layers.layout("");
        let (workspaces, parts, trainings) = Default::default();
        let mut network = Self { spec: spec.clone(), layers, layout, params, workspaces, parts, trainings };
        network.pack();
        Ok(network)
    }

    /// The energy `d-32-64-64-64-1` with leaky ReLU 0.05. `Init::ZeroLast` makes it start at energy zero everywhere.
    pub fn toy(dim: usize, init: Init, stream: &mut Stream) -> Self {
        let spec = NetworkSpec::dense(dim, &[32, 64, 64, 64], 1, Activation::LeakyRelu(0.05));
        Self::new(&spec, init, stream).expect("layers that fit")
    }

    /// The description.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// Number of coordinates of a point.
    pub fn dim(&self) -> usize {
        self.layers.n_in()
    }

    /// Number of outputs.
    pub fn n_out(&self) -> usize {
        self.layers.n_out()
    }

    /// The parameters, array after array, see [`Model::layout`].
    pub fn params(&self) -> &[T] {
        &self.params
    }

    /// Whether it does otherwise in training than in evaluation: by the statistics of a batch, or by a vector that moves with every step.
    pub fn has_statistics(&self) -> bool {
        self.layout.iter().any(|array| array.is_statistic)
    }

    /// Whether, in training, what comes out of a row depends on the others, as under batch normalisation.
    pub fn couples_rows(&self) -> bool {
        self.layers.couples_rows()
    }

    /// Its arrays, see [`Model::layout`].
    pub(super) fn layers_layout(&self) -> &[ArraySpec] {
        &self.layout
    }

    /// Changes the parameters.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut [T]) -> R) -> R {
        let result = change(&mut self.params);
        self.pack();
        result
    }

    /// Lets the layers choose starting values by a batch of points, one layer after the other: those with data-dependent
    /// initialisation ([`ActNorm`](super::ActNorm)), others stay as they are. Once, before the first step of training.
    ///
    /// # Panics
    /// When the points have another dimension, or there are none.
    pub fn initialise_from_batch(&mut self, x: Batch<'_>) {
        assert_eq!(x.dim(), self.dim(), "points of another dimension");
        assert!(x.rows() > 0, "a batch of no points");
        let mut input = vec![T::ZERO; buffer_len(x.rows(), self.dim())];
        load_rows(x.data(), self.dim(), &mut input);
        self.layers.initialise_from_batch(&input, &mut self.params, x.rows());
        self.pack();
    }

    /// Takes over changed parameters.
    fn pack(&mut self) {
        self.layers.pack(&self.params);
    }

    /// Loads a block of rows and takes it through the layers.
    pub(super) fn forward(&self, ws: &mut Buffers<T>, x: Batch<'_>) {
        grow(&mut ws.x, buffer_len(BLOCK, self.dim()));
        grow(&mut ws.tape, self.layers.tape_len(BLOCK));
        load_rows(x.data(), self.dim(), &mut ws.x);
        self.layers.forward(&ws.x, &mut ws.tape, x.rows());
    }

    /// Back through the layers from `ws.head`, to `ws.dx` or to the parameters' `gradient`.
    pub(super) fn backward(&self, ws: &mut Buffers<T>, rows: usize, gradient: Option<&mut [T]>) {
        let Buffers { x, dx, tape, head, scratch, .. } = ws;
        grow(dx, buffer_len(rows, self.dim()));
        let into = gradient.is_none().then_some(dx.as_mut_slice());
        self.layers.backward(x, tape, head, into, gradient, scratch, rows);
    }

    /// Calls `work` with a workspace for pieces of at most a block of rows: their first row, their points, one entry of `per_row` and
    /// `width` of `wide` for each.
    pub(super) fn each_block<P: Send, W: Send>(
        &self,
        rows: Batch<'_>,
        per_row: &mut [P],
        wide: &mut [W],
        width: usize,
        work: impl Fn(&mut Buffers<T>, usize, Batch<'_>, &mut [P], &mut [W]) + Sync,
    ) {
        assert_eq!(rows.dim(), self.dim(), "points of another dimension");
        // Where layers share their work among threads, blocks are taken one after the other.
        let is_worth_it = || rows.rows() * self.layers.work() > PARALLEL_WORK && !self.layers.shares_work();
        let parallel = rows.rows() > BLOCK && is_worth_it();
        each_piece(parallel, per_row, wide, width, |first, per_row, wide| {
            let mut ws = self.workspaces.take();
            work(&mut ws, first, rows.slice(first..first + per_row.len()), per_row, wide);
            self.workspaces.give(ws);
        });
    }

    /// Writes the outputs of each row, `rows x n_out`.
    pub fn values(&self, x: Batch<'_>, y: BatchMut<'_>) {
        let n_out = self.n_out();
        assert_eq!(y.dim(), n_out, "outputs of another number");
        let nothing = &mut vec![(); x.rows()];
        self.each_block(x, nothing, y.into_data(), n_out, |ws, _, x, _, y| {
            self.forward(ws, x);
            store_rows(self.layers.output(&ws.tape, x.rows()), n_out, y);
        });
    }

    /// Writes the derivative in each row of `sum_k dy[k] y[k]`: `dy` is `rows x n_out`, `dx` is `rows x dim`.
    pub fn pullback(&self, x: Batch<'_>, dy: Batch<'_>, dx: BatchMut<'_>) {
        let dim = self.dim();
        assert_eq!((dy.dim(), dy.rows()), (self.n_out(), x.rows()), "derivatives of another shape");
        let nothing = &mut vec![(); x.rows()];
        self.each_block(x, nothing, dx.into_data(), dim, |ws, first, x, _, dx| {
            self.forward(ws, x);
            grow(&mut ws.head, buffer_len(BLOCK, self.n_out()));
            load_rows(dy.slice(first..first + x.rows()).data(), self.n_out(), &mut ws.head);
            self.backward(ws, x.rows(), None);
            store_rows(&ws.dx, dim, dx);
        });
    }

    /// Writes the energy of each row.
    pub fn energy(&self, x: Batch<'_>, energy: &mut [f64]) {
        self.check_energy();
        let nothing = &mut vec![(); energy.len()];
        self.each_block(x, energy, nothing, 1, |ws, _, x, energy, _| {
            self.forward(ws, x);
            store_rows(self.layers.output(&ws.tape, x.rows()), 1, energy);
        });
    }

    /// Writes energy and gradient in `x` of each row.
    pub fn energy_and_grad(&self, x: Batch<'_>, energy: &mut [f64], grad: BatchMut<'_>) {
        self.check_energy();
        let dim = self.dim();
        self.each_block(x, energy, grad.into_data(), dim, |ws, _, x, energy, grad| {
            self.forward(ws, x);
            store_rows(self.layers.output(&ws.tape, x.rows()), 1, energy);
            grow(&mut ws.head, BLOCK);
            ws.head[..BLOCK].fill(T::ONE);
            self.backward(ws, x.rows(), None);
            store_rows(&ws.dx, dim, grad);
        });
    }

    pub(super) fn check_energy(&self) {
        assert_eq!(self.n_out(), 1, "an energy is one number");
    }
}

impl<T: Stored> Model for Network<T> {
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
        let net = Network::<f32>::toy(2, Init::ZeroLast, &mut Stream::new(0, 0));
        assert_eq!(net.params().len(), 10_593);
        let mut e = [1.0; 2];
        net.energy(Points::from_rows(&[[1.0, 2.0], [3.0, -4.0]]).as_batch(), &mut e);
        assert_eq!(e, [0.0; 2]);
    }

    #[test]
    fn gradients_match_finite_differences() {
        mixwell_vector::simd::under_each(|| {
            let mut stream = Stream::new(1, 0);
            gradients_match(Network::toy(3, Init::Uniform, &mut stream), &mut stream);
            let generator = NetworkSpec::dense(3, &[9], 7, Activation::Swish).with(Activation::Tanh);
            let critic = NetworkSpec::dense(7, &[5, 11], 1, Activation::LeakyRelu(0.2));
            let spec = generator.then(&critic).unwrap();
            gradients_match(Network::new(&spec, Init::Uniform, &mut stream).unwrap(), &mut stream);
        });
    }

    fn gradients_match(mut net: Network<f64>, stream: &mut Stream) {
        let (rows, h) = (70, 1e-6);
        let mut x = Points::zeros(rows, 3);
        stream.fill_normal(x.data_mut());
        let (mut e, mut grad) = (vec![0.0; rows], Points::zeros(rows, 3));
        net.energy_and_grad(x.as_batch(), &mut e, grad.as_batch_mut());
        let energy = |net: &Network<f64>, x: &Points| {
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
