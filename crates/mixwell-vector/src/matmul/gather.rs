//! `Gather`: which pixels of the input each pixel of the output sums over, and with which weights. A convolution, a transposed
//! convolution, and the way back through either are four such lists; a dense layer is the list of one pixel.
//!
//! An image of `p` pixels with `c` channels is `p x c` features, the channels of a pixel side by side. A *tap* is one place of
//! the kernel: it joins a pixel of the input, with `c` weights for every output. Neighbouring taps that join neighbouring
//! pixels are one piece, so that the inner loop runs over them without a break; taps outside the image are in no list.
//! Pixels are taken in groups, a few of a line, and the groups strip by strip from top to bottom, so that the lines of the
//! input that a group needs are still in the second-level cache when the group below needs them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

/// A run of features of the input and of weights that belong to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Piece {
    /// First feature of the input.
    pub input: u32,
    /// First weight of an output.
    pub weight: u32,
    /// How many of both.
    pub len: u32,
}

/// A tap at a pixel of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Which tap, in the order of the weights.
    pub tap: usize,
    /// The pixel of the input that it joins.
    pub pixel: usize,
}

/// Weights, and the pixels of one group that use them: the unit of the gradient in the weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// First weight of an output.
    pub weight: u32,
    /// How many.
    pub len: u32,
    /// Which members.
    members: Range<u32>,
}

/// The work of one group of pixels towards the gradient in the weights.
#[derive(Clone, Debug)]
struct Step {
    turns: Range<u32>,
    runs: Range<u32>,
}

/// Runs of all groups. One factor of a member is held turned, in one of a few slots: those that a group needs and does not have
/// are turned before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    steps: Vec<Step>,
    /// Pixels and the slots they are turned into.
    turns: Vec<(u32, u32)>,
    runs: Vec<Run>,
    /// Where the broadcast factor lies, and the slot of the turned one.
    members: Vec<(u32, u32)>,
    n_slots: usize,
}

/// Pixels of a group at most.
pub(super) const GROUP: usize = 16;

/// Which pixels each pixel sums over.
#[derive(Clone, Debug)]
pub struct Gather {
    n_in: usize,
    channels: usize,
    n_taps: usize,
    pieces: Vec<Piece>,
    /// Where the pieces of a pixel begin, and their end.
    begins: Vec<u32>,
    /// First pixel and number of pixels, in the order of work.
    groups: Vec<(u32, u32)>,
    /// Made when a gradient in the weights is first asked for.
    by_tap: OnceLock<Runs>,
    by_piece: OnceLock<Runs>,
    work: usize,
}

impl Gather {
    /// From the taps of every pixel of the output, in the order in which they are to be summed, for an input of so many pixels
    /// with so many channels; pixels of the output lie in lines of `width`.
    ///
    /// # Panics
    /// When a tap or a pixel does not exist, lines are not whole, or an image has more than 2^32 features.
    pub fn new(
        (n_pixels, channels): (usize, usize),
        n_taps: usize,
        width: usize,
        taps: impl IntoIterator<Item = Vec<Tap>>,
    ) -> Self {
        let number = |n: usize| u32::try_from(n).expect("an image of less than 2^32 features");
        let n_in = n_pixels * channels;
        number(n_in);
        number(n_taps * channels);
        let (mut pieces, mut begins): (Vec<Piece>, _) = (vec![], vec![0]);
        for taps in taps {
            let own = pieces.len();
            for Tap { tap, pixel } in taps {
                assert!(tap < n_taps && pixel < n_pixels, "a tap outside the kernel or the image");
                let (input, weight, len) =
                    (number(pixel * channels), number(tap * channels), number(channels));
                match pieces[own..].last_mut() {
                    Some(p) if p.input + p.len == input && p.weight + p.len == weight => p.len += len,
                    _ => pieces.push(Piece { input, weight, len }),
                }
            }
            begins.push(number(pieces.len()));
        }
        let n_out = begins.len() - 1;
        assert!(width > 0 && n_out % width == 0, "lines that are not whole");
        // About four lines of a group's input in half a megabyte.
        let strip = (512 / channels.max(1)).clamp(4, GROUP);
        let mut groups = vec![];
        for left in (0..width).step_by(strip) {
            let len = number(strip.min(width - left));
            groups.extend((0..n_out / width).map(|line| (number(line * width + left), len)));
        }
        let work = pieces.iter().map(|p| p.len as usize).sum();
        let (by_tap, by_piece) = Default::default();
        Self { n_in, channels, n_taps, pieces, begins, groups, work, by_tap, by_piece }
    }

    /// The runs: tap by tap with pixels of the input turned, or in pieces as long as they come with pixels of the output turned.
    fn runs(&self, by_tap: bool) -> Runs {
        let mut all = Runs::default();
        let mut slots = BTreeMap::new();
        let longest = if by_tap { self.channels } else { u32::MAX as usize };
        for group in &self.groups {
            let mut parts = vec![];
            for pixel in pixels(*group) {
                for piece in self.pieces(pixel) {
                    for from in (0..piece.len).step_by(longest) {
                        let len = (piece.len - from).min(longest as u32);
                        parts.push((piece.weight + from, len, pixel as u32, piece.input + from));
                    }
                }
            }
            parts.sort_unstable();
            let turned = |pixel: u32, input: u32| if by_tap { input / self.channels as u32 } else { pixel };
            let needed: BTreeSet<u32> =
                parts.iter().map(|(_, _, pixel, input)| turned(*pixel, *input)).collect();
            slots.retain(|pixel, _| needed.contains(pixel));
            let taken: BTreeSet<u32> = slots.values().copied().collect();
            let mut free = (0..).filter(|slot| !taken.contains(slot));
            let (first_turn, first_run) = (all.turns.len() as u32, all.runs.len() as u32);
            for pixel in needed {
                slots.entry(pixel).or_insert_with(|| {
                    let slot = free.next().expect("there is always another");
                    all.turns.push((pixel, slot));
                    slot
                });
            }
            all.n_slots = all.n_slots.max(slots.values().max().map_or(0, |s| *s as usize + 1));
            for (weight, len, pixel, input) in parts {
                let at = all.members.len() as u32;
                all.members.push((if by_tap { pixel } else { input }, slots[&turned(pixel, input)]));
                match all.runs[first_run as usize..].last_mut() {
                    Some(run) if (run.weight, run.len) == (weight, len) => run.members.end += 1,
                    _ => all.runs.push(Run { weight, len, members: at..at + 1 }),
                }
            }
            all.steps.push(Step {
                turns: first_turn..all.turns.len() as u32,
                runs: first_run..all.runs.len() as u32,
            });
        }
        all
    }

    /// Features of the input.
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Channels of the input.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Taps of the kernel.
    pub fn n_taps(&self) -> usize {
        self.n_taps
    }

    /// Weights of an output: channels times taps.
    pub fn depth(&self) -> usize {
        self.channels * self.n_taps
    }

    /// Pixels of the output.
    pub fn n_pixels(&self) -> usize {
        self.begins.len() - 1
    }

    /// Multiply-adds of one output channel for one row.
    pub fn work(&self) -> usize {
        self.work
    }

    /// Groups of pixels, in the order of work.
    pub(super) fn groups(&self) -> &[(u32, u32)] {
        &self.groups
    }

    /// What a pixel sums over.
    pub(super) fn pieces(&self, pixel: usize) -> &[Piece] {
        &self.pieces[self.begins[pixel] as usize..self.begins[pixel + 1] as usize]
    }

    /// The weights and who uses them, group after group: tap by tap, or in pieces as long as they come.
    pub(super) fn runs_of(&self, by_tap: bool) -> &Runs {
        if by_tap {
            self.by_tap.get_or_init(|| self.runs(true))
        } else {
            self.by_piece.get_or_init(|| self.runs(false))
        }
    }
}

/// The pixels of a group.
#[inline(always)]
pub(super) fn pixels((first, len): (u32, u32)) -> Range<usize> {
    first as usize..(first + len) as usize
}

impl Runs {
    /// Slots for turned pixels.
    pub fn n_slots(&self) -> usize {
        self.n_slots
    }

    /// Group after group: the pixels to be turned, with their slots, and the runs.
    pub fn steps(&self) -> impl Iterator<Item = (&[(u32, u32)], &[Run])> {
        self.steps.iter().map(|s| (&self.turns[widen(&s.turns)], &self.runs[widen(&s.runs)]))
    }

    /// The members of a run.
    pub fn members(&self, run: &Run) -> &[(u32, u32)] {
        &self.members[widen(&run.members)]
    }
}

fn widen(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_piece() {
        // A line of four pixels with two channels, a kernel of three taps that stays within the line.
        let taps = (0..4usize).map(|p| {
            let joined =
                |t: usize| (p + t).checked_sub(1).filter(|q| *q < 4).map(|pixel| Tap { tap: t, pixel });
            (0..3).filter_map(joined).collect()
        });
        let gather = Gather::new((4, 2), 3, 4, taps);
        assert_eq!((gather.n_in(), gather.n_pixels(), gather.depth(), gather.work()), (8, 4, 6, 20));
        assert_eq!(gather.pieces(0), [Piece { input: 0, weight: 2, len: 4 }]);
        assert_eq!(gather.pieces(1), [Piece { input: 0, weight: 0, len: 6 }]);
        assert_eq!(gather.pieces(3), [Piece { input: 4, weight: 0, len: 4 }]);
        let runs = |by_tap| {
            let runs = gather.runs_of(by_tap);
            let (turns, own) = runs.steps().next().unwrap();
            assert_eq!(turns, [(0, 0), (1, 1), (2, 2), (3, 3)]);
            own.iter().map(|run| (run.weight, run.len, runs.members(run).to_vec())).collect::<Vec<_>>()
        };
        // Input and slot of the output; then output and slot of the input.
        assert_eq!(runs(false), [(0, 4, vec![(4, 3)]), (0, 6, vec![(0, 1), (2, 2)]), (2, 4, vec![(0, 0)])]);
        assert_eq!(runs(true)[0], (0, 2, vec![(1, 0), (2, 1), (3, 2)]));
        assert_eq!(runs(true).len(), 3);
    }
}
