//! Autocorrelations: a stem for every lag.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::colour::Colour;
use crate::layout::{Columns, Panel, page};
use crate::marks::polyline;
use crate::medium::{Figure, Medium};
use crate::svg::{Path, Stroke};

/// Stems from zero at each lag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Autocorrelation {
    /// Stands above everything.
    pub title: String,
    /// Autocorrelations at lags 0, 1, ..
    pub values: Vec<f64>,
    /// Draws from one lag to the next.
    pub every: usize,
}

impl Default for Autocorrelation {
    fn default() -> Self {
        Self { title: String::new(), values: Vec::new(), every: 1 }
    }
}

impl Autocorrelation {
    /// The figure as a file of its own.
    pub fn svg(&self) -> String {
        self.draw(&Medium::File)
    }
}

impl Figure for Autocorrelation {
    fn draw(&self, medium: &Medium) -> String {
        let every = self.every.max(1) as f64;
        let end = every * self.values.len().max(2) as f64;
        let x = Axis::new("lag in draws").range(-0.02 * end, end);
        let lowest = self.values.iter().copied().filter(|v| v.is_finite()).fold(-0.12, f64::min) * 1.06;
        let y = Axis::new("autocorrelation").range(lowest.max(-1.0), 1.04);
        let panel = Panel { title: "", x: x.fit([].into_iter()), y: y.fit([].into_iter()) };
        let columns = Columns { most: 1, width: 340.0, height: 200.0 };
        let (mut svg, frames) = page(&self.title, &[], vec![panel], columns, medium);
        let frame = &frames[0];
        svg.clip(0, frame.area);
        let mut stems = Path::default();
        for (lag, value) in self.values.iter().enumerate() {
            let lag = every * lag as f64;
            if let (Some([x, zero]), Some([_, y])) = (frame.at(lag, 0.0), frame.at(lag, *value)) {
                stems.move_to(x, zero);
                stems.line_to(x, y);
            }
        }
        polyline(&mut svg, frame, [(-end, 0.0), (end, 0.0)].into_iter(), Stroke::new(Colour::Frame, 1.0));
        let width = (0.6 * frame.area[2] / self.values.len().max(1) as f64).clamp(1.0, 5.0);
        svg.stroke(&stems, Stroke::new(Colour::Series(0), width));
        svg.unclip();
        svg.finish()
    }
}
