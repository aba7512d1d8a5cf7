//! Two numbers against each other: draws, and other clouds of points over or under them.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::colour::Colour;
use crate::layout::{Columns, Entry, Panel, page};
use crate::marks::{Marker, Swatch};
use crate::medium::{Figure, Medium};
use crate::smooth::range;
use crate::svg::{Path, Stroke};

/// What the middle of the points is that is shown where an axis has no range.
const SHOWN: f64 = 0.998;

/// Clouds of points in one plane, the first at the bottom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pair {
    /// Stands above everything.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn.
    pub clouds: Vec<Cloud>,
}

/// Points with a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cloud {
    /// Its name in the legend.
    pub name: String,
    /// The points.
    pub points: Vec<[f64; 2]>,
    /// Number of its colour; the place in the list if absent.
    pub series: Option<usize>,
    /// Whether its points are few and must be seen.
    pub prominent: bool,
}

impl Pair {
    /// The figure as a file of its own.
    pub fn svg(&self) -> String {
        self.draw(&Medium::File)
    }
}

impl Figure for Pair {
    fn draw(&self, medium: &Medium) -> String {
        let along = |k: usize, axis: &Axis| {
            let values: Vec<f64> = self.clouds.iter().flat_map(|c| &c.points).map(|p| p[k]).collect();
            match range(values.iter(), SHOWN).filter(|_| axis.range.is_none()) {
                Some([low, high]) if low < high => axis.clone().range(low, high),
                _ => axis.clone(),
            }
        };
        let (x, y) = (along(0, &self.x), along(1, &self.y));
        let marker = |number: usize, cloud: &Cloud| Marker {
            shape: 0,
            colour: Colour::Series(cloud.series.unwrap_or(number)),
            hollow: false,
        };
        let entry = |(number, cloud): (usize, &Cloud)| Entry {
            swatch: Swatch::marker(marker(number, cloud)),
            text: cloud.name.clone(),
        };
        let legend: Vec<Entry> = match self.clouds.len() {
            0 | 1 => vec![],
            _ => self.clouds.iter().enumerate().map(entry).collect(),
        };
        let finite = || self.clouds.iter().flat_map(|c| &c.points);
        let panel = Panel { title: "", x: x.fit(finite().map(|p| p[0])), y: y.fit(finite().map(|p| p[1])) };
        let columns = Columns { most: 1, width: 340.0, height: 340.0 };
        let (mut svg, frames) = page(&self.title, &legend, vec![panel], columns, medium);
        let frame = &frames[0];
        svg.clip(0, frame.area);
        for (number, cloud) in self.clouds.iter().enumerate() {
            let places =
                || cloud.points.iter().filter_map(|[x, y]| frame.at(*x, *y)).filter(|p| frame.holds(*p));
            let mut dots = Path::default();
            for [x, y] in places() {
                dots.dot(x, y);
            }
            let Marker { colour, .. } = marker(number, cloud);
            if cloud.prominent {
                svg.stroke(&dots, Stroke::new(Colour::Paper, 6.0));
                svg.stroke(&dots, Stroke::new(colour, 4.4));
            } else {
                let width = if cloud.points.len() > 600 { 2.2 } else { 3.0 };
                svg.stroke(&dots, Stroke::new(colour, width).opacity(0.45));
            }
        }
        svg.unclip();
        svg.finish()
    }
}
