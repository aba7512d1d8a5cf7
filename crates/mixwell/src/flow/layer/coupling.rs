//! Which coordinates a coupling layer transforms and which it keeps as inputs of its networks.
//!
//! `halves`: the first `floor(d/2)` coordinates are kept, then the last ones, in turn. `parity`: coordinate `i` is kept in
//! layer `j` when `i + j` is odd, as in [durkan2019neural]. In one dimension there is nothing to look at: every layer moves
//! the coordinate by constants.

use serde::{Deserialize, Serialize};

use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks};

/// How coordinates are split between the kept and the moved, from layer to layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// First half kept, then second half kept, in turn.
    #[default]
    Halves,
    /// Every other coordinate kept, odd ones and even ones in turn.
    Parity,
}

/// The split of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// All coordinates.
    pub dim: usize,
    /// Coordinates the conditioner looks at.
    pub kept: Vec<usize>,
    /// Coordinates that are transformed.
    pub moved: Vec<usize>,
    /// Which learned bound each of these has: its channel in an image, otherwise one of its own.
    pub channels: Vec<usize>,
    /// Numbers that a conditioner of full width sees, and where kept and moved coordinates stand among them.
    width: usize,
    kept_at: Vec<usize>,
    pub moved_at: Vec<usize>,
}

impl Mask {
    /// The split of layer `layer` in `dim` dimensions.
    pub(crate) fn split(self, dim: usize, layer: usize) -> Split {
        let keeps = |i: usize| match self {
            _ if dim == 1 => false,
            Self::Halves => (i < dim / 2) == layer.is_multiple_of(2),
            Self::Parity => (i + layer) % 2 == 1,
        };
        let all: Vec<usize> = (0..dim).collect();
        let mut split = Split::within(dim, &all, keeps);
        split.channels = (0..split.moved.len()).collect();
        split
    }
}

impl Split {
    /// The split of some coordinates of `dim`, all of one channel: the conditioner sees these in this order, and keeps those at
    /// the places told. The others stay as they are.
    pub(crate) fn within(dim: usize, frame: &[usize], keeps: impl Fn(usize) -> bool) -> Split {
        let (kept_at, moved_at): (Vec<usize>, Vec<usize>) = (0..frame.len()).partition(|i| keeps(*i));
        let coordinates = |places: &[usize]| places.iter().map(|i| frame[*i]).collect::<Vec<_>>();
        let (kept, moved) = (coordinates(&kept_at), coordinates(&moved_at));
        let channels = vec![0; moved.len()];
        Split { dim, kept, moved, channels, width: frame.len(), kept_at, moved_at }
    }

    /// Learned bounds that moved coordinates have.
    pub(crate) fn n_channels(&self) -> usize {
        self.channels.iter().max().map_or(0, |c| c + 1)
    }

    /// Copies the kept coordinates of a blocked buffer side by side, at their own place (`full`: moved ones are zero) or
    /// packed.
    pub(crate) fn gather<T: Real>(&self, v: &[T], full: bool, input: &mut [T], rows: usize) {
        let width = self.input_width(full);
        for b in 0..blocks(rows) {
            let block = &mut input[b * width * BLOCK..(b + 1) * width * BLOCK];
            if full {
                block.fill(T::ZERO);
            }
            for (k, &i) in self.kept.iter().enumerate() {
                let at = if full { self.kept_at[k] } else { k };
                block[at * BLOCK..(at + 1) * BLOCK]
                    .copy_from_slice(&v[(b * self.dim + i) * BLOCK..][..BLOCK]);
            }
        }
    }

    /// Adds the derivative in the conditioner's inputs to that in the kept coordinates.
    pub(crate) fn scatter_add<T: Real>(&self, input: &[T], full: bool, dv: &mut [T], rows: usize) {
        let width = self.input_width(full);
        for b in 0..blocks(rows) {
            for (k, &i) in self.kept.iter().enumerate() {
                let at = if full { self.kept_at[k] } else { k };
                let from = &input[(b * width + at) * BLOCK..][..BLOCK];
                let to = &mut dv[(b * self.dim + i) * BLOCK..][..BLOCK];
                for (d, v) in to.iter_mut().zip(from) {
                    *d += *v;
                }
            }
        }
    }

    /// Inputs of the conditioner.
    pub(crate) fn input_width(&self, full: bool) -> usize {
        if full { self.width } else { self.kept.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_parity_take_turns() {
        let s = |m: Mask, d, l| m.split(d, l).kept;
        assert_eq!(s(Mask::Halves, 5, 0), [0, 1]);
        assert_eq!(s(Mask::Halves, 5, 1), [2, 3, 4]);
        assert_eq!(s(Mask::Parity, 5, 0), [1, 3]);
        assert_eq!(s(Mask::Parity, 5, 1), [0, 2, 4]);
        assert_eq!(Mask::Parity.split(1, 0).moved, [0]);
        assert_eq!(Mask::Halves.split(1, 1).moved, [0]);
    }
}
