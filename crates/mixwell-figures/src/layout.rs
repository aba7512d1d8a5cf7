//! A page of panels: title and legend on top, panels in columns below, each with axes, grid and labels, nothing over anything else.

use crate::axis::Fitted;
use crate::colour::Colour;
use crate::marks::Swatch;
use crate::medium::Medium;
use crate::svg::{Anchor, Stroke, Style, Svg};
use crate::text::text_width;

const TITLE: f64 = 15.0;
const TEXT: f64 = 12.0;
const TICK: f64 = 11.0;
/// Room around everything.
const EDGE: f64 = 14.0;

/// A panel before it is drawn.
pub(crate) struct Panel<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: Fitted<'a>,
    pub(crate) y: Fitted<'a>,
}

/// One entry of the legend.
pub(crate) struct Entry {
    pub(crate) swatch: Swatch,
    pub(crate) text: String,
}

/// Where panels go: how many beside each other, and how large.
#[derive(Clone, Copy)]
pub(crate) struct Columns {
    pub(crate) most: usize,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The drawn axes of a panel: from numbers to pixels.
pub(crate) struct Frame<'a> {
    x: Fitted<'a>,
    y: Fitted<'a>,
    /// Left, top, width, height.
    pub(crate) area: [f64; 4],
}

impl Frame<'_> {
    /// Where the point lies on the page; `None` if it cannot be shown.
    pub(crate) fn at(&self, x: f64, y: f64) -> Option<[f64; 2]> {
        let [left, top, width, height] = self.area;
        let (x, y) = (left + width * self.x.share(x), top + height * (1.0 - self.y.share(y)));
        // Far outside is as good as just outside, and keeps the numbers short.
        let near = |v: f64, from: f64, size: f64| v.clamp(from - 4.0 * size, from + 5.0 * size);
        (!x.is_nan() && !y.is_nan()).then(|| [near(x, left, width), near(y, top, height)])
    }

    /// Whether a point of the page lies in the panel.
    pub(crate) fn holds(&self, [x, y]: [f64; 2]) -> bool {
        let [left, top, width, height] = self.area;
        (left..=left + width).contains(&x) && (top..=top + height).contains(&y)
    }
}

/// Draws everything but the data.
pub(crate) fn page<'a>(
    title: &str,
    legend: &[Entry],
    panels: Vec<Panel<'a>>,
    columns: Columns,
    medium: &Medium,
) -> (Svg, Vec<Frame<'a>>) {
    let [panel_width, panel_height] = medium.panel().unwrap_or([columns.width, columns.height]);
    let columns = Columns { width: panel_width, height: panel_height, ..columns };
    // A page leaves room around its figures itself, and has the title in its own letters.
    let (title_shown, edge) = if medium.is_page() { ("", 1.0) } else { (title, EDGE) };
    let n_columns = columns.most.min(panels.len()).max(1);
    let n_rows = panels.len().div_ceil(n_columns);
    let tick_width = |p: &Panel<'_>| p.y.ticks.iter().map(|(_, t)| text_width(t, TICK)).fold(0.0, f64::max);
    let left = panels.iter().map(tick_width).fold(0.0, f64::max) + 34.0;
    let below = 46.0;
    let above = if panels.iter().all(|p| p.title.is_empty()) { 10.0 } else { 28.0 };
    // Half of the last tick label stands out to the right.
    let right = 22.0;
    let panels_width = n_columns as f64 * (left + columns.width + right);
    let width = 2.0 * edge + panels_width.max(text_width(title_shown, TITLE) * 1.06);
    let (places, legend_rows) = flow(legend, width - 2.0 * edge);
    let title_bottom = edge + if title_shown.is_empty() { 0.0 } else { 24.0 };
    let legend_bottom = title_bottom + 22.0 * legend_rows as f64;
    let height = legend_bottom + n_rows as f64 * (above + columns.height + below) + edge / 2.0;

    let mut svg = Svg::new(width, height, title, medium);
    if !title_shown.is_empty() {
        svg.text(edge, edge + 14.0, title_shown, Style { bold: true, ..Style::new(TITLE, Anchor::Start) });
    }
    for (entry, (x, row)) in legend.iter().zip(places) {
        let y = title_bottom + 22.0 * row as f64 + 11.0;
        entry.swatch.draw(&mut svg, [edge + x, y]);
        svg.text(edge + x + Swatch::WIDTH + 6.0, y + 4.0, &entry.text, Style::new(TEXT, Anchor::Start));
    }
    let mut frames = Vec::with_capacity(panels.len());
    for (i, panel) in panels.into_iter().enumerate() {
        let x = edge + (i % n_columns) as f64 * (left + columns.width + right) + left;
        let y = legend_bottom + (i / n_columns) as f64 * (above + columns.height + below) + above;
        if !panel.title.is_empty() {
            let style = Style { bold: true, ..Style::new(TEXT, Anchor::Middle) };
            svg.text(x + columns.width / 2.0, y - 9.0, panel.title, style);
        }
        let frame = Frame { x: panel.x, y: panel.y, area: [x, y, columns.width, columns.height] };
        axes(&mut svg, &frame, left);
        frames.push(frame);
    }
    (svg, frames)
}

/// Places of legend entries from left to right in rows: distance from the left and row of each, and the number of rows.
fn flow(legend: &[Entry], width: f64) -> (Vec<(f64, usize)>, usize) {
    let (mut x, mut row) = (0.0, 0);
    let mut places = Vec::with_capacity(legend.len());
    for entry in legend {
        let needs = Swatch::WIDTH + 6.0 + text_width(&entry.text, TEXT);
        if x > 0.0 && x + needs > width {
            (x, row) = (0.0, row + 1);
        }
        places.push((x, row));
        x += needs + 16.0;
    }
    (places, if legend.is_empty() { 0 } else { row + 1 })
}

/// Grid, frame, ticks and labels of a panel. `margin` is the room left of it.
fn axes(svg: &mut Svg, frame: &Frame<'_>, margin: f64) {
    let [left, top, width, height] = frame.area;
    let bottom = top + height;
    svg.rect(frame.area, Colour::None, Colour::Grid);
    let mut free_from = f64::NEG_INFINITY;
    for (value, label) in &frame.x.ticks {
        let x = left + width * frame.x.share(*value);
        svg.line([x, top], [x, bottom], Stroke::new(Colour::Grid, 1.0));
        svg.line([x, bottom], [x, bottom + 4.0], Stroke::new(Colour::Frame, 1.0));
        let half = text_width(label, TICK) / 2.0;
        if x - half > free_from {
            svg.text(x, bottom + 17.0, label, Style::new(TICK, Anchor::Middle));
            free_from = x + half + 4.0;
        }
    }
    let mut free_below = f64::INFINITY;
    for (value, label) in &frame.y.ticks {
        let y = bottom - height * frame.y.share(*value);
        svg.line([left, y], [left + width, y], Stroke::new(Colour::Grid, 1.0));
        svg.line([left - 4.0, y], [left, y], Stroke::new(Colour::Frame, 1.0));
        if y + 6.0 < free_below {
            svg.text(left - 7.0, y + 4.0, label, Style::new(TICK, Anchor::End));
            free_below = y - 6.0;
        }
    }
    svg.line([left, bottom], [left + width, bottom], Stroke::new(Colour::Frame, 1.0));
    svg.line([left, top], [left, bottom], Stroke::new(Colour::Frame, 1.0));
    svg.text(left + width / 2.0, bottom + 36.0, &frame.x.axis.label, Style::new(TEXT, Anchor::Middle));
    let style = Style { upright: true, ..Style::new(TEXT, Anchor::Middle) };
    svg.text(left - margin + 13.0, top + height / 2.0, &frame.y.axis.label, style);
}
