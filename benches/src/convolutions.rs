//! Single convolutions beside the matrix product of the machine, on one core: forward, gradient in the input, gradient in the
//! weights, each in multiply-adds that really happen (taps outside the image are none).

use std::time::Duration;

use mixwell_vector::block::buffer_len;
use mixwell_vector::matmul::{
    Finish, Gather, Panels, Tap, WeightPlaces, gather_outer, gather_outer_scratch, gather_product, product,
};

use crate::timing::{Measurement, sample};
use crate::{Request, Task};

/// Rows of every measurement.
const ROWS: usize = 64;

/// A square image, a square kernel.
#[derive(Clone, Copy)]
struct Shape {
    from: usize,
    to: usize,
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
}

const fn shape(from: usize, to: usize, size: usize, [kernel, stride, padding]: [usize; 3]) -> Shape {
    Shape { from, to, size, kernel, stride, padding }
}

const SHAPES: [Shape; 6] = [
    shape(3, 32, 32, [3, 1, 1]),
    shape(32, 64, 32, [4, 2, 1]),
    shape(64, 64, 16, [3, 1, 1]),
    shape(128, 128, 8, [3, 1, 1]),
    shape(64, 64, 32, [3, 1, 1]),
    shape(256, 256, 8, [3, 1, 1]),
];

impl Shape {
    fn name(self) -> String {
        let Self { from, to, size, kernel, stride, .. } = self;
        format!("convolution-{from}-{to}-{size}-{kernel}-{stride}")
    }

    fn size_out(self) -> usize {
        (self.size + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Every tap: the pixel that comes out, which tap, the pixel that goes in.
    fn taps(self) -> impl Iterator<Item = (usize, usize, usize)> {
        let (n, k) = (self.size_out(), self.kernel);
        (0..n * n).flat_map(move |pixel| {
            (0..k * k).filter_map(move |tap| {
                let place = |i: usize, a: usize| (i * self.stride + a).checked_sub(self.padding);
                let line = place(pixel / n, tap / k).filter(|i| *i < self.size)?;
                let column = place(pixel % n, tap % k).filter(|j| *j < self.size)?;
                Some((pixel, tap, line * self.size + column))
            })
        })
    }

    fn forward(self) -> Gather {
        let mut lists = vec![vec![]; self.size_out().pow(2)];
        self.taps().for_each(|(out, tap, pixel)| lists[out].push(Tap { tap, pixel }));
        Gather::new((self.size.pow(2), self.from), self.kernel.pow(2), self.size_out(), lists)
    }

    /// Taps are numbered from right to left in steps of the stride, so that neighbours join neighbours.
    fn backward(self) -> Gather {
        let (k, s) = (self.kernel, self.stride);
        let line = (0..s).flat_map(|r| (r..k).step_by(s).rev().collect::<Vec<_>>()).collect::<Vec<_>>();
        let number =
            |tap: usize| tap / k * k + line.iter().position(|b| *b == tap % k).expect("a tap of a line");
        let mut lists = vec![vec![]; self.size.pow(2)];
        self.taps().for_each(|(out, tap, pixel)| lists[pixel].push(Tap { tap: number(tap), pixel: out }));
        lists.iter_mut().for_each(|taps| taps.sort_unstable_by_key(|t| (t.tap, t.pixel)));
        Gather::new((self.size_out().pow(2), self.to), k * k, self.size, lists)
    }

    fn measure(self, sampling: Duration) -> Measurement {
        let numbers = |n: usize| (0..n).map(|i| (i % 61) as f32 / 61.0 - 0.5).collect::<Vec<_>>();
        let (forward, backward) = (self.forward(), self.backward());
        let depth = forward.depth();
        let weights = numbers(self.to * depth);
        let mut ahead = Panels::new(depth, self.to);
        ahead.pack(&weights, depth, 1);
        let mut back = Panels::new(backward.depth(), self.from);
        back.pack(&weights, backward.depth(), 1);
        let x = numbers(buffer_len(ROWS, forward.n_in()));
        let mut y = vec![0.0; buffer_len(ROWS, backward.n_in())];
        let mut dx = x.clone();
        let places = WeightPlaces {
            output: depth,
            channel: self.kernel.pow(2),
            taps: (0..self.kernel.pow(2)).collect(),
        };
        let mut gradient = vec![0.0f32; weights.len()];
        let mut scratch = vec![0.0; gather_outer_scratch::<f32>(&forward, self.to)];
        let ahead = sample(sampling / 3, || {
            gather_product((&forward, &ahead), None, &x, Finish::Keep, &mut y, ROWS, false);
        });
        let dy = numbers(y.len());
        let back = sample(sampling / 3, || {
            gather_product((&backward, &back), None, &dy, Finish::Keep, &mut dx, ROWS, false);
        });
        let outer = sample(sampling / 3, || {
            let weights = (gradient.as_mut_slice(), &places);
            gather_outer(&forward, (&dy, self.to), &x, ROWS, weights, None, &mut scratch, false);
        });
        let operations = (2 * forward.work() * self.to * ROWS) as f64;
        let rate = |seconds: &[f64]| operations / seconds.iter().copied().fold(f64::INFINITY, f64::min) / 1e9;
        let [ahead_rate, back_rate, outer_rate] = [&ahead, &back, &outer].map(|s| rate(s));
        let Self { from, to, size, kernel, stride, .. } = self;
        let all = ahead.iter().zip(&back).zip(&outer).map(|((a, b), c)| a + b + c).collect();
        Measurement::new(
            all,
            format!("{from} to {to} channels, {size}x{size}, kernel {kernel}, stride {stride}"),
        )
        .with("gflops_forward", ahead_rate)
        .with("gflops_input_gradient", back_rate)
        .with("gflops_weight_gradient", outer_rate)
    }
}

/// The product of a dense layer that stays in the second-level cache.
fn matrix_product(request: &Request) -> Measurement {
    let (n, rows) = (256, ROWS);
    let weights: Vec<f32> = (0..n * n).map(|i| (i % 61) as f32 / 61.0 - 0.5).collect();
    let mut panels = Panels::new(n, n);
    panels.pack(&weights, n, 1);
    let (x, mut y) = (weights[..buffer_len(rows, n)].to_vec(), vec![0.0; buffer_len(rows, n)]);
    let seconds = sample(request.sampling, || product(&panels, None, &x, Finish::Keep, &mut y, rows));
    let found = Measurement::new(seconds, format!("{n}x{n} times {n}x{rows}, one core, f32"));
    let rate = (2 * n * n * rows) as f64 / found.minimum() / 1e9;
    found.with("gflops", rate)
}

pub(crate) fn tasks() -> Vec<Task> {
    let mut all = vec![Task::steady("matrix-product", |r: &Request| Ok(matrix_product(r)))];
    all.extend(
        SHAPES.map(|shape| Task::steady(shape.name(), move |r: &Request| Ok(shape.measure(r.sampling)))),
    );
    all
}
