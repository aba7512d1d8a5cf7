//! Mutations of text, drawn from a stream.

use mixwell::Stream;

/// A whole number below `n`.
pub fn below(s: &mut Stream, n: usize) -> usize {
    ((s.uniform() * n as f64) as usize).min(n.saturating_sub(1))
}

/// One of them.
pub fn one<'a, T: ?Sized>(s: &mut Stream, of: &[&'a T]) -> &'a T {
    of[below(s, of.len())]
}

/// Changes some bytes: flips, cuts, repeats; the result need not be text.
pub fn bytes(s: &mut Stream, text: &mut Vec<u8>) {
    if text.is_empty() {
        return;
    }
    let at = below(s, text.len());
    let end = (at + 1 + below(s, 40)).min(text.len());
    match below(s, 5) {
        0 => text[at] ^= 1 << below(s, 8),
        1 => text.truncate(at),
        2 => drop(text.drain(at..end)),
        3 => {
            let piece = text[at..end].to_vec();
            let to = below(s, text.len());
            text.splice(to..to, piece);
        }
        _ => {
            let byte = one(s, &[&0_u8, &b'"', &b'\'', &b'\n', &b'\r', &b'[', &b'{', &b'.', &b'=', &0xff]);
            text.insert(at, *byte);
        }
    }
}

/// Changes whole lines: repeats, removes, moves, or takes one from another file.
pub fn lines(s: &mut Stream, text: &mut Vec<u8>, other: &[u8]) {
    let mut all: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    let at = below(s, all.len());
    match below(s, 4) {
        0 => all.insert(at, all[at]),
        1 => drop(all.remove(at)),
        2 => {
            let line = all.remove(at);
            all.insert(below(s, all.len() + 1), line);
        }
        _ => {
            let foreign: Vec<&[u8]> = other.split(|b| *b == b'\n').collect();
            all.insert(at, foreign[below(s, foreign.len())]);
        }
    }
    *text = all.join(&b'\n');
}
