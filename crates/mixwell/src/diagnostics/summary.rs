//! One row per scalar: mean, spread, quantiles, and whether they can be believed.
//!
//! Everything in a row shares one sort, one split and one plan of transforms; rows are computed in parallel. A row
//! depends on its draws alone, so a table is the same for any number of threads. Quantiles are of type 7, the standard
//! deviation has divisor `S - 1`.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Draws;
use super::ess::smaller;
use super::mcse::mcse_sd_given;
use super::moments::{mean, squares_about};
use super::null::null_as_nan;
use super::tails::tail_shape;
use super::workspace::with_workspace;
use crate::Batch;

/// Summary of the draws of one scalar. What cannot be computed is NaN (`null` in JSON).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalarSummary {
    /// Mean of all draws.
    #[serde(deserialize_with = "null_as_nan")]
    pub mean: f64,
    /// Standard deviation of all draws, divisor `S - 1`.
    #[serde(deserialize_with = "null_as_nan")]
    pub sd: f64,
    /// Monte Carlo standard error of the mean.
    #[serde(deserialize_with = "null_as_nan")]
    pub mcse_mean: f64,
    /// 5 % quantile.
    #[serde(deserialize_with = "null_as_nan")]
    pub q5: f64,
    /// Median.
    #[serde(deserialize_with = "null_as_nan")]
    pub median: f64,
    /// 95 % quantile.
    #[serde(deserialize_with = "null_as_nan")]
    pub q95: f64,
    /// Effective number of draws for the middle of the distribution, see [`ess_bulk`](super::ess_bulk).
    #[serde(deserialize_with = "null_as_nan")]
    pub ess_bulk: f64,
    /// Effective number of draws for the 5 % and 95 % quantiles, see [`ess_tail`](super::ess_tail).
    #[serde(deserialize_with = "null_as_nan")]
    pub ess_tail: f64,
    /// Rank-normalised split R-hat, see [`rhat`](super::rhat()).
    #[serde(deserialize_with = "null_as_nan")]
    pub rhat: f64,
    /// Monte Carlo standard error of the standard deviation, see [`mcse_sd`](super::mcse_sd).
    #[serde(default = "nan", deserialize_with = "null_as_nan")]
    pub mcse_sd: f64,
    /// Effective number of draws for the standard deviation, see [`ess_sd`](super::ess_sd).
    #[serde(default = "nan", deserialize_with = "null_as_nan")]
    pub ess_sd: f64,
    /// Pareto `k` of the heavier tail of the draws: above 1/2 the variance does not exist, above 1 the mean does not.
    #[serde(default = "nan", deserialize_with = "null_as_nan")]
    pub tail_shape: f64,
}

/// Of summaries that were written before the number was known.
fn nan() -> f64 {
    f64::NAN
}

impl ScalarSummary {
    /// Summarises the draws of one scalar.
    ///
    /// ```
    /// use mixwell::diagnostics::{Draws, ScalarSummary};
    /// let x: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 100)).collect();
    /// let row = ScalarSummary::compute(Draws::new(&x, 2));
    /// assert_eq!((row.mean, row.median), (49.5, 49.5));
    /// ```
    pub fn compute(draws: Draws<'_>) -> Self {
        let x = draws.data();
        let mean = mean(x);
        let nan = f64::NAN;
        let mut row = Self {
            mean,
            sd: if x.len() < 2 { nan } else { (squares_about(x, mean) / (x.len() - 1) as f64).sqrt() },
            mcse_mean: nan,
            q5: nan,
            median: nan,
            q95: nan,
            ess_bulk: nan,
            ess_tail: nan,
            rhat: nan,
            mcse_sd: nan,
            ess_sd: nan,
            tail_shape: nan,
        };
        if x.is_empty() || x.iter().any(|v| v.is_nan()) {
            return row;
        }
        with_workspace(|w| {
            w.load(draws);
            row.q5 = w.order().quantile(0.05);
            row.median = w.order().median();
            row.q95 = w.order().quantile(0.95);
            if draws.n_draws() < 4 {
                return;
            }
            let several = draws.n_chains() > 1;
            let (rhat_bulk, ess_bulk) = w.bulk(several, true);
            row.ess_bulk = ess_bulk;
            if several {
                row.rhat = rhat_bulk.max(w.rhat_folded());
            }
            row.ess_tail = smaller(w.ess_quantile(0.05), w.ess_quantile(0.95));
            row.mcse_mean = row.sd / w.ess_mean().sqrt();
            row.ess_sd = w.ess_squares(mean);
            row.mcse_sd = mcse_sd_given(x, mean, row.ess_sd);
            row.tail_shape = tail_shape(w.order().values(), ess_bulk / x.len() as f64);
        });
        row
    }
}

/// One row for each scalar, in the order given.
pub fn summarise(variables: &[Draws<'_>]) -> Vec<ScalarSummary> {
    variables.par_iter().map(|draws| ScalarSummary::compute(*draws)).collect()
}

/// One row for each coordinate of points: `rows` holds `n_chains` chains one after the other, one draw per row.
///
/// # Panics
/// When `n_chains` is zero or does not divide the number of rows.
pub fn summarise_rows(rows: Batch<'_>, n_chains: usize) -> Vec<ScalarSummary> {
    const COLUMNS: usize = 8; // one cache line of a row at a time
    let n = rows.rows();
    let blocks = rows.dim().div_ceil(COLUMNS);
    (0..blocks)
        .into_par_iter()
        .flat_map_iter(|block| {
            let from = block * COLUMNS;
            let width = COLUMNS.min(rows.dim() - from);
            let mut columns = vec![0.0; width * n];
            for (t, row) in rows.iter().enumerate() {
                for (j, value) in row[from..from + width].iter().enumerate() {
                    columns[j * n + t] = *value;
                }
            }
            (0..width)
                .map(move |j| ScalarSummary::compute(Draws::new(&columns[j * n..(j + 1) * n], n_chains)))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::diagnostics::{ess_bulk, ess_sd, ess_tail, mcse_mean, mcse_sd, rhat};

    fn walk(n_chains: usize, n: usize, seed: u64) -> Vec<f64> {
        let mut out = Vec::new();
        for mut stream in Stream::for_chains(seed, n_chains) {
            let mut x = 0.0;
            for _ in 0..n {
                x = 0.7 * x + stream.normal();
                out.push(x);
            }
        }
        out
    }

    #[test]
    fn a_row_equals_the_functions_one_by_one() {
        for (m, n) in [(4, 250), (3, 101), (2, 5), (2, 4)] {
            let x = walk(m, n, 1);
            let draws = Draws::new(&x, m);
            let row = ScalarSummary::compute(draws);
            assert_eq!(row.rhat, rhat(draws));
            assert_eq!(row.ess_bulk, ess_bulk(draws));
            assert_eq!(row.ess_tail, ess_tail(draws));
            assert_eq!((row.ess_sd, row.mcse_sd), (ess_sd(draws), mcse_sd(draws)));
            assert!((row.mcse_mean / mcse_mean(draws) - 1.0).abs() < 1e-14);
            assert!(row.q5 <= row.median && row.median <= row.q95);
        }
    }

    #[test]
    fn what_cannot_be_computed_is_nan() {
        let row = ScalarSummary::compute(Draws::new(&[1.0, 2.0, 3.0], 1));
        assert_eq!((row.mean, row.median), (2.0, 2.0));
        assert!(row.rhat.is_nan() && row.ess_bulk.is_nan() && row.mcse_mean.is_nan());
        let row = ScalarSummary::compute(Draws::new(&[1.0, f64::NAN, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 2));
        assert!(row.mean.is_nan() && row.median.is_nan() && row.rhat.is_nan() && row.ess_tail.is_nan());
        let row = ScalarSummary::compute(Draws::new(&[0.3; 16], 2));
        assert_eq!((row.mean, row.sd, row.mcse_mean, row.q95), (0.3, 0.0, 0.0, 0.3));
        assert!(row.rhat.is_nan());
        assert!(ScalarSummary::compute(Draws::new(&[], 3)).mean.is_nan());
        assert!(serde_json::to_string(&row).is_ok_and(|s| s.contains("\"rhat\":null")));
    }

    #[test]
    fn columns_of_rows_equal_scalars_for_any_number_of_threads() {
        let (dim, m, n) = (11, 3, 60);
        let scalars: Vec<Vec<f64>> = (0..dim).map(|j| walk(m, n, j as u64)).collect();
        let views: Vec<Draws<'_>> = scalars.iter().map(|x| Draws::new(x, m)).collect();
        let rows: Vec<f64> = (0..m * n).flat_map(|t| scalars.iter().map(move |x| x[t])).collect();
        let one_by_one: Vec<ScalarSummary> = views.iter().map(|d| ScalarSummary::compute(*d)).collect();
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (a, b) = pool.install(|| (summarise(&views), summarise_rows(Batch::new(&rows, dim), m)));
            assert_eq!(a, one_by_one);
            assert_eq!(b, one_by_one);
        }
    }
}
