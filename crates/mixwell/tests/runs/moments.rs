//! Means over the draws of a run, with their Monte Carlo errors.

use mixwell::diagnostics::{Draws, ScalarSummary};
use mixwell::io::Phase;
use mixwell::sampler::Run;

/// The summary of `f` over the draws of one coordinate.
pub fn summary(run: &Run, coordinate: usize, f: impl Fn(f64) -> f64) -> ScalarSummary {
    let values: Vec<f64> =
        run.draws().unwrap().scalar(Phase::Production, coordinate, 1).into_iter().map(f).collect();
    ScalarSummary::compute(Draws::new(&values, run.summary().unwrap().chains))
}

/// Standard errors between the mean of `f` over the draws of one coordinate and its expectation.
pub fn z(run: &Run, coordinate: usize, f: impl Fn(f64) -> f64, expected: f64) -> f64 {
    let row = summary(run, coordinate, f);
    (row.mean - expected) / row.mcse_mean
}
