//! Constraints on parameters, and the maps that free samplers from them.
//!
//! Each constraint has a map `u -> x` from all of `R^m` onto its set, in Stan's parametrisation:
//! `Positive x = exp(u)`; `Lower(a) x = a + exp(u)`; `Upper(b) x = b - exp(u)`; `Interval(a, b) x = a + (b - a) logistic(u)`;
//! `Ordered x_1 = u_1, x_k = x_{k-1} + exp(u_k)`; `PositiveOrdered` the same from `x_1 = exp(u_1)`;
//! `Simplex x_k = (1 - x_1 - .. - x_{k-1}) z_k, z_k = logistic(u_k - ln(n - k))`, from `n - 1` numbers (stick-breaking).
//! `log_det = ln|det dx/du|`, for the simplex of its first `n - 1` entries.
//! `Ordered`, `PositiveOrdered` and `Simplex` act on vectors: the last axis of a variable.
//! Reference: the Stan reference manual, chapter on constraint transforms.
//! Differs: results that would round onto the edge of an open set are moved to the nearest number inside, and overflow
//! ends at the largest finite number, so that a model's logarithms stay finite whatever the sampler proposes.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::math::{logistic, softplus};

/// Which values a parameter may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// Any number.
    #[default]
    Real,
    /// Above zero.
    Positive,
    /// Above this number.
    Lower(f64),
    /// Below this number.
    Upper(f64),
    /// Between these numbers.
    Interval(f64, f64),
    /// A vector of increasing numbers.
    Ordered,
    /// A vector of increasing positive numbers.
    PositiveOrdered,
    /// A vector of positive numbers that add up to one.
    Simplex,
}

impl Constraint {
    /// Checks that bounds are finite and in order, and that a vector of `n` can obey.
    pub fn check(&self, n: usize) -> Result<(), ConfigError> {
        let refuse = |reason: &str| Err(ConfigError::new("constraint", format!("{self:?}"), reason));
        match *self {
            Self::Lower(a) | Self::Upper(a) if !a.is_finite() => refuse("the bound must be finite"),
            Self::Interval(a, b) if !(a.is_finite() && b.is_finite() && a < b) => {
                refuse("the bounds must be finite and the first below the second")
            }
            Self::Simplex if n < 1 => refuse("a simplex has at least one entry"),
            _ => Ok(()),
        }
    }

    /// How many free numbers stand for a vector of `n`.
    pub fn free_len(&self, n: usize) -> usize {
        if *self == Self::Simplex { n - 1 } else { n }
    }

    /// Maps free numbers `u` to a vector `x` that obeys; returns `log_det`.
    pub fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        let mut log_det = 0.0;
        match *self {
            Self::Real => x.copy_from_slice(u),
            Self::Positive => {
                for (x, u) in x.iter_mut().zip(u) {
                    *x = positive(*u);
                    log_det += u;
                }
            }
            Self::Lower(a) => {
                for (x, u) in x.iter_mut().zip(u) {
                    *x = (a + u.exp()).clamp(a.next_up(), f64::MAX);
                    log_det += u;
                }
            }
            Self::Upper(b) => {
                for (x, u) in x.iter_mut().zip(u) {
                    *x = (b - u.exp()).clamp(f64::MIN, b.next_down());
                    log_det += u;
                }
            }
            Self::Interval(a, b) => {
                for (x, u) in x.iter_mut().zip(u) {
                    // From the nearer end, which keeps the digits near zero.
                    let inside =
                        if *u < 0.0 { a + (b - a) * logistic(*u) } else { b - (b - a) * logistic(-u) };
                    *x = inside.clamp(a.next_up(), b.next_down());
                    log_det += (b - a).ln() - softplus(*u) - softplus(-u);
                }
            }
            Self::Ordered | Self::PositiveOrdered => {
                let mut before = None;
                for (x, u) in x.iter_mut().zip(u) {
                    *x = match before {
                        None if *self == Self::Ordered => *u,
                        None => positive(*u),
                        // Equal neighbours move apart by one rounding unit, as long as there is room.
                        Some(before) => {
                            f64::clamp(before + u.exp(), f64::min(f64::next_up(before), f64::MAX), f64::MAX)
                        }
                    };
                    if before.is_some() || *self == Self::PositiveOrdered {
                        log_det += u;
                    }
                    before = Some(*x);
                }
            }
            Self::Simplex => {
                let n = x.len();
                let (mut rest, mut log_rest) = (1.0, 0.0);
                for (k, u) in u.iter().enumerate() {
                    let t = u - ((n - 1 - k) as f64).ln();
                    x[k] = f64::max(rest * logistic(t), f64::MIN_POSITIVE);
                    log_det += log_rest - softplus(t) - softplus(-t);
                    rest *= logistic(-t);
                    log_rest -= softplus(t);
                }
                x[n - 1] = rest.max(f64::MIN_POSITIVE);
            }
        }
        log_det
    }

    /// Maps a vector that obeys back to free numbers. A vector that does not obey gives NaN or infinities.
    pub fn unconstrain(&self, x: &[f64], u: &mut [f64]) {
        match *self {
            Self::Real => u.copy_from_slice(x),
            Self::Positive => u.iter_mut().zip(x).for_each(|(u, x)| *u = x.ln()),
            Self::Lower(a) => u.iter_mut().zip(x).for_each(|(u, x)| *u = (x - a).ln()),
            Self::Upper(b) => u.iter_mut().zip(x).for_each(|(u, x)| *u = (b - x).ln()),
            Self::Interval(a, b) => u.iter_mut().zip(x).for_each(|(u, x)| *u = ((x - a) / (b - x)).ln()),
            Self::Ordered | Self::PositiveOrdered => {
                for k in 0..x.len() {
                    u[k] = match (k, self) {
                        (0, Self::Ordered) => x[0],
                        (0, _) => x[0].ln(),
                        _ => (x[k] - x[k - 1]).ln(),
                    };
                }
            }
            Self::Simplex => {
                let n = x.len();
                // What is left after entry k, summed from the small end.
                let mut rest = x[n - 1];
                for k in (0..n - 1).rev() {
                    u[k] = (x[k] / rest).ln() + ((n - 1 - k) as f64).ln();
                    rest += x[k];
                }
            }
        }
    }

    /// The gradient in free numbers of `f(x(u)) + log_det(u)`, given the gradient of `f` in `x`.
    pub fn pull_back(&self, u: &[f64], x: &[f64], grad_x: &[f64], grad_u: &mut [f64]) {
        let each = |grad_u: &mut [f64], slope: &dyn Fn(f64) -> (f64, f64)| {
            for ((out, u), g) in grad_u.iter_mut().zip(u).zip(grad_x) {
                let (dx, d_log_det) = slope(*u);
                *out = product(dx, *g) + d_log_det;
            }
        };
        match *self {
            Self::Real => grad_u.copy_from_slice(grad_x),
            Self::Positive | Self::Lower(_) => each(grad_u, &|u| (u.exp(), 1.0)),
            Self::Upper(_) => each(grad_u, &|u| (-u.exp(), 1.0)),
            Self::Interval(a, b) => {
                each(grad_u, &|u| ((b - a) * logistic(u) * logistic(-u), logistic(-u) - logistic(u)));
            }
            Self::Ordered | Self::PositiveOrdered => {
                // u_k moves x_k and everything after it.
                let mut after = 0.0;
                for k in (0..x.len()).rev() {
                    after += grad_x[k];
                    let free = k == 0 && *self == Self::Ordered;
                    grad_u[k] = if free { after } else { product(u[k].exp(), after) + 1.0 };
                }
            }
            Self::Simplex => {
                let n = x.len();
                // Sensitivity to the length of stick left after break k, from the end backward; and that length.
                let mut slope = grad_x[n - 1];
                let mut rest = x[n - 1];
                for k in (0..n - 1).rev() {
                    let t = u[k] - ((n - 1 - k) as f64).ln();
                    let (z, other) = (logistic(t), logistic(-t));
                    rest += x[k];
                    let d_break = product(rest * z * other, grad_x[k] - slope);
                    // ln(1 - z_k) occurs in this break's term and in every later length.
                    grad_u[k] = d_break + other - (n - 1 - k) as f64 * z;
                    slope = product(z, grad_x[k]) + product(other, slope);
                }
            }
        }
    }
}

/// `exp(u)`, kept inside the positive finite numbers.
fn positive(u: f64) -> f64 {
    u.exp().clamp(f64::MIN_POSITIVE, f64::MAX)
}

/// `a b` where a zero wins over an infinity: a map that no longer moves passes on no slope.
fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;
    use proptest::prelude::*;

    const ALL: [Constraint; 8] = [
        Constraint::Real,
        Constraint::Positive,
        Constraint::Lower(-1.5),
        Constraint::Upper(2.5),
        Constraint::Interval(-1.0, 3.0),
        Constraint::Ordered,
        Constraint::PositiveOrdered,
        Constraint::Simplex,
    ];

    proptest! {
        #[test]
        fn round_trip_jacobian_and_gradient(raw in proptest::collection::vec(-4.0..4.0f64, 4)) {
            for c in ALL {
                let n = if c == Constraint::Simplex { 5 } else { 4 };
                let (mut x, mut back) = (vec![0.0; n], vec![0.0; 4]);
                let log_det = c.constrain(&raw, &mut x);
                c.unconstrain(&x, &mut back);
                for (a, b) in raw.iter().zip(&back) {
                    prop_assert!((a - b).abs() < 1e-9, "{c:?}: {raw:?} {back:?}");
                }
                // Jacobian of the first four entries by central differences.
                let h = 1e-5;
                let moved = |j: usize, by: f64| {
                    let (mut u, mut x) = (raw.clone(), vec![0.0; n]);
                    u[j] += by;
                    let log_det = c.constrain(&u, &mut x);
                    (x, log_det)
                };
                let jacobian = DMatrix::from_fn(4, 4, |i, j| (moved(j, h).0[i] - moved(j, -h).0[i]) / (2.0 * h));
                prop_assert!((jacobian.determinant().abs().ln() - log_det).abs() < 1e-4, "{c:?}");
                // f(x) = sum a_i x_i + x_i^2/2.
                let a: Vec<f64> = (0..n).map(|i| 0.3 * i as f64 - 0.5).collect();
                let f = |x: &[f64]| x.iter().zip(&a).map(|(x, a)| a * x + 0.5 * x * x).sum::<f64>();
                let grad_x: Vec<f64> = x.iter().zip(&a).map(|(x, a)| a + x).collect();
                let mut grad_u = vec![0.0; 4];
                c.pull_back(&raw, &x, &grad_x, &mut grad_u);
                for j in 0..4 {
                    let ((up, up_det), (down, down_det)) = (moved(j, h), moved(j, -h));
                    let slope = (f(&up) + up_det - f(&down) - down_det) / (2.0 * h);
                    prop_assert!((slope - grad_u[j]).abs() < 1e-5 * (1.0 + slope.abs()), "{c:?} {j}: {slope} {}", grad_u[j]);
                }
            }
        }
    }

    #[test]
    fn extremes_obey_and_are_never_nan() {
        for c in ALL {
            let n = if c == Constraint::Simplex { 4 } else { 3 };
            for u in [[700.0; 3], [-700.0; 3], [-700.0, 700.0, 0.0], [700.0, -700.0, 700.0], [1e4, -1e4, 1e4]]
            {
                let (mut x, mut grad) = (vec![0.0; n], [0.0; 3]);
                let log_det = c.constrain(&u, &mut x);
                assert!(x.iter().all(|v| v.is_finite()) && !log_det.is_nan(), "{c:?} {u:?} {x:?} {log_det}");
                let grad_x: Vec<f64> = x.iter().map(|x| 1.0 / x).collect();
                c.pull_back(&u, &x, &grad_x, &mut grad);
                assert!(grad.iter().all(|g| !g.is_nan()), "{c:?} {u:?} {grad:?}");
                match c {
                    Constraint::Positive | Constraint::Simplex => assert!(x.iter().all(|v| *v > 0.0)),
                    Constraint::Lower(a) => assert!(x.iter().all(|v| *v > a)),
                    Constraint::Upper(b) => assert!(x.iter().all(|v| *v < b)),
                    Constraint::Interval(a, b) => assert!(x.iter().all(|v| *v > a && *v < b)),
                    Constraint::PositiveOrdered => assert!(x[0] > 0.0),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn zero_is_the_middle_of_the_simplex() {
        // u = 0 gives x = 1/n each; log_det = ln of (1/n)^(n-1) times the rest factors: n = 3: 1/3 * 2/3 * (2/3 * 1/4).
        let mut x = [0.0; 3];
        let log_det = Constraint::Simplex.constrain(&[0.0, 0.0], &mut x);
        assert!(x.iter().all(|v| (v - 1.0 / 3.0).abs() < 1e-15));
        assert!((log_det - (2.0f64 / 9.0 * 2.0 / 3.0 / 4.0).ln()).abs() < 1e-14);
    }

    #[test]
    fn bad_bounds_are_refused() {
        assert!(Constraint::Interval(1.0, 1.0).check(1).is_err());
        assert!(Constraint::Interval(0.0, f64::INFINITY).check(1).is_err());
        assert!(Constraint::Lower(f64::NAN).check(1).is_err());
        assert!(Constraint::Simplex.check(0).is_err());
        assert!(Constraint::Ordered.check(3).is_ok());
    }
}
