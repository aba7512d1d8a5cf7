//! Colours: eight that colour-blind readers can tell apart (Okabe and Ito 2008), and a scale from light to dark for densities.

/// Colours of series, in the order in which they are used; black and yellow last.
const SERIES: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222", "#b3a400"];

/// Nearly white to dark blue, with lightness falling evenly.
const LIGHT_TO_DARK: [[u8; 3]; 7] = [
    [247, 250, 253],
    [218, 231, 244],
    [178, 209, 232],
    [120, 178, 216],
    [66, 141, 194],
    [28, 99, 163],
    [10, 56, 110],
];

/// What a thing is coloured as; which colour that is, depends on where the figure is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Colour {
    None,
    /// Text and axes.
    Ink,
    /// Frames and ticks.
    Frame,
    /// Grid lines.
    Grid,
    /// What everything stands on.
    Paper,
    /// A series, by its number.
    Series(usize),
    /// From light (0) to dark (1).
    Shade(f64),
}

impl Colour {
    /// The colour on white.
    pub(crate) fn on_white(self) -> String {
        match self {
            Self::None => "none".into(),
            Self::Ink => "#222222".into(),
            Self::Frame => "#666666".into(),
            Self::Grid => "#e4e4e4".into(),
            Self::Paper => "#ffffff".into(),
            Self::Series(number) => SERIES[number % SERIES.len()].into(),
            Self::Shade(share) => shade(share),
        }
    }

    /// The colour as a page chooses it, by the variables that [`crate::Medium::Page`] tells.
    pub(crate) fn on_page(self) -> String {
        let variable = |name: &str| format!("var(--figure-{name},{})", self.on_white());
        match self {
            Self::None => "none".into(),
            Self::Ink => variable("ink"),
            Self::Frame => variable("frame"),
            Self::Grid => variable("grid"),
            Self::Paper => variable("paper"),
            Self::Series(number) => variable(&format!("series-{}", number % SERIES.len())),
            Self::Shade(share) => format!(
                "color-mix(in oklab,var(--figure-deep,#0a386e) {:.0}%,var(--figure-faint,#f7fafd))",
                100.0 * share.clamp(0.0, 1.0)
            ),
        }
    }
}

/// From light (0) to dark (1).
fn shade(share: f64) -> String {
    let place = share.clamp(0.0, 1.0) * (LIGHT_TO_DARK.len() - 1) as f64;
    let below = (place as usize).min(LIGHT_TO_DARK.len() - 2);
    let part = place - below as f64;
    let mix = |k: usize| {
        let (a, b) = (f64::from(LIGHT_TO_DARK[below][k]), f64::from(LIGHT_TO_DARK[below + 1][k]));
        (a + part * (b - a)).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_the_scale_and_the_middle() {
        assert_eq!(
            (shade(0.0), shade(1.0), shade(0.5)),
            ("#f7fafd".into(), "#0a386e".into(), "#78b2d8".into())
        );
    }
}
