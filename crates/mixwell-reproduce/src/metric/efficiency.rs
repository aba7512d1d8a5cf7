//! How efficient chains are: effective sample sizes, R-hat, acceptance, cost.

use mixwell::diagnostics::{Draws, ex2_ess as ex2_ess_of, summarise_rows};

use super::Moves;
use crate::{Measured, Sample};

/// Per chain, averaged over coordinates.
pub(super) fn ex2_ess(sample: &Sample<'_>, limit: usize) -> Measured {
    let mut column = Vec::new();
    let of_chain = |chain: mixwell::Batch<'_>| {
        let sum: f64 = (0..chain.dim())
            .map(|j| {
                column.clear();
                column.extend(chain.iter().map(|row| row[j]));
                // What the library calls unknown is a chain that never moved, whose draws are worth nothing.
                if column.iter().all(|v| *v == column[0]) { 0.0 } else { ex2_ess_of(Draws::new(&column, 1)) }
            })
            .sum();
        sum / chain.dim() as f64
    };
    Measured::of_chains(sample.chains(limit).map(of_chain).collect())
}

/// The smallest over all coordinates, divided by the number of draws.
pub(super) fn ess_bulk(sample: &Sample<'_>) -> Measured {
    let rows = summarise_rows(sample.rows(), sample.n_chains());
    let least = rows.iter().map(|r| r.ess_bulk).fold(f64::INFINITY, worse(f64::min));
    Measured::pooled(least / sample.rows().rows() as f64)
}

/// The largest over all coordinates.
pub(super) fn rhat(sample: &Sample<'_>) -> Measured {
    let rows = summarise_rows(sample.rows(), sample.n_chains());
    Measured::pooled(rows.iter().map(|r| r.rhat).fold(f64::NEG_INFINITY, worse(f64::max)))
}

/// NaN once a value is NaN: a coordinate that cannot be judged is not a good one.
fn worse(f: impl Fn(f64, f64) -> f64) -> impl Fn(f64, f64) -> f64 {
    move |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { f(a, b) }
}

/// Over all kernels that make such moves, weighted by their proposals.
pub(super) fn acceptance(sample: &Sample<'_>, moves: Moves) -> Option<Measured> {
    let role = match moves {
        Moves::Local => "local",
        Moves::Global => "global",
    };
    let kernels = sample.summary?.acceptance.values().filter(|k| k.role == role && k.tries > 0);
    let (sum, tries) = kernels.fold((0.0, 0), |(sum, tries), k| {
        let rate = match moves {
            Moves::Local => k.acceptance_rate,
            Moves::Global => k.move_rate,
        };
        (sum + rate * k.tries as f64, tries + k.tries)
    });
    (tries > 0).then(|| Measured::pooled(sum / tries as f64))
}

/// Gradients and densities of the whole run.
pub(super) fn evaluations(sample: &Sample<'_>) -> Option<Measured> {
    let summary = sample.summary?;
    Some(Measured::pooled((summary.gradient_evaluations + summary.density_evaluations) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell::density::StandardGaussianConfig;

    #[test]
    fn independent_draws_score_as_the_paper_says() {
        // The estimator's ceiling for 1000 independent draws is 0.48; bulk ESS is near one per draw, R-hat near 1.
        let target = StandardGaussianConfig { dim: 5, ..Default::default() }.build().unwrap();
        let sample = Sample::exact(&target, 20, 1000, 3).unwrap();
        let ess = ex2_ess(&sample, 0);
        let mean = ess.values.iter().sum::<f64>() / 20.0;
        assert!((mean - 0.48).abs() < 0.03, "{mean}");
        assert_eq!(ex2_ess(&sample, 4).values, ess.values[..4]);
        let bulk = ess_bulk(&sample).values[0];
        assert!((0.85..1.1).contains(&bulk), "{bulk}");
        assert!((rhat(&sample).values[0] - 1.0).abs() < 0.01);
        assert_eq!(acceptance(&sample, Moves::Local), None);
        assert_eq!(evaluations(&sample), None);
    }
}
