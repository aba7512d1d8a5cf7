//! Mixing time: after how many steps is the law of the chains close to the target?
//!
//! `t_mix(eps) = min { t : TV(law of x_t, target) <= eps }` for one number `x_t` of each chain. The law at time `t` is estimated from
//! all chains at that time ([`total_variation_from_density`](super::total_variation_from_density)), so many chains with independent
//! noise are needed, and `eps` must lie well above what as many exact draws get. The total variation of a Markov chain's law never
//! grows, so `t` is found by bisection (Grenioux et al. 2023).

use super::total_variation::{from_density, transform};
use crate::diagnostics::Draws;

/// The first step at which the law of the chains is within `epsilon` of `density`, negligible outside `support`; `None` if it is
/// not there at the last draw. Draw 0 is the start.
///
/// ```
/// use mixwell::diagnostics::Draws;
/// use mixwell::metric::mixing_time;
/// use mixwell::Stream;
/// // x_t = x_{t-1}/2 + sqrt(3)/2 noise from x_0 = 6: the law is N(6/2^t, 1 - 1/4^t).
/// let mut noise = Stream::new(1, 0);
/// let mut draws = Vec::new();
/// for _ in 0..2000 {
///     let mut x = 6.0;
///     for _ in 0..12 {
///         draws.push(x);
///         x = 0.5 * x + 0.75f64.sqrt() * noise.normal();
///     }
/// }
/// let normal = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
/// // A mean of 6/2^4 is 2 Phi(6/32) - 1 = 0.149 away, one of 6/2^3 0.29.
/// assert_eq!(mixing_time(Draws::new(&draws, 2000), normal, (-8.0, 8.0), 0.2), Some(4));
/// ```
pub fn mixing_time(
    draws: Draws<'_>,
    density: impl Fn(f64) -> f64,
    support: (f64, f64),
    epsilon: f64,
) -> Option<usize> {
    let transform = transform();
    let far = |t: usize| {
        let law: Vec<f64> = draws.chains().map(|chain| chain[t]).collect();
        let distance = from_density(&transform, &law, &density, support);
        distance.is_nan() || distance > epsilon
    };
    let last = draws.n_draws().checked_sub(1)?;
    if far(last) {
        return None;
    }
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low.midpoint(high);
        if far(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    fn normal(x: f64) -> f64 {
        (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    #[test]
    fn chains_that_stay_never_mix_and_exact_ones_are_there_at_once() {
        let mut exact = vec![0.0; 1000 * 8];
        Stream::new(4, 0).fill_normal(&mut exact);
        assert_eq!(mixing_time(Draws::new(&exact, 1000), normal, (-8.0, 8.0), 0.1), Some(0));
        let stuck: Vec<f64> = exact.iter().map(|x| x - 3.0).collect();
        assert_eq!(mixing_time(Draws::new(&stuck, 1000), normal, (-8.0, 8.0), 0.1), None);
        let broken = vec![f64::NAN; 80];
        assert_eq!(mixing_time(Draws::new(&broken, 10), normal, (-8.0, 8.0), 0.5), None);
    }
}
