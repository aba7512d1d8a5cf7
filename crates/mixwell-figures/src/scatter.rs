//! Samples over the contours of the target.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::colour::Colour;
use crate::contour::contours;
use crate::layout::{Columns, Frame, Panel, page};
use crate::medium::{Figure, Medium};
use crate::surface::Surface;
use crate::svg::{Path, Stroke, Svg};

/// Panels beside each other over the same target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scatter {
    /// Stands above everything.
    pub title: String,
    /// The horizontal axis of every panel.
    pub x: Axis,
    /// The vertical axis of every panel.
    pub y: Axis,
    /// The target's log-density; contours stand where it is 1/2, 2, 9/2 and 8 below its maximum, as at 1, 2, 3, 4 standard deviations.
    pub target: Option<Surface>,
    /// At most three in a row.
    pub panels: Vec<ScatterPanel>,
}

/// The draws of one method.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScatterPanel {
    /// Stands above the panel.
    pub title: String,
    /// The draws.
    pub points: Vec<[f64; 2]>,
}

impl Scatter {
    /// The figure as a file of its own.
    pub fn svg(&self) -> String {
        self.draw(&Medium::File)
    }
}

impl Figure for Scatter {
    fn draw(&self, medium: &Medium) -> String {
        let points =
            || self.panels.iter().flat_map(|p| &p.points).filter(|p| p.iter().all(|v| v.is_finite()));
        // As far as the target is known: a few stray draws do not decide what is seen.
        let along = |k: usize, axis: &Axis| match &self.target {
            Some(target) => axis.tight([target.x, target.y][k].into_iter()),
            None => axis.clone(),
        };
        let (x, y) = (along(0, &self.x), along(1, &self.y));
        let panels = self.panels.iter().map(|panel| Panel {
            title: &panel.title,
            x: x.fit(points().map(|p| p[0])),
            y: y.fit(points().map(|p| p[1])),
        });
        let size = if self.panels.len() > 1 { 230.0 } else { 340.0 };
        let (mut svg, frames) =
            page(&self.title, &[], panels.collect(), Columns { most: 3, width: size, height: size }, medium);
        for (id, (panel, frame)) in self.panels.iter().zip(&frames).enumerate() {
            svg.clip(id, frame.area);
            if let Some(target) = &self.target {
                for k in [4.0, 3.0, 2.0, 1.0] {
                    let curves = curves(target, target.largest() - 0.5 * k * k, frame);
                    svg.fill(&curves, Colour::Shade(0.1 * (5.0 - k)), 1.0);
                    svg.stroke(&curves, Stroke::new(Colour::Shade(0.55), 0.7));
                }
            }
            dots(&mut svg, frame, &panel.points);
            svg.unclip();
        }
        svg.finish()
    }
}

/// The contours of a surface as a path.
pub(crate) fn curves(surface: &Surface, level: f64, frame: &Frame<'_>) -> Path {
    let mut path = Path::default();
    for curve in contours(surface, level) {
        let mut pen_down = false;
        for [x, y] in curve.into_iter().filter_map(|[x, y]| frame.at(x, y)) {
            if pen_down {
                path.line_to(x, y)
            } else {
                path.move_to(x, y)
            }
            pen_down = true;
        }
        path.close();
    }
    path
}

/// All draws in one element: it keeps files small.
fn dots(svg: &mut Svg, frame: &Frame<'_>, points: &[[f64; 2]]) {
    let mut path = Path::default();
    for place in points.iter().filter_map(|[x, y]| frame.at(*x, *y)).filter(|p| frame.holds(*p)) {
        path.dot(place[0], place[1]);
    }
    // Fewer draws, larger dots.
    let width = if points.len() > 1000 { 2.2 } else { 3.2 };
    svg.stroke(&path, Stroke::new(Colour::Series(1), width).opacity(0.6));
}
