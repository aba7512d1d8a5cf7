//! Tests of the Frechet distance.

use proptest::prelude::*;

use super::*;
use crate::{Points, Stream};

/// Normal rows with these standard deviations and means.
fn normal(seed: u64, rows: usize, sd: &[f64], mean: f64) -> Points {
    let mut x = Points::zeros(rows, sd.len());
    Stream::new(seed, 0).fill_normal(x.data_mut());
    x.as_batch_mut()
        .iter_mut()
        .for_each(|row| row.iter_mut().zip(sd).for_each(|(v, sd)| *v = mean + sd * *v));
    x
}

/// An orthogonal matrix.
fn rotation(seed: u64, dim: usize) -> DMatrix<f64> {
    let mut stream = Stream::new(seed, 0);
    DMatrix::from_fn(dim, dim, |_, _| stream.normal()).qr().q()
}

/// `Q diag(d) Q'`.
fn turned(q: &DMatrix<f64>, diagonal: &[f64]) -> Moments {
    let d = DMatrix::from_diagonal(&DVector::from_column_slice(diagonal));
    Moments { mean: DVector::zeros(diagonal.len()), covariance: q * d * q.transpose() }
}

proptest! {
    #[test]
    fn covariances_of_the_same_axes_have_a_closed_form(
        seed in 0u64..1000,
        pairs in prop::collection::vec((0.0..4.0f64, 0.0..4.0f64), 1..12),
        dead in 0usize..3,
    ) {
        // sum (sd1 - sd2)^2; some directions do not vary in the first.
        let (mut a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        a.iter_mut().take(dead).for_each(|v| *v = 0.0);
        let q = rotation(seed, a.len());
        let want: f64 = a.iter().zip(&b).map(|(a, b)| (a.sqrt() - b.sqrt()).powi(2)).sum();
        let (a, b) = (turned(&q, &a), turned(&q, &b));
        let found = frechet_distance(&a, &b);
        prop_assert!((found - want).abs() < 2e-6, "{found} {want}");
        prop_assert!((found - frechet_distance(&b, &a)).abs() < 1e-9);
        prop_assert!(frechet_distance(&a, &a) < 1e-11 && frechet_distance(&b, &b) < 1e-11);
    }

    #[test]
    fn any_two_covariances_agree_with_eigenvalues(seed in 0u64..1000, dim in 1usize..10) {
        let diagonal = |s: u64| (0..dim).map(|i| 0.2 + ((i as u64 * 7 + s) % 11) as f64).collect::<Vec<_>>();
        let a = turned(&rotation(seed, dim), &diagonal(seed));
        let b = turned(&rotation(seed + 1000, dim), &diagonal(seed + 3));
        let root = a.root().unwrap();
        let inner = SymmetricEigen::new(&root * &b.covariance * &root).eigenvalues.map(|v| v.max(0.0).sqrt());
        let want = a.covariance.trace() + b.covariance.trace() - 2.0 * inner.sum();
        prop_assert!((frechet_distance(&a, &b) - want).abs() < 1e-9 * (1.0 + want));
    }
}

#[test]
fn two_dimensions_by_hand() {
    // tr (C1 C2)^(1/2) in two dimensions is sqrt(tr(C1 C2) + 2 sqrt det(C1 C2)): C1 = [[2,1],[1,2]], C2 = diag(1, 4):
    // tr = 2 + 8, det = 3 * 4. Traces 4 + 5, means apart by (1, 2).
    let a = Moments::new(&[1.0, 2.0], &[2.0, 1.0, 1.0, 2.0]);
    let b = Moments::new(&[0.0, 0.0], &[1.0, 0.0, 0.0, 4.0]);
    let want = 5.0 + 9.0 - 2.0 * (10.0 + 2.0 * 12f64.sqrt()).sqrt();
    assert!((frechet_distance(&a, &b) - want).abs() < 1e-12);
    // The product of roots in place of the root of the product is another number.
    let wrong = 5.0 + 9.0 - 2.0 * (&a.root().unwrap() * &b.root().unwrap()).trace();
    assert!((wrong - want).abs() > 1e-2);
}

#[test]
fn rows_have_the_moments_of_their_definition() {
    let x = normal(1, 700, &[1.0, 2.0, 0.0], 1e6);
    let moments = Moments::of(x.as_batch());
    let n = x.rows() as f64;
    let mean: Vec<f64> = (0..3).map(|i| x.as_batch().iter().map(|r| r[i]).sum::<f64>() / n).collect();
    for i in 0..3 {
        assert!((moments.mean[i] - mean[i]).abs() < 1e-8);
        for j in 0..3 {
            let sum: f64 = x.as_batch().iter().map(|r| (r[i] - mean[i]) * (r[j] - mean[j])).sum();
            assert!((moments.covariance[(i, j)] - sum / (n - 1.0)).abs() < 1e-7);
        }
    }
    assert!(FrechetDistance::between(x.as_batch(), x.as_batch()).value < 1e-9);
}

#[test]
fn of_one_law_the_excess_is_estimated() {
    let sd = [1.0, 0.5, 2.0, 1.0, 0.1];
    let (mut value, mut corrected) = (vec![], vec![]);
    for seed in 0..40 {
        let (a, b) = (normal(2 * seed, 400, &sd, 0.0), normal(2 * seed + 1, 600, &sd, 0.0));
        let d = FrechetDistance::between(a.as_batch(), b.as_batch());
        value.push(d.value);
        corrected.push(d.value - d.bias);
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let error = |v: &[f64]| (v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>() / (39.0 * 40.0)).sqrt();
    // The excess is seen as such, and what is left without it is nothing.
    assert!(mean(&value) > 5.0 * error(&value) && mean(&value) > 0.02, "{}", mean(&value));
    assert!(mean(&corrected).abs() < 5.0 * error(&corrected), "{} {}", mean(&corrected), error(&corrected));
    assert!(mean(&corrected).abs() < 0.3 * mean(&value));
}

#[test]
fn its_error_is_what_other_rows_would_change() {
    let found: Vec<FrechetDistance> = (0..100)
        .map(|seed| {
            let a = normal(2 * seed, 300, &[1.0, 2.0, 0.5], 1.0);
            let b = normal(2 * seed + 1, 500, &[1.5, 1.0, 0.5], 0.0);
            FrechetDistance::between(a.as_batch(), b.as_batch())
        })
        .collect();
    let mean = found.iter().map(|d| d.value - d.bias).sum::<f64>() / 100.0;
    let sd = (found.iter().map(|d| (d.value - d.bias - mean).powi(2)).sum::<f64>() / 99.0).sqrt();
    let error = (found.iter().map(|d| d.standard_error.powi(2)).sum::<f64>() / 100.0).sqrt();
    assert!((error / sd - 1.0).abs() < 0.4, "{error} {sd}");
    // 3 + (1.5 - 1)^2 + (2 - 1)^2.
    assert!((mean - 4.25).abs() < 5.0 * sd / 10.0, "{mean} {sd}");
}

#[test]
fn too_few_rows_and_what_is_not_finite_are_nan() {
    let two = Points::from_rows(&[[1.0, 2.0], [0.0, 5.0]]);
    let one = Points::from_rows(&[[1.0, 2.0]]);
    let bad = Points::from_rows(&[[1.0, 2.0], [0.0, f64::NAN], [1.0, 1.0]]);
    assert!(FrechetDistance::between(two.as_batch(), one.as_batch()).value.is_nan());
    assert!(FrechetDistance::between(bad.as_batch(), two.as_batch()).value.is_nan());
    let d = FrechetDistance::between(two.as_batch(), two.as_batch());
    assert!(d.value < 1e-12 && d.standard_error.is_nan());
}
