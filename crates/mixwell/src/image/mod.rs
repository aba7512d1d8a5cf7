//! Images: data sets read from anybody's files, maps between pixels and real numbers with their log-determinants, and pictures
//! written as PNG.
//!
//! A data set is an [`ImageSet`] of bytes, one image a row, its planes one after the other (`channels x height x width`). What
//! becomes numbers is a batch of it ([`ImageSet::points`]), so a set takes a byte a pixel.
//!
//! ```no_run
//! use mixwell::image::{Grid, ImageSet};
//!
//! let digits = ImageSet::read("train-images-idx3-ubyte.gz".as_ref())?;
//! let twos = digits.of_classes(&[2])?;
//! let points = twos.points(0..100, [-1.0, 1.0])?;
//! assert_eq!((points.rows(), points.dim()), (100, 784));
//! Grid::default().write("twos.png".as_ref(), &twos.slice(0..100)?)?;
//! # Ok::<(), mixwell::image::ImageError>(())
//! ```

mod cifar;
mod compressed;
mod encoding;
mod error;
mod folder;
mod idx;
pub mod map;
mod npy;
mod optdigits;
mod picture;
mod png;
mod set;
mod source;

pub use encoding::{Encoding, PixelMap};
pub use error::ImageError;
pub use picture::{Grid, write_png};
pub use set::{ImageSet, ImageShape};
pub use source::{MOST_BYTES, read_labels};
