//! Negative controls: estimators with well-known mistakes must fail the coverage that the right ones pass.
//!
//! From `N(0, 1)` to `exp(-x^2 / (2 s^2))` every tempered density is a Gaussian of precision `(1 - b) + b / s^2`, so moves can be
//! written down, and the estimators fit on a page.

use mixwell::Stream;
use mixwell::estimate::{LogEvidence, systematic};
use mixwell::math::log_sum_exp;

use crate::world::{covered, is_honest};

const S: f64 = 0.5;
const RUNGS: usize = 5;

#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    /// The increments run from the target to the base.
    WrongSign,
    /// The increments are taken after the move, at points of the next density.
    AfterTheMove,
    /// Weights go on after resampling as if there had been none.
    WeightsNotReset,
    /// The spread of the particles of one population is taken for that of independent weights.
    OnePopulation,
}

/// `log pi - log pi_0`.
fn ratio(x: f64) -> f64 {
    -0.5 * x * x / (S * S) + 0.5 * x * x + 0.5 * std::f64::consts::TAU.ln()
}

fn draw(beta: f64, stream: &mut Stream) -> f64 {
    stream.normal() / (1.0 - beta + beta / (S * S)).sqrt()
}

/// Keeps the tempered density, and four fifths of the point.
fn moved(x: f64, beta: f64, stream: &mut Stream) -> f64 {
    0.8 * x + 0.6 * draw(beta, stream)
}

fn annealed(mistake: Mistake, seed: u64) -> LogEvidence {
    let mut stream = Stream::new(seed, 0);
    let weights: Vec<f64> = (0..200)
        .map(|_| {
            let mut log_weight = 0.0;
            for k in 0..RUNGS {
                let beta = |k: usize| k as f64 / RUNGS as f64;
                let x = draw(beta(if mistake == Mistake::AfterTheMove { k + 1 } else { k }), &mut stream);
                let sign = if mistake == Mistake::WrongSign { -1.0 } else { 1.0 };
                log_weight += sign * (beta(k + 1) - beta(k)) * ratio(x);
            }
            log_weight
        })
        .collect();
    LogEvidence::from(&mixwell::diagnostics::ImportanceSummary::compute(&weights))
}

/// One population; its log evidence and its last log-weights times `Z^`.
fn population(mistake: Mistake, stream: &mut Stream) -> (f64, Vec<f64>) {
    const N: usize = 60;
    let equal = -(N as f64).ln();
    let mut x: Vec<f64> = (0..N).map(|_| draw(0.0, stream)).collect();
    let (mut log_weights, mut log_z) = (vec![equal; N], 0.0);
    for k in 0..RUNGS {
        for (w, x) in log_weights.iter_mut().zip(&x) {
            *w += ratio(*x) / RUNGS as f64;
        }
        let total = log_sum_exp(&log_weights);
        log_z += total;
        log_weights.iter_mut().for_each(|w| *w -= total);
        let weights: Vec<f64> = log_weights.iter().map(|w| w.exp()).collect();
        x = systematic(&weights, N, stream.uniform()).into_iter().map(|i| x[i]).collect();
        if mistake != Mistake::WeightsNotReset {
            log_weights.fill(equal);
        }
        if k + 1 < RUNGS {
            x.iter_mut().for_each(|x| *x = moved(*x, (k + 1) as f64 / RUNGS as f64, stream));
        }
    }
    (log_z, log_weights.iter().map(|w| w - equal + log_z).collect())
}

fn sequential(mistake: Mistake, seed: u64) -> LogEvidence {
    let mut stream = Stream::new(seed, 0);
    if mistake == Mistake::OnePopulation {
        let (_, weights) = population(mistake, &mut stream);
        return LogEvidence::from(&mixwell::diagnostics::ImportanceSummary::compute(&weights));
    }
    let log_z: Vec<f64> = (0..6).map(|_| population(mistake, &mut stream).0).collect();
    LogEvidence::of_replicates(&log_z)
}

#[test]
fn the_right_ones_pass_and_the_wrong_ones_are_found() {
    let exact = S.ln() + 0.5 * std::f64::consts::TAU.ln();
    let honest = |estimate: &dyn Fn(u64) -> LogEvidence| is_honest(covered(exact, estimate));
    assert!(honest(&|seed| annealed(Mistake::None, seed)));
    assert!(honest(&|seed| sequential(Mistake::None, seed)));
    assert!(!honest(&|seed| annealed(Mistake::WrongSign, seed)));
    assert!(!honest(&|seed| annealed(Mistake::AfterTheMove, seed)));
    assert!(!honest(&|seed| sequential(Mistake::WeightsNotReset, seed)));
    assert!(!honest(&|seed| sequential(Mistake::OnePopulation, seed)));
}
