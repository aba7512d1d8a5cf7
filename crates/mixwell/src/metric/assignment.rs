//! The linear assignment problem: which column for which row, each used once, so that the sum of costs is least.
//!
//! Shortest augmenting paths (Jonker, Volgenant 1987): columns are first given to the row that is cheapest in them; then each row that is
//! left over gets a column along a path that is shortest in reduced costs `c_ij - u_i - v_j`, found as Dijkstra does on a dense matrix.
//! The potentials `u`, `v` prove the result: all reduced costs are at least zero, and zero where assigned, so no other assignment can cost
//! less than `sum u + sum v` (up to rounding). Time `O(n^3)` at worst, usually far less. Costs are finite, `n x n`, row after row.

/// An assignment that costs least, and the proof of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The column of each row.
    pub column_of_row: Vec<usize>,
    /// `u`: one number per row.
    pub row_potentials: Vec<f64>,
    /// `v`: one number per column.
    pub column_potentials: Vec<f64>,
    /// Sum of the costs.
    pub total: f64,
}

const NONE: usize = usize::MAX;

/// Assigns each of `n` rows a column of its own; `None` if a cost is NaN or infinite.
///
/// ```
/// // Row 0 prefers column 0, but row 1 needs it more.
/// let best = mixwell::metric::assign(&[1.0, 2.0, 1.0, 9.0], 2).expect("finite costs");
/// assert_eq!((best.column_of_row, best.total), (vec![1, 0], 3.0));
/// ```
///
/// # Panics
/// When there are not `n x n` costs.
pub fn assign(costs: &[f64], n: usize) -> Option<Assignment> {
    assert_eq!(costs.len(), n * n, "a square matrix of costs");
    if !costs.iter().all(|c| c.is_finite()) {
        return None;
    }
    let mut search = Search::new(costs, n);
    search.reduce_columns();
    for row in 0..n {
        if search.column_of_row[row] == NONE {
            search.augment(row);
        }
    }
    Some(search.finish())
}

struct Search<'a> {
    costs: &'a [f64],
    n: usize,
    column_of_row: Vec<usize>,
    row_of_column: Vec<usize>,
    /// Potentials of columns; those of rows follow from the assigned column.
    v: Vec<f64>,
    /// Length of the shortest path to each column.
    distance: Vec<f64>,
    /// The row before each column on that path.
    before: Vec<usize>,
    /// `-v` of open columns, infinite for those whose distance is final.
    open: Vec<f64>,
    closed: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(costs: &'a [f64], n: usize) -> Self {
        Self {
            costs,
            n,
            column_of_row: vec![NONE; n],
            row_of_column: vec![NONE; n],
            v: vec![f64::INFINITY; n],
            distance: vec![0.0; n],
            before: vec![NONE; n],
            open: vec![0.0; n],
            closed: Vec::with_capacity(n),
        }
    }

    fn row(&self, i: usize) -> &'a [f64] {
        &self.costs[i * self.n..(i + 1) * self.n]
    }

    /// `v_j = min_i c_ij`, and the column goes to that row if the row has none yet.
    fn reduce_columns(&mut self) {
        let mut cheapest = vec![NONE; self.n];
        for i in 0..self.n {
            let row = self.row(i);
            for ((v, cheapest), c) in self.v.iter_mut().zip(&mut cheapest).zip(row) {
                if *c < *v {
                    (*v, *cheapest) = (*c, i);
                }
            }
        }
        for (j, i) in cheapest.into_iter().enumerate() {
            if self.column_of_row[i] == NONE {
                (self.column_of_row[i], self.row_of_column[j]) = (j, i);
            }
        }
    }

    /// Gives `start`, a row without column, one along the shortest path to a free column.
    fn augment(&mut self, start: usize) {
        self.open.iter_mut().zip(&self.v).for_each(|(open, v)| *open = -v);
        self.distance.fill(f64::INFINITY);
        self.closed.clear();
        let (mut row, mut offset) = (start, 0.0);
        let (end, length) = loop {
            self.relax(row, offset);
            let (column, distance) = self.nearest();
            row = self.row_of_column[column];
            if row == NONE {
                break (column, distance);
            }
            self.open[column] = f64::INFINITY;
            self.closed.push(column);
            // Reduced cost of the row's own column is zero: what the row's potential has to be.
            offset = distance - (self.row(row)[column] - self.v[column]);
        };
        for &column in &self.closed {
            self.v[column] += self.distance[column] - length;
        }
        let mut column = end;
        loop {
            let row = self.before[column];
            self.row_of_column[column] = row;
            std::mem::swap(&mut self.column_of_row[row], &mut column);
            if row == start {
                return;
            }
        }
    }

    /// Shortens paths that are shorter by way of `row`; without a branch, so that it vectorises.
    fn relax(&mut self, row: usize, offset: f64) {
        let costs = self.row(row);
        let columns = self.distance.iter_mut().zip(&mut self.before).zip(&self.open).zip(costs);
        for (((distance, before), open), c) in columns {
            let by_row = c + open + offset;
            let shorter = by_row < *distance;
            *distance = if shorter { by_row } else { *distance };
            *before = if shorter { row } else { *before };
        }
    }

    /// The open column with the shortest path, a free one if there are several.
    fn nearest(&self) -> (usize, f64) {
        let is_open = |j: usize| self.open[j] < f64::INFINITY;
        let mut lanes = [f64::INFINITY; 8];
        let (whole, open) = (self.distance.chunks_exact(8), self.open.chunks_exact(8));
        let rest = self.n - whole.remainder().len()..self.n;
        for (distance, open) in whole.zip(open) {
            for ((lane, d), o) in lanes.iter_mut().zip(distance).zip(open) {
                let d = if *o < f64::INFINITY { *d } else { f64::INFINITY };
                *lane = if d < *lane { d } else { *lane };
            }
        }
        let rest = rest.filter(|j| is_open(*j)).map(|j| self.distance[j]);
        let least = lanes.into_iter().chain(rest).fold(f64::INFINITY, f64::min);
        let mut nearest = NONE;
        for (j, d) in self.distance.iter().enumerate() {
            if *d == least && is_open(j) {
                if self.row_of_column[j] == NONE {
                    return (j, least);
                }
                nearest = j;
            }
        }
        (nearest, least)
    }

    fn finish(self) -> Assignment {
        let assigned = |i: usize| self.row(i)[self.column_of_row[i]];
        let u = (0..self.n).map(|i| assigned(i) - self.v[self.column_of_row[i]]).collect();
        let total = (0..self.n).map(assigned).sum();
        Assignment { row_potentials: u, total, column_potentials: self.v, column_of_row: self.column_of_row }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Stream;

    /// The least total over all permutations.
    fn brute_force(costs: &[f64], n: usize, row: usize, taken: u32) -> f64 {
        if row == n {
            return 0.0;
        }
        (0..n)
            .filter(|j| taken & (1 << j) == 0)
            .map(|j| costs[row * n + j] + brute_force(costs, n, row + 1, taken | (1 << j)))
            .fold(f64::INFINITY, f64::min)
    }

    /// Every column used once, no reduced cost below zero, zero where assigned: then nothing can be cheaper.
    fn certify(costs: &[f64], n: usize, best: &Assignment) {
        let scale = costs.iter().fold(1.0f64, |a, c| a.max(c.abs()));
        let mut used = best.column_of_row.clone();
        used.sort_unstable();
        assert!(used.into_iter().eq(0..n));
        for i in 0..n {
            for j in 0..n {
                let reduced = costs[i * n + j] - best.row_potentials[i] - best.column_potentials[j];
                assert!(reduced > -1e-12 * scale, "row {i}, column {j}: {reduced}");
                assert!(j != best.column_of_row[i] || reduced.abs() < 1e-12 * scale);
            }
        }
        let dual: f64 = best.row_potentials.iter().chain(&best.column_potentials).sum();
        assert!((dual - best.total).abs() < 1e-11 * scale * n as f64);
    }

    proptest! {
        #[test]
        fn equals_the_best_permutation(n in 1usize..8, seed in 0u64..1000, whole: bool) {
            // Whole costs from 0 to 4 bring many ties.
            let mut stream = Stream::new(seed, 0);
            let mut cost = || if whole { stream.index(5) as f64 } else { 10.0 * stream.normal() };
            let costs: Vec<f64> = (0..n * n).map(|_| cost()).collect();
            let best = assign(&costs, n).expect("finite costs");
            certify(&costs, n, &best);
            prop_assert!((best.total - brute_force(&costs, n, 0, 0)).abs() < 1e-9);
        }
    }

    #[test]
    fn large_problems_carry_their_certificate() {
        let n = 300;
        let mut stream = Stream::new(9, 0);
        let mut uniform: Vec<f64> = (0..n * n).map(|_| stream.uniform()).collect();
        certify(&uniform, n, &assign(&uniform, n).expect("finite costs"));
        // Every row four times: ties everywhere.
        for i in 0..n {
            uniform.copy_within(i / 4 * 4 * n..(i / 4 * 4 + 1) * n, i * n);
        }
        certify(&uniform, n, &assign(&uniform, n).expect("finite costs"));
    }

    #[test]
    fn costs_that_are_not_finite_are_refused() {
        assert_eq!(assign(&[f64::NAN], 1), None);
        assert_eq!(assign(&[1.0, f64::INFINITY, 1.0, 1.0], 2), None);
        assert_eq!(assign(&[], 0).expect("nothing to do").total, 0.0);
    }
}
