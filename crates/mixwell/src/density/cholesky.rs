//! Cholesky factors of small matrices in slices, and their derivative, without allocating.
//!
//! `S = L L'`, `L` lower. Reverse mode: from `df/dL` to `df/dS`, by going backward through the factorisation; the result `G` holds
//! `df = sum_{i >= j} G_ij dS_ij`.
//! Shapes: matrices are `n x n`, row after row; the upper triangle is neither read nor written.
//! Reference: Smith (1995), Differentiation of the Cholesky algorithm.

/// Replaces a symmetric matrix by its factor; false, leaving it half done, when it is not positive definite.
pub(super) fn factorise(s: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| s[i * n + k] * s[j * n + k]).sum();
            let rest = s[i * n + j] - known;
            if i > j {
                s[i * n + j] = rest / s[j * n + j];
            } else if rest > 0.0 && rest.is_finite() {
                s[i * n + i] = rest.sqrt();
            } else {
                return false;
            }
        }
    }
    true
}

/// Replaces `y` by the solution `w` of `L w = y`.
pub(super) fn solve_lower(l: &[f64], y: &mut [f64]) {
    let n = y.len();
    for i in 0..n {
        let known: f64 = (0..i).map(|k| l[i * n + k] * y[k]).sum();
        y[i] = (y[i] - known) / l[i * n + i];
    }
}

/// Replaces `y` by the solution `w` of `L' w = y`.
pub(super) fn solve_upper(l: &[f64], y: &mut [f64]) {
    let n = y.len();
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| l[k * n + i] * y[k]).sum();
        y[i] = (y[i] - known) / l[i * n + i];
    }
}

/// Replaces `df/dL` by `df/dS`.
pub(super) fn pull_back(l: &[f64], g: &mut [f64], n: usize) {
    for k in (0..n).rev() {
        for j in k + 1..n {
            for i in j..n {
                let slope = g[i * n + j];
                g[i * n + k] -= slope * l[j * n + k];
                g[j * n + k] -= slope * l[i * n + k];
            }
        }
        let diagonal = l[k * n + k];
        for j in k + 1..n {
            g[j * n + k] /= diagonal;
            g[k * n + k] -= l[j * n + k] * g[j * n + k];
        }
        g[k * n + k] /= 2.0 * diagonal;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: [f64; 9] = [4.0, 0.0, 0.0, 1.2, 3.0, 0.0, -0.7, 0.5, 2.0];

    #[test]
    fn factor_and_solutions() {
        let mut l = S;
        assert!(factorise(&mut l, 3));
        for i in 0..3 {
            for j in 0..=i {
                let product: f64 = (0..=j).map(|k| l[i * 3 + k] * l[j * 3 + k]).sum();
                assert!((product - S[i * 3 + j]).abs() < 1e-15);
            }
        }
        // S w = S (1, -2, 0.5) gives back (1, -2, 0.5).
        let full = |i: usize, j: usize| S[i.max(j) * 3 + i.min(j)];
        let truth = [1.0, -2.0, 0.5];
        let mut w: Vec<f64> = (0..3).map(|i| (0..3).map(|j| full(i, j) * truth[j]).sum()).collect();
        solve_lower(&l, &mut w);
        solve_upper(&l, &mut w);
        assert!(w.iter().zip(truth).all(|(a, b)| (a - b).abs() < 1e-14), "{w:?}");
        assert!(!factorise(&mut [1.0, 0.0, 2.0, 1.0], 2));
        assert!(!factorise(&mut [f64::NAN], 1));
    }

    #[test]
    fn pull_back_matches_finite_differences() {
        // f = sum of a_ij L_ij.
        let a = [0.3, 0.0, 0.0, -1.0, 0.7, 0.0, 2.0, 0.4, -0.6];
        let f = |s: &[f64]| {
            let mut l = s.to_vec();
            assert!(factorise(&mut l, 3));
            (0..3).flat_map(|i| (0..=i).map(move |j| 3 * i + j)).map(|ij| a[ij] * l[ij]).sum::<f64>()
        };
        let (mut l, mut g) = (S, a);
        assert!(factorise(&mut l, 3));
        pull_back(&l, &mut g, 3);
        for ij in [0, 3, 4, 6, 7, 8] {
            let moved = |h: f64| {
                let mut s = S;
                s[ij] += h;
                f(&s)
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - g[ij]).abs() < 1e-9, "{ij}: {slope} {}", g[ij]);
        }
    }
}
