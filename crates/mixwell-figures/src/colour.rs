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

/// Colour of text and axes.
pub(crate) const INK: &str = "#222222";
/// Colour of frames and ticks.
pub(crate) const FRAME: &str = "#666666";
/// Colour of grid lines.
pub(crate) const GRID: &str = "#e4e4e4";

/// The colour of series number `i`.
pub(crate) fn series(i: usize) -> &'static str {
    SERIES[i % SERIES.len()]
}

/// From light (0) to dark (1).
pub(crate) fn shade(share: f64) -> String {
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
