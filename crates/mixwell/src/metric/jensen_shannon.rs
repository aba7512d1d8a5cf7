//! Divergences between two discrete laws, in natural logarithms: Jensen and Shannon's `(KL(p, m) + KL(q, m)) / 2` with `m = (p + q) / 2`, between 0 and `ln 2`, and `KL(p, q)`.

/// `sum p ln(p / q)`, where `0 ln 0 = 0`: infinite where `q` is zero and `p` is not.
///
/// # Panics
/// When the two differ in length.
pub fn kullback_leibler(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "two laws on the same outcomes");
    p.iter().zip(q).map(|(p, q)| if *p == 0.0 { 0.0 } else { p * (p / q).ln() }).sum()
}

/// Jensen and Shannon's divergence.
///
/// ```
/// use mixwell::metric::jensen_shannon;
/// // Nothing in common; and (ln(4/3) + (ln(2/3) + ln 2) / 2) / 2.
/// assert_eq!(jensen_shannon(&[1.0, 0.0], &[0.0, 1.0]), 2f64.ln());
/// let half = 0.5 * ((4.0f64 / 3.0).ln() + 0.5 * ((2.0f64 / 3.0).ln() + 2f64.ln()));
/// assert!((jensen_shannon(&[1.0, 0.0], &[0.5, 0.5]) - half).abs() < 1e-15);
/// ```
///
/// # Panics
/// When the two differ in length.
pub fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "two laws on the same outcomes");
    let middle: Vec<f64> = p.iter().zip(q).map(|(p, q)| 0.5 * (p + q)).collect();
    // Rounding may leave equal laws a little below zero.
    (0.5 * (kullback_leibler(p, &middle) + kullback_leibler(q, &middle))).max(0.0)
}
