//! How sure and how varied a classifier finds images: `exp(mean_x KL(p(y|x) || p(y)))`, `p(y)` the mean of `p(y|x)`.
//!
//! Known as the Inception Score when the classifier is the published Inception network [salimans2016improved]; of any other classifier it is
//! another number. From 1 (all images alike, or the classifier knows nothing) to the number of classes. It is computed in splits of the
//! images, one after the other, with mean and standard deviation (divisor: the number of splits) over them, as in published tables. That deviation is
//! the spread of the score of one split, not the error of the score of all images, which is beside it (see `jackknife.rs`).
//!
//! The mean of KL is `mean_x sum_y p ln p - sum_y q ln q` with `q` the mean, so sums are enough. The score of n images is too low,
//! by a share of about `(classes - 1)/(2n)` where the classifier is always sure, less where it is not.

use serde::Serialize;

use super::jackknife::{Jackknife, groups, pieces};
use crate::Batch;

/// How far from 1 the probabilities of an image may sum.
const TOLERANCE: f64 = 1e-4;

/// The class score of a set of images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScore {
    /// The score of all images together.
    pub all: f64,
    /// Standard error of `all`, by leaving out groups of images.
    pub standard_error: f64,
    /// Mean over the splits.
    pub mean: f64,
    /// Standard deviation over the splits, with their number as the divisor.
    pub sd: f64,
    /// The score of each split.
    pub splits: Vec<f64>,
}

/// The class score from the probabilities of classes, `images x classes`, in so many splits.
///
/// Rows are taken in their order and must be exchangeable: shuffle images that lie by their classes. NaN where a row is no
/// probabilities (negative, NaN, or a sum off 1), where there are fewer rows than splits, and for no split.
///
/// ```
/// use mixwell::{Points, metric::class_score};
/// // Two images of two classes, both certain: 2. Half sure of each: 1.
/// let sure = Points::from_rows(&[[1.0, 0.0], [0.0, 1.0]]);
/// assert!((class_score(sure.as_batch(), 1).all - 2.0).abs() < 1e-12);
/// let unsure = Points::from_rows(&[[0.5, 0.5], [0.5, 0.5]]);
/// assert!((class_score(unsure.as_batch(), 1).all - 1.0).abs() < 1e-12);
/// ```
pub fn class_score(probabilities: Batch<'_>, splits: usize) -> ClassScore {
    let rows = probabilities.rows();
    let usable = |row: &[f64]| {
        row.iter().all(|p| *p >= 0.0 && p.is_finite()) && (row.iter().sum::<f64>() - 1.0).abs() < TOLERANCE
    };
    if splits == 0 || rows < splits || !probabilities.iter().all(usable) {
        let nan = f64::NAN;
        return ClassScore { all: nan, standard_error: nan, mean: nan, sd: nan, splits: vec![] };
    }
    let total = Sums::of(probabilities);
    let all = total.score();
    let without: Vec<f64> =
        groups(rows).map(|g| total.without(&Sums::of(probabilities.slice(g))).score()).collect();
    let splits: Vec<f64> = pieces(rows, splits).map(|s| Sums::of(probabilities.slice(s)).score()).collect();
    let n = splits.len() as f64;
    let mean = splits.iter().sum::<f64>() / n;
    let sd = (splits.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / n).sqrt();
    ClassScore { all, standard_error: Jackknife::of(all, &without).variance.sqrt(), mean, sd, splits }
}

/// What the score needs of some rows.
struct Sums {
    rows: f64,
    /// Of `p ln p` over all rows and classes.
    negative_entropy: f64,
    /// Of `p` over all rows.
    classes: Vec<f64>,
}

impl Sums {
    fn of(probabilities: Batch<'_>) -> Self {
        let mut classes = vec![0.0; probabilities.dim()];
        let mut negative_entropy = 0.0;
        for row in probabilities.iter() {
            classes.iter_mut().zip(row).for_each(|(sum, p)| *sum += p);
            negative_entropy += row.iter().map(|p| p_ln_p(*p)).sum::<f64>();
        }
        Self { rows: probabilities.rows() as f64, negative_entropy, classes }
    }

    fn without(&self, part: &Self) -> Self {
        Self {
            rows: self.rows - part.rows,
            negative_entropy: self.negative_entropy - part.negative_entropy,
            // Rounding must not make a sum of nothing negative.
            classes: self.classes.iter().zip(&part.classes).map(|(a, b)| (a - b).max(0.0)).collect(),
        }
    }

    fn score(&self) -> f64 {
        let mean: f64 = self.classes.iter().map(|sum| p_ln_p(sum / self.rows)).sum();
        (self.negative_entropy / self.rows - mean).exp()
    }
}

fn p_ln_p(p: f64) -> f64 {
    if p > 0.0 { p * p.ln() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Points, Stream};

    fn random(seed: u64, rows: usize, classes: usize, sharpness: f64) -> Points {
        let mut stream = Stream::new(seed, 0);
        let mut p = Points::zeros(rows, classes);
        for row in p.as_batch_mut().iter_mut() {
            row.iter_mut().for_each(|v| *v = (sharpness * stream.normal()).exp());
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|v| *v /= sum);
        }
        p
    }

    #[test]
    fn the_ends_of_the_scale() {
        for classes in [2, 10, 1000] {
            let unsure = Points::from_vec(vec![1.0 / classes as f64; 40 * classes], classes);
            let score = class_score(unsure.as_batch(), 10);
            assert!((score.all - 1.0).abs() < 1e-10 && score.sd < 1e-10, "{score:?}");
            let mut sure = Points::zeros(2 * classes, classes);
            sure.as_batch_mut().iter_mut().enumerate().for_each(|(i, row)| row[i % classes] = 1.0);
            let score = class_score(sure.as_batch(), 2);
            assert!((score.all / classes as f64 - 1.0).abs() < 1e-10, "{score:?}");
            assert!((score.mean / classes as f64 - 1.0).abs() < 1e-10 && score.sd < 1e-8);
            // Sure, but of one class only.
            let mut same = Points::zeros(20, classes);
            same.as_batch_mut().iter_mut().for_each(|row| row[1] = 1.0);
            assert!((class_score(same.as_batch(), 1).all - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn sums_are_the_mean_divergence_and_splits_are_pieces() {
        let p = random(3, 60, 4, 2.0);
        let of = |rows: Batch<'_>| {
            let mut q = [0.0; 4];
            rows.iter().for_each(|r| q.iter_mut().zip(r).for_each(|(q, p)| *q += p / rows.rows() as f64));
            let divergence = |r: &[f64]| r.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum::<f64>();
            (rows.iter().map(divergence).sum::<f64>() / rows.rows() as f64).exp()
        };
        let score = class_score(p.as_batch(), 3);
        assert!((score.all - of(p.as_batch())).abs() < 1e-12);
        let want = [0, 20, 40].map(|i| of(p.as_batch().slice(i..i + 20)));
        score.splits.iter().zip(want).for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
        let mean = want.iter().sum::<f64>() / 3.0;
        let sd = (want.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
        assert!((score.mean - mean).abs() < 1e-12 && (score.sd - sd).abs() < 1e-12);
    }

    #[test]
    fn its_error_is_what_other_images_would_change() {
        let scores: Vec<ClassScore> =
            (0..200).map(|seed| class_score(random(seed, 400, 5, 2.0).as_batch(), 1)).collect();
        let mean = scores.iter().map(|s| s.all).sum::<f64>() / 200.0;
        let sd = (scores.iter().map(|s| (s.all - mean).powi(2)).sum::<f64>() / 199.0).sqrt();
        let error = (scores.iter().map(|s| s.standard_error.powi(2)).sum::<f64>() / 200.0).sqrt();
        // Both are known to about 5 %.
        assert!((error / sd - 1.0).abs() < 0.3, "{error} {sd}");
    }

    #[test]
    fn what_are_no_probabilities_is_nan() {
        for bad in [[0.5, 0.6], [1.5, -0.5], [f64::NAN, 1.0], [f64::INFINITY, 0.0]] {
            assert!(class_score(Points::from_rows(&[[1.0, 0.0], bad]).as_batch(), 1).all.is_nan());
        }
        let two = Points::from_rows(&[[1.0, 0.0], [0.0, 1.0]]);
        assert!(class_score(two.as_batch(), 3).all.is_nan() && class_score(two.as_batch(), 0).all.is_nan());
    }

    proptest! {
        #[test]
        fn between_one_and_the_classes_whatever_their_order(seed in 0u64..1000, rows in 2usize..60, classes in 2usize..8) {
            let p = random(seed, rows, classes, 3.0);
            let score = class_score(p.as_batch(), 1).all;
            prop_assert!(score > 1.0 - 1e-12 && score < classes as f64 + 1e-9, "{score}");
            let mut turned = p.clone();
            turned.as_batch_mut().iter_mut().for_each(|row| row.rotate_left(1));
            let mut rows: Vec<&[f64]> = p.as_batch().iter().collect();
            rows.reverse();
            let backwards = Points::from_vec(rows.concat(), classes);
            prop_assert!((class_score(turned.as_batch(), 1).all - score).abs() < 1e-10);
            prop_assert!((class_score(backwards.as_batch(), 1).all - score).abs() < 1e-10);
        }
    }
}
