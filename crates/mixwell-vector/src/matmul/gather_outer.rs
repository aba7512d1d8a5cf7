//! The gradient of a gathered product in its weights, summed over pixels and rows.
//!
//! Many weights: one factor is turned pixel by pixel, as in [`outer`](super::outer). Few weights: turning would cost as much as
//! the sums, so these are kept as vectors along the rows and reduced at the end ([`dots`](super::dots)).

use rayon::prelude::*;

use super::dots::Dots;
use super::gather::Gather;
use super::outer::{Accumulate, Outer, Pairs, lanes, turned_len, turns_x};
use crate::Real;
use crate::block::BLOCK;

/// Weights up to which their sums are kept as vectors.
const FEW_WEIGHTS: usize = 2048;

/// Whether sums are kept as vectors.
fn is_few(gather: &Gather, n_out: usize) -> bool {
    gather.depth() * n_out <= FEW_WEIGHTS
}

/// Numbers of scratch that [`gather_outer`] needs with the threads there are.
pub fn gather_outer_scratch<T: Real>(gather: &Gather, n_out: usize) -> usize {
    let by_tap = turns_x(lanes::<T>(), gather.channels(), n_out);
    let turned = turned_len(if by_tap { gather.channels() } else { n_out });
    let n_weights = gather.depth() * n_out;
    let vectors = if is_few(gather, n_out) { n_weights * lanes::<T>() } else { 0 };
    (n_weights + rayon::current_num_threads() * gather.runs_of(by_tap).n_slots() * turned).max(vectors)
}

/// Where the weights of a gathering lie in a flat gradient: output `o`, channel `c`, tap `t` at
/// `o * output + c * channel + taps[t]`.
#[derive(Clone, Debug)]
pub struct WeightPlaces {
    /// From one output to the next.
    pub output: usize,
    /// From one channel to the next.
    pub channel: usize,
    /// The place of every tap.
    pub taps: Vec<usize>,
}

/// The gradient of [`gather_product`](super::gather_product) in its weights, summed over pixels and the `rows` rows of one block:
/// `weights += dy x^T`, at these places, and, where there is one, `bias += dy 1`. Where `parallel`, weights are shared among threads,
/// which changes no bit.
///
/// # Panics
/// When a buffer is shorter than its shape, or there are more rows than a block has.
#[allow(clippy::too_many_arguments)]
pub fn gather_outer<T: Real>(
    gather: &Gather,
    (dy, n_out): (&[T], usize),
    x: &[T],
    rows: usize,
    (weights, places): (&mut [T], &WeightPlaces),
    bias: Option<&mut [T]>,
    scratch: &mut [T],
    parallel: bool,
) {
    let (channels, n_pixels, depth) = (gather.channels(), gather.n_pixels(), gather.depth());
    assert!(rows <= BLOCK, "more than a block");
    assert!(x.len() >= gather.n_in() * BLOCK && dy.len() >= n_pixels * n_out * BLOCK, "short buffer");
    assert!(places.taps.len() == gather.n_taps(), "gradient of another shape");
    assert!(bias.as_ref().is_none_or(|b| b.len() == n_out), "gradient of another shape");
    assert!(scratch.len() >= gather_outer_scratch::<T>(gather, n_out), "short scratch");
    if depth * n_out * n_pixels == 0 {
        return;
    }
    let (x, dy) = (&x[..gather.n_in() * BLOCK], &dy[..n_pixels * n_out * BLOCK]);
    if let Some(bias) = bias {
        let sum = |(o, sum): (usize, &mut T)| {
            for from in dy.chunks_exact(n_out * BLOCK) {
                let (from, sum) = (&from[o * BLOCK..][..BLOCK], std::slice::from_mut(&mut *sum));
                T::run_outer(Outer::SumRows { from, sum, rows });
            }
        };
        if parallel {
            bias.par_iter_mut().enumerate().for_each(sum);
        } else {
            bias.iter_mut().enumerate().for_each(sum);
        }
    }
    let add = |weights: &mut [T], sum: &dyn Fn(usize, usize) -> T| {
        for o in 0..n_out {
            for (t, place) in places.taps.iter().enumerate() {
                for c in 0..channels {
                    weights[o * places.output + c * places.channel + place] += sum(o, t * channels + c);
                }
            }
        }
    };
    let lanes = lanes::<T>();
    if is_few(gather, n_out) && rows.is_multiple_of(lanes) {
        let vectors = &mut scratch[..depth * n_out * lanes];
        by_rows(gather, (dy, n_out), x, rows, vectors, parallel);
        let sum = |o: usize, k: usize| {
            vectors[(o * depth + k) * lanes..][..lanes].iter().fold(T::ZERO, |sum, part| sum + *part)
        };
        add(weights, &sum);
    } else {
        let sums = turned(gather, (dy, n_out), x, rows, scratch, parallel);
        let [step_o, step_k] = if turns_x(lanes, channels, n_out) { [depth, 1] } else { [1, n_out] };
        add(weights, &|o, k| sums[o * step_o + k * step_k]);
    }
}

/// Writes the sums as vectors, `n_out x depth`.
fn by_rows<T: Real>(
    gather: &Gather,
    (dy, n_out): (&[T], usize),
    x: &[T],
    rows: usize,
    vectors: &mut [T],
    parallel: bool,
) {
    vectors.fill(T::ZERO);
    let line = vectors.len() / n_out;
    let share = if parallel { n_out.div_ceil(rayon::current_num_threads()) } else { n_out };
    let sum = |(at, sums): (usize, &mut [T])| {
        let outputs = (at * share, sums.len() / line);
        T::run_outer(Outer::Dots(Dots { gather, dy, n_out, x, rows, outputs, sums }));
    };
    if parallel {
        vectors.par_chunks_mut(share * line).enumerate().for_each(sum);
    } else {
        sum((0, vectors));
    }
}

/// Sums with one factor turned, at the beginning of `scratch`: `n_out x depth` where it is `x`, `depth x n_out` where it is `dy`.
fn turned<'a, T: Real>(
    gather: &Gather,
    (dy, n_out): (&[T], usize),
    x: &[T],
    rows: usize,
    scratch: &'a mut [T],
    parallel: bool,
) -> &'a [T] {
    let (channels, depth) = (gather.channels(), gather.depth());
    let by_tap = turns_x(lanes::<T>(), channels, n_out);
    let (from, n_b) = if by_tap { (x, channels) } else { (dy, n_out) };
    let (sums, scratch) = scratch.split_at_mut(depth * n_out);
    let (runs, b_len) = (gather.runs_of(by_tap), turned_len(n_b));
    // The turned features lie side by side; a share is some of the others.
    sums.fill(T::ZERO);
    let (lines, line) = if by_tap { (n_out, depth) } else { (depth, n_out) };
    let share = if parallel { lines.div_ceil(rayon::current_num_threads()) } else { lines };
    let accumulate = |(at, (out, slots)): (usize, (&mut [T], &mut [T]))| {
        let mine = at * share..at * share + out.len() / line;
        for (turns, own) in runs.steps() {
            for (pixel, slot) in turns {
                let from = &from[*pixel as usize * n_b * BLOCK..][..n_b * BLOCK];
                let to = &mut slots[*slot as usize * b_len..][..b_len];
                T::run_outer(Outer::Turn { from, n: n_b, to, rows });
            }
            for run in own {
                let weights = run.weight as usize..(run.weight + run.len) as usize;
                let (members, b, rows, steps) = (runs.members(run), &*slots, [rows; 2], [line, 1]);
                T::run_outer(Outer::Accumulate(if by_tap {
                    let (a, n_a, a_len) = (&dy[mine.start * BLOCK..], mine.len(), n_out * BLOCK);
                    let (pairs, out) = (Pairs::Listed { members, a_len, b_len }, &mut out[weights.start..]);
                    Accumulate { a, n_a, b, n_b, pairs, rows, out, steps }
                } else {
                    let (first, end) = (weights.start.max(mine.start), weights.end.min(mine.end));
                    if first >= end {
                        continue;
                    }
                    let (a, a_len) = (&x[(first - weights.start) * BLOCK..], BLOCK);
                    let out = &mut out[(first - mine.start) * line..];
                    let pairs = Pairs::Listed { members, a_len, b_len };
                    Accumulate { a, n_a: end - first, b, n_b, pairs, rows, out, steps }
                }));
            }
        }
    };
    let slots = (runs.n_slots() * b_len).max(1);
    if parallel {
        let shares = sums.par_chunks_mut(share * line).zip(scratch.par_chunks_exact_mut(slots));
        shares.enumerate().for_each(accumulate);
    } else {
        sums.chunks_mut(share * line).zip(scratch.chunks_exact_mut(slots)).enumerate().for_each(accumulate);
    }
    sums
}
