//! Metrics against dimension, size or time: measured values with error bars, joined by lines; published values as hollow markers.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::colour::Colour;
use crate::layout::{Columns, Entry, Frame, Panel, page};
use crate::marks::{Marker, Swatch, error_bar, polyline};
use crate::medium::{Figure, Medium};
use crate::svg::{Stroke, Svg};

/// Panels beside each other with one legend. A name has the same colour and marker in all panels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lines {
    /// Stands above everything.
    pub title: String,
    /// At most three in a row.
    pub panels: Vec<LinesPanel>,
}

/// One metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinesPanel {
    /// Stands above the panel.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is compared.
    pub series: Vec<Series>,
}

/// One method: what was measured, and what is published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Filled markers, joined by a line.
    pub measured: Vec<Point>,
    /// Hollow markers of the same shape and colour.
    pub published: Vec<Point>,
    /// Whether the line is dashed: for floors and other references.
    pub dashed: bool,
}

/// A value, with or without its error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Position along the horizontal axis.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// Half the length of the error bar.
    #[serde(default)]
    pub error: Option<f64>,
}

impl Point {
    /// A value without error.
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y, error: None }
    }

    /// The same with an error bar.
    pub fn with_error(self, error: f64) -> Self {
        Self { error: Some(error), ..self }
    }
}

impl Series {
    /// Measured values.
    pub fn new(name: impl Into<String>, measured: impl Into<Vec<Point>>) -> Self {
        Self { name: name.into(), measured: measured.into(), ..Self::default() }
    }

    /// The same beside published values.
    pub fn published(self, published: impl Into<Vec<Point>>) -> Self {
        Self { published: published.into(), ..self }
    }

    /// The same with a dashed line.
    pub fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.measured.iter().chain(&self.published)
    }
}

impl Lines {
    /// The figure as a file of its own.
    pub fn svg(&self) -> String {
        self.draw(&Medium::File)
    }
}

impl Figure for Lines {
    fn draw(&self, medium: &Medium) -> String {
        let all = || self.panels.iter().flat_map(|p| &p.series);
        let mut names: Vec<&str> = Vec::new();
        let mut legend = Vec::new();
        for series in all() {
            if !names.contains(&series.name.as_str()) {
                let marker =
                    Marker { shape: names.len(), colour: Colour::Series(names.len()), hollow: false };
                let swatch = Swatch { marker: Some(marker), ..Swatch::line(marker.colour, series.dashed) };
                legend.push(Entry { swatch, text: series.name.clone() });
                names.push(&series.name);
            }
        }
        if all().any(|s| !s.published.is_empty()) {
            let marker = Marker { shape: 0, colour: Colour::Frame, hollow: true };
            legend.push(Entry { swatch: Swatch::marker(marker), text: "hollow: published".into() });
        }
        let panels = self.panels.iter().map(LinesPanel::panel).collect();
        let size = if self.panels.len() > 1 { (290.0, 230.0) } else { (520.0, 300.0) };
        let (mut svg, frames) =
            page(&self.title, &legend, panels, Columns { most: 3, width: size.0, height: size.1 }, medium);
        for (id, (panel, frame)) in self.panels.iter().zip(&frames).enumerate() {
            svg.clip(id, frame.area);
            for series in &panel.series {
                let number = names.iter().position(|n| *n == series.name).unwrap_or(0);
                series.draw(&mut svg, frame, number);
            }
            svg.unclip();
        }
        svg.finish()
    }
}

impl LinesPanel {
    fn panel(&self) -> Panel<'_> {
        let points =
            || self.series.iter().flat_map(Series::points).filter(|p| p.x.is_finite() && p.y.is_finite());
        let ends = |p: &Point| {
            let error = p.error.filter(|e| e.is_finite()).unwrap_or(0.0);
            [p.y - error, p.y, p.y + error]
        };
        Panel {
            title: &self.title,
            x: self.x.fit(points().map(|p| p.x)),
            y: self.y.fit(points().flat_map(ends)),
        }
    }
}

impl Series {
    fn draw(&self, svg: &mut Svg, frame: &Frame<'_>, number: usize) {
        let colour = Colour::Series(number);
        let line = Stroke::new(colour, 1.8).dashed(self.dashed).opacity(0.9);
        polyline(svg, frame, self.measured.iter().map(|p| (p.x, p.y)), line);
        for (points, hollow) in [(&self.measured, false), (&self.published, true)] {
            for p in points {
                if let Some(error) = p.error {
                    error_bar(svg, frame, [p.x, p.y, error], colour);
                }
                if let Some(place) = frame.at(p.x, p.y) {
                    Marker { shape: number, colour, hollow }.draw(svg, place);
                }
            }
        }
    }
}
