//! One orientation of a weight matrix, packed for the products.
//!
//! In panels of at most six outputs, input after input: the inner loop reads six weights side by side and multiplies each
//! with whole vectors of rows. And, where asked for, in columns: all outputs of an input side by side, for few rows.

use crate::Real;

/// Outputs per panel at most.
pub(super) const PANEL: usize = 6;

/// Columns are padded to a multiple of this, the lanes of the longest vector.
const PADDING: usize = 16;

/// First output of panel `p`; panels share the outputs evenly.
#[inline(always)]
pub(super) fn panel_start(n_out: usize, p: usize) -> usize {
    p * n_out / n_out.div_ceil(PANEL)
}

/// One orientation of a weight matrix, packed.
#[derive(Clone, Debug, Default)]
pub struct Panels<T> {
    pub(super) n_in: usize,
    pub(super) n_out: usize,
    pub(super) values: Vec<T>,
    /// `n_in x padded n_out`; empty when not kept.
    pub(super) columns: Vec<T>,
}

impl<T: Real> Panels<T> {
    /// Room for a matrix of `n_out x n_in` weights, all zero.
    pub fn new(n_in: usize, n_out: usize) -> Self {
        Self { n_in, n_out, values: vec![T::ZERO; n_in * n_out], columns: vec![] }
    }

    /// Keeps columns too, so that products of few rows are quick.
    pub fn with_columns(mut self) -> Self {
        self.columns = vec![T::ZERO; self.n_in * self.column_len()];
        self
    }

    /// Length of a column.
    #[inline(always)]
    pub(super) fn column_len(&self) -> usize {
        self.n_out.next_multiple_of(PADDING)
    }

    /// Takes another shape; the weights must be packed anew. Keeps its memory.
    pub fn reshape(&mut self, n_in: usize, n_out: usize) {
        (self.n_in, self.n_out) = (n_in, n_out);
        self.values.resize(n_in * n_out, T::ZERO);
        if !self.columns.is_empty() {
            self.columns.resize(n_in * self.column_len(), T::ZERO);
        }
    }

    /// Packs the weights: output `j`, input `k` is `weights[j * stride_out + k * stride_in]`.
    pub fn pack(&mut self, weights: &[T], stride_out: usize, stride_in: usize) {
        self.pack_panels(weights, stride_out, stride_in);
        let len = self.column_len();
        for (k, column) in self.columns.chunks_exact_mut(len.max(1)).enumerate() {
            for (j, value) in column[..self.n_out].iter_mut().enumerate() {
                *value = weights[j * stride_out + k * stride_in];
            }
        }
    }

    fn pack_panels(&mut self, weights: &[T], stride_out: usize, stride_in: usize) {
        if self.n_out == 1 && stride_in == 1 {
            self.values.copy_from_slice(&weights[..self.n_in]);
            return;
        }
        for p in 0..self.n_out.div_ceil(PANEL) {
            let (start, end) = (panel_start(self.n_out, p), panel_start(self.n_out, p + 1));
            let panel = &mut self.values[start * self.n_in..end * self.n_in];
            for (k, column) in panel.chunks_exact_mut(end - start).enumerate() {
                for (i, value) in column.iter_mut().enumerate() {
                    *value = weights[(start + i) * stride_out + k * stride_in];
                }
            }
        }
    }
}
