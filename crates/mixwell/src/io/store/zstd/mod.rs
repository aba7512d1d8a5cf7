//! Zstandard (RFC 8878): frames that any reader opens, written by a matcher made for draws and read within a bound.
//!
//! Mantissas are noise to a packer; what packs is rejected moves, which repeat a row, and statistics that seldom change. So
//! only repeats are looked for, as zstd itself does at its negative levels, and numbers that do not repeat stay as they are.
//!
//! A frame is a header and blocks of at most 128 KiB. A block is stored as it is, or as literals and sequences: copy so many
//! literals, then so many bytes from so far back. `sequences.rs` packs those numbers.

mod sequences;

use ruzstd::decoding::FrameDecoder;
use sequences::Sequence;

const MAGIC: u32 = 0xFD2F_B528;
/// Most bytes in a block.
const BLOCK: usize = 128 << 10;
/// How far back a repeat may lie; what a reader has to remember.
const WINDOW_LOG: u32 = 23;
const WINDOW: usize = 1 << WINDOW_LOG;
/// Places that are remembered, as a power of two.
const PLACES_LOG: u32 = 14;
/// Bytes that must agree at least: a whole number, or six bytes of anything else.
const WORD: usize = 8;

/// Packs `raw` (less than 4 GiB). Repeats are looked for at every `step` bytes: 8 for numbers of 8 bytes that do not
/// resemble each other, 1 for all else.
pub(super) fn compress(raw: &[u8], step: usize) -> Vec<u8> {
    let size = u32::try_from(raw.len()).expect("a chunk has less than 4 GiB, see `StoreSchema::check`");
    let mut out = Vec::with_capacity(raw.len() / 2 + 64);
    out.extend_from_slice(&MAGIC.to_le_bytes());
    // The size of the contents takes four bytes. Where all of it is the window, no window is given.
    if raw.len() <= WINDOW {
        out.push(0b1010_0000);
    } else {
        out.extend_from_slice(&[0b1000_0000, ((WINDOW_LOG - 10) << 3) as u8]);
    }
    out.extend_from_slice(&size.to_le_bytes());
    let mut matcher = Matcher::new(raw, step);
    let mut start = 0;
    loop {
        let end = raw.len().min(start + BLOCK);
        let block = matcher.block(start, end);
        let last = u32::from(end == raw.len());
        let whole = &raw[start..end];
        let (kind, body) = match &block {
            Some(packed) if packed.len() < whole.len() => (2, packed.as_slice()),
            _ => (0, whole),
        };
        let header = last | kind << 1 | (body.len() as u32) << 3;
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.extend_from_slice(body);
        if last == 1 {
            return out;
        }
        start = end;
    }
}

/// Unpacks what must come to `size` bytes. What would come to more is refused without being unpacked further.
///
/// Takes at most `2 size` plus 9 MiB of memory, whatever `packed` holds.
pub(super) fn decompress(packed: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let mut raw = vec![0; size];
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(size.max(WINDOW) as u64);
    match decoder.decode_all(packed, &mut raw) {
        Ok(found) if found == size => Ok(raw),
        Ok(found) => Err(format!("{found} bytes where {size} must be")),
        Err(ruzstd::decoding::errors::FrameDecoderError::TargetTooSmall) => {
            Err(format!("more than the {size} bytes that must be"))
        }
        Err(e) => Err(e.to_string()),
    }
}

/// Finds repeats: a table of where bytes were seen last, by a hash of them.
struct Matcher<'a> {
    raw: &'a [u8],
    step: usize,
    /// Bits of the next eight bytes that must agree.
    mask: u64,
    /// One more than the place, 0 for none.
    places: Vec<u32>,
}

impl<'a> Matcher<'a> {
    fn new(raw: &'a [u8], step: usize) -> Self {
        let mask = if step == WORD { u64::MAX } else { u64::MAX >> 16 };
        Self { raw, step, mask, places: vec![0; 1 << PLACES_LOG] }
    }

    /// The bytes at `at` that are compared.
    fn word(&self, at: usize) -> u64 {
        let bytes = self.raw[at..at + WORD].try_into().expect("a slice of eight bytes");
        u64::from_le_bytes(bytes) & self.mask
    }

    /// The body of a compressed block of `raw[start..end]`; `None` where nothing repeats.
    fn block(&mut self, start: usize, end: usize) -> Option<Vec<u8>> {
        let (mut literals, mut sequences) = (Vec::new(), Vec::new());
        let (mut copied, mut at) = (start, start);
        while at + WORD <= end {
            let word = self.word(at);
            // Knuth's multiplicative hash: 2^64 / golden ratio, the high bits of the product.
            let hash = word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - PLACES_LOG);
            let seen = std::mem::replace(&mut self.places[hash as usize], at as u32 + 1) as usize;
            if seen == 0 || at + 1 - seen > WINDOW || self.word(seen - 1) != word {
                at += self.step;
                continue;
            }
            let (mut from, mut to) = (seen - 1, at);
            let offset = at - from;
            let length = agreeing(&self.raw[from..], &self.raw[at..end]);
            at += length;
            while to > copied && from > 0 && self.raw[from - 1] == self.raw[to - 1] {
                (from, to) = (from - 1, to - 1);
            }
            literals.extend_from_slice(&self.raw[copied..to]);
            sequences.push(Sequence { literals: to - copied, offset, length: at - to });
            copied = at;
            at = at.next_multiple_of(self.step);
        }
        if sequences.is_empty() {
            return None;
        }
        literals.extend_from_slice(&self.raw[copied..end]);
        let mut body = Vec::with_capacity(literals.len() + 4 * sequences.len() + 16);
        // Literals as they are, their number in 20 bits.
        let header = (literals.len() as u32) << 4 | 0b1100;
        body.extend_from_slice(&header.to_le_bytes()[..3]);
        body.extend_from_slice(&literals);
        sequences::write(&sequences, &mut body);
        Some(body)
    }
}

/// How many bytes of `b` are those at the beginning of `a`.
fn agreeing(a: &[u8], b: &[u8]) -> usize {
    let (words_a, words_b) = (a.as_chunks::<WORD>().0, b.as_chunks::<WORD>().0);
    let words = words_a.iter().zip(words_b).take_while(|(a, b)| a == b).count();
    let rest = a[WORD * words..].iter().zip(&b[WORD * words..]).take_while(|(a, b)| a == b).count();
    WORD * words + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    /// Rows of noise of which some repeat the row before, as draws do.
    fn draws(stream: &mut Stream, rows: usize, dim: usize, moved: f64) -> Vec<u8> {
        let mut row: Vec<f64> = vec![0.0; dim];
        let mut bytes = Vec::new();
        for _ in 0..rows {
            if stream.uniform() < moved {
                row.iter_mut().for_each(|v| *v = stream.normal());
            }
            bytes.extend(row.iter().flat_map(|v| v.to_le_bytes()));
        }
        bytes
    }

    #[test]
    fn what_is_packed_comes_back() {
        let mut stream = Stream::new(1, 0);
        for round in 0..400 {
            let size = [0, 1, 7, 8, 9, 100, 5000, BLOCK, BLOCK + 1, 300_000][round % 10] + stream.index(9);
            let moved = stream.uniform();
            let mut raw = draws(&mut stream, size / 40 + 1, 5, moved);
            if round % 3 == 0 {
                // Few different bytes, so that short repeats at odd places are many.
                let kinds = 1 + stream.index(3);
                raw.iter_mut().for_each(|b| *b = (*b as usize % kinds) as u8);
            }
            raw.truncate(size);
            for step in [1, 8] {
                let packed = compress(&raw, step);
                assert!(packed.len() <= raw.len() + 9 + 3 * (raw.len() / BLOCK + 1));
                assert_eq!(decompress(&packed, raw.len()).unwrap(), raw, "round {round}, step {step}");
            }
        }
    }

    #[test]
    fn rejected_moves_take_no_room() {
        let mut stream = Stream::new(2, 0);
        let raw = draws(&mut stream, 20_000, 8, 0.4);
        let share = compress(&raw, 8).len() as f64 / raw.len() as f64;
        // Two rows in five are new; a repeat takes some five bytes of the 64 of a row.
        assert!((0.38..0.46).contains(&share), "{share}");
        assert!(compress(&vec![0; 4 << 20], 1).len() < 600);
    }

    #[test]
    fn repeats_beyond_the_window_are_left_alone() {
        let mut stream = Stream::new(3, 0);
        let once = draws(&mut stream, (WINDOW + BLOCK) / 64, 8, 1.0);
        let raw = [once.as_slice(), &once].concat();
        assert_eq!(decompress(&compress(&raw, 8), raw.len()).unwrap(), raw);
    }

    /// 62 KB that come to 2 GB: refused at the size that must be.
    #[test]
    fn a_frame_that_swells_is_refused_within_the_bound() {
        let mut bomb = MAGIC.to_le_bytes().to_vec();
        bomb.extend_from_slice(&[0, 0]); // no size; a window of 1 KiB
        let block = |last: u32| (last | 1 << 1 | 1024 << 3).to_le_bytes();
        for _ in 0..2_000_000 / 4 {
            bomb.extend_from_slice(&block(0)[..3]);
            bomb.push(0);
        }
        let used = allocation_counter::measure(|| {
            let e = decompress(&bomb, 4096).unwrap_err();
            assert!(e.contains("more than the 4096 bytes"), "{e}");
        });
        assert!(used.bytes_max < 2 * 4096 + (9 << 20), "{} bytes", used.bytes_max);
        // A window that is claimed and never needed.
        let claimed = [MAGIC.to_le_bytes().as_slice(), &[0x80, 0xf8], &[0; 4], &[1, 0, 0]].concat();
        let used = allocation_counter::measure(|| assert!(decompress(&claimed, 4096).is_err()));
        assert!(used.bytes_max < 2 * 4096 + (9 << 20), "{} bytes", used.bytes_max);
    }

    #[test]
    fn damaged_frames_are_refused_without_panic() {
        let mut stream = Stream::new(4, 0);
        let raw = draws(&mut stream, 400, 3, 0.5);
        let good = compress(&raw, 1);
        for _ in 0..2000 {
            let mut bad = good.clone();
            for _ in 0..=stream.index(3) {
                let at = stream.index(bad.len());
                bad[at] = stream.index(256) as u8;
            }
            bad.truncate(if stream.uniform() < 0.3 { stream.index(bad.len()) } else { bad.len() });
            let used = allocation_counter::measure(|| drop(decompress(&bad, raw.len())));
            assert!(used.bytes_max < 2 * raw.len() as u64 + (9 << 20), "{} bytes", used.bytes_max);
        }
    }
}
