//! Where the numbers of an array lie that is seen through strides.

/// The places of an array's numbers, its last index running fastest; `n` is the product of the shape.
#[derive(Debug)]
pub(super) struct Places<'a> {
    shape: &'a [usize],
    strides: &'a [usize],
    index: Vec<usize>,
    at: usize,
    left: usize,
}

impl<'a> Places<'a> {
    /// From the place of the first number and the distance of neighbours along each axis.
    pub(super) fn new(shape: &'a [usize], strides: &'a [usize], first: usize, n: usize) -> Self {
        Self { shape, strides, index: vec![0; shape.len()], at: first, left: n }
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let here = self.at;
        for axis in (0..self.shape.len()).rev() {
            self.index[axis] += 1;
            if self.index[axis] < self.shape[axis] {
                self.at += self.strides[axis];
                break;
            }
            self.at -= (self.shape[axis] - 1) * self.strides[axis];
            self.index[axis] = 0;
        }
        Some(here)
    }

    // Exact, so that what is collected is allocated once.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// The strides of an array whose first index runs fastest; its numbers can be counted.
pub(super) fn first_fastest(shape: &[usize]) -> Vec<usize> {
    let before = shape.iter().scan(1, |before, size| Some(std::mem::replace(before, *before * size)));
    before.collect()
}

/// The strides of an array whose last index runs fastest; its numbers can be counted.
#[cfg(test)]
fn last_fastest(shape: &[usize]) -> Vec<usize> {
    let mut strides = first_fastest(&shape.iter().rev().copied().collect::<Vec<_>>());
    strides.reverse();
    strides
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_transposed_matrix() {
        assert_eq!(
            Places::new(&[3, 2], &first_fastest(&[3, 2]), 0, 6).collect::<Vec<_>>(),
            [0, 3, 1, 4, 2, 5]
        );
        assert_eq!(Places::new(&[2, 2], &[0, 1], 5, 4).collect::<Vec<_>>(), [5, 6, 5, 6]);
        assert_eq!(Places::new(&[], &[], 7, 1).collect::<Vec<_>>(), [7]);
        assert_eq!(Places::new(&[2, 0], &[1, 1], 7, 0).count(), 0);
    }

    proptest! {
        #[test]
        fn any_strides_give_the_sum_over_axes(axes in prop::collection::vec((1usize..5, 0usize..9), 0..5), first in 0usize..4) {
            let (shape, strides): (Vec<_>, Vec<_>) = axes.into_iter().unzip();
            let n: usize = shape.iter().product();
            let rows = last_fastest(&shape);
            let expected: Vec<usize> = (0..n)
                .map(|i| first + (0..shape.len()).map(|a| i / rows[a] % shape[a] * strides[a]).sum::<usize>())
                .collect();
            prop_assert_eq!(Places::new(&shape, &strides, first, n).collect::<Vec<_>>(), expected);
        }
    }
}
