//! The nearest row of a large set for each of some rows, by matrix products.
//!
//! `argmin_j norm(x - y_j)^2 = argmax_j (x . y_j - norm(y_j)^2 / 2)`: one product for a block of the set, then the distance of its winner anew, by differences, so that a copy has distance zero and nothing
//! cancels. The set is handed in piece by piece, so it need not lie in memory as numbers. Results depend neither on the pieces nor on threads, but for ties to rounding.

use mixwell_vector::block::{BLOCK, buffer_len, load_rows};
use mixwell_vector::matmul::{Finish, Panels, product};
use rayon::prelude::*;

use crate::Batch;

/// Rows of the set in one product.
const PART: usize = 512;

/// The nearest of all rows seen so far, for each row of a batch.
///
/// ```
/// use mixwell::{Points, metric::NearestRows};
/// let x = Points::from_rows(&[[0.0, 1.0], [4.0, 4.0]]);
/// let mut nearest = NearestRows::of(x.as_batch());
/// nearest.add(Points::from_rows(&[[3.0, 4.0], [0.0, 0.0]]).as_batch());
/// nearest.add(Points::from_rows(&[[4.0, 4.0]]).as_batch());
/// assert_eq!(nearest.distances(), [1.0, 0.0]);
/// assert_eq!(nearest.indices(), [Some(1), Some(2)]);
/// ```
pub struct NearestRows<'a> {
    x: Batch<'a>,
    /// Squared distance and place of the nearest.
    found: Vec<(f64, Option<usize>)>,
    seen: usize,
}

impl<'a> NearestRows<'a> {
    /// Nothing seen yet.
    pub fn of(x: Batch<'a>) -> Self {
        Self { x, found: vec![(f64::INFINITY, None); x.rows()], seen: 0 }
    }

    /// Looks at more rows of the set, which are counted on from those before. A row with NaN is nobody's nearest.
    ///
    /// # Panics
    /// When they have another number of coordinates.
    pub fn add(&mut self, set: Batch<'_>) {
        assert_eq!(set.dim(), self.x.dim(), "rows of another dimension");
        for first in (0..set.rows()).step_by(PART) {
            let part = set.slice(first..set.rows().min(first + PART));
            self.add_part(part, self.seen + first);
        }
        self.seen += set.rows();
    }

    fn add_part(&mut self, part: Batch<'_>, first: usize) {
        let (dim, n) = (part.dim(), part.rows());
        let mut panels = Panels::<f64>::new(dim, n);
        panels.pack(part.data(), dim, 1);
        let bias: Vec<f64> = part.iter().map(|y| -0.5 * y.iter().map(|v| v * v).sum::<f64>()).collect();
        let x = self.x;
        self.found.par_chunks_mut(BLOCK).enumerate().for_each_init(
            || (vec![0.0; buffer_len(BLOCK, dim)], vec![0.0; buffer_len(BLOCK, n)]),
            |(input, output), (block, found)| {
                let rows = x.slice(block * BLOCK..block * BLOCK + found.len());
                load_rows(rows.data(), dim, input);
                product(&panels, Some(&bias), input, Finish::Keep, output, found.len());
                for (r, (found, x)) in found.iter_mut().zip(rows.iter()).enumerate() {
                    let mut best = (f64::NEG_INFINITY, None);
                    for (j, column) in output.chunks_exact(BLOCK).enumerate() {
                        if column[r] > best.0 {
                            best = (column[r], Some(j));
                        }
                    }
                    let Some(j) = best.1 else { continue };
                    let square = x.iter().zip(part.row(j)).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
                    if square < found.0 {
                        *found = (square, Some(first + j));
                    }
                }
            },
        );
    }

    /// Euclidean distances, infinite while nothing was seen.
    pub fn distances(&self) -> Vec<f64> {
        self.found.iter().map(|(square, _)| square.sqrt()).collect()
    }

    /// Which row of the set it is.
    pub fn indices(&self) -> Vec<Option<usize>> {
        self.found.iter().map(|(_, index)| *index).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Points, Stream};

    fn random(stream: &mut Stream, rows: usize, dim: usize) -> Points {
        let mut points = Points::zeros(rows, dim);
        stream.fill_normal(points.data_mut());
        points
    }

    proptest! {
        #[test]
        fn equals_the_distances_one_by_one(rows in 1usize..150, n in 1usize..1100, dim in 1usize..20, cut in 0.0..1.0f64, seed in 0u64..100) {
            let mut stream = Stream::new(seed, 0);
            let (x, set) = (random(&mut stream, rows, dim), random(&mut stream, n, dim));
            let mut nearest = NearestRows::of(x.as_batch());
            let cut = (cut * n as f64) as usize;
            nearest.add(set.as_batch().slice(0..cut));
            nearest.add(set.as_batch().slice(cut..n));
            for (i, x) in x.as_batch().iter().enumerate() {
                let square = |y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
                let best = set.as_batch().iter().map(square).fold(f64::INFINITY, f64::min);
                prop_assert!((nearest.distances()[i] - best.sqrt()).abs() < 1e-12);
                let index = nearest.indices()[i].unwrap();
                prop_assert!((square(set.row(index)) - best).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn copies_far_from_the_origin_have_distance_zero_and_nan_has_none() {
        let mut stream = Stream::new(1, 0);
        let mut set = random(&mut stream, 700, 30);
        set.data_mut().iter_mut().for_each(|v| *v += 1e3);
        let x = Points::from_vec(set.as_batch().slice(600..700).data().to_vec(), 30);
        let mut nearest = NearestRows::of(x.as_batch());
        nearest.add(set.as_batch());
        assert!(nearest.distances().iter().all(|d| *d == 0.0));
        assert!(nearest.indices().iter().enumerate().all(|(i, found)| *found == Some(600 + i)));
        let odd = Points::from_rows(&[[f64::NAN], [1.0]]);
        let mut nearest = NearestRows::of(odd.as_batch());
        nearest.add(odd.as_batch());
        assert_eq!((nearest.distances()[0], nearest.distances()[1]), (f64::INFINITY, 0.0));
    }
}
