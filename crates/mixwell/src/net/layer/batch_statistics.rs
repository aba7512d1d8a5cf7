//! Sums over a whole batch, channel by channel, for batch normalisation in training: summed in double precision, in an order that
//! depends on nothing but the batch.
//!
//! With `h = (x - mean) / deviation` over the `n` numbers of a channel: `dx = weight / deviation (dy - sum dy / n - h sum(dy h) / n)`.

use rayon::prelude::*;

use super::is_parallel;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, rows_in};

/// Sums that run side by side.
const LANES: usize = 8;

/// The numbers of a batch, `block x pixel x channel x 64`.
#[derive(Clone, Copy)]
pub(super) struct Channels {
    pub channels: usize,
    pub pixels: usize,
    pub rows: usize,
}

impl Channels {
    /// How many numbers a channel has.
    pub fn count(&self) -> f64 {
        (self.rows * self.pixels) as f64
    }

    /// Calls `each(channel, result)` for every channel, on all threads where it is worth it.
    pub fn for_each<R: Send>(&self, results: &mut [R], each: impl Fn(usize, &mut R) + Sync) {
        if is_parallel(8 * self.channels * self.pixels, self.rows) {
            results.par_iter_mut().enumerate().for_each(|(c, result)| each(c, result));
        } else {
            results.iter_mut().enumerate().for_each(|(c, result)| each(c, result));
        }
    }

    /// `sum f(a, b)` over the numbers of channel `c` of two buffers.
    #[inline]
    pub fn sum<T: Real>(&self, c: usize, a: &[T], b: &[T], f: impl Fn(f64, f64) -> f64) -> f64 {
        let mut sums = [0.0; LANES];
        for at in 0..blocks(self.rows) * self.pixels {
            let n = rows_in(self.rows, at / self.pixels);
            let place = (at * self.channels + c) * BLOCK;
            let (a, b) = (&a[place..place + n], &b[place..place + n]);
            let whole = n - n % LANES;
            for (a, b) in a[..whole].chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
                for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                    *sum += f(a.to_f64(), b.to_f64());
                }
            }
            for (sum, (a, b)) in sums.iter_mut().zip(a[whole..].iter().zip(&b[whole..])) {
                *sum += f(a.to_f64(), b.to_f64());
            }
        }
        sums.iter().sum()
    }

    /// Mean and variance of every channel (divided by the number of numbers).
    pub fn moments<T: Real>(&self, x: &[T], moments: &mut [[f64; 2]]) {
        let n = self.count();
        self.for_each(moments, |c, moments| {
            let mean = self.sum(c, x, x, |x, _| x) / n;
            *moments = [mean, self.sum(c, x, x, |x, _| (x - mean) * (x - mean)) / n];
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use mixwell_vector::block::{buffer_len, load_rows};

    #[test]
    fn moments_are_those_of_the_rows() {
        let (channels, pixels) = (3, 2);
        for rows in [1, 5, 64, 77, 130] {
            let mut x = vec![0.0; rows * 6];
            Stream::new(rows as u64, 0).fill_normal(&mut x);
            let mut buffer = vec![f64::NAN; buffer_len(rows, 6)];
            load_rows(&x, 6, &mut buffer);
            // Lanes beyond the last row hold anything.
            let (last, used) = ((rows - 1) / BLOCK * 6 * BLOCK, (rows - 1) % BLOCK + 1);
            buffer[last..].chunks_mut(BLOCK).for_each(|lanes| lanes[used..].fill(1e300));
            let mut moments = vec![[0.0; 2]; channels];
            Channels { channels, pixels, rows }.moments(&buffer, &mut moments);
            for (c, [mean, variance]) in moments.into_iter().enumerate() {
                let all: Vec<f64> = x.chunks(channels).map(|pixel| pixel[c]).collect();
                let m = all.iter().sum::<f64>() / all.len() as f64;
                let v = all.iter().map(|x| (x - m).powi(2)).sum::<f64>() / all.len() as f64;
                assert!((mean - m).abs() < 1e-12 && (variance - v).abs() < 1e-12, "{rows} rows, channel {c}");
            }
        }
    }
}
