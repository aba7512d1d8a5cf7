//! An indicator of draws as bits, and its autocovariance by counting them.
//!
//! With `k` ones in a series of `n`, `p = k/n`, `c_t` the number of places `s` where both `x_s` and `x_{s+t}` are one, `e_t` the ones
//! among the first and the last `t`: `sum_s (x_s - p)(x_{s+t} - p) = c_t - (n + t) p^2 + p e_t`. Sixty-four products take one `and`
//! and one count, so that the few lags which chains that mix need cost less than one Fourier transform. Zeros and ones may
//! change places: the autocovariance is that of either.

use super::moments::variance;

/// Lags that are counted; who needs more transforms. A count costs `n`, all lags by transforms `n log n`.
const MOST_LAGS: usize = 256;

/// Indicator of `m` series of length `n`, one bit a draw.
#[derive(Default)]
pub(super) struct Indicator {
    /// Series after series, each on whole words with one word of zeros behind.
    words: Vec<u64>,
    /// Ones of each series.
    ones: Vec<u32>,
    n: usize,
}

impl Indicator {
    /// Series of length `n`, `total` draws in all, that are one at `places` (series after series) and zero elsewhere.
    pub(super) fn set(&mut self, places: &[u32], n: usize, total: usize) {
        self.n = n;
        let width = self.width();
        let series = total / n;
        self.words.clear();
        self.words.resize(series * width, 0);
        self.ones.clear();
        self.ones.resize(series, 0);
        for place in places {
            let (series, t) = (*place as usize / n, *place as usize % n);
            self.words[series * width + t / 64] |= 1 << (t % 64);
            self.ones[series] += 1;
        }
    }

    fn width(&self) -> usize {
        self.n.div_ceil(64) + 1
    }

    /// Variance of the means of the series, divisor `m - 1`; zero for one series.
    pub(super) fn variance_of_means(&self) -> f64 {
        if self.ones.len() < 2 {
            return 0.0;
        }
        variance(&self.ones.iter().map(|k| f64::from(*k) / self.n as f64).collect::<Vec<_>>())
    }

    /// Autocovariance at the lags 0, 1, .. in this order, as [`Autocovariance`](super::autocovariance::Autocovariance) defines it, until
    /// there are too many of them.
    pub(super) fn autocovariances(&self) -> impl Iterator<Item = f64> {
        let n = self.n;
        let share = move |series: usize| f64::from(self.ones[series]) / n as f64;
        let squares: f64 = (0..self.ones.len()).map(|series| share(series) * share(series)).sum();
        let mut edges = 0.0;
        (0..n.min(MOST_LAGS)).map(move |t| {
            let mut both = 0;
            for (series, words) in self.words.chunks_exact(self.width()).enumerate() {
                both += products(words, t);
                if t > 0 {
                    let at = |t: usize| words[t / 64] >> (t % 64) & 1;
                    edges += share(series) * (at(t - 1) + at(n - t)) as f64;
                }
            }
            (f64::from(both) - (n + t) as f64 * squares + edges) / (n * self.ones.len()) as f64
        })
    }
}

/// Number of places at which the bit and the one `t` places later are set.
fn products(words: &[u64], t: usize) -> u32 {
    let (words_later, shift) = (t / 64, t as u32 % 64);
    let later = &words[words_later..];
    // Two shifts to the left, because one by 64 places is none.
    let pairs = words.iter().zip(later.windows(2));
    pairs.map(|(now, next)| (now & (next[0] >> shift | next[1] << 1 << (63 - shift))).count_ones()).sum()
}

#[cfg(test)]
mod tests {
    use super::super::autocovariance::Autocovariance;
    use super::*;
    use crate::Stream;

    #[test]
    fn counting_bits_equals_transforming() {
        let mut stream = Stream::new(3, 0);
        for (m, n, p) in [(1, 2, 0.5), (2, 64, 0.1), (3, 65, 0.9), (8, 127, 0.5), (4, 1000, 0.05)] {
            let bits: Vec<bool> = (0..m * n).map(|_| stream.uniform() < p).collect();
            let places: Vec<u32> = (0..m * n).filter(|i| bits[*i]).map(|i| i as u32).collect();
            let mut indicator = Indicator::default();
            indicator.set(&places, n, m * n);
            // Either of the two values counts as one.
            for one in [true, false] {
                let series: Vec<f64> = bits.iter().map(|b| f64::from(u8::from(*b == one))).collect();
                let mut expected = Vec::new();
                Autocovariance::new().averaged(&series, n, n, &mut expected);
                let counted: Vec<f64> = indicator.autocovariances().collect();
                assert_eq!(counted.len(), n.min(MOST_LAGS));
                for (t, (a, b)) in counted.iter().zip(&expected).enumerate() {
                    assert!((a - b).abs() < 1e-13, "m = {m}, n = {n}, lag {t}: {a} is not {b}");
                }
            }
        }
    }
}
