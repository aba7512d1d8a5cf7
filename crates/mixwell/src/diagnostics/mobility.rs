//! Whether chains can move in the tails of a scalar. Where they cannot, the tail is visited too rarely or for too long.
//!
//! A narrow neck on which a flow was never trained, and where local steps of the frozen size are rejected, is rarely entered and
//! rarely left. R-hat and ESS compare the draws only with each other and notice nothing. But at the edge of the visited
//! region all moves already begin to fail. For the draws beyond a quantile, the mobility is the mean acceptance of the moves made *from* them,
//! divided by that of the moves from all draws; of several kinds of moves (local, global) the best counts, since one that works is
//! enough. Chains that move freely in their tails have about 1.

use super::Draws;

/// Share of the draws that make a tail.
const TAIL: f64 = 0.01;
/// Fewest draws in a tail from which anything is said.
const FEWEST: usize = 20;

/// Mobility in the lower and in the upper tail of a scalar. `acceptance` holds one series for each kind of moves, laid out
/// like `draws`: the mean acceptance of the moves that led to a draw, NaN where there were none. NaN with too few draws, with
/// NaN among them, or where no kind of moves was ever tried or accepted.
pub(crate) fn tail_mobility(draws: Draws<'_>, acceptance: &[Vec<f64>]) -> [f64; 2] {
    let total = draws.data().len();
    let beyond = (TAIL * total as f64).ceil() as usize;
    if beyond < FEWEST || draws.data().iter().any(|v| v.is_nan()) {
        return [f64::NAN; 2];
    }
    let mut copy = draws.data().to_vec();
    let low = *copy.select_nth_unstable_by(beyond - 1, f64::total_cmp).1;
    let high = *copy.select_nth_unstable_by(total - beyond, f64::total_cmp).1;
    // A scalar of few values has no tails.
    let in_tail =
        |inside: &dyn Fn(f64) -> bool| draws.data().iter().filter(|v| inside(**v)).count() <= 2 * beyond;
    let of = |inside: &dyn Fn(f64) -> bool| {
        if !in_tail(inside) {
            return f64::NAN;
        }
        acceptance.iter().map(|rates| relative(draws, rates, inside)).fold(f64::NAN, f64::max)
    };
    [of(&|v| v <= low), of(&|v| v >= high)]
}

/// Mean rate of the moves from draws that are `inside`, divided by that of the moves from all draws.
fn relative(draws: Draws<'_>, rates: &[f64], inside: &dyn Fn(f64) -> bool) -> f64 {
    let (mut all, mut tail) = ((0.0, 0u32), (0.0, 0u32));
    for (chain, rates) in draws.chains().zip(rates.chunks_exact(draws.n_draws())) {
        // The move from draw t leads to draw t + 1.
        for (from, rate) in chain.iter().zip(&rates[1..]).filter(|(_, rate)| !rate.is_nan()) {
            all = (all.0 + rate, all.1 + 1);
            if inside(*from) {
                tail = (tail.0 + rate, tail.1 + 1);
            }
        }
    }
    if tail.1 < FEWEST as u32 / 2 || all.0 == 0.0 {
        return f64::NAN;
    }
    tail.0 / f64::from(tail.1) / (all.0 / f64::from(all.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn a_tail_in_which_all_moves_fail_is_found() {
        let mut stream = Stream::new(1, 0);
        let x: Vec<f64> = (0..4000).map(|_| stream.normal()).collect();
        let draws = Draws::new(&x, 4);
        // The rate belongs to the draw before.
        let rate = |in_neck: f64| {
            let mut rates = vec![0.5; 4000];
            for t in (1..4000).filter(|t| t % 1000 != 0 && x[t - 1] < -2.0) {
                rates[t] = in_neck;
            }
            rates
        };
        let [low, high] = tail_mobility(draws, &[rate(0.05)]);
        assert!((low - 0.1).abs() < 0.01 && (high - 1.0).abs() < 0.03, "{low} {high}");
        // Global moves that work there are enough, local ones that were never made say nothing.
        let [low, _] = tail_mobility(draws, &[rate(0.05), rate(0.5), vec![f64::NAN; 4000]]);
        assert!((low - 1.0).abs() < 0.01);
    }

    #[test]
    fn what_cannot_be_said_is_nan() {
        let nan = |x: &[f64], rate: f64| {
            tail_mobility(Draws::new(x, 1), &[vec![rate; x.len()]]).iter().all(|v| v.is_nan())
        };
        let ramp: Vec<f64> = (0..4000).map(f64::from).collect();
        assert!(nan(&ramp[..100], 0.5) && nan(&ramp, f64::NAN) && nan(&ramp, 0.0) && nan(&[], 0.5));
        assert!(nan(&[1.0; 4000], 0.5));
        assert!(!nan(&ramp, 0.5));
        assert!(tail_mobility(Draws::new(&ramp, 1), &[]).iter().all(|v| v.is_nan()));
    }
}
