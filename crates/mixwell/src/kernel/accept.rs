//! The accept-reject step every Metropolis kernel ends with: accept `y` with probability `min(1, exp(log_ratio))`.
//!
//! `log_ratio = log pi(y) - log pi(x) + log q(x|y) - log q(y|x)`. One uniform number per try, drawn whatever the ratio is,
//! so that the streams of two runs stay in step. A ratio of NaN is a rejection.

use super::Tally;
use crate::Stream;

/// Decides one try and counts it: accepts with probability `min(1, exp(log_ratio))`, and never when the ratio is NaN.
///
/// Draws exactly one uniform number. Adds to the tally's `tries`, `accept_prob` and `moves`.
///
/// ```
/// use mixwell::Stream;
/// use mixwell::kernel::{Tally, accept};
/// let (mut stream, mut tally) = (Stream::new(1, 0), Tally::default());
/// assert!(accept(0.3, &mut stream, &mut tally)); // uphill
/// assert!(!accept(f64::NAN, &mut stream, &mut tally));
/// assert_eq!((tally.tries, tally.moves), (2, 1));
/// ```
pub fn accept(log_ratio: f64, stream: &mut Stream, tally: &mut Tally) -> bool {
    accept_by(stream.uniform(), log_ratio, tally)
}

/// [`accept`] with a uniform number that was drawn before.
pub(super) fn accept_by(u: f64, log_ratio: f64, tally: &mut Tally) -> bool {
    let probability = if log_ratio.is_nan() { 0.0 } else { log_ratio.min(0.0).exp() };
    tally.tries += 1;
    tally.accept_prob += probability;
    let accepted = u < probability;
    tally.moves += u32::from(accepted);
    accepted
}

/// Whether a proposal can be weighed at all; counts it when its log-density is NaN or `+inf`, or its gradient (where one
/// is needed) is not finite. `-inf` is an ordinary point outside the support.
///
/// Where it is false the proposal must be rejected, by a ratio of `-inf`:
///
/// ```
/// use mixwell::Stream;
/// use mixwell::kernel::{Tally, accept, usable};
/// let (mut stream, mut tally) = (Stream::new(1, 0), Tally::default());
/// let (from, to) = (-0.7, f64::NAN); // log-densities of the current point and of the proposed one
/// let log_ratio = if usable(to, &[], &mut tally) { to - from } else { f64::NEG_INFINITY };
/// assert!(!accept(log_ratio, &mut stream, &mut tally));
/// assert_eq!(tally.non_finite, 1);
/// ```
pub fn usable(log_prob: f64, grad: &[f64], tally: &mut Tally) -> bool {
    if log_prob == f64::NEG_INFINITY {
        return false;
    }
    let fine = log_prob.is_finite() && grad.iter().all(|g| g.is_finite());
    tally.non_finite += u32::from(!fine);
    fine
}

/// `ln pi - ln q` of a draw from `q`: `-inf` where it can never be chosen. Values that are not finite are counted.
pub(crate) fn draw_weight(log_prob: f64, log_q: f64, tally: &mut Tally) -> f64 {
    if usable(log_prob, &[log_q], tally) { log_prob - log_q } else { f64::NEG_INFINITY }
}

/// `ln pi - ln q` of the current point: `+inf`, so that the chain stays, where the proposal cannot weigh it.
pub(crate) fn current_weight(log_prob: f64, log_q: f64) -> f64 {
    if log_prob == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if log_q.is_finite() {
        log_prob - log_q
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptance_follows_the_ratio() {
        // exp(-1) = 0.3679; standard error over 40 000 tries is 0.0024.
        let (mut s, mut t) = (Stream::new(1, 0), Tally::default());
        for _ in 0..40_000 {
            accept(-1.0, &mut s, &mut t);
        }
        assert!((f64::from(t.moves) / 40_000.0 - (-1f64).exp()).abs() < 5.0 * 0.0024);
        assert!((t.accept_prob / 40_000.0 - (-1f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn every_try_uses_one_uniform() {
        for ratio in [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0, f64::INFINITY] {
            let (mut s, mut twin) = (Stream::new(2, 0), Stream::new(2, 0));
            let accepted = accept(ratio, &mut s, &mut Tally::default());
            twin.uniform();
            assert_eq!(s.state(), twin.state());
            assert_eq!(accepted, ratio >= 0.0 || (ratio == -1.0 && accepted));
        }
    }

    #[test]
    fn outside_is_plain_and_broken_is_counted() {
        let mut t = Tally::default();
        assert!(!usable(f64::NEG_INFINITY, &[f64::NAN], &mut t));
        assert_eq!(t.non_finite, 0);
        assert!(!usable(f64::NAN, &[], &mut t));
        assert!(!usable(f64::INFINITY, &[], &mut t));
        assert!(!usable(0.0, &[1.0, f64::INFINITY], &mut t));
        assert_eq!(t.non_finite, 3);
        assert!(usable(0.0, &[1.0], &mut t));
    }
}
