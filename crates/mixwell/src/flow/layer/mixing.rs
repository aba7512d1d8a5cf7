//! Invertible 1x1 convolution: the channels of every pixel are multiplied by one matrix, `z = W x` in direction x -> z.
//! Reference: [kingma2018glow], section 3.2.
//!
//! inverse (x -> z) adds `pixels ln |det W|` to the log-determinant, forward subtracts it; determinant and inverse are computed in
//! f64 whenever the parameters change. Starts as a random rotation.

use nalgebra::DMatrix;

use super::bijection::{Backward, Bijection, Direction, Scratch};
use super::frame::Frame;
use crate::Stream;
use crate::net::{ArraySpec, Init, Parameters, grow};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, rows_in};
use mixwell_vector::matmul::{Finish, Panels, outer, outer_scratch, product};

/// One matrix for the channels of every pixel.
#[derive(Clone, Debug)]
pub(crate) struct Mixing<T> {
    dim: usize,
    /// Coordinates, pixel by pixel, the channels of one side by side.
    places: Vec<usize>,
    channels: usize,
    offset: usize,
    /// `W`, its inverse, and both transposed.
    matrix: Panels<T>,
    inverse: Panels<T>,
    matrix_transposed: Panels<T>,
    inverse_transposed: Panels<T>,
    /// `W^-T`, row-major: the derivative of `ln |det W|`.
    slope: Vec<T>,
    log_det: f64,
}

impl<T: Real> Mixing<T> {
    /// The layer of these coordinates of `dim`, whose parameters begin at `offset` of the flow's flat vector.
    pub fn new(dim: usize, frame: &Frame, offset: usize) -> Self {
        let (channels, n) = (frame.shape.channels, frame.shape.n_pixels());
        let places = (0..n)
            .flat_map(|pixel| (0..channels).map(move |c| c * n + pixel))
            .map(|i| frame.places[i])
            .collect();
        let panels = Panels::new(channels, channels);
        Self {
            dim,
            places,
            channels,
            offset,
            matrix: panels.clone(),
            inverse: panels.clone(),
            matrix_transposed: panels.clone(),
            inverse_transposed: panels,
            slope: vec![T::ZERO; channels * channels],
            log_det: 0.0,
        }
    }

    fn n_pixels(&self) -> usize {
        self.places.len() / self.channels
    }

    /// The coordinates of block `b`, pixel by pixel; rows past the last are zero, so that no sum over a block counts them.
    fn gather(&self, v: &[T], b: usize, rows: usize, to: &mut [T]) {
        let used = rows_in(rows, b);
        for (place, to) in self.places.iter().zip(to.chunks_exact_mut(BLOCK)) {
            to[..used].copy_from_slice(&v[(b * self.dim + place) * BLOCK..][..used]);
            to[used..].fill(T::ZERO);
        }
    }

    fn scatter(&self, from: &[T], b: usize, v: &mut [T]) {
        for (place, from) in self.places.iter().zip(from.chunks_exact(BLOCK)) {
            v[(b * self.dim + place) * BLOCK..][..BLOCK].copy_from_slice(from);
        }
    }
}

impl<T: Real> Parameters<T> for Mixing<T> {
    fn layout(&self, prefix: &str) -> Vec<ArraySpec> {
        vec![ArraySpec {
            name: format!("{prefix}matrix"),
            shape: vec![self.channels, self.channels],
            offset: self.offset,
            is_statistic: false,
        }]
    }

    fn initialise(&self, params: &mut [T], _init: Init, stream: &mut Stream) {
        let n = self.channels;
        let mut numbers = vec![0.0; n * n];
        stream.fill_normal(&mut numbers);
        let rotation = DMatrix::from_row_slice(n, n, &numbers).qr().q();
        for (i, to) in params[self.offset..self.offset + n * n].iter_mut().enumerate() {
            *to = T::from_f64(rotation[(i / n, i % n)]);
        }
    }

    fn pack(&mut self, params: &[T]) {
        let n = self.channels;
        let own = &params[self.offset..self.offset + n * n];
        let wide: Vec<f64> = own.iter().map(|w| w.to_f64()).collect();
        let lu = DMatrix::from_row_slice(n, n, &wide).lu();
        let log_det: f64 = lu.u().diagonal().iter().map(|d| d.abs().ln()).sum();
        // A matrix without an inverse has density 0 everywhere: the guards of training see that it is not finite.
        let inverse = lu.try_inverse().unwrap_or_else(|| DMatrix::repeat(n, n, f64::NAN));
        let narrow: Vec<T> = (0..n * n).map(|i| T::from_f64(inverse[(i / n, i % n)])).collect();
        self.matrix.pack(own, n, 1);
        self.matrix_transposed.pack(own, 1, n);
        self.inverse.pack(&narrow, n, 1);
        self.inverse_transposed.pack(&narrow, 1, n);
        for (i, slope) in self.slope.iter_mut().enumerate() {
            *slope = narrow[i % n * n + i / n];
        }
        self.log_det = self.n_pixels() as f64 * log_det;
    }
}

impl<T: Real> Bijection<T> for Mixing<T> {
    fn each_part(&mut self, f: &mut dyn FnMut(&str, &mut dyn Parameters<T>)) {
        f("", self);
    }

    fn tape_len(&self, rows: usize) -> usize {
        // What goes in and what comes out.
        2 * blocks(rows) * self.places.len() * BLOCK
    }

    fn apply(&self, direction: Direction, v: &mut [T], log_det: &mut [f64], tape: &mut [T], rows: usize) {
        let len = self.places.len() * BLOCK;
        let matrix = if direction == Direction::Inverse { &self.matrix } else { &self.inverse };
        for (b, tape) in tape.chunks_exact_mut(2 * len).enumerate().take(blocks(rows)) {
            let (input, output) = tape.split_at_mut(len);
            self.gather(v, b, rows, input);
            product(matrix, None, input, Finish::Keep, output, self.n_pixels() * BLOCK);
            self.scatter(output, b, v);
        }
        let sign = if direction == Direction::Inverse { 1.0 } else { -1.0 };
        log_det[..blocks(rows) * BLOCK].iter_mut().for_each(|sum| *sum += sign * self.log_det);
    }

    fn pull(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { direction, tape, dv, dlog_det, gradient, rows } = pass;
        let (n, len, all) = (self.channels, self.places.len() * BLOCK, self.n_pixels() * BLOCK);
        let matrix =
            if direction == Direction::Inverse { &self.matrix_transposed } else { &self.inverse_transposed };
        let [dy, sums] = &mut scratch.heads;
        for (buffer, len) in [(&mut *dy, len), (&mut scratch.dx, len), (&mut *sums, n * n)] {
            grow(buffer, len);
        }
        grow(&mut scratch.work, outer_scratch(n, n, all));
        let (dy, sums, dx) = (&mut dy[..len], &mut sums[..n * n], &mut scratch.dx[..len]);
        sums.fill(T::ZERO);
        let mut dl = T::ZERO;
        for b in 0..blocks(rows) {
            self.gather(dv, b, rows, dy);
            product(matrix, None, dy, Finish::Keep, dx, all);
            self.scatter(dx, b, dv);
            if gradient.is_some() {
                let (input, output) = tape[2 * b * len..][..2 * len].split_at(len);
                // z = W x: dW = dz x^T. x = W^-1 z: dW = -(W^-T dx) x^T.
                let (d, x) = if direction == Direction::Inverse { (&*dy, input) } else { (&*dx, output) };
                outer((d, n), (x, n), all, sums, None, &mut scratch.work);
                dl = dlog_det[b * BLOCK..][..rows_in(rows, b)].iter().fold(dl, |sum, d| sum + *d);
            }
        }
        if let Some(gradient) = gradient {
            let (sign, pixels) = (
                if direction == Direction::Inverse { T::ONE } else { -T::ONE },
                T::from_f64(self.n_pixels() as f64),
            );
            let own = &mut gradient[self.offset..self.offset + n * n];
            for ((to, sum), slope) in own.iter_mut().zip(&*sums).zip(&self.slope) {
                *to += sign * (*sum + pixels * dl * *slope);
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Bijection<T>> {
        Box::new(self.clone())
    }
}
