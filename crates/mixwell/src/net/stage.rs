//! `Stage`: a layer and the function that is applied to its outputs; a network is a list of them.

use super::activation::Activation;
use super::layer::{Layer, LayerSpec, Shape};
use mixwell_vector::Real;
use mixwell_vector::block::buffer_len;
use mixwell_vector::matmul::Finish;

/// How layers are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Every row for itself.
    Evaluation,
    /// The rows as one batch, whose statistics may count.
    Training,
}

/// A layer and what is applied to its outputs.
#[derive(Clone, Debug)]
pub(super) struct Stage<T> {
    pub layer: Box<dyn Layer<T>>,
    pub activation: Activation,
    /// Numbers of a row that go in and come out, and on the tape: small layers would spend their time asking.
    pub n_in: usize,
    pub n_out: usize,
    pub tape_features: usize,
    pub push_features: usize,
}

impl<T: Real> Stage<T> {
    pub fn new(layer: Box<dyn Layer<T>>, activation: Activation) -> Self {
        let (n_in, n_out) = (layer.n_in(), layer.n_out());
        let arguments = if activation.needs_argument() { n_out } else { 0 };
        let tape_features = n_out + arguments + layer.tape_features();
        let push_features = layer.push_features();
        Self { layer, activation, n_in, n_out, tape_features, push_features }
    }

    /// Numbers of its arguments on the tape.
    fn argument_len(&self, rows: usize) -> usize {
        if self.activation.needs_argument() { buffer_len(rows, self.n_out) } else { 0 }
    }

    /// Numbers of tape.
    pub fn tape_len(&self, rows: usize) -> usize {
        buffer_len(rows, self.tape_features)
    }

    /// Outputs, arguments and the rest, of its part of a tape.
    pub fn parts<'a>(&self, tape: &'a [T], rows: usize) -> (&'a [T], &'a [T], &'a [T]) {
        let (output, rest) = tape.split_at(buffer_len(rows, self.n_out));
        let (argument, rest) = rest.split_at(self.argument_len(rows));
        (output, argument, rest)
    }

    /// Evaluates it to its part of a tape.
    pub fn run(&self, mode: Mode, x: &[T], tape: &mut [T], rows: usize) {
        let (output, rest) = tape.split_at_mut(buffer_len(rows, self.n_out));
        let (argument, own) = rest.split_at_mut(self.argument_len(rows));
        let finishes = self.layer.finishes();
        let finish = if finishes { self.activation.finish() } else { Finish::Keep };
        match mode {
            Mode::Evaluation => self.layer.forward(x, output, own, finish, rows),
            Mode::Training => self.layer.forward_training(x, output, own, finish, rows),
        }
        self.activation.apply(output, argument, finishes);
    }
}

/// The layers, each with the activation that follows it.
pub(super) fn stages<T: Real>(
    layers: &[LayerSpec],
    input: Shape,
    offset: usize,
) -> Vec<(Box<dyn Layer<T>>, Activation)> {
    let (mut shape, mut at) = (input, offset);
    let mut stages: Vec<(Box<dyn Layer<T>>, Activation)> = Vec::with_capacity(layers.len());
    for spec in layers {
        let output = spec.output(shape).expect("a network that fits");
        let function = spec.activation();
        match stages.last_mut() {
            Some((_, none)) if matches!(spec, LayerSpec::Activation(_)) && *none == Activation::Identity => {
                *none = function
            }
            _ => {
                let layer = spec.build(shape, output, at);
                at += layer.n_params();
                stages.push((layer, function));
            }
        }
        shape = output;
    }
    stages
}
