//! `y = W x + b` and `dx = W^T dy`: rows along the lanes, or, for the few rows that would leave most lanes empty, outputs.

use rayon::prelude::*;

use super::few::{self, FewRows};
use super::gather::{GROUP, Gather, Piece};
use super::panels::{PANEL, Panels, panel_start};
use super::tile::{FEW, next_vectors, sized, tile};
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

impl<T: Copy> Finish<'_, T> {
    /// The same for the outputs from place `start` of the buffer on.
    #[inline(always)]
    fn from(&self, start: usize) -> Finish<'_, T> {
        match *self {
            Finish::Gate(slope, gate) => Finish::Gate(slope, &gate[start..]),
            other => other,
        }
    }
}

/// One block of rows, and some pixels of it: what [`product`] and [`gather_product`] have checked.
#[doc(hidden)]
pub struct Product<'a, T> {
    panels: &'a Panels<T>,
    bias: Option<&'a [T]>,
    /// The inputs of the block.
    x: &'a [T],
    /// What of them every pixel sums; it lies within `x`.
    pixels: Pixels<'a>,
    finish: Finish<'a, T>,
    /// `n_out` outputs per pixel.
    y: &'a mut [T],
    rows: usize,
}

/// The pixels of a product.
#[derive(Clone, Copy)]
enum Pixels<'a> {
    /// One that sums over everything.
    Whole([Piece; 1]),
    /// So many from this one on.
    Group(&'a Gather, usize, usize),
}

impl Pixels<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        match self {
            Self::Whole(_) => 1,
            Self::Group(_, _, len) => *len,
        }
    }

    #[inline(always)]
    fn pieces(&self, i: usize) -> &[Piece] {
        match self {
            Self::Whole(piece) => piece,
            Self::Group(gather, first, _) => gather.pieces(first + i),
        }
    }
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
    let Panels { n_in, n_out, .. } = *panels;
    let pixels = Pixels::Whole([Piece { input: 0, weight: 0, len: n_in as u32 }]);
    check((panels, bias), x, finish, y, rows, (n_in, n_out));
    for b in 0..blocks(rows) {
        let (x, at) = (&x[b * n_in * BLOCK..][..n_in * BLOCK], b * n_out * BLOCK);
        let (finish, y) = (finish.from(at), &mut y[at..][..n_out * BLOCK]);
        T::run_product(Product { panels, bias, x, pixels, finish, y, rows: rows_in(rows, b) });
    }
}

/// The outputs, to be written group by group from several threads.
#[derive(Clone, Copy)]
struct Outputs<T>(*mut T);

// SAFETY: threads write to disjoint ranges only, see `gather_product`.
unsafe impl<T: Send> Sync for Outputs<T> {}

impl<T> Outputs<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

/// The same at every pixel of an image: `y[p] = sum over the taps of W[tap] x[pixel of the tap] + b`. Where `parallel`, pixels are
/// shared among threads, which changes no bit.
///
/// # Panics
/// When a buffer is shorter than its shape, or the weights are of another shape than the gathering.
pub fn gather_product<T: Real>(
    (gather, panels): (&Gather, &Panels<T>),
    bias: Option<&[T]>,
    x: &[T],
    finish: Finish<'_, T>,
    y: &mut [T],
    rows: usize,
    parallel: bool,
) {
    let (n_in, n_pixels) = (gather.n_in(), gather.n_pixels());
    assert!(panels.n_in == gather.depth() && panels.columns.is_empty(), "weights of another shape");
    check((panels, bias), x, finish, y, rows, (n_in, n_pixels * panels.n_out));
    let pixel_len = panels.n_out * BLOCK;
    let groups = gather.groups();
    let y = Outputs(y.as_mut_ptr());
    let group = |i: usize| {
        let (b, (first, len)) = (i / groups.len(), groups[i % groups.len()]);
        let (first, len) = (first as usize, len as usize);
        let at = (b * n_pixels + first) * pixel_len;
        // SAFETY: `y` has room for all pixels of all blocks, checked above; groups are disjoint ranges of pixels, and each is
        // visited once for each block.
        let y = unsafe { std::slice::from_raw_parts_mut(y.get().add(at), len * pixel_len) };
        let x = &x[b * n_in * BLOCK..][..n_in * BLOCK];
        let (pixels, finish) = (Pixels::Group(gather, first, len), finish.from(at));
        T::run_product(Product { panels, bias, x, pixels, finish, y, rows: rows_in(rows, b) });
    };
    let n = blocks(rows) * groups.len();
    if parallel {
        (0..n).into_par_iter().for_each(group);
    } else {
        (0..n).for_each(group);
    }
}

fn check<T>(
    (panels, bias): (&Panels<T>, Option<&[T]>),
    x: &[T],
    finish: Finish<'_, T>,
    y: &[T],
    rows: usize,
    (n_in, n_out): (usize, usize),
) {
    let nb = blocks(rows);
    assert!(x.len() >= nb * n_in * BLOCK && y.len() >= nb * n_out * BLOCK, "short buffer");
    assert!(bias.is_none_or(|b| b.len() == panels.n_out), "bias of another length");
    if let Finish::Gate(_, gate) = finish {
        assert!(gate.len() >= nb * n_out * BLOCK, "short gate");
    }
}

/// Bytes of weights that stay in the second-level cache beside the pixels.
const CACHED_WEIGHTS: usize = 1 << 19;

impl<T: Real> Job for Product<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Panels { n_in, n_out, columns, .. } = self.panels;
        let lanes = Lanes::<T, I>::LANES;
        let rows = self.rows;
        let mut vectors = rows.div_ceil(lanes);
        if !columns.is_empty() && few::is_quicker(rows, lanes, n_in * n_out) {
            vectors -= 1;
            few::product::<T, I>(FewRows {
                panels: self.panels,
                bias: self.bias,
                x: self.x,
                finish: self.finish,
                y: &mut *self.y,
                rows: vectors * lanes..rows,
            });
        }
        if vectors == 0 {
            return;
        }
        // Where the weights are too many for the cache, all pixels of the group take a part of them before the next part.
        let together = if n_in * n_out * size_of::<T>() > CACHED_WEIGHTS { GROUP } else { 1 };
        // The sums of a convolution are long: parts of them are summed apart, which costs nothing and keeps digits.
        let apart = matches!(self.pixels, Pixels::Group(..));
        let mut first = 0;
        while first < self.pixels.len() {
            let n = (self.pixels.len() - first).min(together);
            let mut todo = [Pieces { rest: &[], taken: 0 }; GROUP];
            for (i, todo) in todo.iter_mut().enumerate().take(n) {
                todo.rest = self.pixels.pieces(first + i);
            }
            let (mut begun, mut left) = (false, true);
            // Once also where there are no inputs: the bias is the result.
            while left || !begun {
                left = false;
                for (i, todo) in todo.iter_mut().enumerate().take(n) {
                    if begun && todo.is_done() {
                        continue;
                    }
                    let now = *todo;
                    todo.skip(inputs_at_once::<T>());
                    left |= !todo.is_done();
                    let y = self.y[(first + i) * n_out * BLOCK..].as_mut_ptr();
                    let finish = self.finish.from((first + i) * n_out * BLOCK);
                    part::<T, I>(
                        (self.panels, self.bias, self.x),
                        now,
                        (begun, todo.is_done(), apart),
                        finish,
                        y,
                        vectors,
                    );
                }
                begun = true;
            }
            first += n;
        }
    }
}

/// Adds the next inputs of these pieces at one pixel.
#[inline(always)]
fn part<T: Real, I: Isa>(
    (panels, bias, x): (&Panels<T>, Option<&[T]>, &[T]),
    now: Pieces<'_>,
    (begun, last, apart): (bool, bool, bool),
    finish: Finish<'_, T>,
    y: *mut T,
    vectors: usize,
) {
    let Panels { n_in, n_out, values, .. } = panels;
    let lanes = Lanes::<T, I>::LANES;
    let mut v = 0;
    while v < vectors {
        let left = vectors - v;
        let nv = if left >= 3 && *n_out <= FEW { 4 } else { next_vectors::<I>(left) };
        for p in 0..n_out.div_ceil(PANEL) {
            let (start, end) = (panel_start(*n_out, p), panel_start(*n_out, p + 1));
            let at = start * BLOCK + v * lanes;
            // SAFETY: lengths were checked before; pieces lie within the inputs and the weights (`Gather`); `v + nv`
            // vectors never pass the end of a block, because a block is a multiple of the tile, and panels end at `n_out`.
            unsafe {
                let w = values.as_ptr().add(start * n_in);
                let x = x.as_ptr().add(v * lanes);
                let y = y.add(at);
                let begin = match bias {
                    _ if begun && apart => Beginning::Apart,
                    _ if begun => Beginning::GoOn,
                    Some(bias) => Beginning::Bias(bias.as_ptr().add(start)),
                    None => Beginning::Zero,
                };
                let finish = match finish {
                    _ if !last => Ending::Keep,
                    Finish::Keep => Ending::Keep,
                    Finish::Leaky(slope) => Ending::Leaky(slope),
                    Finish::Gate(slope, gate) => Ending::Gate(slope, gate.as_ptr().add(at)),
                };
                sized!(end - start, nv, panel_product::<T, I>, (now, w, x, begin, finish, y));
            }
        }
        v += nv;
    }
}

/// Inputs that are summed in one go, so that their rows stay in the first-level cache while all panels pass. Sums that
/// are not finished wait in the output, which changes no bit of them.
#[inline(always)]
const fn inputs_at_once<T>() -> usize {
    (32 << 10) / (BLOCK * size_of::<T>())
}

/// Pieces, of the first of which some inputs are done already.
#[derive(Clone, Copy)]
struct Pieces<'a> {
    rest: &'a [Piece],
    taken: u32,
}

impl Pieces<'_> {
    #[inline(always)]
    fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Goes on by this many inputs.
    #[inline(always)]
    fn skip(&mut self, n: usize) {
        let mut n = n as u32;
        while let Some(piece) = self.rest.first() {
            let left = piece.len - self.taken;
            if left > n {
                self.taken += n;
                return;
            }
            n -= left;
            (self.rest, self.taken) = (&self.rest[1..], 0);
        }
    }
}

/// Where the sums of one tile begin.
#[derive(Clone, Copy)]
enum Beginning<T> {
    Zero,
    Bias(*const T),
    /// With what stands in the output.
    GoOn,
    /// With zero, and what stands in the output is added at the end.
    Apart,
}

/// [`Finish`] at one tile.
#[derive(Clone, Copy)]
enum Ending<T> {
    Keep,
    Leaky(T),
    Gate(T, *const T),
}

/// `MR` outputs of one panel for `NV` vectors of rows, from the next inputs of these pieces.
///
/// # Safety
/// `w` has `MR` weights for each input of the pieces; a bias has `MR`; `x`, `y` and the gate are readable and writable for `NV`
/// vectors per feature, features `BLOCK` apart.
#[inline(always)]
unsafe fn panel_product<T: Real, I: Isa, const MR: usize, const NV: usize>(
    pieces: Pieces<'_>,
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
            Beginning::Zero | Beginning::Apart => {}
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
        let (mut left, mut taken) = (inputs_at_once::<T>(), pieces.taken as usize);
        for piece in pieces.rest {
            let n = (piece.len as usize - taken).min(left);
            let w = w.add((piece.weight as usize + taken) * MR);
            let x = x.add((piece.input as usize + taken) * BLOCK);
            acc = tile::<T, Lanes<T, I>, MR, NV>(n, (w, MR, 1), (x, BLOCK), acc);
            (left, taken) = (left - n, 0);
            if left == 0 {
                break;
            }
        }
        if let Beginning::Apart = begin {
            for (i, row) in acc.iter_mut().enumerate() {
                for (v, value) in row.iter_mut().enumerate() {
                    *value = Lanes::<T, I>::load(y.add(i * BLOCK + v * lanes)) + *value;
                }
            }
        }
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
