//! `Sequential`: layers one after the other, each with the function that is applied to its outputs; evaluated and differentiated
//! block by block.
//!
//! Parameters of a model lie in one flat vector; a network knows where its own begin. [`Parameters::pack`] must be called
//! whenever the parameters change. The caller owns the tape (what the forward pass leaves for the backward pass) and the
//! scratch, so nothing is allocated once they have grown to size. Buffers are blocked as in [`block`](mixwell_vector::block).
//! On the tape lie, layer after layer: outputs, the arguments of the activation where its derivative needs them, what else the
//! layer leaves.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::layer::{Backward, Layer, LayerSpec, Shape, from_outside, to_outside};
use super::network_spec::NetworkSpec;
use super::parameters::{ArraySpec, Parameters};
use super::stage::{Mode, Stage, stages};
use crate::Stream;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, buffer_len};
use mixwell_vector::matmul::Finish;

/// How weights start; biases start at zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Hidden layers `N(0, 2 / n_in)`, last layer zero: the network starts at exactly zero and still trains.
    ZeroLast,
    /// All weights normal with standard deviation `this / sqrt(n_in)`.
    Normal(f64),
    /// Weights and biases uniform on `+- 1 / sqrt(n_in)`.
    Uniform,
}

/// A network ready to run.
#[derive(Clone, Debug)]
pub struct Sequential<T> {
    pub(super) stages: Vec<Stage<T>>,
    n_params: usize,
    tape_features: usize,
}

/// Working memory of backward passes; grows to the largest size it has seen.
#[derive(Clone, Debug, Default)]
pub struct Scratch<T> {
    pub(super) delta: [Vec<T>; 2],
    pub(super) turned: Vec<T>,
    /// The gradient in weights that a layer has made of its own.
    pub(super) weights: Vec<T>,
    /// The same as `delta` for directional derivatives.
    pub(super) tangents: [Vec<T>; 2],
    /// Derivatives that two ways share.
    pub(super) copies: [Vec<T>; 2],
    /// For the layers inside of a layer.
    pub(super) inner: Option<Box<Scratch<T>>>,
}

/// Makes a buffer at least this long.
pub(crate) fn grow<T: Real>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::ZERO);
    }
}

impl<T: Real> Sequential<T> {
    /// The network of this description, whose parameters begin at `offset` of the model's flat vector. Images come in and go out
    /// as `channels x height x width`.
    ///
    /// # Panics
    /// When the layers do not fit, see [`NetworkSpec::output`].
    pub fn new(spec: &NetworkSpec, offset: usize) -> Self {
        let output = spec.output().expect("a network that fits");
        let input = spec.input_shape().expect("a network that fits");
        let mut stages = stages(&spec.layers, input, offset);
        stages.splice(0..0, from_outside(input).map(|layer| (layer, Activation::Identity)));
        stages.extend(to_outside(output).map(|layer| (layer, Activation::Identity)));
        Self::from_stages(stages)
    }

    /// These layers, on images pixel by pixel.
    pub(super) fn from_layers(layers: &[LayerSpec], input: Shape, offset: usize) -> Self {
        Self::from_stages(stages(layers, input, offset))
    }

    fn from_stages(stages: Vec<(Box<dyn Layer<T>>, Activation)>) -> Self {
        let stages: Vec<Stage<T>> =
            stages.into_iter().map(|(l, activation)| Stage::new(l, activation)).collect();
        let n_params = stages.iter().map(|s| s.layer.n_params()).sum();
        let tape_features = stages.iter().map(|s| s.tape_features).sum();
        Self { stages, n_params, tape_features }
    }

    /// Number of weights and biases.
    pub fn n_params(&self) -> usize {
        self.n_params
    }

    /// Number of outputs.
    pub fn n_out(&self) -> usize {
        self.stages.last().expect("at least one layer").n_out
    }

    /// Number of inputs.
    pub fn n_in(&self) -> usize {
        self.stages[0].n_in
    }

    /// Multiply-adds of a row.
    pub(crate) fn work(&self) -> usize {
        self.stages.iter().map(|s| s.layer.work()).sum()
    }

    /// Whether its layers share their work on a block among threads.
    pub(super) fn shares_work(&self) -> bool {
        self.stages.iter().any(|s| s.layer.shares_work())
    }

    /// Adds to a gradient what a step of training takes away from statistics that do not depend on the batch.
    pub(super) fn advance(&self, gradient: &mut [T]) {
        self.stages.iter().for_each(|s| s.layer.advance(gradient));
    }

    /// Whether, in training, rows depend on each other.
    pub(super) fn couples_rows(&self) -> bool {
        self.stages.iter().any(|s| s.layer.couples_rows())
    }

    /// Numbers of a row on the tape.
    pub(super) fn tape_features(&self) -> usize {
        self.tape_features
    }

    /// Numbers of tape that a forward pass over `rows` rows leaves.
    pub fn tape_len(&self, rows: usize) -> usize {
        buffer_len(rows, self.tape_features)
    }

    /// Evaluates `rows` rows of `x`; for the outputs see [`Sequential::output`].
    pub fn forward(&self, x: &[T], tape: &mut [T], rows: usize) {
        self.run(Mode::Evaluation, x, tape, rows);
    }

    /// The same in either mode.
    pub(super) fn run(&self, mode: Mode, x: &[T], tape: &mut [T], rows: usize) {
        let (mut input, mut rest) = (x, tape);
        for stage in &self.stages {
            let (slot, next) = rest.split_at_mut(stage.tape_len(rows));
            stage.run(mode, input, slot, rows);
            (input, rest) = (&slot[..buffer_len(rows, stage.n_out)], next);
        }
    }

    /// Lets layers choose their starting values by what comes in, one after the other, from a whole batch.
    pub(crate) fn initialise_from_batch(&mut self, x: &[T], params: &mut [T], rows: usize) {
        let mut input = x.to_vec();
        for stage in &mut self.stages {
            stage.layer.initialise_from_batch(&input, params, rows);
            let mut tape = vec![T::ZERO; stage.tape_len(rows)];
            stage.run(Mode::Evaluation, &input, &mut tape, rows);
            tape.truncate(buffer_len(rows, stage.n_out));
            input = tape;
        }
    }

    /// The outputs within a tape.
    pub fn output<'a>(&self, tape: &'a [T], rows: usize) -> &'a [T] {
        let last = self.stages.last().expect("at least one layer");
        let end = self.tape_len(rows);
        last.parts(&tape[end - last.tape_len(rows)..end], rows).0
    }

    /// The derivative of a loss, back through the network.
    ///
    /// `d_output` comes in as the derivative in the outputs and is overwritten. Writes the derivative in the inputs to
    /// `dx` and adds the derivative in the parameters to `gradient` (flat, of the whole model), where they are asked for.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &self,
        x: &[T],
        tape: &[T],
        d_output: &mut [T],
        dx: Option<&mut [T]>,
        gradient: Option<&mut [T]>,
        scratch: &mut Scratch<T>,
        rows: usize,
    ) {
        self.run_back(Mode::Evaluation, x, tape, d_output, dx, gradient, scratch, rows);
    }

    /// The same in either mode.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn run_back(
        &self,
        mode: Mode,
        x: &[T],
        tape: &[T],
        d_output: &mut [T],
        mut dx: Option<&mut [T]>,
        mut gradient: Option<&mut [T]>,
        scratch: &mut Scratch<T>,
        rows: usize,
    ) {
        let widest = self.stages[1..].iter().map(|s| s.n_in).max().unwrap_or(0);
        let [mut delta, mut spare] = std::mem::take(&mut scratch.delta);
        grow(&mut delta, buffer_len(rows, widest));
        grow(&mut spare, buffer_len(rows, widest));
        let mut end = self.tape_len(rows);
        for (l, stage) in self.stages.iter().enumerate().rev() {
            let from = end - stage.tape_len(rows);
            let (output, argument, own) = stage.parts(&tape[from..end], rows);
            let is_last = l + 1 == self.stages.len();
            let dy = if is_last { &mut *d_output } else { delta.as_mut_slice() };
            if is_last {
                stage.activation.pull(&mut dy[..output.len()], output, argument);
            }
            let before = l.checked_sub(1).map(|l| &self.stages[l]);
            let parts = before.map(|p| p.parts(&tape[from - p.tape_len(rows)..from], rows));
            let input = parts.map_or(x, |(output, _, _)| output);
            let gate = match before {
                Some(p) if stage.layer.finishes() => p.activation.gate(input),
                _ => Finish::Keep,
            };
            let into = if l == 0 { dx.as_deref_mut() } else { Some(spare.as_mut_slice()) };
            let pass = Backward {
                x: input,
                tape: own,
                dy,
                dx: into.map(|dx| (dx, gate)),
                gradient: gradient.as_deref_mut(),
                is_tangent: false,
                rows,
            };
            match mode {
                Mode::Evaluation => stage.layer.backward(pass, scratch),
                Mode::Training => stage.layer.backward_training(pass, scratch),
            }
            if let (Some(p), Some((output, argument, _))) = (before, parts) {
                if p.activation.is_pass() || !stage.layer.finishes() {
                    p.activation.pull(&mut spare[..output.len()], output, argument);
                }
                std::mem::swap(&mut delta, &mut spare);
            }
            end = from;
        }
        scratch.delta = [delta, spare];
    }
}

impl<T: Real> Parameters<T> for Sequential<T> {
    fn layout(&self, prefix: &str) -> Vec<ArraySpec> {
        let with_arrays = self.stages.iter().filter(|s| s.layer.n_params() > 0).enumerate();
        with_arrays.flat_map(|(l, s)| s.layer.layout(&|array| format!("{prefix}{array}.{l}"))).collect()
    }

    fn initialise(&self, params: &mut [T], init: Init, stream: &mut Stream) {
        let last = self.stages.iter().rposition(|s| s.layer.n_params() > 0);
        for (l, s) in self.stages.iter().enumerate() {
            s.layer.initialise(params, init, last == Some(l), stream);
        }
    }

    fn pack(&mut self, params: &[T]) {
        self.stages.iter_mut().for_each(|s| s.layer.pack(params));
    }
}

/// Rows that a working set of `numbers_per_row` keeps within a core's cache, as a number of blocks, at least one.
pub(crate) fn rows_for_cache<T>(numbers_per_row: usize) -> usize {
    let per_block = numbers_per_row.max(1) * BLOCK * std::mem::size_of::<T>();
    ((1 << 19) / per_block).clamp(2, 4) * BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell_vector::block::{load_rows, store_rows};

    const ACTIVATIONS: [Activation; 6] = [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu(0.05),
        Activation::Tanh,
        Activation::Swish,
        Activation::LipSwish,
    ];

    /// Sum over rows and outputs of `c * y`, for finite differences.
    fn loss(spec: &NetworkSpec, params: &[f64], x: &[f64], c: &[f64]) -> f64 {
        let mut mlp = Sequential::new(spec, 0);
        mlp.pack(params);
        let rows = x.len() / mlp.n_in();
        let mut xb = vec![0.0; buffer_len(rows, mlp.n_in())];
        load_rows(x, mlp.n_in(), &mut xb);
        let mut tape = vec![f64::NAN; mlp.tape_len(rows)];
        mlp.forward(&xb, &mut tape, rows);
        let mut y = vec![0.0; rows * mlp.n_out()];
        store_rows(mlp.output(&tape, rows), mlp.n_out(), &mut y);
        y.iter().zip(c).map(|(y, c)| y * c).sum()
    }

    #[test]
    fn gradients_match_finite_differences() {
        mixwell_vector::simd::under_each(gradients_match);
    }

    fn gradients_match() {
        let mut stream = Stream::new(5, 0);
        for activation in ACTIVATIONS {
            for output_activation in [Activation::Identity, Activation::Tanh, Activation::Swish] {
                let spec = NetworkSpec::dense(3, &[7, 5], 2, activation).with(output_activation);
                let mut mlp = Sequential::new(&spec, 0);
                let mut params = vec![0.0; mlp.n_params()];
                mlp.initialise(&mut params, Init::Uniform, &mut stream);
                mlp.pack(&params);
                let rows = 70;
                let mut x = vec![0.0; rows * 3];
                stream.fill_normal(&mut x);
                let mut c = vec![0.0; rows * 2];
                stream.fill_normal(&mut c);

                let (mut xb, mut d) = (vec![0.0; buffer_len(rows, 3)], vec![0.0; buffer_len(rows, 2)]);
                load_rows(&x, 3, &mut xb);
                load_rows(&c, 2, &mut d);
                let mut tape = vec![0.0; mlp.tape_len(rows)];
                mlp.forward(&xb, &mut tape, rows);
                let (mut dxb, mut gradient) = (vec![0.0; buffer_len(rows, 3)], vec![0.0; params.len()]);
                mlp.backward(
                    &xb,
                    &tape,
                    &mut d,
                    Some(&mut dxb),
                    Some(&mut gradient),
                    &mut Scratch::default(),
                    rows,
                );
                let mut dx = vec![0.0; rows * 3];
                store_rows(&dxb, 3, &mut dx);

                let h = 1e-6;
                for i in (0..params.len()).step_by(3) {
                    let (mut up, mut down) = (params.clone(), params.clone());
                    up[i] += h;
                    down[i] -= h;
                    let numeric = (loss(&spec, &up, &x, &c) - loss(&spec, &down, &x, &c)) / (2.0 * h);
                    assert!(
                        (numeric - gradient[i]).abs() < 2e-5 * (1.0 + numeric.abs()),
                        "{activation:?} parameter {i}"
                    );
                }
                for i in (0..x.len()).step_by(5) {
                    let (mut up, mut down) = (x.clone(), x.clone());
                    up[i] += h;
                    down[i] -= h;
                    let numeric =
                        (loss(&spec, &params, &up, &c) - loss(&spec, &params, &down, &c)) / (2.0 * h);
                    assert!(
                        (numeric - dx[i]).abs() < 1e-6 * (1.0 + numeric.abs()),
                        "{activation:?} input {i}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_zero_last_layer_gives_zero() {
        let spec = NetworkSpec::dense(2, &[8], 3, Activation::Tanh);
        let mlp = Sequential::<f64>::new(&spec, 0);
        let mut params = vec![1.0; mlp.n_params()];
        mlp.initialise(&mut params, Init::ZeroLast, &mut Stream::new(0, 0));
        assert_eq!(loss(&spec, &params, &[1.0, -2.0], &[1.0, 1.0, 1.0]), 0.0);
    }
}
