//! `Encoding`: how images become the points that a flow or an energy works with, and how such points become images again.
//!
//! In order: bytes `v` are framed, dequantised to `(v + w u) / (255 + w)` with `u` uniform on [0, 1), and taken by a [`PixelMap`] to
//! where the model lives. `w = 1` is the usual dequantisation ([`Dequantise`](super::map::Dequantise)), wider is for files with fewer
//! grey values, 0 is none. With `x` a point and `q` its density, `ln q(x) + log_det(x)` is the density of `v + w u`: what bits per
//! dimension are counted from.

use serde::{Deserialize, Serialize};

use super::map::{ImageMap, Logit, Pad, Scale};
use super::{ImageError, ImageSet, ImageShape};
use crate::{Batch, Points, Stream};

/// Where the numbers of pixels, from 0 to 1, go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PixelMap {
    /// Black becomes `low`, white `high`.
    Scale {
        /// What black becomes.
        #[serde(default = "minus_one")]
        low: f64,
        /// What white becomes.
        #[serde(default = "one")]
        high: f64,
    },
    /// The logit of `alpha / 2 + (1 - alpha) x`: all real numbers are possible, and dark pixels are spread out.
    Logit {
        /// At least 0 and below 1: keeps pixels off the ends.
        #[serde(default = "a_twentieth")]
        alpha: f64,
    },
}

fn minus_one() -> f64 {
    -1.0
}

fn one() -> f64 {
    1.0
}

fn a_twentieth() -> f64 {
    0.05
}

impl Default for PixelMap {
    fn default() -> Self {
        Self::Scale { low: -1.0, high: 1.0 }
    }
}

impl PixelMap {
    /// The map.
    ///
    /// # Errors
    /// When its numbers make none.
    pub fn build(&self) -> Result<Box<dyn ImageMap>, ImageError> {
        Ok(match *self {
            Self::Scale { low, high } => Box::new(Scale::new([0.0, 1.0], [low, high])?),
            Self::Logit { alpha } => Box::new(Logit::new(alpha)?),
        })
    }
}

/// How images become points and points images; plain data, which a trained model keeps beside it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoding {
    /// The shape of a point, frame included.
    pub shape: ImageShape,
    /// The map of pixels.
    pub map: PixelMap,
    /// Grey values over which a byte is spread: 1 as a rule, 0 for none.
    pub dequantise: f64,
}

impl Encoding {
    /// The name of its file beside a model.
    pub const NAME: &'static str = "images.json";

    /// Images as points, `images x dim`: framed in black to the shape of a point, dequantised by this stream, mapped.
    ///
    /// # Errors
    /// When they do not fit into the shape, or the map is none.
    pub fn points(&self, set: &ImageSet, stream: &mut Stream) -> Result<Points, ImageError> {
        let framed = self.framed(set)?;
        let (width, top) = (self.dequantise, 255.0 + self.dequantise);
        let unit = |v: &u8| {
            let noise = if width > 0.0 { width * stream.uniform() } else { 0.0 };
            ((f64::from(*v) + noise) / top).min(1.0)
        };
        let units = Points::from_vec(framed.pixels().iter().map(unit).collect(), self.shape.dim());
        let mut points = Points::zeros(units.rows(), units.dim());
        let mut log_det = vec![0.0; units.rows()];
        self.map.build()?.forward(units.as_batch(), points.as_batch_mut(), &mut log_det);
        Ok(points)
    }

    fn framed(&self, set: &ImageSet) -> Result<ImageSet, ImageError> {
        let (from, to) = (set.shape(), self.shape);
        if from == to {
            return Ok(set.clone());
        }
        if from.channels != to.channels {
            return Err(ImageError::Unusable(format!("images of {from} cannot become images of {to}")));
        }
        let pad = Pad::new(from, to.height, to.width, 0.0)?;
        let bytes = set.points(0..set.len(), [0.0, 255.0])?;
        let mut wide = Points::zeros(set.len(), to.dim());
        pad.forward(bytes.as_batch(), wide.as_batch_mut(), &mut vec![0.0; set.len()]);
        ImageSet::from_points(wide.as_batch(), to, [0.0, 255.0])
    }

    /// The images that points stand for; what lies outside of the pixels becomes the nearest.
    ///
    /// # Errors
    /// When the points are of another dimension, or the map is none.
    pub fn images(&self, points: Batch<'_>) -> Result<ImageSet, ImageError> {
        if points.dim() != self.shape.dim() {
            let (dim, shape) = (points.dim(), self.shape);
            return Err(ImageError::Unusable(format!("points of {dim} numbers are no images of {shape}")));
        }
        let mut units = Points::zeros(points.rows(), points.dim());
        self.map.build()?.inverse(points, units.as_batch_mut(), &mut vec![0.0; points.rows()]);
        let (half, top) = (0.5 * self.dequantise, 255.0 + self.dequantise);
        units.data_mut().iter_mut().for_each(|unit| *unit = *unit * top - half);
        ImageSet::from_points(units.as_batch(), self.shape, [0.0, 255.0])
    }

    /// `ln|det d point / d pixel|` of each point, with pixels in grey values.
    ///
    /// # Errors
    /// When the map is none.
    pub fn log_det(&self, points: Batch<'_>) -> Result<Vec<f64>, ImageError> {
        let mut log_det = vec![0.0; points.rows()];
        let mut units = Points::zeros(points.rows(), points.dim());
        self.map.build()?.inverse(points, units.as_batch_mut(), &mut log_det);
        let of_bytes = -(points.dim() as f64) * (255.0 + self.dequantise).ln();
        Ok(log_det.into_iter().map(|l| of_bytes - l).collect())
    }

    /// Mean bits per dimension of points with these log-densities, beside its standard error.
    ///
    /// # Errors
    /// As [`log_det`](Self::log_det).
    pub fn bits_per_dimension(&self, points: Batch<'_>, log_q: &[f64]) -> Result<(f64, f64), ImageError> {
        let unit = points.dim() as f64 * std::f64::consts::LN_2;
        let bits: Vec<f64> = self.log_det(points)?.iter().zip(log_q).map(|(l, q)| -(l + q) / unit).collect();
        let n = bits.len() as f64;
        let mean = bits.iter().sum::<f64>() / n;
        let square = bits.iter().map(|b| (b - mean) * (b - mean)).sum::<f64>() / (n - 1.0).max(1.0);
        Ok((mean, (square / n).sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> ImageSet {
        let pixels = (0..48).map(|i| (i * 37 % 256) as u8).collect();
        ImageSet::new(ImageShape::new(3, 2, 2), pixels, None).unwrap()
    }

    #[test]
    fn images_come_back_from_their_points() {
        for map in [PixelMap::default(), PixelMap::Logit { alpha: 0.1 }, PixelMap::Logit { alpha: 1e-6 }] {
            for (dequantise, side) in [(1.0, 2), (0.0, 2), (1.0, 5)] {
                let encoding = Encoding { shape: ImageShape::new(3, side, side), map, dequantise };
                let points = encoding.points(&set(), &mut Stream::new(1, 0)).unwrap();
                let back = encoding.images(points.as_batch()).unwrap();
                assert_eq!((back.len(), back.shape()), (4, encoding.shape));
                assert_eq!(back, encoding.framed(&set()).unwrap(), "{map:?} {dequantise} {side}");
                assert_eq!(encoding.points(&set(), &mut Stream::new(1, 0)).unwrap(), points);
            }
        }
    }

    #[test]
    fn few_grey_values_are_spread_wider() {
        let coarse = ImageSet::new(ImageShape::new(1, 1, 3), vec![0, 128, 240], None).unwrap();
        let encoding = Encoding {
            shape: coarse.shape(),
            map: PixelMap::Scale { low: 0.0, high: 1.0 },
            dequantise: 16.0,
        };
        let mut stream = Stream::new(3, 0);
        for _ in 0..100 {
            let points = encoding.points(&coarse, &mut stream).unwrap();
            let back = encoding.images(points.as_batch()).unwrap();
            assert!(back.pixels().iter().zip(coarse.pixels()).all(|(a, b)| a.abs_diff(*b) <= 8), "{back:?}");
        }
    }

    #[test]
    fn a_uniform_law_of_bytes_has_eight_bits() {
        // The density of a point whose pixel is uniform on [0, 256): 1/256 over the determinant.
        for map in [PixelMap::default(), PixelMap::Logit { alpha: 0.1 }] {
            let encoding = Encoding { shape: ImageShape::new(3, 2, 2), map, dequantise: 1.0 };
            let points = encoding.points(&set(), &mut Stream::new(1, 0)).unwrap();
            let of_pixels = -(12.0 * 256f64.ln());
            let log_q: Vec<f64> =
                encoding.log_det(points.as_batch()).unwrap().iter().map(|l| of_pixels - l).collect();
            let (bits, error) = encoding.bits_per_dimension(points.as_batch(), &log_q).unwrap();
            assert!((bits - 8.0).abs() < 1e-9 && error < 1e-9, "{bits} {error}");
        }
        // By differences, for the map that is not linear: a byte more is 1/256 more of the unit.
        let encoding = Encoding {
            map: PixelMap::Logit { alpha: 0.1 },
            shape: ImageShape::new(1, 1, 1),
            dequantise: 1.0,
        };
        let logit = |v: f64| {
            let p = 0.05 + 0.9 * v / 256.0;
            (p / (1.0 - p)).ln()
        };
        let point = Points::from_vec(vec![logit(100.0)], 1);
        let slope = (logit(100.5) - logit(99.5)).ln();
        assert!((encoding.log_det(point.as_batch()).unwrap()[0] - slope).abs() < 1e-4);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let small = Encoding { shape: ImageShape::new(3, 1, 2), map: PixelMap::default(), dequantise: 1.0 };
        assert!(small.points(&set(), &mut Stream::new(1, 0)).unwrap_err().to_string().contains("padded"));
        let grey = Encoding { shape: ImageShape::new(1, 2, 2), ..small };
        assert!(grey.points(&set(), &mut Stream::new(1, 0)).is_err());
        let wrong = Points::zeros(1, 5);
        assert!(grey.images(wrong.as_batch()).unwrap_err().to_string().contains("5 numbers"));
        assert!(PixelMap::Logit { alpha: 1.0 }.build().is_err());
        assert!(PixelMap::Scale { low: 1.0, high: 0.0 }.build().is_err());
    }
}
