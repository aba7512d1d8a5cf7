//! Layers that put the numbers of a row in another order, leave some out, or add zeros: `y[i] = x[source[i]]`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Settings, Shape, positive};
use crate::net::sequential::Scratch;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks};
use mixwell_vector::matmul::Finish;

/// An image as a vector, in the order `channels x height x width`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

/// The same numbers, in the order `channels x height x width`, in another shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// `[n]` or `[channels, height, width]`.
    pub shape: Vec<usize>,
}

/// Squares of `size x size` pixels as channels: channel `c` of pixel `(i, j)` of a square becomes `c size^2 + i size + j`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpaceToDepth {
    /// Pixels of a square in each direction.
    pub size: usize,
}

/// The inverse of [`SpaceToDepth`] (known as pixel shuffle).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DepthToSpace {
    /// Pixels of a square in each direction.
    pub size: usize,
}

/// Every so many pixels, and channels of zeros on both sides: the shortcut of residual networks without weights. Reference:
/// He and others (2016), option A.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subsample {
    /// One of how many pixels is kept, in each direction.
    pub stride: usize,
    /// Channels of zeros added before, and as many after.
    #[serde(default)]
    pub padding: usize,
}

/// The place of a number of an image within a row.
fn place(shape: Shape, c: usize, i: usize, j: usize) -> usize {
    (i * shape.width + j) * shape.channels + c
}

/// Layers whose outputs are one number or none of the input.
fn selecting<T: Real>(
    input: Shape,
    output: Shape,
    source: impl Fn(usize, usize, usize) -> Option<usize>,
) -> Box<dyn Layer<T>> {
    let mut sources = vec![NOTHING; output.len()];
    for c in 0..output.channels {
        for i in 0..output.height {
            for j in 0..output.width {
                if let Some(from) = source(c, i, j) {
                    sources[place(output, c, i, j)] = u32::try_from(from).expect("a shape that was checked");
                }
            }
        }
    }
    from_sources(input, sources)
}

/// The layer of these sources; one that changes nothing copies.
fn from_sources<T: Real>(input: Shape, sources: Vec<u32>) -> Box<dyn Layer<T>> {
    if input.len() == sources.len() && sources.iter().enumerate().all(|(i, s)| *s as usize == i) {
        Box::new(Copy::new(input))
    } else {
        Box::new(Select { n_in: input.len(), sources: sources.into() })
    }
}

/// The same numbers in the order `channels x height x width` seen as another shape.
fn reordered<T: Real>(input: Shape, output: Shape) -> Box<dyn Layer<T>> {
    let mut sources = vec![0; output.len()];
    for (from, to) in input.inside().zip(output.inside()) {
        sources[to] = from as u32;
    }
    from_sources(input, sources)
}

/// What brings rows from the order outside into that of images, where it is another.
pub(in crate::net) fn from_outside<T: Real>(shape: Shape) -> Option<Box<dyn Layer<T>>> {
    needs_order(shape).then(|| reordered(Shape::vector(shape.len()), shape))
}

/// The same on the way out.
pub(in crate::net) fn to_outside<T: Real>(shape: Shape) -> Option<Box<dyn Layer<T>>> {
    needs_order(shape).then(|| reordered(shape, Shape::vector(shape.len())))
}

fn needs_order(shape: Shape) -> bool {
    shape.channels > 1 && !shape.is_vector()
}

impl Settings for Flatten {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        Ok(Shape::vector(input.len()))
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, _: usize) -> Box<dyn Layer<T>> {
        reordered(input, output)
    }
}

impl Settings for Reshape {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let output = Shape::from_sizes(&self.shape)?;
        if output.len() == input.len() {
            Ok(output)
        } else {
            Err(format!("{input} are {} numbers, {output} are {}", input.len(), output.len()))
        }
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, _: usize) -> Box<dyn Layer<T>> {
        reordered(input, output)
    }
}

impl Settings for SpaceToDepth {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        positive("size", self.size)?;
        let Shape { channels, height, width } = input;
        if height % self.size != 0 || width % self.size != 0 {
            return Err(format!("{input} has no whole squares of {0} x {0}", self.size));
        }
        Shape::from_sizes(&[channels * self.size * self.size, height / self.size, width / self.size])
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, _: usize) -> Box<dyn Layer<T>> {
        let s = self.size;
        selecting(input, output, |c, i, j| {
            let (c, within) = (c / (s * s), c % (s * s));
            Some(place(input, c, i * s + within / s, j * s + within % s))
        })
    }
}

impl Settings for DepthToSpace {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        positive("size", self.size)?;
        let (Shape { channels, height, width }, area) = (input, self.size.saturating_mul(self.size));
        if channels % area != 0 {
            return Err(format!("{channels} channels are no whole squares of {0} x {0}", self.size));
        }
        Shape::from_sizes(&[channels / area, height * self.size, width * self.size])
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, _: usize) -> Box<dyn Layer<T>> {
        let s = self.size;
        selecting(input, output, |c, i, j| Some(place(input, (c * s + i % s) * s + j % s, i / s, j / s)))
    }
}

impl Settings for Subsample {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        positive("stride", self.stride)?;
        let channels = self.padding.saturating_mul(2).saturating_add(input.channels);
        Shape::from_sizes(&[channels, input.height.div_ceil(self.stride), input.width.div_ceil(self.stride)])
    }

    fn build<T: Real>(&self, input: Shape, output: Shape, _: usize) -> Box<dyn Layer<T>> {
        selecting(input, output, |c, i, j| {
            let c = c.checked_sub(self.padding).filter(|c| *c < input.channels)?;
            Some(place(input, c, i * self.stride, j * self.stride))
        })
    }
}

/// A source of an output that is zero.
const NOTHING: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Select {
    n_in: usize,
    sources: Arc<[u32]>,
}

impl Select {
    fn apply<T: Real>(&self, x: &[T], y: &mut [T], rows: usize) {
        let n_out = self.sources.len();
        for b in 0..blocks(rows) {
            let (x, y) = (&x[b * self.n_in * BLOCK..], &mut y[b * n_out * BLOCK..]);
            for (source, y) in self.sources.iter().zip(y.chunks_exact_mut(BLOCK)) {
                match *source {
                    NOTHING => y.fill(T::ZERO),
                    source => y.copy_from_slice(&x[source as usize * BLOCK..][..BLOCK]),
                }
            }
        }
    }
}

impl<T: Real> Layer<T> for Select {
    fn n_in(&self) -> usize {
        self.n_in
    }

    fn n_out(&self) -> usize {
        self.sources.len()
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        self.apply(x, y, rows);
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        self.apply(x, y, rows);
    }

    fn backward(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        let Backward { dy, dx: Some((dx, _)), rows, .. } = pass else { return };
        let n_out = self.sources.len();
        for b in 0..blocks(rows) {
            let (dx, dy) = (&mut dx[b * self.n_in * BLOCK..][..self.n_in * BLOCK], &dy[b * n_out * BLOCK..]);
            // What nobody takes has derivative zero.
            dx.fill(T::ZERO);
            for (source, dy) in self.sources.iter().zip(dy.chunks_exact(BLOCK)) {
                if *source != NOTHING {
                    dx[*source as usize * BLOCK..][..BLOCK].copy_from_slice(dy);
                }
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}

/// A layer that changes nothing; it carries an activation that no other layer can.
#[derive(Clone, Debug)]
pub(in crate::net) struct Copy {
    n: usize,
}

impl Copy {
    /// For rows of this shape.
    pub fn new(shape: Shape) -> Self {
        Self { n: shape.len() }
    }
}

impl<T: Real> Layer<T> for Copy {
    fn n_in(&self) -> usize {
        self.n
    }

    fn n_out(&self) -> usize {
        self.n
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        self.tangent(x, y, rows);
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        let len = blocks(rows) * self.n * BLOCK;
        y[..len].copy_from_slice(&x[..len]);
    }

    fn backward(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        if let Backward { dy, dx: Some((dx, _)), rows, .. } = pass {
            self.tangent(dy, dx, rows);
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
