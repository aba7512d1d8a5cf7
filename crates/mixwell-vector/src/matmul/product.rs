//! `y = W x + b` and `dx = W^T dy`: rows along the lanes, or, for the few rows that would leave most lanes empty, outputs.

use super::few::{self, FewRows};
use super::panels::{PANEL, Panels, panel_start};
use super::tile::{next_vectors, sized, tile};
use crate::Real;
use crate::block::{BLOCK, blocks, rows_in};
use crate::simd::{Isa, Job, Lanes, Vector};

/// What is done to a product before it is stored.
#[derive(Clone, Copy, Debug)]
pub enum Finish<'a, T> {
    /// Nothing.
    Keep,
    /// `max(y, slope * y)` for slopes in `[0, 1)`; zero is ReLU.
    Leaky(T),
    /// Multiplied by 1 where the number at the same place is positive, by the slope elsewhere: the derivative of `Leaky`.
    Gate(T, &'a [T]),
}

impl<T> Finish<'_, T> {
    /// The same for the outputs from place `start` of the buffer on.
    #[inline(always)]
    fn from(&self, start: usize) -> Finish<'_, T>
    where
        T: Copy,
    {
        match *self {
            Finish::Gate(slope, gate) => Finish::Gate(slope, &gate[start..]),
            other => other,
        }
    }
}

/// What [`product`] has checked.
#[doc(hidden)]
pub struct Product<'a, T> {
    panels: &'a Panels<T>,
    bias: Option<&'a [T]>,
    x: &'a [T],
    finish: Finish<'a, T>,
    y: &'a mut [T],
    rows: usize,
}

/// `y = W x + b`, finished as told, for `rows` rows. Without bias for `dx = W^T dy`.
///
/// # Panics
/// When a buffer is shorter than its shape.
pub fn product<T: Real>(
    panels: &Panels<T>,
    bias: Option<&[T]>,
    x: &[T],
    finish: Finish<'_, T>,
    y: &mut [T],
    rows: usize,
) {
    let nb = blocks(rows);
    assert!(x.len() >= nb * panels.n_in * BLOCK && y.len() >= nb * panels.n_out * BLOCK, "short buffer");
    assert!(bias.is_none_or(|b| b.len() == panels.n_out), "bias of another length");
    if let Finish::Gate(_, gate) = finish {
        assert!(gate.len() >= nb * panels.n_out * BLOCK, "short gate");
    }
    T::run_product(Product { panels, bias, x, finish, y, rows });
}

impl<T: Real> Job for Product<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Panels { n_in, n_out, values, columns } = self.panels;
        let (n_in, n_out) = (*n_in, *n_out);
        let lanes = Lanes::<T, I>::LANES;
        for b in 0..blocks(self.rows) {
            let rows = rows_in(self.rows, b);
            let mut vectors = rows.div_ceil(lanes);
            if !columns.is_empty() && few::is_quicker(rows, lanes, n_in * n_out) {
                vectors -= 1;
                few::product::<T, I>(FewRows {
                    panels: self.panels,
                    bias: self.bias,
                    x: &self.x[b * n_in * BLOCK..],
                    finish: self.finish.from(b * n_out * BLOCK),
                    y: &mut self.y[b * n_out * BLOCK..],
                    rows: vectors * lanes..rows,
                });
            }
            let mut first = 0;
            // Once also where there are no inputs: the bias is the result.
            while vectors > 0 && (first < n_in || first == 0) {
                let inputs = (n_in - first).min(inputs_at_once::<T>());
                let last = first + inputs == n_in;
                let mut v = 0;
                while v < vectors {
                    let nv = next_vectors::<I>(vectors - v);
                    for p in 0..n_out.div_ceil(PANEL) {
                        let (start, end) = (panel_start(n_out, p), panel_start(n_out, p + 1));
                        let at = (b * n_out + start) * BLOCK + v * lanes;
                        // SAFETY: lengths were checked in `product`; `v + nv` vectors never pass the end of a block,
                        // because a block is a multiple of the tile, and panels end at `n_out`.
                        unsafe {
                            let w = values.as_ptr().add(start * n_in + first * (end - start));
                            let x = self.x.as_ptr().add((b * n_in + first) * BLOCK + v * lanes);
                            let y = self.y.as_mut_ptr().add(at);
                            let begin = match self.bias {
                                _ if first > 0 => Beginning::GoOn,
                                Some(bias) => Beginning::Bias(bias.as_ptr().add(start)),
                                None => Beginning::Zero,
                            };
                            let finish = match self.finish {
                                _ if !last => Ending::Keep,
                                Finish::Keep => Ending::Keep,
                                Finish::Leaky(slope) => Ending::Leaky(slope),
                                Finish::Gate(slope, gate) => Ending::Gate(slope, gate.as_ptr().add(at)),
                            };
                            sized!(end - start, nv, panel_product::<T, I>, (inputs, w, x, begin, finish, y));
                        }
                    }
                    v += nv;
                }
                first += inputs.max(1);
            }
        }
    }
}

/// Inputs that are summed in one go, so that their rows stay in the first-level cache while all panels pass. Sums that
/// are not finished wait in the output, which changes no bit of them.
#[inline(always)]
const fn inputs_at_once<T>() -> usize {
    (32 << 10) / (BLOCK * size_of::<T>())
}

/// Where the sums of one tile begin.
#[derive(Clone, Copy)]
enum Beginning<T> {
    Zero,
    Bias(*const T),
    /// With what stands in the output.
    GoOn,
}

/// [`Finish`] at one tile.
#[derive(Clone, Copy)]
enum Ending<T> {
    Keep,
    Leaky(T),
    Gate(T, *const T),
}

/// `MR` outputs of one panel for `NV` vectors of rows.
///
/// # Safety
/// `w` has `n_in * MR` weights, a bias has `MR`; `x`, `y` and the gate are readable and writable for `NV` vectors per
/// feature, features `BLOCK` apart.
#[inline(always)]
unsafe fn panel_product<T: Real, I: Isa, const MR: usize, const NV: usize>(
    n_in: usize,
    w: *const T,
    x: *const T,
    begin: Beginning<T>,
    finish: Ending<T>,
    y: *mut T,
) {
    let lanes = Lanes::<T, I>::LANES;
    let zero = Lanes::<T, I>::splat(T::ZERO);
    let mut acc = [[zero; NV]; MR];
    // SAFETY: promised by the caller.
    unsafe {
        match begin {
            Beginning::Zero => {}
            Beginning::Bias(bias) => {
                for (i, row) in acc.iter_mut().enumerate() {
                    *row = [Lanes::<T, I>::splat(*bias.add(i)); NV];
                }
            }
            Beginning::GoOn => {
                for (i, row) in acc.iter_mut().enumerate() {
                    for (v, value) in row.iter_mut().enumerate() {
                        *value = Lanes::<T, I>::load(y.add(i * BLOCK + v * lanes));
                    }
                }
            }
        }
        let acc = tile::<T, Lanes<T, I>, MR, NV>(n_in, (w, MR, 1), (x, BLOCK), acc);
        match finish {
            Ending::Keep => {
                for (i, row) in acc.iter().enumerate() {
                    for (v, value) in row.iter().enumerate() {
                        value.store(y.add(i * BLOCK + v * lanes));
                    }
                }
            }
            Ending::Leaky(slope) => {
                let slope = Lanes::<T, I>::splat(slope);
                for (i, row) in acc.iter().enumerate() {
                    for (v, value) in row.iter().enumerate() {
                        // NaN passes: the second operand is taken.
                        (slope * *value).max(*value).store(y.add(i * BLOCK + v * lanes));
                    }
                }
            }
            Ending::Gate(slope, gate) => {
                let slope = Lanes::<T, I>::splat(slope);
                for (i, row) in acc.iter().enumerate() {
                    for (v, value) in row.iter().enumerate() {
                        let open = zero.lt(Lanes::<T, I>::load(gate.add(i * BLOCK + v * lanes)));
                        let passed = Lanes::<T, I>::select(open, *value, *value * slope);
                        passed.store(y.add(i * BLOCK + v * lanes));
                    }
                }
            }
        }
    }
}
