//! Traces: one number of every chain against the iteration.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::colour::Colour;
use crate::layout::{Columns, Panel, page};
use crate::marks::polyline;
use crate::medium::{Figure, Medium};
use crate::svg::Stroke;

/// Panels below each other with one horizontal axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traces {
    /// Stands above everything.
    pub title: String,
    /// The horizontal axis of every panel, usually `Axis::new("iteration")`.
    pub x: Axis,
    /// The vertical axis of every panel: the coordinate.
    pub y: Axis,
    /// One per method or coordinate.
    pub panels: Vec<TracesPanel>,
}

/// The chains of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TracesPanel {
    /// Stands above the panel.
    pub title: String,
    /// The draws of each chain.
    pub chains: Vec<Vec<f64>>,
    /// Iterations from one draw to the next.
    pub every: usize,
}

impl Default for TracesPanel {
    fn default() -> Self {
        Self { title: String::new(), chains: Vec::new(), every: 1 }
    }
}

impl Traces {
    /// The figure as a file of its own.
    pub fn svg(&self) -> String {
        self.draw(&Medium::File)
    }
}

impl Figure for Traces {
    fn draw(&self, medium: &Medium) -> String {
        let chains = || self.panels.iter().flat_map(|p| p.chains.iter().map(move |c| (p.every, c)));
        let ends = || chains().flat_map(|(every, c)| [0.0, (every * c.len()) as f64]);
        let x = self.x.tight(ends());
        let panels = self.panels.iter().map(|panel| Panel {
            title: &panel.title,
            x: x.fit(ends()),
            y: self.y.fit(chains().flat_map(|(_, c)| c.iter().copied())),
        });
        let height = if self.panels.len() > 1 { 120.0 } else { 200.0 };
        let (mut svg, frames) =
            page(&self.title, &[], panels.collect(), Columns { most: 1, width: 640.0, height }, medium);
        for (id, (panel, frame)) in self.panels.iter().zip(&frames).enumerate() {
            svg.clip(id, frame.area);
            for (number, chain) in panel.chains.iter().enumerate() {
                let points = chain.iter().enumerate().map(|(t, v)| ((t * panel.every) as f64, *v));
                polyline(&mut svg, frame, points, Stroke::new(Colour::Series(number), 1.0).opacity(0.8));
            }
            svg.unclip();
        }
        svg.finish()
    }
}
