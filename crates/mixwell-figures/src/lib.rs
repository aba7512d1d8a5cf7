//! Figures of sampling experiments as SVG: plain data in, a string out.
//!
//! ```
//! use mixwell_figures::{Axis, Lines, LinesPanel, Point, Series};
//! let points = [30.0, 60.0, 90.0].map(|d| Point::new(d, d.sqrt()).with_error(0.4));
//! let panel = LinesPanel {
//!     x: Axis::new("dimension"),
//!     y: Axis::new("distance"),
//!     series: vec![Series::new("i-SIR", points)],
//!     ..LinesPanel::default()
//! };
//! let svg = Lines { title: "Distance grows".into(), panels: vec![panel] }.svg();
//! assert!(svg.starts_with("<svg") && svg.contains("i-SIR"));
//! ```
//!
//! Each figure is a struct that can be read and written with serde. Its method `svg` makes a file of it; [`Figure::draw`] also a part of a page, in
//! the page's letters and colours ([`Medium`]). The same data give the same bytes.
//! A number that is NaN or infinite, or not positive on a logarithmic axis, is left out, and a line has a gap there.
//!
//! Drawn by hand rather than with a plotting library, which needs fonts, or guesses, to place its text: here widths of letters are a
//! table ([`text_width`]), so that margins, legends and tick labels fit without a font on the machine that draws. Colours
//! can be told apart by colour-blind readers, and series differ by marker, too.

#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod autocorrelation;
mod axis;
mod colour;
mod contour;
mod curves;
mod densities;
mod density_maps;
mod layout;
mod lines;
mod marks;
mod medium;
mod pair;
mod ranks;
mod scatter;
mod smooth;
mod surface;
mod svg;
mod text;
mod traces;

pub use autocorrelation::Autocorrelation;
pub use axis::{Axis, Scale};
pub use curves::{Curve, Curves, CurvesPanel};
pub use densities::Densities;
pub use density_maps::{DensityMaps, MapPanel};
pub use lines::{Lines, LinesPanel, Point, Series};
pub use medium::{Figure, Medium};
pub use pair::{Cloud, Pair};
pub use ranks::Ranks;
pub use scatter::{Scatter, ScatterPanel};
pub use surface::Surface;
pub use text::text_width;
pub use traces::{Traces, TracesPanel};
