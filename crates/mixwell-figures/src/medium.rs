//! Where a figure is shown: in a file of its own, or among other figures on a page.

use crate::colour::Colour;

/// Where a figure is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Medium {
    /// A file of its own: white paper, its own fonts, its title on top.
    #[default]
    File,
    /// A part of a page, whose letters it takes. The title is the accessible name and is not drawn. Colours are the page's custom properties `--figure-ink`, `-frame`,
    /// `-grid`, `-paper`, `-series-0` to `-series-7`, `-faint` and `-deep` (densities from low to high), where it has them. Curves of many points are
    /// drawn a little coarser.
    Page {
        /// What the identifiers inside begin with: letters, unique on the page.
        id: String,
        /// Width and height of a panel in pixels; those of a file if absent.
        panel: Option<[f64; 2]>,
    },
}

impl Medium {
    /// A place on a page, with panels of this width and height.
    pub fn page(id: impl Into<String>, width: f64, height: f64) -> Self {
        Self::Page { id: id.into(), panel: Some([width, height]) }
    }

    pub(crate) fn is_page(&self) -> bool {
        matches!(self, Self::Page { .. })
    }

    /// What identifiers begin with.
    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::File => "",
            Self::Page { id, .. } => id,
        }
    }

    /// Width and height of a panel that is asked for.
    pub(crate) fn panel(&self) -> Option<[f64; 2]> {
        match self {
            Self::File => None,
            Self::Page { panel, .. } => *panel,
        }
    }

    /// The value of an attribute.
    pub(crate) fn paint(&self, colour: Colour) -> String {
        if self.is_page() { colour.on_page() } else { colour.on_white() }
    }

    /// Pixels within which points of a curve share a column.
    pub(crate) fn column(&self) -> f64 {
        if self.is_page() { 1.6 } else { 0.7 }
    }
}

/// What every figure can do.
pub trait Figure {
    /// The figure as SVG, for where it is shown.
    fn draw(&self, medium: &Medium) -> String;
}
