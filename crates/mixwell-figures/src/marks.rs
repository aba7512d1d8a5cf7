//! What is drawn inside a panel: lines with gaps, error bars, markers; and the samples of them in a legend.

use crate::colour::Colour;
use crate::layout::Frame;
use crate::svg::{Path, Stroke, Svg};

/// A marker: filled in its colour, or hollow.
#[derive(Clone, Copy)]
pub(crate) struct Marker {
    pub(crate) shape: usize,
    pub(crate) colour: Colour,
    pub(crate) hollow: bool,
}

/// Corners of the shapes after the circle, around the origin, for a marker of radius one.
const SHAPES: [&[[f64; 2]]; 5] = [
    &[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    &[[0.0, -1.2], [1.1, 0.8], [-1.1, 0.8]],
    &[[0.0, -1.3], [1.3, 0.0], [0.0, 1.3], [-1.3, 0.0]],
    &[[0.0, 1.2], [1.1, -0.8], [-1.1, -0.8]],
    &[
        [-0.4, -1.2],
        [0.4, -1.2],
        [0.4, -0.4],
        [1.2, -0.4],
        [1.2, 0.4],
        [0.4, 0.4],
        [0.4, 1.2],
        [-0.4, 1.2],
        [-0.4, 0.4],
        [-1.2, 0.4],
        [-1.2, -0.4],
        [-0.4, -0.4],
    ],
];

impl Marker {
    pub(crate) fn draw(&self, svg: &mut Svg, [x, y]: [f64; 2]) {
        let (radius, fill, outline, width) = if self.hollow {
            (4.6, Colour::None, self.colour, 1.6)
        } else {
            (3.6, self.colour, Colour::Paper, 0.8)
        };
        match self.shape % (SHAPES.len() + 1) {
            0 => svg.circle([x, y], radius, fill, outline, width),
            shape => {
                let mut path = Path::default();
                for (i, [dx, dy]) in SHAPES[shape - 1].iter().enumerate() {
                    let (x, y) = (x + radius * dx, y + radius * dy);
                    if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
                }
                path.close();
                svg.shape(&path, fill, outline, width);
            }
        }
    }
}

/// The sample that stands before a legend's text.
pub(crate) struct Swatch {
    pub(crate) line: Option<(Colour, bool)>,
    pub(crate) marker: Option<Marker>,
    /// A patch of this colour.
    pub(crate) patch: Option<Colour>,
}

impl Swatch {
    pub(crate) const WIDTH: f64 = 24.0;

    /// A line, dashed or not.
    pub(crate) fn line(colour: Colour, dashed: bool) -> Self {
        Self { line: Some((colour, dashed)), marker: None, patch: None }
    }

    /// A marker without a line.
    pub(crate) fn marker(marker: Marker) -> Self {
        Self { line: None, marker: Some(marker), patch: None }
    }

    /// A patch of colour.
    pub(crate) fn patch(colour: Colour) -> Self {
        Self { line: None, marker: None, patch: Some(colour) }
    }

    pub(crate) fn draw(&self, svg: &mut Svg, [x, y]: [f64; 2]) {
        if let Some(colour) = self.patch {
            svg.rect([x, y - 6.0, Self::WIDTH, 12.0], colour, Colour::Grid);
        }
        if let Some((colour, dashed)) = self.line {
            svg.line([x, y], [x + Self::WIDTH, y], Stroke::new(colour, 2.0).dashed(dashed));
        }
        if let Some(marker) = self.marker {
            marker.draw(svg, [x + Self::WIDTH / 2.0, y]);
        }
    }
}

/// A line through the points, with a gap where one cannot be shown. Of many points in one column of pixels only the first, lowest,
/// highest and last are drawn: that looks the same.
pub(crate) fn polyline(
    svg: &mut Svg,
    frame: &Frame<'_>,
    points: impl Iterator<Item = (f64, f64)>,
    stroke: Stroke,
) {
    let width = svg.medium().column();
    let coarse = svg.medium().is_page();
    let mut path = Path::default();
    let mut column: Vec<[f64; 2]> = Vec::new();
    let mut pen_down = false;
    for (x, y) in points {
        let point = frame.at(x, y);
        let same = matches!((column.first(), point), (Some(a), Some(b)) if (a[0] - b[0]).abs() < width);
        if !same {
            flush(&mut path, &mut column, &mut pen_down, coarse);
        }
        match point {
            Some(point) => column.push(point),
            None => pen_down = false,
        }
    }
    flush(&mut path, &mut column, &mut pen_down, coarse);
    svg.stroke(&path, stroke);
}

fn flush(path: &mut Path, column: &mut Vec<[f64; 2]>, pen_down: &mut bool, coarse: bool) {
    let Some(last) = column.len().checked_sub(1) else { return };
    let extreme = |sign: f64| {
        let by_height = |a: &usize, b: &usize| (sign * column[*a][1]).total_cmp(&(sign * column[*b][1]));
        (0..column.len()).min_by(by_height).unwrap_or(0)
    };
    let mut kept = [0, extreme(1.0), extreme(-1.0), last];
    if coarse && last > 4 {
        // The ends lie between the extremes.
        (kept[0], kept[3]) = (kept[1], kept[2]);
    }
    kept.sort_unstable();
    for (k, i) in kept.into_iter().enumerate() {
        if k > 0 && i == kept[k - 1] {
            continue;
        }
        let [x, y] = column[i];
        if *pen_down {
            path.line_to(x, y)
        } else {
            path.move_to(x, y)
        }
        *pen_down = true;
    }
    column.clear();
}

/// A vertical bar from `y - error` to `y + error` with caps; cut at the panel's edge where an end cannot be shown.
pub(crate) fn error_bar(svg: &mut Svg, frame: &Frame<'_>, [x, y, error]: [f64; 3], colour: Colour) {
    let (Some([_, centre]), Some([px, upper])) = (frame.at(x, y), frame.at(x, y + error)) else { return };
    let bottom = frame.area[1] + frame.area[3];
    let lower = frame.at(x, y - error).map_or(bottom, |p| p[1]);
    if (upper - centre).abs() < 0.5 && (lower - centre).abs() < 0.5 {
        return;
    }
    let mut path = Path::default();
    path.move_to(px, upper);
    path.line_to(px, lower);
    for end in [upper, lower] {
        path.move_to(px - 3.0, end);
        path.line_to(px + 3.0, end);
    }
    svg.stroke(&path, Stroke::new(colour, 1.2));
}
