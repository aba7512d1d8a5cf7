//! Moves an image by whole pixels; what comes in from outside is black (0).

use crate::Stream;
use crate::image::ImageShape;

/// Writes the pixels, as numbers by `table`, moved by up to `most` pixels either way.
pub(super) fn shifted(
    pixels: &[u8],
    shape: ImageShape,
    most: usize,
    table: &[f64; 256],
    stream: &mut Stream,
    out: &mut [f64],
) {
    if most == 0 {
        out.iter_mut().zip(pixels).for_each(|(to, from)| *to = table[usize::from(*from)]);
        return;
    }
    let mut draw = || stream.index(2 * most + 1) as isize - most as isize;
    let (down, right) = (draw(), draw());
    moved(pixels, shape, [down, right], table, out);
}

fn moved(pixels: &[u8], shape: ImageShape, [down, right]: [isize; 2], table: &[f64; 256], out: &mut [f64]) {
    let ImageShape { channels, height, width } = shape;
    out.fill(table[0]);
    for channel in 0..channels {
        for line in 0..height {
            let Some(from) = line.checked_add_signed(-down).filter(|l| *l < height) else { continue };
            let (from, to) = ((channel * height + from) * width, (channel * height + line) * width);
            for pixel in 0..width {
                if let Some(source) = pixel.checked_add_signed(-right).filter(|p| *p < width) {
                    out[to + pixel] = table[usize::from(pixels[from + source])];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_moves_and_black_comes_in() {
        let table: [f64; 256] = std::array::from_fn(|i| i as f64 - 1.0);
        let shape = ImageShape::new(1, 2, 3);
        let pixels = [1, 2, 3, 4, 5, 6];
        let by = |by| {
            let mut out = [9.0; 6];
            moved(&pixels, shape, by, &table, &mut out);
            out
        };
        assert_eq!(by([0, 0]), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(by([1, 0]), [-1.0, -1.0, -1.0, 0.0, 1.0, 2.0]);
        assert_eq!(by([0, -1]), [1.0, 2.0, -1.0, 4.0, 5.0, -1.0]);
        assert_eq!(by([7, 7]), [-1.0; 6]);
    }
}
