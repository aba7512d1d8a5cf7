//! The page: head, contents, sections, figures. Style and script lie beside this file and are written into the page.

use mixwell::io::RunFolder;
use mixwell_figures::{Figure, Medium};

use crate::html::escape;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("table.js");
/// Width and height of the panel of a tile, of which three stand beside each other on a wide screen.
const TILE: [f64; 2] = [286.0, 176.0];
/// Of a square tile.
const SQUARE: [f64; 2] = [286.0, 286.0];

/// A page that grows section by section.
pub(crate) struct Page {
    title: String,
    contents: String,
    body: String,
    /// Figures drawn so far, so that their identifiers differ.
    drawn: usize,
}

impl Page {
    pub(crate) fn new(title: &str) -> Self {
        Self { title: escape(title), contents: String::new(), body: String::new(), drawn: 0 }
    }

    /// What stands above the contents; `body` is HTML.
    pub(crate) fn opening(&mut self, body: &str) {
        self.body.push_str(body);
    }

    /// A section; nothing if it is empty. `id` is unique, `body` is HTML.
    pub(crate) fn section(&mut self, id: &str, heading: &str, body: &str) {
        if body.is_empty() {
            return;
        }
        let heading = escape(heading);
        self.contents.push_str(&format!("<li><a href=\"#{id}\">{heading}</a></li>"));
        self.body.push_str(&format!("<section id=\"{id}\">\n<h2>{heading}</h2>\n{body}</section>\n"));
    }

    /// A drawing of the width of a tile.
    pub(crate) fn tile(&mut self, drawing: &dyn Figure) -> String {
        self.drawing(drawing, TILE)
    }

    /// A square drawing of the width of a tile.
    pub(crate) fn square(&mut self, drawing: &dyn Figure) -> String {
        self.drawing(drawing, SQUARE)
    }

    fn drawing(&mut self, drawing: &dyn Figure, [width, height]: [f64; 2]) -> String {
        self.drawn += 1;
        drawing.draw(&Medium::page(format!("d{}", self.drawn), width, height))
    }

    /// The finished page. `foot` is text.
    pub(crate) fn finish(self, foot: &str) -> String {
        // Not even a mistake in here could fetch anything: the policy allows inline style and script, and pictures that are written into the page.
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{opening}\
             <nav aria-label=\"Contents\"><ul>{1}</ul></nav>\n{sections}</main>\n<footer><p>{2}</p></footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
            self.title,
            self.contents,
            escape(foot),
            opening = self.body.split_once("<section").map_or(&*self.body, |(before, _)| before),
            sections = self.body.find("<section").map_or("", |at| &self.body[at..]),
        )
    }
}

/// A figure: a heading, one sentence that says what to look for, and drawings beside each other. Nothing without drawings.
pub(crate) fn figure(heading: &str, sentence: &str, drawings: &[String]) -> String {
    if drawings.is_empty() {
        return String::new();
    }
    format!(
        "<figure>\n<figcaption><h3>{}</h3><p>{}</p></figcaption>\n<div class=\"tiles\">\n{}</div>\n</figure>\n",
        escape(heading),
        escape(sentence),
        drawings.concat()
    )
}

/// Figures of one drawing each beside each other; nothing without figures.
pub(crate) fn side_by_side(figures: &[String]) -> String {
    if figures.iter().all(String::is_empty) {
        return String::new();
    }
    format!("<div class=\"figures\">\n{}</div>\n", figures.concat())
}

/// The name of a run: that of its folder.
pub(crate) fn name_of(folder: &RunFolder) -> String {
    let path = std::path::absolute(folder.path()).unwrap_or_else(|_| folder.path().into());
    path.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned())
}

/// Every setting, folded away.
pub(crate) fn settings(text: &str) -> String {
    format!(
        "<details><summary>Every setting (config.toml)</summary>\n<pre><code>{}</code></pre></details>\n",
        escape(text)
    )
}
