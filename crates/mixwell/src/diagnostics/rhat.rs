//! Potential scale reduction, R-hat. Values near 1 mean the chains agree; 1.01 is the usual bar for [`rhat`].
//!
//! With `m` chains of `n` draws, `s_w^2` the mean of their variances, `s_b^2` `n` times the variance of their means:
//! `R = sqrt(((n - 1)/n s_w^2 + s_b^2/n) / s_w^2)`. The variants:
//!
//! - [`rhat`]        larger of bulk and folded (Vehtari et al. 2021); the default, because it alone sees chains that differ
//!   in scale only, and needs no finite variance
//! - [`rhat_bulk`]   of the rank-normalised halves of chains
//! - [`rhat_folded`] the same for distances from the median
//! - [`rhat_split`]  of the halves of chains, no ranks (Stan before 2019)
//! - [`rhat_plain`]  of whole chains (Gelman and Rubin 1992); used by the EBM papers we reproduce
//! - [`rhat_tfp`]    `(m+1)/m sig^2/s_w^2 - (n-1)/(mn)` with `sig^2` the numerator above, **no root**
//!
//! NaN, never 1: when a draw is NaN, chains are shorter than 4 draws (2 for the plain forms), there is one chain only, or
//! no half of a chain moves at all. Halves are the first and last `floor(n/2)` draws.
//! Agrees with ArviZ 0.23 and 1.x; but where every chain sits still at a value of its own ArviZ says `inf`, we NaN.

use super::Draws;
use super::scale_reduction::{scale_reduction, squared_scale_reduction};
use super::workspace::{Workspace, with_workspace};

/// Rank-normalised split R-hat: the larger of [`rhat_bulk`] and [`rhat_folded`]; the former alone where all draws are
/// equally far from the median, as for a fair coin.
///
/// ```
/// use mixwell::diagnostics::{Draws, rhat};
/// // Two chains that went through the same numbers, and two that never met.
/// let same: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 100)).collect();
/// assert!(rhat(Draws::new(&same, 2)) < 1.01);
/// let apart: Vec<f64> = same.iter().enumerate().map(|(i, x)| if i < 100 { x - 500.0 } else { *x }).collect();
/// assert!(rhat(Draws::new(&apart, 2)) > 1.5);
/// ```
pub fn rhat(draws: Draws<'_>) -> f64 {
    ranked(draws, |w| w.bulk(true, false).0.max(w.rhat_folded()))
}

/// Split R-hat of normal scores of the ranks: do the chains agree where most of the mass is?
pub fn rhat_bulk(draws: Draws<'_>) -> f64 {
    ranked(draws, |w| w.bulk(true, false).0)
}

/// Split R-hat of normal scores of the ranks of `|x - median|`: do the chains agree in scale and tails?
pub fn rhat_folded(draws: Draws<'_>) -> f64 {
    ranked(draws, |w| w.rhat_folded())
}

/// Split R-hat of the draws as they are.
pub fn rhat_split(draws: Draws<'_>) -> f64 {
    if !draws.usable() || draws.n_chains() < 2 {
        return f64::NAN;
    }
    let mut halves = Vec::new();
    draws.split_into(&mut halves);
    scale_reduction(&halves, draws.n_draws() / 2)
}

/// R-hat of whole chains, as Gelman and Rubin defined it.
pub fn rhat_plain(draws: Draws<'_>) -> f64 {
    scale_reduction(draws.data(), draws.n_draws())
}

/// The form of TensorFlow Probability: a correction for the number of chains, and no root.
pub fn rhat_tfp(draws: Draws<'_>) -> f64 {
    let (m, n) = (draws.n_chains() as f64, draws.n_draws() as f64);
    (m + 1.0) / m * squared_scale_reduction(draws.data(), draws.n_draws()) - (n - 1.0) / (m * n)
}

fn ranked(draws: Draws<'_>, f: impl FnOnce(&mut Workspace) -> f64) -> f64 {
    if !draws.usable() || draws.n_chains() < 2 {
        return f64::NAN;
    }
    with_workspace(|w| {
        w.load(draws);
        f(w)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use proptest::prelude::*;

    type Variant = (&'static str, fn(Draws<'_>) -> f64);
    const ALL: [Variant; 6] = [
        ("rhat", rhat),
        ("rhat_bulk", rhat_bulk),
        ("rhat_folded", rhat_folded),
        ("rhat_split", rhat_split),
        ("rhat_plain", rhat_plain),
        ("rhat_tfp", rhat_tfp),
    ];

    #[test]
    fn two_short_chains_by_hand() {
        // Means 2.5 and 3.5, variances 5/3: s_w^2 = 5/3, s_b^2 = 4 * 1/2 = 2, sig^2 = 3/4 5/3 + 2/4 = 1.75, ratio 1.05;
        // the other form 3/2 1.05 - 3/8 = 1.2.
        let x = [1.0, 2.0, 3.0, 4.0, 2.0, 3.0, 4.0, 5.0];
        assert!((rhat_plain(Draws::new(&x, 2)) - 1.05f64.sqrt()).abs() < 1e-15);
        assert!((rhat_tfp(Draws::new(&x, 2)) - 1.2).abs() < 1e-15);
    }

    #[test]
    fn modes_that_never_mix_are_seen() {
        // Chains with unit variance frozen at means of variance a^2 = 4 have R near sqrt(1 + a^2).
        let n = 20_000;
        let mut stream = Stream::new(2, 0);
        let x: Vec<f64> =
            (0..2 * n).map(|i| stream.normal() + if i < n { 0.0 } else { 8f64.sqrt() }).collect();
        let r = rhat_plain(Draws::new(&x, 2));
        assert!((r - 5f64.sqrt()).abs() < 0.03, "{r}");
    }

    #[test]
    fn a_difference_of_scale_is_seen_by_the_folded_part_alone() {
        let n = 2_000;
        let mut stream = Stream::new(3, 0);
        let x: Vec<f64> = (0..4 * n).map(|i| stream.normal() * if i < 2 * n { 1.0 } else { 5.0 }).collect();
        let draws = Draws::new(&x, 4);
        assert!(rhat_bulk(draws) < 1.01 && rhat_split(draws) < 1.01);
        assert!(rhat_folded(draws) > 1.2 && rhat(draws) > 1.2);
    }

    #[test]
    fn nothing_to_compare_is_nan_and_never_one() {
        let ok: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 13)).collect();
        let mut with_nan = ok.clone();
        with_nan[17] = f64::NAN;
        let frozen: Vec<f64> = (0..40).map(|i| if i < 20 { 0.1 } else { 0.7 }).collect();
        for (name, f) in ALL {
            assert!(f(Draws::new(&ok, 2)).is_finite(), "{name}");
            assert!(f(Draws::new(&ok, 1)).is_nan(), "{name} of one chain");
            assert!(f(Draws::new(&with_nan, 2)).is_nan(), "{name} with NaN");
            assert!(f(Draws::new(&[0.1; 40], 2)).is_nan(), "{name} of a constant");
            assert!(f(Draws::new(&frozen, 2)).is_nan(), "{name} of frozen chains");
            assert!(f(Draws::new(&[], 2)).is_nan(), "{name} of nothing");
        }
        for (name, f) in &ALL[..4] {
            assert!(f(Draws::new(&ok[..6], 2)).is_nan(), "{name} of three draws");
        }
    }

    #[test]
    fn a_fair_coin_has_no_folded_part() {
        // As many heads as tails: the median lies half-way, and every distance from it is the same.
        let x: Vec<f64> = (0..400).map(|i| if i * i * 7 % 13 % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let fair: Vec<f64> = x.iter().copied().chain(x.iter().map(|v| -v)).collect();
        let draws = Draws::new(&fair, 4);
        assert!(rhat_folded(draws).is_nan());
        assert_eq!(rhat(draws), rhat_bulk(draws));
        assert!(rhat(draws).is_finite());
    }

    #[test]
    fn infinite_draws_have_ranks() {
        let mut x: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 13)).collect();
        x[3] = f64::INFINITY;
        x[30] = f64::NEG_INFINITY;
        assert!(rhat(Draws::new(&x, 2)).is_finite());
        assert!(rhat_plain(Draws::new(&x, 2)).is_nan());
        assert!(rhat(Draws::new(&[f64::INFINITY; 8], 2)).is_nan());
    }

    proptest! {
        #[test]
        fn neither_order_of_chains_nor_units_matter(
            seed in 0u64..1000, n in 4usize..40, power in -5i32..5, shift in -50.0f64..50.0,
        ) {
            let mut stream = Stream::new(seed, 0);
            let x: Vec<f64> = (0..3 * n).map(|_| stream.normal()).collect();
            // The two middle draws are equally far from the median up to rounding, which decides their folded ranks: so
            // the folded forms see exact changes of unit only.
            let scale = -(2f64.powi(power));
            for (name, f) in ALL {
                let shift = if name == "rhat" || name == "rhat_folded" { 0.0 } else { shift };
                let turned: Vec<f64> = x[n..].iter().chain(&x[..n]).map(|v| shift + scale * v).collect();
                let (a, b) = (f(Draws::new(&x, 3)), f(Draws::new(&turned, 3)));
                prop_assert!((a - b).abs() < 1e-9 * a, "{}: {} is not {}", name, a, b);
            }
        }
    }
}
