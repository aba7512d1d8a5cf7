//! Curves over time with bands: mode weights as chains run, a loss as a flow trains. Exact values as dashed lines.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::colour::Colour;
use crate::layout::{Columns, Entry, Frame, Panel, page};
use crate::marks::{Swatch, polyline};
use crate::medium::{Figure, Medium};
use crate::svg::{Path, Stroke, Svg};

/// Panels beside each other with one legend. A name has the same colour in all panels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Curves {
    /// Stands above everything.
    pub title: String,
    /// The horizontal axis of every panel.
    pub x: Axis,
    /// The vertical axis of every panel.
    pub y: Axis,
    /// At most three in a row.
    pub panels: Vec<CurvesPanel>,
}

/// One method or run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CurvesPanel {
    /// Stands above the panel.
    pub title: String,
    /// What is drawn.
    pub curves: Vec<Curve>,
}

/// One quantity over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// Times.
    pub x: Vec<f64>,
    /// Values, one per time.
    pub y: Vec<f64>,
    /// Half the width of a band around the values, one number per time; empty for none.
    pub error: Vec<f64>,
    /// The value it should have.
    pub exact: Option<f64>,
}

impl Curves {
    /// The figure as a file of its own.
    pub fn svg(&self) -> String {
        self.draw(&Medium::File)
    }
}

impl Figure for Curves {
    fn draw(&self, medium: &Medium) -> String {
        let all = || self.panels.iter().flat_map(|p| &p.curves);
        let mut names: Vec<&str> = Vec::new();
        let mut legend = Vec::new();
        for curve in all() {
            if !names.contains(&curve.name.as_str()) {
                let swatch = Swatch::line(Colour::Series(names.len()), false);
                legend.push(Entry { swatch, text: curve.name.clone() });
                names.push(&curve.name);
            }
        }
        if all().any(|c| c.exact.is_some()) {
            legend.push(Entry { swatch: Swatch::line(Colour::Frame, true), text: "dashed: exact".into() });
        }
        // One range for all panels, so that they can be compared.
        let x = self.x.tight(all().flat_map(|c| c.x.iter().copied()));
        let panels = self.panels.iter().map(|panel| Panel {
            title: &panel.title,
            x: x.fit(all().flat_map(|c| c.x.iter().copied())),
            y: self.y.fit(all().flat_map(Curve::heights)),
        });
        let size = if self.panels.len() > 1 { (290.0, 210.0) } else { (560.0, 260.0) };
        let (mut svg, frames) = page(
            &self.title,
            &legend,
            panels.collect(),
            Columns { most: 3, width: size.0, height: size.1 },
            medium,
        );
        for (id, (panel, frame)) in self.panels.iter().zip(&frames).enumerate() {
            svg.clip(id, frame.area);
            for curve in &panel.curves {
                let number = names.iter().position(|n| *n == curve.name).unwrap_or(0);
                curve.draw(&mut svg, frame, Colour::Series(number));
            }
            svg.unclip();
        }
        svg.finish()
    }
}

impl Curve {
    fn heights(&self) -> impl Iterator<Item = f64> {
        self.y.iter().copied().chain(self.band().flat_map(|[_, low, high]| [low, high])).chain(self.exact)
    }

    /// Time and both edges of the band where all three are numbers.
    fn band(&self) -> impl DoubleEndedIterator<Item = [f64; 3]> + ExactSizeIterator {
        let n = self.x.len().min(self.y.len()).min(self.error.len());
        (0..n).map(|i| [self.x[i], self.y[i] - self.error[i], self.y[i] + self.error[i]])
    }

    fn draw(&self, svg: &mut Svg, frame: &Frame<'_>, colour: Colour) {
        let mut outline = Path::default();
        let lower = self.band().rev().map(|[x, low, _]| (x, low));
        let around = self.band().map(|[x, _, high]| (x, high)).chain(lower);
        for [x, y] in around.filter_map(|(x, y)| frame.at(x, y)) {
            if outline.is_empty() { outline.move_to(x, y) } else { outline.line_to(x, y) }
        }
        svg.fill(&outline, colour, 0.2);
        if let Some(exact) = self.exact {
            let [left, _, width, _] = frame.area;
            // Any time will do to find the height.
            if let Some([_, y]) = self.x.iter().find_map(|x| frame.at(*x, exact)) {
                svg.line([left, y], [left + width, y], Stroke::new(colour, 1.3).dashed(true));
            }
        }
        let points = self.x.iter().copied().zip(self.y.iter().copied());
        polyline(svg, frame, points, Stroke::new(colour, 1.8));
    }
}
