//! Points as rows: `Batch` and `BatchMut` are views of `rows x dim` numbers, `Points` owns them.
//!
//! Row-major and contiguous by construction, so a block of rows is a sub-slice and can be handed to another thread
//! or to a network without a copy. One chain is a batch of one row.

use std::ops::Range;

/// Numbers that are made room for before the first row is seen; an iterator may promise any number of rows.
const MOST_AHEAD: usize = 1 << 16;

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

    /// Copies rows of equal length, where that they are is known; [`Points::try_from_rows`] where it is not.
    ///
    /// # Panics
    /// When there is no row or the rows differ in length.
    pub fn from_rows<R: AsRef<[f64]>>(rows: &[R]) -> Self {
        Self::try_from_rows(rows).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Copies rows of equal length, from anything that gives one after the other.
    ///
    /// `Vec`s, slices and arrays of rows also turn into points by `try_into()`.
    ///
    /// ```
    /// use mixwell::{Points, PointsError};
    /// let squares = Points::try_from_rows((0..3).map(|i| [f64::from(i), f64::from(i * i)]))?;
    /// assert_eq!((squares.rows(), squares.row(2)), (3, &[2.0, 4.0][..]));
    /// let ragged: Result<Points, PointsError> = vec![vec![1.0, 2.0], vec![3.0]].try_into();
    /// assert_eq!(ragged.unwrap_err().to_string(), "row 1 (the first is 0) holds 1 number, but row 0 holds 2");
    /// # Ok::<(), PointsError>(())
    /// ```
    ///
    /// # Errors
    /// When there is no row, rows hold no number, or one differs in length from the first.
    pub fn try_from_rows<R: AsRef<[f64]>>(rows: impl IntoIterator<Item = R>) -> Result<Self, PointsError> {
        let mut rows = rows.into_iter();
        let first = rows.next().ok_or(PointsError::NoRow)?;
        let dim = first.as_ref().len();
        if dim == 0 {
            return Err(PointsError::NoColumn);
        }
        let mut data =
            Vec::with_capacity(rows.size_hint().0.saturating_add(1).saturating_mul(dim).min(MOST_AHEAD));
        data.extend_from_slice(first.as_ref());
        for (row, numbers) in (1..).zip(rows) {
            let found = numbers.as_ref().len();
            if found != dim {
                return Err(PointsError::Ragged { row, found, expected: dim });
            }
            data.extend_from_slice(numbers.as_ref());
        }
        Ok(Self { data, dim })
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

impl<R: AsRef<[f64]>> TryFrom<Vec<R>> for Points {
    type Error = PointsError;

    fn try_from(rows: Vec<R>) -> Result<Self, PointsError> {
        Self::try_from_rows(rows)
    }
}

impl<R: AsRef<[f64]>> TryFrom<&[R]> for Points {
    type Error = PointsError;

    fn try_from(rows: &[R]) -> Result<Self, PointsError> {
        Self::try_from_rows(rows)
    }
}

impl<R: AsRef<[f64]>, const N: usize> TryFrom<[R; N]> for Points {
    type Error = PointsError;

    fn try_from(rows: [R; N]) -> Result<Self, PointsError> {
        Self::try_from_rows(rows)
    }
}

/// Why rows do not form points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointsError {
    /// Nothing to learn the dimension from.
    #[error(
        "there is no row, but points need one at least; `Points::zeros(0, dim)` makes none of a known dimension"
    )]
    NoRow,
    /// Rows of nothing.
    #[error("the rows hold no number, but a point has one coordinate at least")]
    NoColumn,
    /// A row of another length than the first.
    #[error("row {row} (the first is 0) holds {found} number{}, but row 0 holds {expected}", if *found == 1 { "" } else { "s" })]
    Ragged {
        /// The row.
        row: usize,
        /// Its length.
        found: usize,
        /// The length of the first.
        expected: usize,
    },
    /// Numbers that do not lie row after row, so that they cannot be viewed as rows.
    #[error("the numbers do not lie row after row without gaps; make a copy in standard layout first")]
    Layout,
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
    fn rows_of_any_kind_become_points() {
        let expected = Points::from_vec(vec![1.0, 2.0, 3.0, 4.0], 2);
        let (vectors, arrays) = (vec![vec![1.0, 2.0], vec![3.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(Points::try_from(&vectors[..]), Ok(expected.clone()));
        assert_eq!(Points::try_from(vectors), Ok(expected.clone()));
        assert_eq!(Points::try_from(arrays), Ok(expected.clone()));
        assert_eq!(Points::try_from(arrays.to_vec()), Ok(expected.clone()));
        assert_eq!(Points::try_from_rows(expected.as_batch().iter()), Ok(expected.clone()));
        assert_eq!(Points::try_from_rows(arrays.iter().filter(|row| row[0] > 2.0)).map(|p| p.rows()), Ok(1));
    }

    #[test]
    fn rows_that_form_no_points_are_named() {
        assert_eq!(Points::try_from(Vec::<Vec<f64>>::new()), Err(PointsError::NoRow));
        assert_eq!(Points::try_from([[0.0; 0]; 3]), Err(PointsError::NoColumn));
        let ragged = Points::try_from_rows([&[1.0, 2.0][..], &[3.0, 4.0], &[], &[1.0]]);
        assert_eq!(ragged, Err(PointsError::Ragged { row: 2, found: 0, expected: 2 }));
        // An iterator that promises more rows than there is memory.
        let endless = Points::try_from_rows((0..u64::MAX).map(|i| vec![0.0; 1 + i as usize / 9]));
        assert_eq!(endless, Err(PointsError::Ragged { row: 9, found: 2, expected: 1 }));
    }

    #[test]
    #[should_panic(expected = "do not form rows")]
    fn ragged_data_is_refused() {
        Batch::new(&[1.0, 2.0, 3.0], 2);
    }
}
