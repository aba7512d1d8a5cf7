//! Densities beside each other: what a flow has learned, and what it should have.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::colour::Colour;
use crate::layout::{Columns, Entry, Panel, page};
use crate::marks::Swatch;
use crate::medium::{Figure, Medium};
use crate::scatter::curves;
use crate::surface::Surface;

/// How far below the maximum the bands of colour begin.
const DROPS: [f64; 8] = [0.1, 0.5, 1.0, 2.0, 3.0, 4.5, 6.0, 8.0];

/// Panels beside each other on one scale of colours: log-density below the largest of all panels.
///
/// A density known up to a factor should be [normalised](Surface::normalised) first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DensityMaps {
    /// Stands above everything.
    pub title: String,
    /// The horizontal axis of every panel.
    pub x: Axis,
    /// The vertical axis of every panel.
    pub y: Axis,
    /// At most three in a row.
    pub panels: Vec<MapPanel>,
}

/// One density.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapPanel {
    /// Stands above the panel.
    pub title: String,
    /// Its logarithm.
    pub log_density: Surface,
}

impl DensityMaps {
    /// The figure as a file of its own.
    pub fn svg(&self) -> String {
        self.draw(&Medium::File)
    }
}

impl Figure for DensityMaps {
    fn draw(&self, medium: &Medium) -> String {
        let surfaces = || self.panels.iter().map(|p| &p.log_density);
        let largest = surfaces().map(Surface::largest).fold(f64::NEG_INFINITY, f64::max);
        let shade = |k: usize| Colour::Shade(1.0 - k as f64 / DROPS.len() as f64);
        let legend: Vec<Entry> = DROPS
            .iter()
            .enumerate()
            .map(|(k, drop)| {
                let text =
                    if k == 0 { format!("ln p within {drop} of its maximum") } else { drop.to_string() };
                Entry { swatch: Swatch::patch(shade(k)), text }
            })
            .collect();
        // From edge to edge of the grids.
        let x = self.x.tight(surfaces().flat_map(|s| s.x));
        let y = self.y.tight(surfaces().flat_map(|s| s.y));
        let panels = self.panels.iter().map(|panel| Panel {
            title: &panel.title,
            x: x.fit(std::iter::empty()),
            y: y.fit(std::iter::empty()),
        });
        let (mut svg, frames) = page(
            &self.title,
            &legend,
            panels.collect(),
            Columns { most: 3, width: 230.0, height: 230.0 },
            medium,
        );
        for (id, (panel, frame)) in self.panels.iter().zip(&frames).enumerate() {
            svg.clip(id, frame.area);
            for (k, drop) in DROPS.iter().enumerate().rev() {
                svg.fill(&curves(&panel.log_density, largest - drop, frame), shade(k), 1.0);
            }
            svg.unclip();
        }
        svg.finish()
    }
}
