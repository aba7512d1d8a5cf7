//! What of a flat vector is trained, and what is a statistic.

use std::ops::Range;

use crate::net::parameters::ArraySpec;
use mixwell_vector::Real;

/// The ranges of a flat vector.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// Moved by the optimiser's rule.
    pub trained: Vec<Range<usize>>,
    /// Set by subtracting their entry in the gradient.
    pub statistics: Vec<Range<usize>>,
}

impl Parts {
    /// Those of a model with this layout and this many numbers.
    pub fn of(layout: &[ArraySpec], n_params: usize) -> Self {
        let mut statistics: Vec<Range<usize>> = vec![];
        for array in layout.iter().filter(|a| a.is_statistic) {
            match statistics.last_mut().filter(|last| last.end == array.offset) {
                Some(last) => last.end = array.end(),
                None => statistics.push(array.offset..array.end()),
            }
        }
        let starts = std::iter::once(0).chain(statistics.iter().map(|s| s.end));
        let ends = statistics.iter().map(|s| s.start).chain(std::iter::once(n_params));
        let trained = starts.zip(ends).map(|(start, end)| start..end).filter(|r| !r.is_empty()).collect();
        Self { trained, statistics }
    }

    /// Norm of what is trained; NaN when a statistic is not finite.
    pub fn norm<T: Real>(&self, gradient: &[T]) -> f64 {
        if self.statistics.iter().flat_map(|r| &gradient[r.clone()]).any(|g| !g.to_f64().is_finite()) {
            return f64::NAN;
        }
        self.trained.iter().map(|r| sum_of_squares(&gradient[r.clone()])).sum::<f64>().sqrt()
    }
}

/// Euclidean norm, summed in f64.
pub fn norm<T: Real>(v: &[T]) -> f64 {
    sum_of_squares(v).sqrt()
}

fn sum_of_squares<T: Real>(v: &[T]) -> f64 {
    let mut sums = [0.0; 8];
    for chunk in v.chunks(8) {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x.to_f64() * x.to_f64();
        }
    }
    sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(offset: usize, len: usize, is_statistic: bool) -> ArraySpec {
        ArraySpec { name: offset.to_string(), shape: vec![len], offset, is_statistic }
    }

    #[test]
    fn neighbours_are_one_range_and_all_else_is_trained() {
        let layout = [
            array(0, 3, false),
            array(3, 2, true),
            array(5, 2, true),
            array(7, 4, false),
            array(11, 1, true),
        ];
        let parts = Parts::of(&layout, 12);
        assert_eq!((parts.trained, parts.statistics), (vec![0..3, 7..11], vec![3..7, 11..12]));
        let all = Parts::of(&[array(0, 5, false)], 5).trained;
        assert_eq!((all.first(), all.len()), (Some(&(0..5)), 1));
        assert_eq!(Parts::of(&[array(0, 5, true)], 5).trained, []);
    }

    #[test]
    fn no_norm_counts_a_statistic() {
        let parts = Parts::of(&[array(0, 2, false), array(2, 1, true)], 3);
        assert_eq!(parts.norm(&[3.0, 4.0, 100.0]), 5.0);
        assert!(parts.norm(&[3.0f32, 4.0, f32::INFINITY]).is_nan());
    }
}
