//! Order statistics of the pooled draws, and what is read off them: quantiles, ranks, normal scores, folding.
//!
//! One sort serves all of it. Normal score of a draw with rank `r` among `S` (average rank for ties):
//! `z = Phi^-1((r - 3/8) / (S + 1/4))` (Vehtari et al. 2021). Folding replaces `x` by `|x - median|`; its order comes
//! from merging the draws above the median, upwards, with those below it, downwards, without a second sort.
//! Quantiles are of type 7 of Hyndman and Fan: linear between order statistics at `(S - 1) p`.

use crate::math::normal_quantile;

/// The pooled draws in ascending order, with the place each came from.
#[derive(Default)]
pub(super) struct Order {
    /// Ascending.
    values: Vec<f64>,
    /// `places[i]` is where `values[i]` stands in the unsorted draws.
    places: Vec<u32>,
    keys: Vec<u64>,
    spare: Vec<u64>,
}

impl Order {
    /// Sorts draws without NaN.
    ///
    /// Key and place share one word: the upper 32 bits of the number, which a radix sort puts in order, and its place.
    /// Runs with the same upper half are then put in order by the whole number.
    pub(super) fn sort(&mut self, draws: &[f64]) {
        self.keys.clear();
        self.keys.extend(draws.iter().enumerate().map(|(i, v)| sortable(*v) >> 32 << 32 | i as u64));
        radix_sort_upper_half(&mut self.keys, &mut self.spare);
        self.places.clear();
        self.places.extend(self.keys.iter().map(|k| *k as u32));
        let mut from = 0;
        for run in self.keys.chunk_by(|a, b| a >> 32 == b >> 32) {
            let to = from + run.len();
            if run.len() > 1 {
                // Stable: equal draws stay in the order of their places, so that long runs of ties cost nothing.
                self.places[from..to].sort_by_key(|i| sortable(draws[*i as usize]));
            }
            from = to;
        }
        self.values.clear();
        self.values.extend(self.places.iter().map(|i| draws[*i as usize] + 0.0));
    }

    /// The draws in ascending order.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Quantile of type 7; NaN without draws.
    pub(super) fn quantile(&self, p: f64) -> f64 {
        sorted_quantile(&self.values, p)
    }

    /// The middle draw, or the mean of the two middle draws.
    pub(super) fn median(&self) -> f64 {
        let n = self.values.len();
        if n % 2 == 1 { self.values[n / 2] } else { (self.values[n / 2 - 1] + self.values[n / 2]) / 2.0 }
    }

    /// Places of the draws that are at most `value`, and of those above.
    pub(super) fn cut(&self, value: f64) -> (&[u32], &[u32]) {
        self.places.split_at(self.values.partition_point(|v| *v <= value))
    }

    /// Takes from `whole`, the order of chains of odd length `n_draws`, all but the middle draw of each chain, and
    /// counts places in the chains without it.
    pub(super) fn keep_halves(&mut self, whole: &Order, n_draws: usize) {
        self.values.clear();
        self.places.clear();
        let (n, half) = (n_draws as u32, n_draws as u32 / 2);
        for (&value, &place) in whole.values.iter().zip(&whole.places) {
            let (chain, t) = (place / n, place % n);
            if t != half {
                self.values.push(value);
                self.places.push(chain * (n - 1) + t - u32::from(t > half));
            }
        }
    }

    /// Takes the order of `|x - median|` from the order of `x`.
    pub(super) fn fold(&mut self, order: &Order) {
        self.values.clear();
        self.places.clear();
        let median = order.median();
        let n = order.values.len();
        // Rounding is monotone, so distances grow away from the median on either side.
        let mut above = order.values.partition_point(|v| *v < median);
        let mut below = above;
        self.values.resize(n, 0.0);
        self.places.resize(n, 0);
        let distance = |i: usize| (order.values[i] - median).abs();
        let mut at = 0;
        // No branch on which side is nearer: it could not be predicted.
        while below > 0 && above < n {
            let (down, up) = (distance(below - 1), distance(above));
            let outwards = up <= down;
            let nearer = std::hint::select_unpredictable(outwards, above, below - 1);
            self.values[at] = distance(nearer);
            self.places[at] = order.places[nearer];
            above += usize::from(outwards);
            below -= usize::from(!outwards);
            at += 1;
        }
        for i in (0..below).rev().chain(above..n) {
            self.values[at] = distance(i);
            self.places[at] = order.places[i];
            at += 1;
        }
    }

    /// Writes the normal score of every draw to its place in `out`.
    pub(super) fn normal_scores(&self, table: &mut ScoreTable, out: &mut Vec<f64>) {
        let n = self.values.len();
        table.prepare(n);
        out.clear();
        out.resize(n, 0.0);
        let mut start = 0;
        while start < n {
            let value = self.values[start];
            let mut end = start + 1;
            while end < n && self.values[end] == value {
                end += 1;
            }
            // Ranks start + 1 ..= end, on average (start + 1 + end) / 2.
            let score = table.score(start + end - 1);
            for &place in &self.places[start..end] {
                out[place as usize] = score;
            }
            start = end;
        }
    }
}

/// Quantile of type 7 of ascending values; NaN without values. Equal neighbours give exactly their value.
pub(crate) fn sorted_quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = (last as f64 * p).clamp(0.0, last as f64);
    let low = at.floor() as usize;
    let (a, b) = (sorted[low], sorted[(low + 1).min(last)]);
    let t = at - low as f64;
    if a == b || t == 0.0 {
        a
    } else if t < 0.5 {
        a + (b - a) * t
    } else {
        b - (b - a) * (1.0 - t)
    }
}

/// Normal scores of whole and half ranks among `n` draws, kept for the next scalar of the same size.
#[derive(Default)]
pub(super) struct ScoreTable {
    n: usize,
    /// Entry `i` is the score of rank `1 + i`.
    whole: Vec<f64>,
    /// Entry `i` is the score of rank `3/2 + i`; filled when the first tie of an even number of draws turns up.
    half: Vec<f64>,
}

impl ScoreTable {
    fn prepare(&mut self, n: usize) {
        if self.n != n {
            self.n = n;
            self.half.clear();
            fill_symmetric(&mut self.whole, n, |i| score(1.0 + i as f64, n));
        }
    }

    /// Score of rank `1 + twice / 2`.
    fn score(&mut self, twice: usize) -> f64 {
        if twice.is_multiple_of(2) {
            return self.whole[twice / 2];
        }
        let n = self.n;
        if self.half.is_empty() {
            fill_symmetric(&mut self.half, n - 1, |i| score(1.5 + i as f64, n));
        }
        self.half[twice / 2]
    }
}

/// Fills `out` with `f(0), f(1), ..`, of which the second half mirrors the first with the sign changed.
fn fill_symmetric(out: &mut Vec<f64>, n: usize, f: impl Fn(usize) -> f64) {
    out.clear();
    out.extend((0..n / 2).map(f));
    if !n.is_multiple_of(2) {
        out.push(0.0);
    }
    for i in (0..n / 2).rev() {
        out.push(-out[i]);
    }
}

fn score(rank: f64, n: usize) -> f64 {
    normal_quantile((rank - 0.375) / (n as f64 + 0.25))
}

/// An integer that orders like the number. `-0.0` counts as `0.0`.
fn sortable(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// Sorts by the upper 32 bits, keeping the order of equal ones: three passes of 11 bits, least significant first.
fn radix_sort_upper_half(keys: &mut Vec<u64>, spare: &mut Vec<u64>) {
    const BITS: u32 = 11;
    const SIZE: usize = 1 << BITS;
    let digit = |key: u64, pass: u32| (key >> (32 + BITS * pass)) as usize & (SIZE - 1);
    let mut counts = [[0u32; SIZE]; 3];
    for key in keys.iter() {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(*key, pass as u32)] += 1;
        }
    }
    spare.clear();
    spare.resize(keys.len(), 0);
    for (pass, counts) in counts.iter_mut().enumerate() {
        if counts.iter().any(|c| *c as usize == keys.len()) {
            continue;
        }
        let mut next = 0;
        for count in counts.iter_mut() {
            next += std::mem::replace(count, next);
        }
        for key in keys.iter() {
            let place = &mut counts[digit(*key, pass as u32)];
            spare[*place as usize] = *key;
            *place += 1;
        }
        std::mem::swap(keys, spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    fn order(draws: &[f64]) -> Order {
        let mut order = Order::default();
        order.sort(draws);
        order
    }

    #[test]
    fn sorts_infinities_zeros_and_signs() {
        let x = [3.0, f64::NEG_INFINITY, -0.0, f64::INFINITY, -2.5, 0.0, 1e-310];
        let o = order(&x);
        assert_eq!(o.values(), [f64::NEG_INFINITY, -2.5, 0.0, 0.0, 1e-310, 3.0, f64::INFINITY]);
        assert_eq!([o.places[0], o.places[1], o.places[6]], [1, 4, 3]);
    }

    #[test]
    fn quantiles_lie_between_order_statistics() {
        // (5 - 1) 0.3 = 1.2: a fifth of the way from the second to the third.
        let o = order(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        assert!((o.quantile(0.3) - 2.2).abs() < 1e-15);
        assert_eq!((o.quantile(0.0), o.quantile(1.0), o.median()), (1.0, 5.0, 3.0));
        assert_eq!(order(&[4.0, 1.0]).median(), 2.5);
        assert!(order(&[]).quantile(0.5).is_nan());
    }

    #[test]
    fn tied_draws_share_their_average_rank() {
        // Ranks 1.5, 1.5, 3, 4 among 4: scores of (1.125, 1.125, 2.625, 3.625) / 4.25.
        let mut z = Vec::new();
        order(&[2.0, 7.0, 2.0, 9.0]).normal_scores(&mut ScoreTable::default(), &mut z);
        let expected = [1.125, 2.625, 1.125, 3.625].map(|r| normal_quantile(r / 4.25));
        for (a, b) in z.iter().zip(expected) {
            assert!((a - b).abs() < 1e-15, "{a} is not {b}");
        }
    }

    #[test]
    fn folding_equals_sorting_again() {
        let mut stream = Stream::new(5, 0);
        for n in [2, 3, 10, 101, 500] {
            // Rounded to tenths, so that there are ties on both sides of the median.
            let x: Vec<f64> = (0..n).map(|_| (stream.normal() * 10.0).round() / 10.0).collect();
            let o = order(&x);
            let mut folded = Order::default();
            folded.fold(&o);
            let again: Vec<f64> = x.iter().map(|v| (v - o.median()).abs()).collect();
            let again = order(&again);
            assert_eq!(folded.values(), again.values());
            let (mut a, mut b) = (Vec::new(), Vec::new());
            folded.normal_scores(&mut ScoreTable::default(), &mut a);
            again.normal_scores(&mut ScoreTable::default(), &mut b);
            assert_eq!(a, b);
        }
    }

    #[test]
    fn dropping_middle_draws_equals_sorting_the_halves() {
        let mut stream = Stream::new(6, 0);
        let x: Vec<f64> = (0..3 * 7).map(|_| stream.normal()).collect();
        let mut halves = Vec::new();
        super::super::Draws::new(&x, 3).split_into(&mut halves);
        let again = order(&halves);
        let mut kept = Order::default();
        kept.keep_halves(&order(&x), 7);
        assert_eq!((kept.values, kept.places), (again.values, again.places));
    }
}
