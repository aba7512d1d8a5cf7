//! The document: elements, attributes, escaping, numbers. Coordinates are pixels from the top left corner.

use std::fmt::Write;

use crate::colour::Colour;
use crate::medium::Medium;

/// A document that grows element by element.
pub(crate) struct Svg {
    out: String,
    medium: Medium,
}

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Stroke {
    pub(crate) colour: Colour,
    pub(crate) width: f64,
    pub(crate) opacity: f64,
    pub(crate) dashed: bool,
}

impl Stroke {
    pub(crate) fn new(colour: Colour, width: f64) -> Self {
        Self { colour, width, opacity: 1.0, dashed: false }
    }

    pub(crate) fn dashed(self, dashed: bool) -> Self {
        Self { dashed, ..self }
    }

    pub(crate) fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// Which part of a text stands at its coordinates.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How text is set.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) size: f64,
    pub(crate) anchor: Anchor,
    pub(crate) bold: bool,
    /// Turned to be read from below.
    pub(crate) upright: bool,
}

impl Style {
    pub(crate) fn new(size: f64, anchor: Anchor) -> Self {
        Self { size, anchor, bold: false, upright: false }
    }
}

/// At most two decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Control characters cannot be written in XML at all.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Coordinates of a path.
#[derive(Default)]
pub(crate) struct Path(String);

impl Path {
    pub(crate) fn move_to(&mut self, x: f64, y: f64) {
        self.0.push('M');
        self.point(x, y);
    }

    pub(crate) fn line_to(&mut self, x: f64, y: f64) {
        self.0.push('L');
        self.point(x, y);
    }

    /// A line of no length: with round ends, a dot.
    pub(crate) fn dot(&mut self, x: f64, y: f64) {
        self.move_to(x, y);
        self.0.push_str("h0");
    }

    pub(crate) fn close(&mut self) {
        self.0.push('Z');
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn point(&mut self, x: f64, y: f64) {
        self.0.push_str(&number(x));
        self.0.push(' ');
        self.0.push_str(&number(y));
    }
}

impl Svg {
    /// An empty page.
    pub(crate) fn new(width: f64, height: f64, title: &str, medium: &Medium) -> Self {
        let (width, height) = (number(width.ceil()), number(height.ceil()));
        let title = escape(title);
        let mut svg = Self { out: String::new(), medium: medium.clone() };
        if medium.is_page() {
            // Letters and paper are those of the page.
            svg.push(format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
                 role=\"img\" aria-label=\"{title}\" fill=\"{}\">\n",
                medium.paint(Colour::Ink)
            ));
            return svg;
        }
        svg.push(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" font-family=\"Helvetica, Arial, 'Liberation Sans', sans-serif\" fill=\"{}\">\n\
             <title>{title}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
            medium.paint(Colour::Ink),
            medium.paint(Colour::Paper),
        ));
        svg
    }

    /// Where the figure is shown.
    pub(crate) fn medium(&self) -> &Medium {
        &self.medium
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("writing to a string cannot fail");
    }

    /// The finished document.
    pub(crate) fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }

    /// Elements up to [`Svg::unclip`] show only inside a rectangle. `id` is unique in the document.
    pub(crate) fn clip(&mut self, id: usize, [x, y, width, height]: [f64; 4]) {
        let id = format!("{}panel{id}", self.medium.prefix());
        self.push(format_args!(
            "<clipPath id=\"{id}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\n<g clip-path=\"url(#{id})\">\n",
            number(x),
            number(y),
            number(width),
            number(height)
        ));
    }

    pub(crate) fn unclip(&mut self) {
        self.out.push_str("</g>\n");
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, text: &str, style: Style) {
        let (x, y) = (number(x), number(y));
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let bold = if style.bold { " font-weight=\"bold\"" } else { "" };
        let turn = if style.upright { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
        self.push(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" text-anchor=\"{anchor}\"{bold}{turn}>{}</text>\n",
            number(style.size),
            escape(text)
        ));
    }

    pub(crate) fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], stroke: Stroke) {
        let mut path = Path::default();
        path.move_to(x1, y1);
        path.line_to(x2, y2);
        self.stroke(&path, stroke);
    }

    /// Draws along a path; nothing if it is empty.
    pub(crate) fn stroke(&mut self, path: &Path, stroke: Stroke) {
        if path.is_empty() {
            return;
        }
        let dash = if stroke.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let opacity = match stroke.opacity {
            1.0 => String::new(),
            opacity => format!(" stroke-opacity=\"{}\"", number(opacity)),
        };
        self.push(format_args!(
            "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"{dash}{opacity}/>\n",
            path.0,
            self.medium.paint(stroke.colour),
            number(stroke.width)
        ));
    }

    /// Fills a path; nothing if it is empty. What is inside two loops is outside.
    pub(crate) fn fill(&mut self, path: &Path, colour: Colour, opacity: f64) {
        if !path.is_empty() {
            let opacity =
                if opacity == 1.0 { String::new() } else { format!(" fill-opacity=\"{}\"", number(opacity)) };
            self.push(format_args!(
                "<path d=\"{}\" fill=\"{}\" fill-rule=\"evenodd\"{opacity}/>\n",
                path.0,
                self.medium.paint(colour)
            ));
        }
    }

    /// A closed shape with an outline.
    pub(crate) fn shape(&mut self, path: &Path, fill: Colour, outline: Colour, width: f64) {
        self.push(format_args!(
            "<path d=\"{}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"/>\n",
            path.0,
            self.medium.paint(fill),
            self.medium.paint(outline),
            number(width)
        ));
    }

    pub(crate) fn circle(
        &mut self,
        [x, y]: [f64; 2],
        radius: f64,
        fill: Colour,
        outline: Colour,
        width: f64,
    ) {
        self.push(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{}\"/>\n",
            number(x),
            number(y),
            number(radius),
            self.medium.paint(fill),
            self.medium.paint(outline),
            number(width)
        ));
    }

    pub(crate) fn rect(&mut self, [x, y, width, height]: [f64; 4], fill: Colour, outline: Colour) {
        self.push(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"{}\"/>\n",
            number(x),
            number(y),
            number(width),
            number(height),
            self.medium.paint(fill),
            self.medium.paint(outline)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let all = [3.0, -0.001, 2.504, 100.0, -1.5].map(number);
        assert_eq!(all, ["3", "0", "2.5", "100", "-1.5"]);
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escape("a < b & \"c\"\u{1}>"), "a &lt; b &amp; &quot;c&quot; &gt;");
    }
}
