//! Layers one after the other, from a value that several nodes take to the next such value. Where two chains from one value are
//! added, they become the two ways of a residual block.

use crate::net::LayerSpec;
use crate::net::Residual;
use crate::net::import::NamedArray;

/// A layer and its arrays, in the order of the layout.
#[derive(Debug)]
pub(super) struct Piece {
    pub layer: LayerSpec,
    pub arrays: Vec<NamedArray>,
    /// Blocks that lie within one another in it.
    depth: usize,
}

impl Piece {
    pub fn new(layer: impl Into<LayerSpec>, arrays: Vec<NamedArray>) -> Self {
        Self { layer: layer.into(), arrays, depth: 0 }
    }
}

/// Blocks within blocks at most.
const DEEPEST: usize = 14;

/// Chains at most; the way from one to the first is as long as there are chains.
const MOST: usize = 10_000;

#[derive(Debug)]
struct Chain {
    before: Option<usize>,
    depth: usize,
    /// `None` once they are part of a block.
    pieces: Option<Vec<Piece>>,
}

/// All chains of a graph.
#[derive(Debug)]
pub(super) struct Chains {
    all: Vec<Chain>,
}

const TAKEN: &str =
    "a value inside of a residual block is used outside of it, too; no list of layers does that";

impl Chains {
    /// One chain without layers, which begins at the input.
    pub fn new() -> Self {
        Self { all: vec![Chain { before: None, depth: 0, pieces: Some(vec![]) }] }
    }

    /// A new chain that begins where this one ends.
    pub fn fork(&mut self, chain: usize) -> Result<usize, String> {
        if self.all.len() >= MOST {
            return Err(format!("the graph has more than {MOST} branches"));
        }
        let depth = self.all[chain].depth + 1;
        self.all.push(Chain { before: Some(chain), depth, pieces: Some(vec![]) });
        Ok(self.all.len() - 1)
    }

    /// Adds a layer at the end of a chain.
    pub fn push(&mut self, chain: usize, piece: Piece) -> Result<(), String> {
        self.all[chain].pieces.as_mut().ok_or(TAKEN)?.push(piece);
        Ok(())
    }

    /// The last layer of a chain.
    pub fn last(&mut self, chain: usize) -> Option<&mut Piece> {
        self.all[chain].pieces.as_mut()?.last_mut()
    }

    /// The sum of what two chains end with: a chain that begins where both have come from.
    pub fn add(&mut self, a: usize, b: usize) -> Result<usize, String> {
        let (mut from, mut other) = (a, b);
        while from != other {
            let (deeper, second) = if self.all[from].depth >= self.all[other].depth {
                (&mut from, other)
            } else {
                (&mut other, from)
            };
            let Some(before) = self.all[*deeper].before else {
                return Err(format!("chains {second} and {deeper} have no beginning in common"));
            };
            *deeper = before;
        }
        let (mut main, mut skip) = (self.take(a, Some(from))?, self.take(b, Some(from))?);
        // The way with more weights is the block, the other one leads around it.
        let size = |way: &[Piece]| (way.iter().map(|p| p.arrays.len()).sum::<usize>(), way.len());
        if size(&main) < size(&skip) {
            std::mem::swap(&mut main, &mut skip);
        }
        if main.is_empty() {
            return Err("it adds a value to itself".into());
        }
        let depth = 1 + main.iter().chain(&skip).map(|p| p.depth).max().unwrap_or(0);
        if depth > DEEPEST {
            return Err(format!("residual blocks lie more than {DEEPEST} deep"));
        }
        let mut arrays = vec![];
        let mut layers = |pieces: Vec<Piece>| -> Vec<LayerSpec> {
            let layer = |piece: Piece| {
                arrays.extend(piece.arrays);
                piece.layer
            };
            pieces.into_iter().map(layer).collect()
        };
        let block = Residual { main: layers(main), skip: layers(skip) };
        let sum = self.fork(from)?;
        self.push(sum, Piece { layer: block.into(), arrays, depth })?;
        Ok(sum)
    }

    /// Takes the layers on the way from the end of `until` (or the input) to the end of `chain`.
    pub fn take(&mut self, chain: usize, until: Option<usize>) -> Result<Vec<Piece>, String> {
        let (mut at, mut parts) = (Some(chain), vec![]);
        while let Some(place) = at.filter(|_| at != until) {
            parts.push(self.all[place].pieces.take().ok_or(TAKEN)?);
            at = self.all[place].before;
        }
        Ok(parts.into_iter().rev().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Activation;

    fn push(chains: &mut Chains, chain: usize, function: Activation) {
        chains.push(chain, Piece::new(function, vec![])).unwrap();
    }

    #[test]
    fn two_ways_become_a_block_and_a_third_is_refused() {
        let mut chains = Chains::new();
        push(&mut chains, 0, Activation::Tanh);
        let (a, b, c) = (chains.fork(0).unwrap(), chains.fork(0).unwrap(), chains.fork(0).unwrap());
        push(&mut chains, a, Activation::Relu);
        let inner = chains.fork(a).unwrap();
        push(&mut chains, inner, Activation::Sigmoid);
        let sum = chains.add(b, inner).unwrap();
        push(&mut chains, sum, Activation::Softplus);
        let late = chains.fork(a).unwrap();
        assert!(chains.add(late, c).unwrap_err().contains("outside of it"));
        let pieces = chains.take(sum, None).unwrap();
        let layers: Vec<LayerSpec> = pieces.into_iter().map(|p| p.layer).collect();
        let block =
            Residual { main: vec![Activation::Relu.into(), Activation::Sigmoid.into()], skip: vec![] };
        assert_eq!(layers, [Activation::Tanh.into(), block.into(), Activation::Softplus.into()]);
    }

    #[test]
    fn a_value_is_not_added_to_itself() {
        let mut chains = Chains::new();
        let (a, b) = (chains.fork(0).unwrap(), chains.fork(0).unwrap());
        assert!(chains.add(a, b).unwrap_err().contains("to itself"));
    }
}
