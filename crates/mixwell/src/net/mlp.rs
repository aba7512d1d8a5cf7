//! Dense networks as data: `y = f_L(W_L ... f_1(W_1 x + b_1) ... + b_L)`, evaluated and differentiated block by block.
//!
//! Parameters of a model lie in one flat vector; a network knows where its own begin. Layer after layer it holds the
//! weights (`n_out x n_in`, row-major), then the biases. [`Parameters::pack`] must be called whenever the parameters change.
//! The caller owns the tape (what the forward pass leaves for the backward pass) and the scratch, so nothing is allocated
//! once they have grown to size. Buffers are blocked as in [`block`](mixwell_vector::block).

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::mask::Mask;
use super::parameters::{ArraySpec, Parameters};
use crate::Stream;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, buffer_len};
use mixwell_vector::matmul::{self, Panels};

/// Shape of a dense network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MlpSpec {
    /// Units per layer: inputs, hidden layers, outputs.
    pub sizes: Vec<usize>,
    /// Activation after every layer but the last.
    pub activation: Activation,
    /// Activation after the last layer.
    pub output_activation: Activation,
}

impl MlpSpec {
    /// A network with this many inputs, hidden units and outputs, and no activation at its end.
    pub fn new(n_in: usize, hidden: &[usize], n_out: usize, activation: Activation) -> Self {
        let mut sizes = vec![n_in];
        sizes.extend_from_slice(hidden);
        sizes.push(n_out);
        Self { sizes, activation, output_activation: Activation::Identity }
    }

    /// The same network with an activation at its end.
    pub fn with_output(self, output_activation: Activation) -> Self {
        Self { output_activation, ..self }
    }

    /// Number of weights and biases.
    pub fn n_params(&self) -> usize {
        self.sizes.windows(2).map(|s| (s[0] + 1) * s[1]).sum()
    }
}

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

#[derive(Clone, Debug)]
pub(super) struct Dense<T> {
    pub n_in: usize,
    pub n_out: usize,
    pub offset: usize,
    pub forward: Panels<T>,
    pub backward: Panels<T>,
    bias: Vec<T>,
    pub activation: Activation,
    pub mask: Option<Mask<T>>,
}

/// A dense network ready to run.
#[derive(Clone, Debug)]
pub struct Mlp<T> {
    pub(super) layers: Vec<Dense<T>>,
    n_params: usize,
}

/// Working memory of backward passes; grows to the largest size it has seen.
#[derive(Clone, Debug, Default)]
pub struct Scratch<T> {
    pub(super) delta: [Vec<T>; 2],
    pub(super) turned: Vec<T>,
    /// The same as `delta` for directional derivatives.
    pub(super) tangents: [Vec<T>; 2],
}

/// Makes a buffer at least this long.
pub(crate) fn grow<T: Real>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::ZERO);
    }
}

impl<T: Real> Mlp<T> {
    /// The network of this shape, whose parameters begin at `offset` of the model's flat vector.
    ///
    /// # Panics
    /// When there are fewer than two sizes.
    pub fn new(spec: &MlpSpec, offset: usize) -> Self {
        assert!(spec.sizes.len() >= 2, "a network needs inputs and outputs");
        let mut at = offset;
        let last = spec.sizes.len() - 2;
        let layers = spec
            .sizes
            .windows(2)
            .enumerate()
            .map(|(l, s)| {
                let dense = Dense {
                    n_in: s[0],
                    n_out: s[1],
                    offset: at,
                    forward: Panels::new(s[0], s[1]).with_columns(),
                    backward: Panels::new(s[1], s[0]).with_columns(),
                    bias: vec![T::ZERO; s[1]],
                    activation: if l == last { spec.output_activation } else { spec.activation },
                    mask: None,
                };
                at += (s[0] + 1) * s[1];
                dense
            })
            .collect();
        Self { layers, n_params: at - offset }
    }

    /// The network without the weights that these masks leave out, one mask per layer (see [`made_masks`]): they count as
    /// zero whatever the parameters say, start at zero, and have gradient zero, so that they stay there.
    ///
    /// # Panics
    /// When a mask is missing or has another shape than its layer.
    ///
    /// [`made_masks`]: super::made_masks
    pub fn with_masks(mut self, masks: Vec<Vec<bool>>) -> Self {
        assert_eq!(masks.len(), self.layers.len(), "one mask per layer");
        for (d, mask) in self.layers.iter_mut().zip(masks) {
            assert_eq!(mask.len(), d.n_in * d.n_out, "a mask of another shape");
            d.mask = Some(Mask::new(mask));
        }
        self
    }

    /// Number of weights and biases.
    pub fn n_params(&self) -> usize {
        self.n_params
    }

    /// Number of outputs.
    pub fn n_out(&self) -> usize {
        self.layers.last().expect("at least one layer").n_out
    }

    /// Number of inputs.
    pub fn n_in(&self) -> usize {
        self.layers[0].n_in
    }

    /// Numbers of tape that a forward pass over `rows` rows leaves.
    pub fn tape_len(&self, rows: usize) -> usize {
        self.layers.iter().map(|d| d.slots() * buffer_len(rows, d.n_out)).sum()
    }

    /// Evaluates `rows` rows of `x`; the outputs are the last [`buffer_len`]`(rows, n_out)` numbers of the tape that hold
    /// them, see [`Mlp::output`].
    pub fn forward(&self, x: &[T], tape: &mut [T], rows: usize) {
        let (mut input, mut rest) = (x, tape);
        for d in &self.layers {
            let len = buffer_len(rows, d.n_out);
            let (slot, next) = rest.split_at_mut(d.slots() * len);
            let (output, argument) = slot.split_at_mut(len);
            matmul::product(&d.forward, Some(&d.bias), input, d.activation.finish(), output, rows);
            d.activation.apply(output, argument);
            (input, rest) = (output, next);
        }
    }

    /// The outputs within a tape.
    pub fn output<'a>(&self, tape: &'a [T], rows: usize) -> &'a [T] {
        let d = self.layers.last().expect("at least one layer");
        let len = buffer_len(rows, d.n_out);
        let end = self.tape_len(rows) - (d.slots() - 1) * len;
        &tape[end - len..end]
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
        mut dx: Option<&mut [T]>,
        mut gradient: Option<&mut [T]>,
        scratch: &mut Scratch<T>,
        rows: usize,
    ) {
        let widest = self.layers.iter().map(|d| d.n_out.max(d.n_in)).max().unwrap_or(0);
        grow(&mut scratch.delta[0], buffer_len(rows, widest));
        grow(&mut scratch.delta[1], buffer_len(rows, widest));
        let Scratch { delta: [first, second], turned, .. } = scratch;
        let (mut delta, mut spare) = (first.as_mut_slice(), second.as_mut_slice());
        let last = self.layers.last().expect("at least one layer");
        let len = buffer_len(rows, last.n_out);
        let mut end = self.tape_len(rows);
        {
            let slot = &tape[end - last.slots() * len..end];
            last.activation.pull(&mut d_output[..len], &slot[..len], &slot[len..]);
        }
        for (l, d) in self.layers.iter().enumerate().rev() {
            let len = buffer_len(rows, d.n_out);
            end -= d.slots() * len;
            let current: &mut [T] = if l + 1 == self.layers.len() { &mut *d_output } else { &mut *delta };
            let before = l.checked_sub(1).map(|l| &self.layers[l]);
            let (input, argument) = match before {
                None => (x, &[][..]),
                Some(p) => {
                    let len = buffer_len(rows, p.n_out);
                    tape[end - p.slots() * len..end].split_at(len)
                }
            };
            if let Some(gradient) = gradient.as_deref_mut() {
                let n_weights = d.n_in * d.n_out;
                let own = &mut gradient[d.offset..d.offset + n_weights + d.n_out];
                let (weights, bias) = own.split_at_mut(n_weights);
                grow(turned, matmul::outer_scratch(d.n_in, d.n_out, rows));
                matmul::outer((current, d.n_out), (input, d.n_in), rows, weights, Some(bias), turned);
                if let Some(mask) = &d.mask {
                    mask.clear(weights);
                }
            }
            match before {
                None => {
                    if let Some(dx) = dx.as_deref_mut() {
                        matmul::product(&d.backward, None, current, matmul::Finish::Keep, dx, rows);
                    }
                }
                Some(p) => {
                    matmul::product(&d.backward, None, current, p.activation.gate(input), spare, rows);
                    if p.activation.is_smooth() {
                        let len = buffer_len(rows, d.n_in);
                        p.activation.pull(&mut spare[..len], input, argument);
                    }
                    std::mem::swap(&mut delta, &mut spare);
                }
            }
        }
    }
}

impl<T: Real> Parameters<T> for Mlp<T> {
    fn layout(&self, prefix: &str) -> Vec<ArraySpec> {
        let mut arrays = Vec::new();
        for (l, d) in self.layers.iter().enumerate() {
            let shape = vec![d.n_out, d.n_in];
            arrays.push(ArraySpec { name: format!("{prefix}weight.{l}"), shape, offset: d.offset });
            let shape = vec![d.n_out];
            arrays.push(ArraySpec {
                name: format!("{prefix}bias.{l}"),
                shape,
                offset: d.offset + d.n_in * d.n_out,
            });
        }
        arrays
    }

    fn initialise(&self, params: &mut [T], init: Init, stream: &mut Stream) {
        let last = self.layers.len() - 1;
        for (l, d) in self.layers.iter().enumerate() {
            let (weights, biases) =
                params[d.offset..d.offset + (d.n_in + 1) * d.n_out].split_at_mut(d.n_in * d.n_out);
            let fan_in = d.n_in.max(1) as f64;
            for w in &mut *weights {
                *w = T::from_f64(match init {
                    Init::ZeroLast if l == last => 0.0,
                    Init::ZeroLast => stream.normal() * (2.0 / fan_in).sqrt(),
                    Init::Normal(scale) => stream.normal() * scale / fan_in.sqrt(),
                    Init::Uniform => (2.0 * stream.uniform() - 1.0) / fan_in.sqrt(),
                });
            }
            if let Some(mask) = &d.mask {
                mask.clear(weights);
            }
            for b in biases {
                *b = match init {
                    Init::Uniform => T::from_f64((2.0 * stream.uniform() - 1.0) / fan_in.sqrt()),
                    _ => T::ZERO,
                };
            }
        }
    }

    fn pack(&mut self, params: &[T]) {
        for d in &mut self.layers {
            let (weights, biases) =
                params[d.offset..d.offset + (d.n_in + 1) * d.n_out].split_at(d.n_in * d.n_out);
            let weights = d.mask.as_mut().map_or(weights, |mask| mask.select(weights));
            d.forward.pack(weights, d.n_in, 1);
            d.backward.pack(weights, 1, d.n_in);
            d.bias.copy_from_slice(biases);
        }
    }
}

impl<T: Real> Dense<T> {
    /// Buffers per layer on the tape: the output, and for swish the argument.
    pub fn slots(&self) -> usize {
        if self.activation.needs_argument() { 2 } else { 1 }
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
    fn loss(spec: &MlpSpec, params: &[f64], x: &[f64], c: &[f64]) -> f64 {
        let mut mlp = Mlp::new(spec, 0);
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
                let spec = MlpSpec { sizes: vec![3, 7, 5, 2], activation, output_activation };
                let mut mlp = Mlp::new(&spec, 0);
                let mut params = vec![0.0; spec.n_params()];
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
        let spec = MlpSpec::new(2, &[8], 3, Activation::Tanh);
        let mlp = Mlp::<f64>::new(&spec, 0);
        let mut params = vec![1.0; spec.n_params()];
        mlp.initialise(&mut params, Init::ZeroLast, &mut Stream::new(0, 0));
        assert_eq!(loss(&spec, &params, &[1.0, -2.0], &[1.0, 1.0, 1.0]), 0.0);
    }
}
