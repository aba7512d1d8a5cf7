//! How wide text is, without a font: the widths of Helvetica, which the usual sans-serif fonts share or come close to.

/// Widths of the printable ASCII characters from space to `~`, in thousandths of the font size.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
/// The widest of the usual replacements (DejaVu Sans) needs about this much more.
const SLACK: f64 = 1.14;

/// Room that `text` needs at `size` pixels, in whichever of the usual sans-serif fonts it is shown.
pub fn text_width(text: &str, size: f64) -> f64 {
    let width = |c: char| match (c as usize).checked_sub(32).and_then(|i| WIDTHS.get(i)) {
        Some(width) => f64::from(*width),
        None => 600.0,
    };
    text.chars().map(width).sum::<f64>() / 1000.0 * size * SLACK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_by_hand() {
        // "Mi" = 833 + 222; a character outside the table counts 600.
        assert!((text_width("Mi", 10.0) - 10.55 * SLACK).abs() < 1e-12);
        assert!((text_width("φ", 10.0) - 6.0 * SLACK).abs() < 1e-12);
    }
}
