//! Additive coupling layer: kept coordinates pass through, a function of them is added to the others in direction x -> z and taken
//! away in direction z -> x. The log-determinant is zero. Reference: [dinh2015nice].

use super::bijection::{Backward, Bijection, Direction, Scratch};
use super::coupling::Split;
use crate::net::{NetworkSpec, Parameters, Sequential, grow};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len};

/// An additive coupling layer.
#[derive(Clone, Debug)]
pub(crate) struct AdditiveCoupling<T> {
    split: Split,
    net: Sequential<T>,
}

impl<T: Real> AdditiveCoupling<T> {
    /// The layer with this split and this network, from all kept to all moved coordinates, whose parameters begin at `offset`.
    pub fn new(split: Split, network: &NetworkSpec, offset: usize) -> Self {
        Self { split, net: Sequential::new(network, offset) }
    }

    /// `moved += sign f(kept)`, where `f` stands in `shift`.
    fn add(&self, v: &mut [T], shift: &[T], is_added: bool, rows: usize) {
        let n = self.split.moved.len();
        for b in 0..blocks(rows) {
            for (m, place) in self.split.moved.iter().enumerate() {
                let to = &mut v[(b * self.split.dim + place) * BLOCK..][..BLOCK];
                for (v, shift) in to.iter_mut().zip(&shift[(b * n + m) * BLOCK..]) {
                    *v = if is_added { *v + *shift } else { *v - *shift };
                }
            }
        }
    }
}

impl<T: Real> Bijection<T> for AdditiveCoupling<T> {
    fn each_part(&mut self, f: &mut dyn FnMut(&str, &mut dyn Parameters<T>)) {
        f("net.", &mut self.net);
    }

    fn tape_len(&self, rows: usize) -> usize {
        buffer_len(rows, self.split.kept.len()) + self.net.tape_len(rows)
    }

    fn start_from(&mut self, v: &[T], rows: usize, params: &mut [T]) {
        let mut input = vec![T::ZERO; buffer_len(rows, self.split.kept.len())];
        self.split.gather(v, false, &mut input, rows);
        self.net.initialise_from_batch(&input, params, rows);
    }

    fn apply(&self, direction: Direction, v: &mut [T], _: &mut [f64], tape: &mut [T], rows: usize) {
        let (input, net_tape) = tape.split_at_mut(buffer_len(rows, self.split.kept.len()));
        self.split.gather(v, false, input, rows);
        self.net.forward(input, net_tape, rows);
        self.add(v, self.net.output(net_tape, rows), direction == Direction::Inverse, rows);
    }

    fn pull(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { direction, tape, dv, gradient, rows, .. } = pass;
        let (input, net_tape) = tape.split_at(buffer_len(rows, self.split.kept.len()));
        let n = self.split.moved.len();
        let head = &mut scratch.heads[0];
        grow(head, buffer_len(rows, n));
        for b in 0..blocks(rows) {
            for (m, place) in self.split.moved.iter().enumerate() {
                let from = &dv[(b * self.split.dim + place) * BLOCK..][..BLOCK];
                for (to, d) in head[(b * n + m) * BLOCK..].iter_mut().zip(from) {
                    *to = if direction == Direction::Inverse { *d } else { -*d };
                }
            }
        }
        grow(&mut scratch.dx, input.len());
        let head = &mut head[..buffer_len(rows, n)];
        self.net.backward(input, net_tape, head, Some(&mut scratch.dx), gradient, &mut scratch.net, rows);
        self.split.scatter_add(&scratch.dx, false, dv, rows);
    }

    fn clone_box(&self) -> Box<dyn Bijection<T>> {
        Box::new(self.clone())
    }
}
