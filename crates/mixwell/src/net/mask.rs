//! Masks of dense layers: which weights exist, and the masks that make a network autoregressive.
//!
//! Every unit has a degree, a place in the order of the coordinates. A hidden unit of degree `m` sees units of degree at
//! most `m`; an output of degree `m` sees units of degree *below* `m`. So an output depends only on inputs that come
//! strictly before it, whatever the weights. Degrees of hidden units go round `1, 2, ..., d - 1`.
//! Reference: [germain2015made], equations 12 and 13. Differs: degrees are dealt in turn instead of at random.

use mixwell_vector::Real;

/// The weights of one layer that exist, and room for the weights with the others set to zero.
#[derive(Clone, Debug)]
pub(super) struct Mask<T> {
    kept: Vec<bool>,
    weights: Vec<T>,
}

impl<T: Real> Mask<T> {
    /// From one truth value per weight, `n_out x n_in`.
    pub fn new(kept: Vec<bool>) -> Self {
        Self { weights: vec![T::ZERO; kept.len()], kept }
    }

    /// The weights with zero in place of those that do not exist.
    pub fn select(&mut self, weights: &[T]) -> &[T] {
        self.weights.copy_from_slice(weights);
        for (w, kept) in self.weights.iter_mut().zip(&self.kept) {
            if !kept {
                *w = T::ZERO;
            }
        }
        &self.weights
    }

    /// Sets numbers to zero that belong to weights that do not exist.
    pub fn clear(&self, weights: &mut [T]) {
        for (w, kept) in weights.iter_mut().zip(&self.kept) {
            if !kept {
                *w = T::ZERO;
            }
        }
    }
}

/// One mask per layer for a network of these hidden layers, whose inputs and outputs have these degrees (from 1 on): an
/// output depends on the inputs of smaller degree only.
pub fn made_masks(inputs: &[usize], hidden: &[usize], outputs: &[usize]) -> Vec<Vec<bool>> {
    let highest = inputs.iter().max().map_or(1, |d| (d - 1).max(1));
    let mut before = inputs.to_vec();
    let mut masks = Vec::with_capacity(hidden.len() + 1);
    for &n in hidden {
        let degrees: Vec<usize> = (0..n).map(|k| 1 + k % highest).collect();
        masks.push(degrees.iter().flat_map(|d| before.iter().map(move |b| b <= d)).collect());
        before = degrees;
    }
    masks.push(outputs.iter().flat_map(|d| before.iter().map(move |b| b < d)).collect());
    masks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether output `o` depends on input `i` through any path of kept weights.
    fn depends(masks: &[Vec<bool>], n_in: usize, i: usize, o: usize) -> bool {
        let mut reached: Vec<bool> = (0..n_in).map(|k| k == i).collect();
        for mask in masks {
            reached =
                mask.chunks(reached.len()).map(|r| r.iter().zip(&reached).any(|(m, r)| *m && *r)).collect();
        }
        reached[o]
    }

    #[test]
    fn outputs_see_exactly_the_inputs_before_them() {
        for hidden in [vec![], vec![4], vec![5, 4, 7]] {
            let masks = made_masks(&[1, 2, 3, 4], &hidden, &[1, 2, 3, 4]);
            for i in 0..4 {
                for o in 0..4 {
                    assert_eq!(depends(&masks, 4, i, o), i < o, "{hidden:?}: output {o}, input {i}");
                }
            }
        }
    }

    #[test]
    fn a_single_coordinate_sees_nothing() {
        assert!(!depends(&made_masks(&[1], &[3], &[1]), 1, 0, 0));
    }
}
