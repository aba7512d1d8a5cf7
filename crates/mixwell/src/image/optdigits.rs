//! The text files of UCI's optical digits: a line an image, 64 counts from 0 to 16 (8 x 8, line by line) and the class, with commas
//! between; lines that begin with `#` are passed over. A count becomes `255 / 16` times as much.

use std::path::Path;

use super::{ImageError, ImageSet, ImageShape};

const SIDE: usize = 8;
const FIELDS: usize = SIDE * SIDE + 1;

/// Whether this may be such a file: its first line of numbers has so many of them.
pub(super) fn is_optdigits(bytes: &[u8]) -> bool {
    let first = bytes.split(|b| *b == b'\n').find(|line| !line.is_empty() && !line.starts_with(b"#"));
    first.is_some_and(|line| {
        line.len() < 4 * FIELDS
            && line.split(|b| *b == b',').count() == FIELDS
            && line.iter().all(|b| b.is_ascii_digit() || b", \r".contains(b))
    })
}

/// The images of such a file.
pub(super) fn images(path: &Path, bytes: &[u8]) -> Result<ImageSet, ImageError> {
    let (mut pixels, mut labels, mut offset) = (vec![], vec![], 0u64);
    for line in bytes.split(|b| *b == b'\n') {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if !text.is_empty() && !text.starts_with('#') {
            let damaged = |reason: String| ImageError::Damaged { path: path.into(), offset, reason };
            let fields: Result<Vec<u32>, _> = text.split(',').map(|f| f.trim().parse::<u32>()).collect();
            let fields = fields.map_err(|e| damaged(format!("a number cannot be read ({e})")))?;
            if fields.len() != FIELDS {
                return Err(damaged(format!("{} numbers in place of {FIELDS}", fields.len())));
            }
            if let Some(large) = fields[..FIELDS - 1].iter().find(|v| **v > 16) {
                return Err(damaged(format!("a count is {large}, and the largest is 16")));
            }
            pixels.extend(fields[..FIELDS - 1].iter().map(|v| (f64::from(*v) * 255.0 / 16.0).round() as u8));
            labels.push(fields[FIELDS - 1]);
        }
        offset += line.len() as u64 + 1;
    }
    ImageSet::new(ImageShape::new(1, SIDE, SIDE), pixels, Some(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_images_and_bad_ones_are_named() {
        let line = |last: &str| {
            format!("{},{last}", (0..63).map(|i| (i % 17).to_string()).collect::<Vec<_>>().join(","))
        };
        let text = format!("# comment\n{}\n{}\n", line("16,7"), line("0,2"));
        assert!(is_optdigits(text.as_bytes()));
        let read = |text: &str| images(Path::new("o.tra"), text.as_bytes());
        let set = read(&text).unwrap();
        assert_eq!((set.len(), set.labels().unwrap()), (2, [7, 2].as_slice()));
        assert_eq!((set.image(0)[1], set.image(0)[63], set.image(1)[63]), (16, 255, 0));
        let bad = read(&format!("{text}{}", line("17,1"))).unwrap_err().to_string();
        assert!(bad.contains("o.tra") && bad.contains("17"), "{bad}");
        assert!(read(&line("1")).unwrap_err().to_string().contains("64 numbers"));
        assert!(!is_optdigits(b"1,2,3\n"));
    }
}
