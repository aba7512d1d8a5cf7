//! The longest run without a move, per chain: a chain that sits still is easily mistaken for one that has converged.
//!
//! A draw that equals the one before it, coordinate by coordinate, is a step without a move. Points are `rows x dim`,
//! `n_chains` chains one after the other. A rejected step repeats the old row bit by bit, so equality is exact here.

use crate::Batch;

/// The longest number of consecutive steps without a move, for each chain. A chain of `n` draws makes `n - 1` steps.
///
/// ```
/// use mixwell::{Batch, diagnostics::longest_stuck_runs};
/// let rows = [0.0, 1.0, 1.0, 1.0, 2.0, 5.0, 6.0, 7.0, 8.0, 9.0];
/// assert_eq!(longest_stuck_runs(Batch::new(&rows, 1), 2), [2, 0]);
/// ```
///
/// # Panics
/// When `n_chains` is zero or does not divide the number of rows.
pub fn longest_stuck_runs(rows: Batch<'_>, n_chains: usize) -> Vec<usize> {
    let n = draws_per_chain(rows, n_chains);
    (0..n_chains)
        .map(|c| {
            let (mut run, mut longest) = (0, 0);
            for t in c * n + 1..(c + 1) * n {
                run = if same(rows.row(t - 1), rows.row(t)) { run + 1 } else { 0 };
                longest = longest.max(run);
            }
            longest
        })
        .collect()
}

/// The longest stuck run of any chain as a share of the steps of a chain, between 0 and 1. NaN for chains of one draw.
///
/// # Panics
/// As [`longest_stuck_runs`].
pub fn longest_stuck_share(rows: Batch<'_>, n_chains: usize) -> f64 {
    let steps = draws_per_chain(rows, n_chains).saturating_sub(1);
    let longest = longest_stuck_runs(rows, n_chains).into_iter().max().unwrap_or(0);
    longest as f64 / steps as f64
}

fn same(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| x == y || (x.is_nan() && y.is_nan()))
}

/// Rows per chain, after checking that they are whole.
pub(super) fn draws_per_chain(rows: Batch<'_>, n_chains: usize) -> usize {
    assert!(
        n_chains > 0 && rows.rows().is_multiple_of(n_chains),
        "{} rows do not form {n_chains} chains of equal length",
        rows.rows()
    );
    rows.rows() / n_chains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_do_not_cross_from_chain_to_chain() {
        // Chain one ends where chain two starts; one coordinate that changes is a move; a NaN that stays is none.
        let nan = f64::NAN;
        let rows = [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, nan, 2.0, nan, 2.0];
        assert_eq!(longest_stuck_runs(Batch::new(&rows[..12], 2), 2), [1, 0]);
        assert_eq!(longest_stuck_runs(Batch::new(&rows[8..], 2), 1), [1]);
    }

    #[test]
    fn a_frozen_chain_is_stuck_all_the_time() {
        assert_eq!(longest_stuck_share(Batch::new(&[3.0; 20], 1), 2), 1.0);
        assert_eq!(longest_stuck_share(Batch::new(&[1.0, 1.0, 2.0, 3.0, 4.0], 1), 1), 0.25);
        assert!(longest_stuck_share(Batch::new(&[1.0, 2.0], 1), 2).is_nan());
    }
}
