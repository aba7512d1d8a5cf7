//! Affine coupling layer: kept coordinates pass through, the others are scaled and shifted by functions of the kept.
//!
//! forward (z -> x), with `s = bound(S(kept))` and `t = c T(kept)`:
//!   scale first  `x = z exp(s) + t`,      shift first  `x = (z + t) exp(s)`;
//! both add `sum s` to the log-determinant; the inverse adds `-sum s`.
//! Shapes: blocked `rows x dim`; `S` and `T` are two networks or two halves of one. Starts as the identity when the last
//! layers start at zero. Reference: [dinh2017density], section 3.4; the shift-first form with `s = c tanh S`, `c = 2 /
//! (number of couplings)` is the residual parametrisation of [grenioux2023sampling].
//! Differs: the paper writes the map from data to latent; here it is written from latent to data.

use super::affine_options::{AffineOptions, MOST_SIGMOID_LOG_SCALE, Nets, Order, ScaleBound};
use super::bijection::{Backward, Bijection, Direction, Scratch};
use super::coupling::Split;
use crate::Stream;
use crate::net::{ArraySpec, Init, NetworkSpec, Parameters, Sequential, grow};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len, rows_in};
use mixwell_vector::elementary::{exp, sigmoid, softplus, tanh};
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// An affine coupling layer.
#[derive(Clone, Debug)]
pub(crate) struct AffineCoupling<T> {
    split: Split,
    options: AffineOptions,
    nets: Vec<Sequential<T>>,
    bounds: Bounds<T>,
}

/// The learned bounds of the log-scales, when there are any; at first all are the same. Those that must stay positive are stored
/// as logarithms.
#[derive(Clone, Debug)]
struct Bounds<T> {
    offset: usize,
    start: T,
    is_log: bool,
    values: Vec<T>,
}

impl<T: Real> Parameters<T> for Bounds<T> {
    fn layout(&self, prefix: &str) -> Vec<ArraySpec> {
        let (shape, name) = (vec![self.values.len()], if self.is_log { "log_bound" } else { "bound" });
        vec![ArraySpec { name: format!("{prefix}{name}"), shape, offset: self.offset, is_statistic: false }]
    }

    fn initialise(&self, params: &mut [T], _init: Init, _stream: &mut Stream) {
        params[self.offset..self.offset + self.values.len()].fill(self.start);
    }

    fn pack(&mut self, params: &[T]) {
        let n = self.values.len();
        self.values.copy_from_slice(&params[self.offset..self.offset + n]);
        if self.is_log {
            self.values.iter_mut().for_each(|v| *v = T::from_f64(v.to_f64().exp()));
        }
    }
}

impl<T: Real> AffineCoupling<T> {
    /// The layer with this split, whose parameters begin at `offset` of the flow's flat vector. `network` describes one of so many
    /// inputs and outputs.
    pub fn new(
        split: Split,
        options: &AffineOptions,
        network: impl Fn(usize, usize) -> NetworkSpec,
        offset: usize,
    ) -> Self {
        let n_in = split.input_width(options.full_width);
        let n_out = if options.full_width { n_in } else { split.moved.len() };
        let nets = match options.nets {
            Nets::Joint => vec![Sequential::new(&network(n_in, 2 * n_out), offset)],
            Nets::Separate => {
                let scale = Sequential::new(&network(n_in, n_out), offset);
                let at = offset + scale.n_params();
                vec![scale, Sequential::new(&network(n_in, n_out), at)]
            }
        };
        let offset = offset + nets.iter().map(Sequential::n_params).sum::<usize>();
        let (start, is_log, n) = match options.scale {
            ScaleBound::LearnedTanh(a) => (a, false, split.n_channels()),
            ScaleBound::SoftClamp(a) => (a.ln(), true, split.n_channels()),
            _ => (0.0, false, 0),
        };
        let start = T::from_f64(start);
        let bounds = Bounds { offset, start, is_log, values: vec![start; n] };
        Self { split, options: options.clone(), nets, bounds }
    }

    /// Parts of a tape: conditioner inputs, network tapes, `exp(+-s)` and the factor of `ds`.
    fn tape_parts(&self, rows: usize) -> [usize; 3] {
        let inputs = buffer_len(rows, self.split.input_width(self.options.full_width));
        let nets = self.nets.iter().map(|n| n.tape_len(rows)).sum();
        [inputs, nets, buffer_len(rows, self.split.moved.len())]
    }

    /// Where the scale and the shift of moved coordinate `m` stand among the outputs: (network, output) each.
    fn heads(&self, m: usize) -> [(usize, usize); 2] {
        let (at, n) = if self.options.full_width {
            (self.split.moved_at[m], self.split.input_width(true))
        } else {
            (m, self.split.moved.len())
        };
        match self.options.nets {
            Nets::Joint => [(0, at), (0, n + at)],
            Nets::Separate => [(0, at), (1, at)],
        }
    }

    /// The outputs of both networks (twice the same for a joint one).
    fn outputs<'a>(&self, tape: &'a [T], rows: usize) -> [&'a [T]; 2] {
        let first_len = self.nets[0].tape_len(rows);
        let first = self.nets[0].output(&tape[..first_len], rows);
        [first, self.nets.get(1).map_or(first, |net| net.output(&tape[first_len..], rows))]
    }

    fn bound(&self, m: usize) -> Bound<T> {
        match self.options.scale {
            ScaleBound::Tanh(factor) => Bound::Tanh(T::from_f64(factor)),
            ScaleBound::LearnedTanh(_) => Bound::Tanh(self.bounds.values[self.split.channels[m]]),
            ScaleBound::SoftClamp(_) => {
                let a = self.bounds.values[self.split.channels[m]];
                Bound::Soft(a, T::ONE / a)
            }
            ScaleBound::Sigmoid(offset) => Bound::Sigmoid(T::from_f64(offset)),
            ScaleBound::Clamp(low, high) => Bound::Clamp(T::from_f64(low), T::from_f64(high)),
        }
    }
}

/// [`ScaleBound`] of one coordinate.
#[derive(Clone, Copy)]
enum Bound<T> {
    Tanh(T),
    /// The bound and its inverse.
    Soft(T, T),
    Sigmoid(T),
    Clamp(T, T),
}

impl<T: Real> Bound<T> {
    #[inline(always)]
    fn at<V: Vector<T>>(self, u: V) -> V {
        match self {
            Self::Tanh(factor) => V::splat(factor) * tanh(u),
            Self::Soft(a, inverse) => V::splat(a) * tanh(V::splat(inverse) * u),
            Self::Sigmoid(offset) => {
                V::splat(T::from_f64(MOST_SIGMOID_LOG_SCALE)).min(softplus(-(u + V::splat(offset))))
            }
            Self::Clamp(low, high) => V::splat(low).max(V::splat(high).min(u)),
        }
    }
}

impl<T: Real> Bijection<T> for AffineCoupling<T> {
    fn each_part(&mut self, f: &mut dyn FnMut(&str, &mut dyn Parameters<T>)) {
        let names: &[&str] = if self.nets.len() == 1 { &["net."] } else { &["scale.", "shift."] };
        for (net, name) in self.nets.iter_mut().zip(names) {
            f(name, net);
        }
        if !self.bounds.values.is_empty() {
            f("", &mut self.bounds);
        }
    }

    fn start_from(&mut self, v: &[T], rows: usize, params: &mut [T]) {
        let full = self.options.full_width;
        let mut input = vec![T::ZERO; buffer_len(rows, self.split.input_width(full))];
        self.split.gather(v, full, &mut input, rows);
        self.nets.iter_mut().for_each(|net| net.initialise_from_batch(&input, params, rows));
    }

    fn tape_len(&self, rows: usize) -> usize {
        let [inputs, nets, moved] = self.tape_parts(rows);
        inputs + nets + 2 * moved
    }

    fn apply(&self, direction: Direction, v: &mut [T], log_det: &mut [f64], tape: &mut [T], rows: usize) {
        let [inputs, nets, moved] = self.tape_parts(rows);
        let (input, rest) = tape.split_at_mut(inputs);
        let (net_tape, rest) = rest.split_at_mut(nets);
        let (power, factor) = rest.split_at_mut(moved);
        self.split.gather(v, self.options.full_width, input, rows);
        let mut from = 0;
        for net in &self.nets {
            let len = net.tape_len(rows);
            net.forward(input, &mut net_tape[from..from + len], rows);
            from += len;
        }
        simd::run(Apply {
            layer: self,
            direction,
            outputs: self.outputs(net_tape, rows),
            v,
            log_det,
            power,
            factor,
            rows,
        });
    }

    fn pull(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { direction, tape, dv, dlog_det, mut gradient, rows } = pass;
        let [inputs, nets, moved] = self.tape_parts(rows);
        let (input, rest) = tape.split_at(inputs);
        let (net_tape, rest) = rest.split_at(nets);
        let (power, factor) = rest.split_at(moved);
        for (net, head) in self.nets.iter().zip(&mut scratch.heads) {
            let len = buffer_len(rows, net.n_out());
            grow(head, len);
            if self.options.full_width {
                head[..len].fill(T::ZERO);
            }
        }
        let Bounds { offset, values, .. } = &self.bounds;
        let dbound = gradient.as_deref_mut().map(|g| &mut g[*offset..*offset + values.len()]);
        let outputs = self.outputs(net_tape, rows);
        simd::run(Pull {
            layer: self,
            direction,
            outputs,
            dv,
            dlog_det,
            power,
            factor,
            heads: &mut scratch.heads,
            dbound,
            rows,
        });
        if self.split.kept.is_empty() && gradient.is_none() {
            return;
        }
        grow(&mut scratch.dx, inputs);
        let mut from = 0;
        for (net, head) in self.nets.iter().zip(&mut scratch.heads) {
            let len = net.tape_len(rows);
            let head = &mut head[..buffer_len(rows, net.n_out())];
            let tape = &net_tape[from..from + len];
            net.backward(
                input,
                tape,
                head,
                Some(&mut scratch.dx),
                gradient.as_deref_mut(),
                &mut scratch.net,
                rows,
            );
            self.split.scatter_add(&scratch.dx, self.options.full_width, dv, rows);
            from += len;
        }
    }

    fn clone_box(&self) -> Box<dyn Bijection<T>> {
        Box::new(self.clone())
    }
}

/// The elementwise part of a pass: bound, exponential, scale and shift.
struct Apply<'a, T> {
    layer: &'a AffineCoupling<T>,
    direction: Direction,
    outputs: [&'a [T]; 2],
    v: &'a mut [T],
    log_det: &'a mut [f64],
    /// `exp(s)` forward, `exp(-s)` inverse.
    power: &'a mut [T],
    /// `w` in `ds = +-(dv w + dlog_det)`, plus forward and minus inverse.
    factor: &'a mut [T],
    rows: usize,
}

impl<T: Real> Job for Apply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let (split, options) = (&self.layer.split, &self.layer.options);
        let n = split.moved.len();
        let c = Lanes::<T, I>::splat(T::from_f64(options.shift_factor));
        let mut scales = [T::ZERO; BLOCK];
        for b in 0..blocks(self.rows) {
            let used = rows_in(self.rows, b).next_multiple_of(lanes);
            for m in 0..n {
                let [s_at, t_at] = self.layer.heads(m);
                let place = |(net, at): (usize, usize)| (b * self.layer.nets[net].n_out() + at) * BLOCK;
                let u = &self.outputs[s_at.0][place(s_at)..][..used];
                let shift = &self.outputs[t_at.0][place(t_at)..][..used];
                let v = &mut self.v[(b * split.dim + split.moved[m]) * BLOCK..][..used];
                let power = &mut self.power[(b * n + m) * BLOCK..][..used];
                let factor = &mut self.factor[(b * n + m) * BLOCK..][..used];
                let bound = self.layer.bound(m);
                for i in (0..used).step_by(lanes) {
                    let s = bound.at(Lanes::<T, I>::of(&u[i..]));
                    let t = c * Lanes::<T, I>::of(&shift[i..]);
                    let old = Lanes::<T, I>::of(&v[i..]);
                    s.put(&mut scales[i..]);
                    let (e, new, w);
                    match (self.direction, options.order) {
                        (Direction::Forward, Order::ScaleFirst) => {
                            e = exp(s);
                            w = old * e;
                            new = w + t;
                        }
                        (Direction::Forward, Order::ShiftFirst) => {
                            e = exp(s);
                            w = (old + t) * e;
                            new = w;
                        }
                        (Direction::Inverse, Order::ScaleFirst) => {
                            e = exp(-s);
                            w = (old - t) * e;
                            new = w;
                        }
                        (Direction::Inverse, Order::ShiftFirst) => {
                            e = exp(-s);
                            w = old * e;
                            new = w - t;
                        }
                    }
                    e.put(&mut power[i..]);
                    w.put(&mut factor[i..]);
                    new.put(&mut v[i..]);
                }
                let sums = &mut self.log_det[b * BLOCK..][..used];
                if self.direction == Direction::Forward {
                    for (sum, s) in sums.iter_mut().zip(&scales) {
                        *sum += s.to_f64();
                    }
                } else {
                    for (sum, s) in sums.iter_mut().zip(&scales) {
                        *sum -= s.to_f64();
                    }
                }
            }
        }
    }
}

/// The elementwise part of a backward pass.
struct Pull<'a, T> {
    layer: &'a AffineCoupling<T>,
    direction: Direction,
    outputs: [&'a [T]; 2],
    dv: &'a mut [T],
    dlog_det: &'a [T],
    power: &'a [T],
    factor: &'a [T],
    heads: &'a mut [Vec<T>; 2],
    dbound: Option<&'a mut [T]>,
    rows: usize,
}

impl<T: Real> Job for Pull<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(mut self) {
        let lanes = Lanes::<T, I>::LANES;
        let (split, options) = (&self.layer.split, &self.layer.options);
        let n = split.moved.len();
        let (zero, one) = (Lanes::<T, I>::splat(T::ZERO), Lanes::<T, I>::splat(T::ONE));
        let c = Lanes::<T, I>::splat(T::from_f64(options.shift_factor));
        let mut dbounds = [T::ZERO; BLOCK];
        for b in 0..blocks(self.rows) {
            let rows = rows_in(self.rows, b);
            let used = rows.next_multiple_of(lanes);
            for m in 0..n {
                let [s_at, t_at] = self.layer.heads(m);
                let place = |(net, at): (usize, usize)| (b * self.layer.nets[net].n_out() + at) * BLOCK;
                let (s_place, t_place) = (place(s_at), place(t_at));
                let u = &self.outputs[s_at.0][s_place..][..used];
                let dv = &mut self.dv[(b * split.dim + split.moved[m]) * BLOCK..][..used];
                let dl = &self.dlog_det[b * BLOCK..][..used];
                let power = &self.power[(b * n + m) * BLOCK..][..used];
                let factor = &self.factor[(b * n + m) * BLOCK..][..used];
                let bound = self.layer.bound(m);
                for i in (0..used).step_by(lanes) {
                    let d = Lanes::<T, I>::of(&dv[i..]);
                    let e = Lanes::<T, I>::of(&power[i..]);
                    let w = Lanes::<T, I>::of(&factor[i..]);
                    let through = d * e;
                    let ds = d.mul_add(w, Lanes::<T, I>::of(&dl[i..]));
                    let (ds, dt) = match (self.direction, options.order) {
                        (Direction::Forward, Order::ScaleFirst) => (ds, d),
                        (Direction::Forward, Order::ShiftFirst) => (ds, through),
                        (Direction::Inverse, Order::ScaleFirst) => (-ds, -through),
                        (Direction::Inverse, Order::ShiftFirst) => (-ds, -d),
                    };
                    let u = Lanes::<T, I>::of(&u[i..]);
                    let du = match bound {
                        Bound::Tanh(a) => {
                            let y = tanh(u);
                            (ds * y).put(&mut dbounds[i..]);
                            ds * Lanes::<T, I>::splat(a) * (one - y * y)
                        }
                        Bound::Soft(a, inverse) => {
                            let y = tanh(Lanes::<T, I>::splat(inverse) * u);
                            let slope = one - y * y;
                            // The derivative in ln a.
                            (ds * (Lanes::<T, I>::splat(a) * y - u * slope)).put(&mut dbounds[i..]);
                            ds * slope
                        }
                        Bound::Sigmoid(offset) => -(ds * sigmoid(-(u + Lanes::<T, I>::splat(offset)))),
                        Bound::Clamp(low, high) => {
                            let inside = Lanes::<T, I>::select(u.lt(Lanes::<T, I>::splat(high)), ds, zero);
                            Lanes::<T, I>::select(Lanes::<T, I>::splat(low).lt(u), inside, zero)
                        }
                    };
                    through.put(&mut dv[i..]);
                    du.put(&mut self.heads[s_at.0][s_place + i..]);
                    (dt * c).put(&mut self.heads[t_at.0][t_place + i..]);
                }
                if let Some(dbound) = self.dbound.as_deref_mut()
                    && !dbound.is_empty()
                {
                    for d in &dbounds[..rows] {
                        dbound[split.channels[m]] += *d;
                    }
                }
            }
        }
    }
}
