//! Masked autoregressive layer: every coordinate is scaled and shifted by functions of the coordinates before it.
//!
//! forward (z -> x)  `x_i = z_i exp(a_i(x_<i)) + m_i(x_<i)`, one coordinate after the other: `dim` passes of the network;
//! inverse (x -> z)  `z_i = (x_i - m_i) exp(-a_i)`, all at once: one pass. The log-determinants are `+-sum a`.
//! `a = c tanh(u)`; `u` and `m` are the outputs of one masked network. The order of the coordinates is reversed from layer
//! to layer, which does the same as a permutation between layers.
//! Backward: one pass for the inverse; for the forward map the derivatives are solved for from the last coordinate to the
//! first, `dim` passes again.
//! Shapes: blocked `rows x dim`. Reference: [papamakarios2017maf], equations 3 to 5. Differs: the log-scale is bounded, so that
//! no point far out makes it overflow, and `exp(a)` is written for the map from latent to data.

use super::bijection::{Backward, Bijection, Direction, Scratch};
use crate::net::{Activation, NetworkSpec, Parameters, Sequential, grow, made_masks};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len};
use mixwell_vector::elementary::{exp_slice, tanh_slice};

/// A masked autoregressive layer.
#[derive(Clone, Debug)]
pub(crate) struct MaskedAutoregressive<T> {
    /// Coordinates in the order in which they are made.
    order: Vec<usize>,
    net: Sequential<T>,
    bound: T,
}

/// The parts of a tape.
struct Parts<'a, T> {
    /// The points `x`, inputs of the network.
    x: &'a mut [T],
    net: &'a mut [T],
    /// `tanh u`.
    bounded: &'a mut [T],
    /// `exp(a)` forward, `exp(-a)` inverse.
    power: &'a mut [T],
    /// `z exp(a)` forward, `z` inverse: what multiplies the derivative in `a`.
    factor: &'a mut [T],
}

impl<T: Real> MaskedAutoregressive<T> {
    /// The layer that makes coordinates in this order (each of them once, forwards or backwards), with log-scales bounded by
    /// `max_log_scale`; its parameters begin at `offset` of the flow's flat vector.
    pub fn new(
        order: Vec<usize>,
        hidden: &[usize],
        activation: Activation,
        max_log_scale: f64,
        offset: usize,
    ) -> Self {
        let dim = order.len();
        // The degree of a coordinate is its place in the order, from 1 on; the order is its own inverse.
        let degrees: Vec<usize> = order.iter().map(|i| i + 1).collect();
        let spec = NetworkSpec::dense(dim, hidden, 2 * dim, activation);
        let masks = made_masks(&degrees, hidden, &degrees.repeat(2));
        Self {
            order,
            net: Sequential::new(&spec.with_masks(masks), offset),
            bound: T::from_f64(max_log_scale),
        }
    }

    fn dim(&self) -> usize {
        self.order.len()
    }

    fn parts<'a>(&self, tape: &'a mut [T], rows: usize) -> Parts<'a, T> {
        let n = buffer_len(rows, self.dim());
        let (x, rest) = tape.split_at_mut(n);
        let (net, rest) = rest.split_at_mut(self.net.tape_len(rows));
        let (bounded, rest) = rest.split_at_mut(n);
        let (power, rest) = rest.split_at_mut(n);
        Parts { x, net, bounded, power, factor: &mut rest[..n] }
    }

    /// Evaluates the network and moves these coordinates of `v`, from latents to points or back.
    fn move_coordinates(
        &self,
        direction: Direction,
        coordinates: &[usize],
        v: &mut [T],
        log_det: &mut [f64],
        parts: &mut Parts<'_, T>,
        rows: usize,
    ) {
        let dim = self.dim();
        let bound = if direction == Direction::Forward { self.bound } else { -self.bound };
        self.net.forward(parts.x, parts.net, rows);
        let outputs = self.net.output(parts.net, rows);
        for b in 0..blocks(rows) {
            for &i in coordinates {
                let at = (b * dim + i) * BLOCK;
                let head = |o: usize| &outputs[(b * 2 * dim + o) * BLOCK..][..BLOCK];
                let bounded = &mut parts.bounded[at..at + BLOCK];
                let power = &mut parts.power[at..at + BLOCK];
                let factor = &mut parts.factor[at..at + BLOCK];
                bounded.copy_from_slice(head(i));
                tanh_slice(bounded);
                for ((e, y), sum) in power.iter_mut().zip(&*bounded).zip(&mut log_det[b * BLOCK..]) {
                    *e = bound * *y;
                    *sum += e.to_f64();
                }
                exp_slice(power);
                let (v, shift) = (&mut v[at..at + BLOCK], head(dim + i));
                for (((v, m), e), w) in v.iter_mut().zip(shift).zip(&*power).zip(factor) {
                    if direction == Direction::Forward {
                        *w = *v * *e;
                        *v = *w + *m;
                    } else {
                        *w = (*v - *m) * *e;
                        *v = *w;
                    }
                }
            }
        }
    }
}

impl<T: Real> Bijection<T> for MaskedAutoregressive<T> {
    fn each_part(&mut self, f: &mut dyn FnMut(&str, &mut dyn Parameters<T>)) {
        f("net.", &mut self.net);
    }

    fn tape_len(&self, rows: usize) -> usize {
        4 * buffer_len(rows, self.dim()) + self.net.tape_len(rows)
    }

    fn apply(&self, direction: Direction, v: &mut [T], log_det: &mut [f64], tape: &mut [T], rows: usize) {
        let n = buffer_len(rows, self.dim());
        let mut parts = self.parts(tape, rows);
        match direction {
            Direction::Inverse => {
                parts.x.copy_from_slice(&v[..n]);
                self.move_coordinates(direction, &self.order, v, log_det, &mut parts, rows);
            }
            // Coordinates that are not known yet are zero; no output that is used looks at them. After the last pass
            // only the last coordinate is missing, at which no output looks, so its tape serves the backward pass.
            Direction::Forward => {
                parts.x.fill(T::ZERO);
                for i in &self.order {
                    self.move_coordinates(direction, std::slice::from_ref(i), v, log_det, &mut parts, rows);
                    for b in 0..blocks(rows) {
                        let at = (b * self.dim() + i) * BLOCK;
                        if i != self.order.last().expect("at least one coordinate") {
                            parts.x[at..at + BLOCK].copy_from_slice(&v[at..at + BLOCK]);
                        }
                    }
                }
            }
        }
    }

    fn pull(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { direction, tape, dv, dlog_det, gradient, rows } = pass;
        let (dim, n) = (self.dim(), buffer_len(rows, self.dim()));
        let (x, rest) = tape.split_at(n);
        let (net, rest) = rest.split_at(self.net.tape_len(rows));
        let [bounded, power, factor] = [0, 1, 2].map(|k| &rest[k * n..(k + 1) * n]);
        let Scratch { net: net_scratch, heads: [head, spare], dx, .. } = scratch;
        grow(head, 2 * n);
        grow(spare, 2 * n);
        grow(dx, n);
        head[..2 * n].fill(T::ZERO);
        // Turns the derivative in coordinate i of the outputs into that in the network's outputs and in the input.
        let through = |i: usize, head: &mut [T], dv: &mut [T]| {
            for b in 0..blocks(rows) {
                let at = (b * dim + i) * BLOCK;
                let u_at = (b * 2 * dim + i) * BLOCK;
                let m_at = u_at + dim * BLOCK;
                for r in 0..BLOCK {
                    let (d, dl, y) = (dv[at + r], dlog_det[b * BLOCK + r], bounded[at + r]);
                    let (da, dm) = if direction == Direction::Forward {
                        (d * factor[at + r] + dl, d)
                    } else {
                        (-(d * factor[at + r] + dl), -d * power[at + r])
                    };
                    head[u_at + r] = da * self.bound * (T::ONE - y * y);
                    head[m_at + r] = dm;
                    dv[at + r] = d * power[at + r];
                }
            }
        };
        match direction {
            Direction::Inverse => {
                for i in 0..dim {
                    through(i, head, dv);
                }
                self.net.backward(x, net, head, Some(dx), gradient, net_scratch, rows);
                for (d, v) in dv[..n].iter_mut().zip(&*dx) {
                    *d += *v;
                }
            }
            Direction::Forward => {
                // What coordinate i is used for comes after it in the order: its derivative is complete once those are done.
                for (k, &i) in self.order.iter().enumerate().rev() {
                    if k + 1 < dim {
                        spare[..2 * n].copy_from_slice(&head[..2 * n]);
                        self.net.backward(x, net, spare, Some(dx), None, net_scratch, rows);
                        for b in 0..blocks(rows) {
                            let at = (b * dim + i) * BLOCK;
                            for (d, v) in dv[at..at + BLOCK].iter_mut().zip(&dx[at..at + BLOCK]) {
                                *d += *v;
                            }
                        }
                    }
                    through(i, head, dv);
                }
                if gradient.is_some() {
                    self.net.backward(x, net, head, None, gradient, net_scratch, rows);
                }
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Bijection<T>> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Flow, FlowConfig, MafConfig, Optimiser, OptimiserConfig};
    use crate::proposal::Transport;
    use crate::{Points, Stream};

    fn flow(n_layers: usize) -> Flow {
        let config = MafConfig { n_layers, hidden: vec![8, 7], ..Default::default() };
        let mut stream = Stream::new(1, 0);
        let mut flow = Flow::new(&FlowConfig::Maf(config), 4, &mut stream).unwrap();
        // Also what the masks leave out gets numbers: they must not matter.
        flow.map_params(|_, p| p + 0.3 * stream.normal());
        flow
    }

    /// `dx_o / dz_i` at a point.
    fn jacobian(flow: &Flow) -> [[f64; 4]; 4] {
        let (z, h) = ([0.3, -1.0, 0.5, 0.8], 1e-6);
        let mut moved = Points::zeros(8, 4);
        for k in 0..8 {
            moved.row_mut(k).copy_from_slice(&z);
            moved.row_mut(k)[k / 2] += if k % 2 == 0 { h } else { -h };
        }
        let (mut x, mut log_det) = (Points::zeros(8, 4), [0.0; 8]);
        flow.forward(moved.as_batch(), x.as_batch_mut(), &mut log_det);
        [0, 1, 2, 3].map(|o| [0, 1, 2, 3].map(|i| (x.row(2 * i)[o] - x.row(2 * i + 1)[o]) / (2.0 * h)))
    }

    #[test]
    fn the_jacobian_of_one_layer_is_triangular() {
        let j = jacobian(&flow(1));
        for (o, row) in j.iter().enumerate() {
            for (i, slope) in row.iter().enumerate() {
                assert_eq!(i > o, *slope == 0.0, "dx_{o} / dz_{i} = {slope}");
            }
        }
        // Two layers in opposite orders: full.
        assert!(jacobian(&flow(2)).iter().flatten().all(|v| *v != 0.0));
    }

    #[test]
    fn weights_outside_the_masks_stay_zero() {
        let config = FlowConfig::Maf(MafConfig { hidden: vec![8], ..Default::default() });
        let mut flow = Flow::new(&config, 3, &mut Stream::new(2, 0)).unwrap();
        let outside: Vec<usize> = {
            let masks = made_masks(&[1, 2, 3], &[8], &[1, 2, 3, 1, 2, 3]);
            let first = flow.layout()[0].offset;
            masks[0].iter().enumerate().filter(|(_, kept)| !**kept).map(|(i, _)| first + i).collect()
        };
        assert!(!outside.is_empty());
        let mut x = Points::zeros(50, 3);
        Stream::new(3, 0).fill_normal(x.data_mut());
        let mut optimiser = Optimiser::new(&OptimiserConfig::default(), &flow).unwrap();
        let start = flow.snapshot();
        for _ in 0..5 {
            let mut gradient = flow.zero_gradient();
            flow.forward_kl(x.as_batch(), &[0.02; 50], &mut gradient);
            optimiser.step(&mut flow, &gradient);
        }
        assert_ne!(flow.snapshot(), start);
        assert!(outside.iter().all(|&i| flow.param(i) == 0.0));
    }
}
