//! What is done to pixels before a network sees them, in this order: scale, pad, standardise.

use serde::Serialize;

use super::ScoreError;
use crate::image::map::{ImageMap, Pad, Standardise};
use crate::image::{ImageError, ImageSet, ImageShape};
use crate::{ConfigError, Points};

/// From bytes to the numbers that a network takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preprocessing {
    /// What black (0) and white (255) become.
    pub pixels: [f64; 2],
    /// Whether smaller images are framed with black until they have the size that the network takes.
    pub pad: bool,
    /// Taken away from each channel, after the scale; empty for nothing.
    pub mean: Vec<f64>,
    /// What each channel is divided by; as many as means.
    pub sd: Vec<f64>,
}

impl Default for Preprocessing {
    fn default() -> Self {
        Self { pixels: [0.0, 1.0], pad: false, mean: vec![], sd: vec![] }
    }
}

impl Preprocessing {
    /// The maps for images of this shape and a network of this input.
    pub(super) fn prepared(&self, shape: ImageShape, input: &[usize]) -> Result<Prepared, ScoreError> {
        let (pads, to) = match input {
            [channels, height, width] if *channels == shape.channels && self.pad => {
                (Some(Pad::new(shape, *height, *width, self.pixels[0])?), shape.channels * height * width)
            }
            _ => (None, shape.dim()),
        };
        let fits = match input {
            [n] => *n == to,
            [channels, height, width] => {
                pads.is_some() || [*channels, *height, *width] == [shape.channels, shape.height, shape.width]
            }
            _ => false,
        };
        if !fits {
            let smaller =
                matches!(input, [c, h, w] if *c == shape.channels && *h >= shape.height && *w >= shape.width);
            let advice = if smaller { "frame them with black (--pad)" } else { "use images of its size" };
            return Err(ScoreError::Unusable(format!(
                "the images are {shape}, but the network takes {input:?}; {advice}"
            )));
        }
        let standardise = if self.mean.is_empty() && self.sd.is_empty() {
            None
        } else if self.mean.len() != shape.channels {
            let why = format!("there are {} channels, and each needs a mean and a deviation", shape.channels);
            return Err(ConfigError::new("mean", format!("{:?}", self.mean), why).into());
        } else {
            Some(Standardise::new(&self.mean, &self.sd)?)
        };
        Ok(Prepared { pixels: self.pixels, pad: pads, standardise })
    }
}

/// Maps for images of one shape.
#[derive(Debug)]
pub(super) struct Prepared {
    pixels: [f64; 2],
    pad: Option<Pad>,
    standardise: Option<Standardise>,
}

impl Prepared {
    /// A range of images as the network takes them.
    pub(super) fn points(&self, set: &ImageSet, range: std::ops::Range<usize>) -> Result<Points, ImageError> {
        let mut points = set.points(range, self.pixels)?;
        let maps = [self.pad.as_ref().map(|m| m as &dyn ImageMap), self.standardise.as_ref().map(|m| m as _)];
        for map in maps.into_iter().flatten() {
            let mut out = Points::zeros(points.rows(), map.out_dim(points.dim()));
            map.forward(points.as_batch(), out.as_batch_mut(), &mut vec![0.0; points.rows()]);
            points = out;
        }
        Ok(points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> ImageSet {
        ImageSet::new(ImageShape::new(1, 2, 2), vec![0, 255, 51, 0], None).unwrap()
    }

    #[test]
    fn scaled_framed_and_standardised() {
        let how = Preprocessing { pixels: [-1.0, 1.0], pad: true, mean: vec![0.5], sd: vec![2.0] };
        let prepared = how.prepared(set().shape(), &[1, 4, 4]).unwrap();
        let points = prepared.points(&set(), 0..1).unwrap();
        let black = (-1.0 - 0.5) / 2.0;
        let mut want = [black; 16];
        (want[6], want[9]) = ((1.0 - 0.5) / 2.0, (-0.6 - 0.5) / 2.0);
        points.data().iter().zip(want).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
        let plain = Preprocessing::default().prepared(set().shape(), &[4]).unwrap();
        assert_eq!(plain.points(&set(), 0..1).unwrap().data(), [0.0, 1.0, 0.2, 0.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused =
            |how: Preprocessing, input: &[usize]| how.prepared(set().shape(), input).unwrap_err().to_string();
        let padded = Preprocessing { pad: true, ..Preprocessing::default() };
        assert!(refused(Preprocessing::default(), &[1, 4, 4]).contains("--pad"));
        assert!(refused(padded.clone(), &[1, 1, 4]).contains("cannot be padded"));
        assert!(refused(padded, &[3, 4, 4]).contains("images of its size"));
        let uneven = Preprocessing { mean: vec![0.0, 0.0], sd: vec![1.0, 1.0], ..Preprocessing::default() };
        assert!(refused(uneven, &[4]).contains("mean"));
        let flat = Preprocessing { mean: vec![0.0], sd: vec![0.0], ..Preprocessing::default() };
        assert!(refused(flat, &[4]).contains("standardise"));
    }
}
