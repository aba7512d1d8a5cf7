//! Points as rows: `Batch` and `BatchMut` are views of `rows x dim` numbers, `Points` owns them.
//!
//! Row-major and contiguous by construction, so a block of rows is a sub-slice and can be handed to another thread
//! or to a network without a copy. One chain is a batch of one row.

use std::ops::Range;

/// A read-only view of `rows x dim` numbers, one point per row.
///
/// ```
/// use mixwell::Batch;
/// let b = Batch::new(&[1.0, 2.0, 3.0, 4.0], 2);
/// assert_eq!((b.rows(), b.row(1)), (2, &[3.0, 4.0][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch<'a> {
    data: &'a [f64],
    dim: usize,
}

impl<'a> Batch<'a> {
    /// Views `data` as rows of `dim` numbers.
    ///
    /// # Panics
    /// When `dim` is zero or does not divide the length: that is a bug of the caller, not bad user input.
    pub fn new(data: &'a [f64], dim: usize) -> Self {
        assert!(
            dim > 0 && data.len().is_multiple_of(dim),
            "{} numbers do not form rows of {dim}",
            data.len()
        );
        Self { data, dim }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.data.len() / self.dim
    }

    /// Numbers per row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &'a [f64] {
        &self.data[i * self.dim..(i + 1) * self.dim]
    }

    /// All numbers, row after row.
    pub fn data(&self) -> &'a [f64] {
        self.data
    }

    /// The rows in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'a, f64> {
        self.data.chunks_exact(self.dim)
    }

    /// The rows of `range`, as a view of their own.
    pub fn slice(&self, range: Range<usize>) -> Batch<'a> {
        Batch { data: &self.data[range.start * self.dim..range.end * self.dim], dim: self.dim }
    }
}

/// A writable view of `rows x dim` numbers, one point per row.
#[derive(Debug)]
pub struct BatchMut<'a> {
    data: &'a mut [f64],
    dim: usize,
}

impl<'a> BatchMut<'a> {
    /// Views `data` as writable rows of `dim` numbers.
    ///
    /// # Panics
    /// When `dim` is zero or does not divide the length.
    pub fn new(data: &'a mut [f64], dim: usize) -> Self {
        assert!(
            dim > 0 && data.len().is_multiple_of(dim),
            "{} numbers do not form rows of {dim}",
            data.len()
        );
        Self { data, dim }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.data.len() / self.dim
    }

    /// Numbers per row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.dim..(i + 1) * self.dim]
    }

    /// Row `i`, writable.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.dim..(i + 1) * self.dim]
    }

    /// All numbers, writable.
    pub fn data_mut(&mut self) -> &mut [f64] {
        self.data
    }

    /// The same rows, read-only.
    pub fn as_batch(&self) -> Batch<'_> {
        Batch { data: self.data, dim: self.dim }
    }

    /// A shorter-lived view of the same rows.
    pub fn reborrow(&mut self) -> BatchMut<'_> {
        BatchMut { data: self.data, dim: self.dim }
    }

    /// The rows of `range`, as a writable view of their own.
    pub fn slice_mut(&mut self, range: Range<usize>) -> BatchMut<'_> {
        BatchMut { data: &mut self.data[range.start * self.dim..range.end * self.dim], dim: self.dim }
    }

    /// The rows in order, writable.
    pub fn iter_mut(&mut self) -> std::slice::ChunksExactMut<'_, f64> {
        self.data.chunks_exact_mut(self.dim)
    }

    /// Gives up the view for the slice under it.
    pub fn into_data(self) -> &'a mut [f64] {
        self.data
    }
}

/// Owned `rows x dim` numbers, one point per row.
#[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Points {
    data: Vec<f64>,
    dim: usize,
}

impl Clone for Points {
    fn clone(&self) -> Self {
        Self { data: self.data.clone(), dim: self.dim }
    }

    /// Uses the memory again.
    fn clone_from(&mut self, from: &Self) {
        self.data.clone_from(&from.data);
        self.dim = from.dim;
    }
}

impl Points {
    /// `rows x dim` zeros.
    pub fn zeros(rows: usize, dim: usize) -> Self {
        Self { data: vec![0.0; rows * dim], dim }
    }

    /// Takes `data` as rows of `dim` numbers.
    ///
    /// # Panics
    /// When `dim` is zero or does not divide the length.
    pub fn from_vec(data: Vec<f64>, dim: usize) -> Self {
        Batch::new(&data, dim);
        Self { data, dim }
    }

    /// Copies rows of equal length.
    ///
    /// # Panics
    /// When there is no row or the rows differ in length.
    pub fn from_rows<R: AsRef<[f64]>>(rows: &[R]) -> Self {
        let dim = rows.first().expect("at least one row").as_ref().len();
        let mut data = Vec::with_capacity(rows.len() * dim);
        for row in rows {
            assert_eq!(row.as_ref().len(), dim, "rows differ in length");
            data.extend_from_slice(row.as_ref());
        }
        Self::from_vec(data, dim)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.data.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Numbers per row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.dim..(i + 1) * self.dim]
    }

    /// Row `i`, writable.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.dim..(i + 1) * self.dim]
    }

    /// Appends one row.
    ///
    /// # Panics
    /// When the row has another length than the rows before it.
    pub fn push(&mut self, row: &[f64]) {
        assert_eq!(row.len(), self.dim, "row of another length");
        self.data.extend_from_slice(row);
    }

    /// The view that everything else works with.
    pub fn as_batch(&self) -> Batch<'_> {
        Batch::new(&self.data, self.dim)
    }

    /// The writable view.
    pub fn as_batch_mut(&mut self) -> BatchMut<'_> {
        BatchMut::new(&mut self.data, self.dim)
    }

    /// All numbers, row after row.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// All numbers, writable.
    pub fn data_mut(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// Gives up the rows for the vector under them.
    pub fn into_vec(self) -> Vec<f64> {
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_rows() {
        let mut p = Points::from_rows(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        assert_eq!(p.as_batch().slice(1..3).row(0), &[3.0, 4.0]);
        p.as_batch_mut().slice_mut(2..3).row_mut(0)[1] = 9.0;
        assert_eq!(p.row(2), &[5.0, 9.0]);
        assert_eq!(p.rows(), 3);
    }

    #[test]
    #[should_panic(expected = "do not form rows")]
    fn ragged_data_is_refused() {
        Batch::new(&[1.0, 2.0, 3.0], 2);
    }
}
