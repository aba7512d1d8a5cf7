//! Layers: one file each, with its settings, the check of its shapes, and the work.
//!
//! A new layer is a file here and a row in [`layers`]. Buffers are blocked as in [`block`](mixwell_vector::block), features of an
//! image pixel by pixel ([`Shape`]).

mod act_norm;
mod batch_statistics;
mod channel_norm;
mod concatenated_elu;
mod convolution;
mod dense;
mod gate;
mod mix;
mod norm;
#[cfg(test)]
mod page_example;
mod pass;
mod per_channel;
mod pool;
mod residual;
mod select;
mod shape;
mod spectral_norm;
mod weights;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::parameters::ArraySpec;
use super::sequential::{Init, Scratch};
use crate::Stream;
use crate::footprint::bytes;
use mixwell_vector::Real;
use mixwell_vector::matmul::Finish;

pub use act_norm::ActNorm;
pub use channel_norm::ChannelNorm;
pub use concatenated_elu::ConcatenatedElu;
pub use convolution::{Convolution, Padding, TransposedConvolution};
pub use dense::Dense;
pub use gate::Gate;
pub use mix::{AveragePool, GlobalPool, Reduction, Upsample, Upsampling};
pub use norm::BatchNorm;
pub(super) use pass::{Backward, Push, PushBack};
pub use pool::MaxPool;
pub use residual::Residual;
pub(super) use select::Copy;
pub use select::{DepthToSpace, Flatten, Reshape, SpaceToDepth, Subsample};
pub(super) use select::{from_outside, to_outside};
pub use shape::Shape;

/// What the description of a layer can do.
pub(super) trait Settings {
    /// The shape that comes out.
    ///
    /// # Errors
    /// When what comes in does not fit, or a setting cannot be used; says why.
    fn output(&self, input: Shape) -> Result<Shape, String>;

    /// Its arrays, in the order of the flat vector.
    fn arrays(&self) -> &'static [&'static str] {
        &[]
    }

    /// The name that comes before those of its arrays in files of others.
    fn name(&self) -> Option<&str> {
        None
    }

    /// The function of every number that comes after it.
    fn activation(&self) -> Activation {
        Activation::Identity
    }

    /// Bytes that it holds at most when it is built, with its parameters in double precision.
    fn bytes(&self, input: Shape, output: Shape) -> u64 {
        bytes(32, &[input.len() + output.len()])
    }

    /// The layer between these shapes, which were found to fit, whose parameters begin at `offset`.
    fn build<T: Real>(&self, input: Shape, output: Shape, offset: usize) -> Box<dyn Layer<T>>;
}

/// Names the layers: kind in a file, variant, settings.
macro_rules! layers {
    ($($(#[$doc:meta])* $kind:literal => $variant:ident,)*) => {
        /// One layer of a [`NetworkSpec`](super::NetworkSpec).
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind", deny_unknown_fields)]
        pub enum LayerSpec {
            $($(#[$doc])* #[serde(rename = $kind)] $variant($variant),)*
            /// A function of every number.
            #[serde(rename = "activation")]
            Activation(ActivationLayer),
        }

        impl LayerSpec {
            /// Its kind, as written in a file.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                    Self::Activation(_) => "activation",
                }
            }

            /// The shape that comes out of it.
            pub(super) fn output(&self, input: Shape) -> Result<Shape, String> {
                match self {
                    $(Self::$variant(settings) => settings.output(input),)*
                    Self::Activation(layer) => {
                        layer.function.check().map(|()| input)
                    }
                }
            }

            /// Its arrays, in the order of the flat vector.
            pub(super) fn arrays(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant(settings) => settings.arrays(),)*
                    Self::Activation(_) => &[],
                }
            }

            /// The name that comes before those of its arrays in files of others.
            pub(super) fn name(&self) -> Option<&str> {
                match self {
                    $(Self::$variant(settings) => settings.name(),)*
                    Self::Activation(_) => None,
                }
            }

            /// The function of every number that it is, or ends with.
            pub(super) fn activation(&self) -> Activation {
                match self {
                    $(Self::$variant(settings) => settings.activation(),)*
                    Self::Activation(layer) => layer.function,
                }
            }

            /// Bytes that it holds at most.
            pub(super) fn bytes(&self, input: Shape, output: Shape) -> u64 {
                match self {
                    $(Self::$variant(settings) => settings.bytes(input, output),)*
                    Self::Activation(_) => 0,
                }
            }

            /// The layer, whose parameters begin at `offset`.
            pub(super) fn build<T: Real>(&self, input: Shape, output: Shape, offset: usize) -> Box<dyn Layer<T>> {
                match self {
                    $(Self::$variant(settings) => settings.build(input, output, offset),)*
                    Self::Activation(_) => Box::new(Copy::new(input)),
                }
            }
        }

        $(impl From<$variant> for LayerSpec {
            fn from(settings: $variant) -> Self {
                Self::$variant(settings)
            }
        })*
    };
}

layers! {
    /// Weights from every number to every output.
    "dense" => Dense,
    /// A convolution.
    "convolution" => Convolution,
    /// A transposed convolution.
    "transposed_convolution" => TransposedConvolution,
    /// Batch normalisation with its running statistics.
    "batch_norm" => BatchNorm,
    /// Normalisation over the channels of each pixel.
    "channel_norm" => ChannelNorm,
    /// An affine map of every channel that starts from a batch.
    "act_norm" => ActNorm,
    /// Half of the channels times the sigmoid of the others.
    "gate" => Gate,
    /// ELU of both signs, as twice as many channels.
    "concatenated_elu" => ConcatenatedElu,
    /// Means or sums of windows.
    "average_pool" => AveragePool,
    /// The mean or sum over all pixels.
    "global_pool" => GlobalPool,
    /// Maxima of windows.
    "max_pool" => MaxPool,
    /// A larger image.
    "upsample" => Upsample,
    /// Every so many pixels, with more channels of zeros.
    "subsample" => Subsample,
    /// An image as a vector.
    "flatten" => Flatten,
    /// The same numbers in another shape.
    "reshape" => Reshape,
    /// Squares of pixels as channels.
    "space_to_depth" => SpaceToDepth,
    /// Channels as squares of pixels.
    "depth_to_space" => DepthToSpace,
    /// Layers with a way around them.
    "residual" => Residual,
}

/// A function of every number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivationLayer {
    /// Which.
    pub function: Activation,
}

impl From<Activation> for LayerSpec {
    fn from(function: Activation) -> Self {
        Self::Activation(ActivationLayer { function })
    }
}

/// A layer ready to run: it holds its weights packed, and knows where they lie in the flat vector of the model.
pub(super) trait Layer<T>: Debug + Send + Sync {
    /// Numbers that go in.
    fn n_in(&self) -> usize;

    /// Numbers that come out.
    fn n_out(&self) -> usize;

    /// Number of parameters.
    fn n_params(&self) -> usize {
        0
    }

    /// Its arrays in the flat vector; `name` makes the full name of one.
    fn layout(&self, _name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        vec![]
    }

    /// Writes starting values; `last`: whether it is the last layer with weights.
    fn initialise(&self, _params: &mut [T], _init: Init, _last: bool, _stream: &mut Stream) {}

    /// Chooses starting values by what comes in, takes them over and writes them to `params`; most layers have nothing to choose.
    fn initialise_from_batch(&mut self, _x: &[T], _params: &mut [T], _rows: usize) {}

    /// Takes over changed parameters.
    fn pack(&mut self, _params: &[T]) {}

    /// Numbers of a row on the tape, besides its outputs.
    fn tape_features(&self) -> usize {
        0
    }

    /// Whether it does what a [`Finish`] says; the others leave it to the caller.
    fn finishes(&self) -> bool {
        false
    }

    /// Whether its work on one block is shared among threads, where there are several.
    fn shares_work(&self) -> bool {
        false
    }

    /// Multiply-adds of a row.
    fn work(&self) -> usize {
        self.n_out()
    }

    /// Evaluates `rows` rows.
    fn forward(&self, x: &[T], y: &mut [T], tape: &mut [T], finish: Finish<'_, T>, rows: usize);

    /// The linear part of it, of a direction. A layer that is not linear but for a constant has none: it has [`Layer::push`], and
    /// [`Layer::push_back`] where its derivatives change with the inputs.
    fn tangent(&self, _x: &[T], _y: &mut [T], _rows: usize) {
        unreachable!("a layer without a linear part");
    }

    /// The derivative of a loss, back through the layer.
    fn backward(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>);

    /// Whether, in training, what comes out of a row depends on the others: then a batch is not cut into pieces.
    fn couples_rows(&self) -> bool {
        false
    }

    /// [`Layer::forward`] in training, of a whole batch.
    fn forward_training(&self, x: &[T], y: &mut [T], tape: &mut [T], finish: Finish<'_, T>, rows: usize) {
        self.forward(x, y, tape, finish, rows);
    }

    /// [`Layer::backward`] after [`Layer::forward_training`]. Statistics get what a step is to take away from them.
    fn backward_training(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        self.backward(pass, scratch);
    }

    /// Adds to a gradient what a step of training takes away from statistics that do not depend on the batch.
    fn advance(&self, _gradient: &mut [T]) {}

    /// Numbers of a row that [`Layer::push`] leaves.
    fn push_features(&self) -> usize {
        0
    }

    /// Whether its derivatives change with the inputs.
    fn bends(&self) -> bool {
        false
    }

    /// Whether they do so smoothly.
    fn is_smooth(&self) -> bool {
        true
    }

    /// The derivatives of the outputs along a direction.
    fn push(&self, pass: Push<'_, T>) {
        self.tangent(pass.p, pass.s, pass.rows);
    }

    /// The derivative of a loss of what [`Layer::push`] gave, back through it.
    fn push_back(&self, pass: PushBack<'_, T>, scratch: &mut Scratch<T>) {
        let PushBack { tape, p, ds, dp, gradient, rows, .. } = pass;
        let dx = dp.map(|dp| (dp, Finish::Keep));
        self.backward(Backward { x: p, tape, dy: ds, dx, gradient, is_tangent: true, rows }, scratch);
    }

    /// A copy in a box.
    fn clone_box(&self) -> Box<dyn Layer<T>>;
}

impl<T> Clone for Box<dyn Layer<T>> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// Multiply-adds from which the work of one block is shared among threads.
const PARALLEL_WORK: usize = 4_000_000;

/// Whether a layer of so many multiply-adds a row has enough to share among threads, if there are several.
fn is_worth_sharing(work: usize, rows: usize) -> bool {
    work * rows > PARALLEL_WORK
}

/// Whether it shares its work among threads now.
fn is_parallel(work: usize, rows: usize) -> bool {
    is_worth_sharing(work, rows) && rayon::current_num_threads() > 1
}

/// A positive setting of a layer, or why it is refused.
fn positive(name: &str, value: usize) -> Result<(), String> {
    if value == 0 { Err(format!("`{name}` must be at least 1")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell_vector::block::{BLOCK, buffer_len};

    #[test]
    fn the_layer_on_the_page_works() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/extending.md");
        if let Ok(text) = std::fs::read_to_string(page) {
            let shown = text.contains(include_str!("page_example.rs"));
            assert!(shown, "the page shows another layer than page_example.rs");
        }
        let settings: page_example::Multiply = toml::from_str("factor = 2.5").unwrap();
        let shape = Shape::vector(3);
        assert_eq!(settings.output(shape), Ok(shape));
        let layer = settings.build::<f64>(shape, shape, 0);
        let (x, mut y, mut dx) = (vec![2.0; buffer_len(1, 3)], vec![0.0; 3 * BLOCK], vec![0.0; 3 * BLOCK]);
        layer.forward(&x, &mut y, &mut [], Finish::Keep, 1);
        let pass = Backward {
            x: &x,
            tape: &[],
            dy: &mut y.clone(),
            dx: Some((&mut dx, Finish::Keep)),
            gradient: None,
            is_tangent: false,
            rows: 1,
        };
        layer.backward(pass, &mut Scratch::default());
        assert_eq!((y[0], dx[0]), (5.0, 12.5));
    }
}
