//! Layers: one file each, with its settings, the check of its shapes, and the work.
//!
//! A new layer is a file here and a row in [`layers`]. Buffers are blocked as in [`block`](mixwell_vector::block), features of an
//! image pixel by pixel ([`Shape`]).

mod convolution;
mod dense;
mod mix;
mod norm;
#[cfg(test)]
mod page_example;
mod pool;
mod residual;
mod select;
mod shape;
mod weights;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::parameters::ArraySpec;
use super::sequential::{Init, Scratch};
use crate::Stream;
use mixwell_vector::Real;
use mixwell_vector::matmul::Finish;

pub use convolution::{Convolution, Padding, TransposedConvolution};
pub use dense::Dense;
pub use mix::{AveragePool, GlobalPool, Reduction, Upsample, Upsampling};
pub use norm::BatchNorm;
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

/// What a pass back through a layer is given.
pub(super) struct Backward<'a, T> {
    /// What went in.
    pub x: &'a [T],
    /// What [`Layer::forward`] left on the tape.
    pub tape: &'a [T],
    /// The derivative in what came out; may be overwritten.
    pub dy: &'a mut [T],
    /// Where the derivative in what went in is to be written, and what is done to it.
    pub dx: Option<(&'a mut [T], Finish<'a, T>)>,
    /// The flat gradient of the whole model, to be added to.
    pub gradient: Option<&'a mut [T]>,
    /// Whether `x` and `dy` are a direction and the derivative along it: then what is added at the end does not count.
    pub is_tangent: bool,
    /// Rows.
    pub rows: usize,
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

    /// Whether it is linear but for a constant, so that a derivative along a direction is [`Layer::tangent`] of it.
    fn is_linear(&self) -> bool {
        true
    }

    /// Whether its work on one block is shared among threads.
    fn shares_work(&self) -> bool {
        false
    }

    /// Multiply-adds of a row.
    fn work(&self) -> usize {
        self.n_out()
    }

    /// Evaluates `rows` rows.
    fn forward(&self, x: &[T], y: &mut [T], tape: &mut [T], finish: Finish<'_, T>, rows: usize);

    /// The linear part of it, of a direction.
    fn tangent(&self, x: &[T], y: &mut [T], rows: usize);

    /// The derivative of a loss, back through the layer.
    fn backward(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>);

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

/// Whether a layer of so many multiply-adds a row shares its work among threads.
fn is_parallel(work: usize, rows: usize) -> bool {
    work * rows > PARALLEL_WORK && rayon::current_num_threads() > 1
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
