//! Weights of examples. Every loss treats them as constants.

use super::Particles;
use crate::Batch;
use crate::density::Guarded;
use crate::math::log_sum_exp;

/// Weights with which draws of `pi` stand for `pi^beta`: `pi(x)^(beta - 1)`, scaled to a mean of one.
///
/// Without tempering they are exactly one and the target is not evaluated. A row with an unusable log-density gets zero.
pub(super) fn of_draws(target: Guarded<'_>, x: Batch<'_>, beta: f64) -> Vec<f64> {
    if beta == 1.0 {
        return vec![1.0; x.rows()];
    }
    let mut log_weights = vec![0.0; x.rows()];
    target.log_prob(x, &mut log_weights);
    for w in &mut log_weights {
        *w = if w.is_finite() { (beta - 1.0) * *w } else { f64::NEG_INFINITY };
    }
    let mean = log_sum_exp(&log_weights) - (x.rows() as f64).ln();
    log_weights.into_iter().map(|w| (w - mean).exp()).collect()
}

/// Self-normalised weights of every chain's particles, divided by the number of chains so that they sum to one.
///
/// `log_weights` are `ln pi - ln q`; tempered ones are `beta ln pi - ln q`, and cost an evaluation of every particle.
pub(super) fn of_particles(target: Guarded<'_>, particles: Particles<'_>, beta: f64) -> Vec<f64> {
    let Particles { x, log_weights, per_chain } = particles;
    let mut log_weights = log_weights.to_vec();
    if beta != 1.0 {
        let mut log_prob = vec![0.0; x.rows()];
        target.log_prob(x, &mut log_prob);
        for (w, p) in log_weights.iter_mut().zip(log_prob) {
            *w = if w.is_finite() && p.is_finite() { *w - (1.0 - beta) * p } else { f64::NEG_INFINITY };
        }
    }
    let n_chains = (log_weights.len() / per_chain) as f64;
    log_weights
        .chunks(per_chain)
        .flat_map(|w| {
            let total = log_sum_exp(w);
            w.iter().map(move |w| (w - total).exp() / n_chains)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::density::{Failure, Target, from_fn};

    /// `log pi = x`: weights can be read off.
    fn slope() -> impl Target {
        from_fn(1, |x: &[f64]| x[0])
    }

    #[test]
    fn draws_get_the_power_of_their_density() {
        // log pi = -ln 2 and 0, beta = 1/2: weights proportional to sqrt 2 and 1.
        let x = Points::from_rows(&[[-(2f64.ln())], [0.0]]);
        let w = of_draws(Guarded::new(&slope(), &Failure::default()), x.as_batch(), 0.5);
        let mean = (2f64.sqrt() + 1.0) / 2.0;
        assert!((w[0] - 2f64.sqrt() / mean).abs() < 1e-15 && (w[1] - 1.0 / mean).abs() < 1e-15, "{w:?}");
        assert_eq!(of_draws(Guarded::new(&slope(), &Failure::default()), x.as_batch(), 1.0), [1.0, 1.0]);
    }

    #[test]
    fn pool_weights_are_normalised_per_chain() {
        // Chain 0: weights 1 : 3; chain 1: only the first particle counts.
        let log_weights = [5.0, 5.0 + 3f64.ln(), 2.0, f64::NEG_INFINITY];
        let x = Points::from_rows(&[[0.0], [9f64.ln()], [1.0], [1.0]]);
        let check = |beta: f64, expected: [f64; 4]| {
            let w = of_particles(
                Guarded::new(&slope(), &Failure::default()),
                Particles { x: x.as_batch(), log_weights: &log_weights, per_chain: 2 },
                beta,
            );
            for (w, expected) in w.iter().zip(expected) {
                assert!((w - expected).abs() < 1e-15);
            }
        };
        check(1.0, [0.125, 0.375, 0.5, 0.0]);
        // log pi = 0 and ln 9: at beta = 1/2 the second weight loses a factor of 3, so 1 : 1.
        check(0.5, [0.25, 0.25, 0.5, 0.0]);
    }
}
