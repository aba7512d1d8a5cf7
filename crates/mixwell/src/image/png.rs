//! PNG pictures of 8 bits a channel, in memory, read and written with the crate of that name.

use std::io::Cursor;
use std::path::Path;

use ::png::{BitDepth, ColorType, Decoder, DecodingError, Encoder, Limits, Transformations};

use super::{ImageError, ImageShape};
use crate::io::excerpt;

/// The bytes with which every PNG begins.
pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Reads a picture into planes; it may have at most so many pixels, counted over its channels.
///
/// Grey of fewer than 8 bits and palettes are widened; an alpha channel is left out where everything is opaque, and refused
/// elsewhere; so are 16 bits.
pub(super) fn decode(path: &Path, bytes: &[u8], most: u64) -> Result<(ImageShape, Vec<u8>), ImageError> {
    let wrong = |reason: &str| ImageError::Picture { path: path.into(), reason: reason.into() };
    let damaged = |e: DecodingError| match e {
        DecodingError::LimitsExceeded => wrong("it is larger than what is read"),
        other => ImageError::Picture {
            path: path.into(),
            reason: format!(
                "it cannot be read ({}); get it again or save it anew",
                excerpt(&other.to_string())
            ),
        },
    };
    let limit = usize::try_from(most).unwrap_or(usize::MAX).saturating_mul(2).saturating_add(1 << 20);
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: limit });
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let (color, depth) = reader.output_color_type();
    if depth != BitDepth::Eight {
        return Err(wrong("it has 16 bits a channel; save it with 8"));
    }
    let (samples, channels) = match color {
        ColorType::Grayscale => (1, 1),
        ColorType::GrayscaleAlpha => (2, 1),
        ColorType::Rgba => (4, 3),
        _ => (3, 3),
    };
    let shape = ImageShape::new(channels, height, width);
    let total = (width as u64).saturating_mul(height as u64).saturating_mul(samples);
    if total > most.saturating_mul(2) || shape.dim() as u64 > most {
        return Err(ImageError::Limit { path: path.into(), bytes: shape.dim() as u64, most });
    }
    let size = reader.output_buffer_size().ok_or_else(|| wrong("it is larger than what is read"))?;
    let mut woven = vec![0; size];
    reader.next_frame(&mut woven).map_err(damaged)?;
    let samples = samples as usize;
    if samples > channels && woven.chunks_exact(samples).any(|pixel| pixel[samples - 1] != 255) {
        return Err(wrong("it is transparent in places; save it without an alpha channel"));
    }
    let plane = |channel| woven.chunks_exact(samples).map(move |pixel| pixel[channel]);
    Ok((shape, (0..channels).flat_map(plane).collect()))
}

/// A picture as a file; the same pixels give the same bytes.
pub(super) fn encode(shape: ImageShape, planes: &[u8]) -> Result<Vec<u8>, ImageError> {
    let wrong = |e: String| ImageError::Unusable(format!("a picture of {shape} cannot be written: {e}"));
    let side = |n: usize| u32::try_from(n).map_err(|_| wrong("it is too large".into()));
    let mut out = vec![];
    let mut encoder = Encoder::new(&mut out, side(shape.width)?, side(shape.height)?);
    encoder.set_color(if shape.channels == 1 { ColorType::Grayscale } else { ColorType::Rgb });
    encoder.set_depth(BitDepth::Eight);
    let area = shape.height * shape.width;
    let woven: Vec<u8> =
        (0..area).flat_map(|i| (0..shape.channels).map(move |c| planes[c * area + i])).collect();
    let mut writer = encoder.write_header().map_err(|e| wrong(e.to_string()))?;
    writer.write_image_data(&woven).map_err(|e| wrong(e.to_string()))?;
    writer.finish().map_err(|e| wrong(e.to_string()))?;
    Ok(out)
}
