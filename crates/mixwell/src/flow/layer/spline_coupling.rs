//! Spline coupling layer: kept coordinates pass through, each other one goes through a monotone rational-quadratic spline
//! whose knots and slopes are functions of the kept.
//!
//! inverse (x -> z) evaluates the spline and adds the sum of its log-derivatives; forward (z -> x) solves a quadratic.
//! Shapes: blocked `rows x dim`; the network has `3K + 1` outputs per moved coordinate: `K` widths, `K` heights, `K + 1`
//! slopes. All of them zero is the identity. Reference: [durkan2019neural]; see `spline.rs` for the formulas.
//! The backward pass through the solved direction differentiates implicitly: `dx = (dy - sum dy/dtheta dtheta)/(dy/dx)`.

use super::bijection::{Backward, Bijection, Direction, Scratch};
use super::coupling::Split;
use super::spline::{By, Shape};
use crate::net::{Activation, NetworkSpec, Parameters, Sequential, grow};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len, rows_in};
use mixwell_vector::elementary::ln;
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// A spline coupling layer.
#[derive(Clone, Debug)]
pub(crate) struct SplineCoupling<T> {
    split: Split,
    shape: Shape<T>,
    net: Sequential<T>,
}

impl<T: Real> SplineCoupling<T> {
    /// The layer with this split and `n_bins` bins on `[-range, range]`, whose parameters begin at `offset` of the flow's
    /// flat vector.
    pub fn new(
        split: Split,
        hidden: &[usize],
        activation: Activation,
        n_bins: usize,
        range: f64,
        offset: usize,
    ) -> Self {
        let shape = Shape { n_bins, range: T::from_f64(range) };
        let spec =
            NetworkSpec::dense(split.kept.len(), hidden, split.moved.len() * shape.n_numbers(), activation);
        Self { split, shape, net: Sequential::new(&spec, offset) }
    }

    /// Parts of a tape: conditioner inputs, network tape, the x-side of every spline.
    fn tape_parts(&self, rows: usize) -> [usize; 3] {
        [
            buffer_len(rows, self.split.kept.len()),
            self.net.tape_len(rows),
            buffer_len(rows, self.split.moved.len()),
        ]
    }
}

impl<T: Real> Bijection<T> for SplineCoupling<T> {
    fn each_part(&mut self, f: &mut dyn FnMut(&str, &mut dyn Parameters<T>)) {
        f("net.", &mut self.net);
    }

    fn tape_len(&self, rows: usize) -> usize {
        // One more block of the spline's numbers, for probabilities.
        self.tape_parts(rows).iter().sum::<usize>() + 2 * self.shape.n_bins * BLOCK
    }

    fn apply(&self, direction: Direction, v: &mut [T], log_det: &mut [f64], tape: &mut [T], rows: usize) {
        let [inputs, net_len, moved] = self.tape_parts(rows);
        let (input, rest) = tape.split_at_mut(inputs);
        let (net_tape, rest) = rest.split_at_mut(net_len);
        let (xs, probabilities) = rest.split_at_mut(moved);
        self.split.gather(v, false, input, rows);
        self.net.forward(input, net_tape, rows);
        let numbers = self.net.output(net_tape, rows);
        simd::run(Apply { layer: self, direction, numbers, v, log_det, xs, probabilities, rows });
    }

    fn pull(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { direction, tape, dv, dlog_det, gradient, rows } = pass;
        let [inputs, net_len, moved] = self.tape_parts(rows);
        let (input, rest) = tape.split_at(inputs);
        let (net_tape, rest) = rest.split_at(net_len);
        let xs = &rest[..moved];
        let numbers = self.net.output(net_tape, rows);
        let head = &mut scratch.heads[0];
        grow(head, numbers.len());
        simd::run(Pull { layer: self, direction, numbers, dv, dlog_det, xs, head, rows });
        if self.split.kept.is_empty() && gradient.is_none() {
            return;
        }
        grow(&mut scratch.dx, inputs);
        let head = &mut scratch.heads[0][..numbers.len()];
        self.net.backward(input, net_tape, head, Some(&mut scratch.dx), gradient, &mut scratch.net, rows);
        self.split.scatter_add(&scratch.dx, false, dv, rows);
    }

    fn clone_box(&self) -> Box<dyn Bijection<T>> {
        Box::new(self.clone())
    }
}

struct Apply<'a, T> {
    layer: &'a SplineCoupling<T>,
    direction: Direction,
    numbers: &'a [T],
    v: &'a mut [T],
    log_det: &'a mut [f64],
    xs: &'a mut [T],
    probabilities: &'a mut [T],
    rows: usize,
}

impl<T: Real> Job for Apply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let (split, shape) = (&self.layer.split, self.layer.shape);
        let (k, n) = (shape.n_bins, split.moved.len());
        let (p_width, p_height) = self.probabilities.split_at_mut(k * BLOCK);
        let mut log_slopes = [T::ZERO; BLOCK];
        for b in 0..blocks(self.rows) {
            let used = rows_in(self.rows, b).next_multiple_of(lanes);
            for m in 0..n {
                let at = (b * n + m) * shape.n_numbers() * BLOCK;
                let numbers = &self.numbers[at..at + shape.n_numbers() * BLOCK];
                let v = &mut self.v[(b * split.dim + split.moved[m]) * BLOCK..][..used];
                let xs = &mut self.xs[(b * n + m) * BLOCK..][..used];
                for i in (0..used).step_by(lanes) {
                    shape.softmax::<Lanes<T, I>>(&numbers[i..], BLOCK, &mut p_width[i..]);
                    shape.softmax::<Lanes<T, I>>(&numbers[k * BLOCK + i..], BLOCK, &mut p_height[i..]);
                    let p = [&p_width[i..], &p_height[i..]];
                    let slopes = &numbers[2 * k * BLOCK + i..];
                    let old = Lanes::<T, I>::of(&v[i..]);
                    let derivative = if self.direction == Direction::Inverse {
                        let (y, d) = shape.value(old, &shape.find(By::X, old, p, slopes, BLOCK));
                        old.put(&mut xs[i..]);
                        y.put(&mut v[i..]);
                        d
                    } else {
                        let (x, d) = shape.inverse(old, &shape.find(By::Y, old, p, slopes, BLOCK));
                        x.put(&mut xs[i..]);
                        x.put(&mut v[i..]);
                        d
                    };
                    ln(derivative).put(&mut log_slopes[i..]);
                }
                let sums = &mut self.log_det[b * BLOCK..][..used];
                if self.direction == Direction::Inverse {
                    for (sum, l) in sums.iter_mut().zip(&log_slopes) {
                        *sum += l.to_f64();
                    }
                } else {
                    for (sum, l) in sums.iter_mut().zip(&log_slopes) {
                        *sum -= l.to_f64();
                    }
                }
            }
        }
    }
}

struct Pull<'a, T> {
    layer: &'a SplineCoupling<T>,
    direction: Direction,
    numbers: &'a [T],
    dv: &'a mut [T],
    dlog_det: &'a [T],
    xs: &'a [T],
    head: &'a mut [T],
    rows: usize,
}

impl<T: Real> Job for Pull<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let (split, shape) = (&self.layer.split, self.layer.shape);
        let (k, n) = (shape.n_bins, split.moved.len());
        for b in 0..blocks(self.rows) {
            let used = rows_in(self.rows, b).next_multiple_of(lanes);
            for m in 0..n {
                let at = (b * n + m) * shape.n_numbers() * BLOCK;
                let numbers = &self.numbers[at..at + shape.n_numbers() * BLOCK];
                let head = &mut self.head[at..at + shape.n_numbers() * BLOCK];
                let dv = &mut self.dv[(b * split.dim + split.moved[m]) * BLOCK..][..used];
                let xs = &self.xs[(b * n + m) * BLOCK..][..used];
                let dl = &self.dlog_det[b * BLOCK..][..used];
                for i in (0..used).step_by(lanes) {
                    let d_in = pull_one::<T, I>(
                        shape,
                        self.direction,
                        &numbers[i..],
                        Lanes::<T, I>::of(&xs[i..]),
                        Lanes::<T, I>::of(&dv[i..]),
                        Lanes::<T, I>::of(&dl[i..]),
                        &mut head[i..],
                        k,
                    );
                    d_in.put(&mut dv[i..]);
                }
            }
        }
    }
}

/// Backward through one spline for one vector of rows: writes the derivatives in its numbers to `head`, returns the
/// derivative in its input.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn pull_one<T: Real, I: Isa>(
    shape: Shape<T>,
    direction: Direction,
    numbers: &[T],
    x: Lanes<T, I>,
    d_out: Lanes<T, I>,
    d_log_det: Lanes<T, I>,
    head: &mut [T],
    k: usize,
) -> Lanes<T, I> {
    let zero = Lanes::<T, I>::splat(T::ZERO);
    // The head holds the probabilities until they are replaced by derivatives.
    let (widths, rest) = head.split_at_mut(k * BLOCK);
    shape.softmax::<Lanes<T, I>>(numbers, BLOCK, widths);
    shape.softmax::<Lanes<T, I>>(&numbers[k * BLOCK..], BLOCK, rest);
    let bin = shape.find(By::X, x, [&*widths, &*rest], &numbers[2 * k * BLOCK..], BLOCK);
    let p = shape.partial(x, &bin);
    // Derivatives in y and in l = ln dy/dx at fixed x, and the derivative in the input.
    let (dy, dl, d_in) = if direction == Direction::Inverse {
        (d_out, d_log_det, d_out * p.y_x + d_log_det * p.l_x)
    } else {
        let dl = -d_log_det;
        let dy = (d_out + dl * p.l_x) / p.y_x;
        (-dy, dl, dy)
    };
    let both = |y: Lanes<T, I>, l: Lanes<T, I>| dy * y + dl * l;
    let groups = [
        (both(p.y_knot_x, p.l_knot_x), both(p.y_width, p.l_width)),
        (dy * p.y_knot_y, both(p.y_height, p.l_height)),
    ];
    let share = Lanes::<T, I>::splat(shape.share());
    for (g, (d_knot, d_size)) in groups.into_iter().enumerate() {
        let group = if g == 0 { &mut *widths } else { &mut rest[..k * BLOCK] };
        // Sizes before the bin move its knot; its own size stretches it.
        let d_of = |j: usize| {
            let j = Lanes::<T, I>::splat(T::from_f64(j as f64));
            let own = Lanes::<T, I>::select(bin.index.lt(j), zero, d_size);
            Lanes::<T, I>::select(j.lt(bin.index), d_knot, own)
        };
        let mut mean = zero;
        for j in 0..k {
            mean = Lanes::<T, I>::of(&group[j * BLOCK..]).mul_add(d_of(j), mean);
        }
        for j in 0..k {
            let probability = Lanes::<T, I>::of(&group[j * BLOCK..]);
            (probability * share * (d_of(j) - mean)).put(&mut group[j * BLOCK..]);
        }
    }
    let d_slope = [0, 1].map(|i| both(p.y_slope[i], p.l_slope[i]) * p.argument_slope[i]);
    let slopes = &mut rest[k * BLOCK..];
    for j in 0..=k {
        // Knot j is the left one of bin j and the right one of bin j - 1.
        let (at, before) =
            (Lanes::<T, I>::splat(T::from_f64(j as f64)), Lanes::<T, I>::splat(T::from_f64(j as f64 - 1.0)));
        let is = |v: Lanes<T, I>, d: Lanes<T, I>| {
            let not_above = Lanes::<T, I>::select(v.lt(bin.index), zero, d);
            Lanes::<T, I>::select(bin.index.lt(v), zero, not_above)
        };
        (is(at, d_slope[0]) + is(before, d_slope[1])).put(&mut slopes[j * BLOCK..]);
    }
    d_in
}
