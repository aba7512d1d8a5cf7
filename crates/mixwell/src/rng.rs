//! Seeded random streams: one per chain, so that draws depend neither on threads nor on interruptions.
//!
//! Every stream is ChaCha8 under the run's seed with its own 64-bit stream number. Streams with different numbers never
//! overlap, and a stream's place is three integers, so a checkpoint holds it exactly.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use mixwell_vector::normal;

// The register of stream numbers: whoever needs a stream gets its number here, so that no two uses meet. Chains count from
// zero; experiments, which look at a run from outside, have ranges between the chains and the estimators; single streams
// count down from the top. A test below checks that nothing overlaps.

/// Most chains with streams of their own.
const CHAINS: u64 = 1 << 60;
/// First of the streams of exact reference draws, one per chain of the reference.
const REFERENCE_STREAMS: u64 = 1 << 60;
/// First of the streams of exact draws that stand for a method, one per chain.
const EXACT_STREAMS: u64 = 1 << 61;
/// First of the streams of the chains that look at a target before a method is chosen.
const PILOT_STREAMS: u64 = 3 << 60;
/// Stream number of random directions onto which a metric projects.
pub const DIRECTIONS_STREAM: u64 = 1 << 62;
/// Stream number of the order in which images are scored, and of the exact draws beside points that are scored.
pub const SCORE_STREAM: u64 = (1 << 62) + 1;
/// Stream number of the generated points that a discriminator is calibrated with, and of how scores are dealt out.
pub const CALIBRATION_STREAM: u64 = (1 << 62) + 2;
/// First of the streams of estimators.
const ESTIMATE_STREAMS: u64 = 1 << 63;
/// Rounds of an estimator, and streams per round.
const ROUNDS: u64 = 1 << 20;
const ROUND: u64 = 1 << 40;
/// Stream number of the starting weights of a network that is trained on its own.
pub const NETWORK_INIT_STREAM: u64 = u64::MAX - 3;
/// Stream number of the choice of persistent points, and of fresh draws, while an energy is trained.
pub const BANK_STREAM: u64 = u64::MAX - 4;
/// Stream number of the draws of a named data set.
pub const DATA_STREAM: u64 = u64::MAX - 5;
/// Stream number of the latents of a generator while it is trained.
pub const LATENT_STREAM: u64 = u64::MAX - 6;
/// Stream number of the latents by which a trained generator is looked at.
pub const LOOK_STREAM: u64 = u64::MAX - 7;
/// Stream number of the maps by which a stated symmetry is tried out.
pub const SYMMETRY_STREAM: u64 = u64::MAX - 8;
/// Stream number of the draws that are asked of a flow outside a run.
pub const FLOW_DRAWS_STREAM: u64 = u64::MAX - 9;
/// Stream number of starting points.
pub const START_STREAM: u64 = u64::MAX - 2;
/// Stream number of flow initialisation.
pub const FLOW_INIT_STREAM: u64 = u64::MAX - 1;
/// Stream number of flow training and minibatch choice.
pub const TRAINING_STREAM: u64 = u64::MAX;

/// One random stream; chain `c` uses stream number `c`.
///
/// ```
/// use mixwell::Stream;
/// let mut a = Stream::new(7, 0);
/// a.normal();
/// let mut b = Stream::restore(a.state());
/// assert_eq!(a.uniform(), b.uniform());
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    seed: u64,
    rng: ChaCha8Rng,
}

/// Where a stream stands: everything needed to go on with the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// The run's seed.
    pub seed: u64,
    /// The stream's number.
    pub stream: u64,
    /// 32-bit words used so far.
    pub word_position: u128,
}

impl Stream {
    /// The stream with this number under this seed, at its beginning.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self { seed, rng }
    }

    /// The streams `0..n`, one per chain.
    pub fn for_chains(seed: u64, n: usize) -> Vec<Self> {
        (0..n as u64).map(|c| Self::new(seed, c)).collect()
    }

    /// The stream of draw `index` in round `round` of an estimator. One per draw, so that blocks of draws can be made in any
    /// order and of any size.
    ///
    /// # Panics
    /// From round 2^20 and index 2^40 on, whose streams could meet others.
    pub fn for_estimate(seed: u64, round: u64, index: u64) -> Self {
        assert!(round < ROUNDS && index < ROUND, "no stream for draw {index} of round {round}");
        Self::new(seed, ESTIMATE_STREAMS + round * ROUND + index)
    }

    /// The stream of exact draws that a run is compared with, chain by chain.
    ///
    /// # Panics
    /// From chain 2^60 on, whose stream could meet others.
    pub fn for_reference(seed: u64, chain: usize) -> Self {
        assert!((chain as u64) < CHAINS, "no stream for chain {chain}");
        Self::new(seed, REFERENCE_STREAMS + chain as u64)
    }

    /// The stream of exact draws that stand for a method, chain by chain.
    ///
    /// # Panics
    /// From chain 2^60 on, whose stream could meet others.
    pub fn for_exact_draws(seed: u64, chain: usize) -> Self {
        assert!((chain as u64) < CHAINS, "no stream for chain {chain}");
        Self::new(seed, EXACT_STREAMS + chain as u64)
    }

    /// The stream of a chain that looks at a target before a method is chosen.
    ///
    /// # Panics
    /// From chain 2^60 on, whose stream could meet others.
    pub fn for_pilot(seed: u64, chain: usize) -> Self {
        assert!((chain as u64) < CHAINS, "no stream for chain {chain}");
        Self::new(seed, PILOT_STREAMS + chain as u64)
    }

    /// Uniform on the open interval (0, 1): safe under a logarithm.
    pub fn uniform(&mut self) -> f64 {
        // 53 random bits, moved half a step away from zero.
        ((self.rng.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }

    /// One standard normal number.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.rng)
    }

    /// Fills `out` with independent standard normal numbers: whole groups of sixteen by Box and Muller's method on vectors,
    /// the rest one by one.
    pub fn fill_normal(&mut self, out: &mut [f64]) {
        let (groups, rest) = out.split_at_mut(out.len() - out.len() % normal::GROUP);
        let mut bits = [0; 8 * normal::GROUP];
        for chunk in groups.chunks_mut(bits.len()) {
            let bits = &mut bits[..chunk.len()];
            bits.iter_mut().for_each(|b| *b = self.rng.next_u64());
            normal::from_bits(bits, chunk);
        }
        for v in rest {
            *v = StandardNormal.sample(&mut self.rng);
        }
    }

    /// Uniform on `0..n`.
    ///
    /// # Panics
    /// When `n` is zero.
    pub fn index(&mut self, n: usize) -> usize {
        assert!(n > 0, "no index below zero");
        // Multiply-shift: the bias is below n / 2^64.
        ((u128::from(self.rng.next_u64()) * n as u128) >> 64) as usize
    }

    /// An index with probability proportional to `exp(log_weights)`, by one uniform number on the cumulative sum.
    ///
    /// `-inf` is a weight of zero. Returns `None` when no weight is positive or one is NaN.
    pub fn categorical(&mut self, log_weights: &[f64]) -> Option<usize> {
        let max = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if max == f64::NEG_INFINITY || log_weights.iter().any(|w| w.is_nan()) {
            return None;
        }
        let total: f64 = log_weights.iter().map(|w| (w - max).exp()).sum();
        let mut left = self.uniform() * total;
        let mut last = None;
        for (i, w) in log_weights.iter().enumerate() {
            let p = (w - max).exp();
            if p > 0.0 {
                last = Some(i);
                if left < p {
                    return last;
                }
                left -= p;
            }
        }
        last
    }

    /// Shuffles in place (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.index(i + 1);
            items.swap(i, j);
        }
    }

    /// The generator itself, for distributions of the `rand` family.
    pub fn rng(&mut self) -> &mut impl Rng {
        &mut self.rng
    }

    /// Where the stream stands.
    pub fn state(&self) -> StreamState {
        StreamState { seed: self.seed, stream: self.rng.get_stream(), word_position: self.rng.get_word_pos() }
    }

    /// A stream that goes on from a saved place.
    pub fn restore(state: StreamState) -> Self {
        let mut s = Self::new(state.seed, state.stream);
        s.rng.set_word_pos(state.word_position);
        s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_uses_share_a_stream() {
        let one = |number: u64| number..=number;
        let mut ranges = [
            0..=CHAINS - 1,
            REFERENCE_STREAMS..=REFERENCE_STREAMS + CHAINS - 1,
            EXACT_STREAMS..=EXACT_STREAMS + CHAINS - 1,
            PILOT_STREAMS..=PILOT_STREAMS + CHAINS - 1,
            one(DIRECTIONS_STREAM),
            one(SCORE_STREAM),
            one(CALIBRATION_STREAM),
            ESTIMATE_STREAMS..=ESTIMATE_STREAMS + ROUNDS * ROUND - 1,
            one(NETWORK_INIT_STREAM),
            one(BANK_STREAM),
            one(DATA_STREAM),
            one(LATENT_STREAM),
            one(LOOK_STREAM),
            one(SYMMETRY_STREAM),
            one(FLOW_DRAWS_STREAM),
            one(START_STREAM),
            one(FLOW_INIT_STREAM),
            one(TRAINING_STREAM),
        ];
        ranges.sort_by_key(|r| *r.start());
        for pair in ranges.windows(2) {
            assert!(pair[0].end() < pair[1].start(), "{pair:?}");
        }
        // The constructors hand out what the register says.
        assert_eq!(Stream::for_reference(1, 3).state().stream, REFERENCE_STREAMS + 3);
        assert_eq!(Stream::for_exact_draws(1, 3).state().stream, EXACT_STREAMS + 3);
        assert_eq!(Stream::for_pilot(1, 3).state().stream, PILOT_STREAMS + 3);
        assert_eq!(Stream::for_estimate(1, 2, 3).state().stream, ESTIMATE_STREAMS + 2 * ROUND + 3);
    }

    #[test]
    fn a_restored_stream_goes_on_with_the_same_numbers() {
        for skip in 0..70 {
            let mut a = Stream::new(3, 5);
            for _ in 0..skip {
                a.normal();
            }
            let mut b = Stream::restore(a.state());
            for _ in 0..40 {
                assert_eq!(a.normal(), b.normal(), "after {skip} normals");
            }
        }
    }

    #[test]
    fn many_normal_numbers_have_the_moments_of_a_normal_law() {
        // Means of x, x^2, x^3, x^4, |x| > 3 and of the products of neighbours in a group, each within 5 standard errors
        // (variances 1, 2, 15, 96, p(1 - p), 1); vectors and single numbers are both in it.
        let mut s = Stream::new(11, 0);
        let (n, length) = (400_000 / 40, 40);
        let mut sums = [0.0; 6];
        let mut x = vec![0.0; length];
        for _ in 0..n {
            s.fill_normal(&mut x);
            for (i, v) in x.iter().enumerate() {
                let beyond = if v.abs() > 3.0 { 1.0 } else { 0.0 };
                let terms = [*v, v * v, v.powi(3), v.powi(4), beyond, v * x[(i + 8) % length]];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            }
        }
        let p = 0.002_699_796;
        let wanted = [0.0, 1.0, 0.0, 3.0, p, 0.0];
        let variance = [1.0, 2.0, 15.0, 96.0, p * (1.0 - p), 1.0];
        let n = (n * length) as f64;
        for i in 0..6 {
            let z = (sums[i] / n - wanted[i]) / (variance[i] / n).sqrt();
            assert!(z.abs() < 5.0, "moment {i} is off by {z} standard errors");
        }
    }

    #[test]
    fn a_long_fill_is_the_same_as_its_pieces() {
        let (mut a, mut b) = (Stream::new(5, 0), Stream::new(5, 0));
        let (mut whole, mut pieces) = (vec![0.0; 400], vec![0.0; 400]);
        a.fill_normal(&mut whole);
        pieces.chunks_mut(80).for_each(|piece| b.fill_normal(piece));
        assert_eq!(whole, pieces);
        assert_eq!(a.state(), b.state());
    }

    #[test]
    fn streams_differ() {
        let (mut a, mut b, mut c) = (Stream::new(3, 0), Stream::new(3, 1), Stream::new(4, 0));
        let x = a.uniform();
        assert_ne!(x, b.uniform());
        assert_ne!(x, c.uniform());
    }

    #[test]
    fn categorical_follows_the_weights() {
        // p = (0, 1/4, 3/4); 40 000 draws have a standard error of 0.0022.
        let mut s = Stream::new(1, 0);
        let w = [f64::NEG_INFINITY, 700.0, 700.0 + 3f64.ln()];
        let n = 40_000;
        let hits = (0..n).filter(|_| s.categorical(&w) == Some(2)).count();
        assert!((hits as f64 / n as f64 - 0.75).abs() < 5.0 * 0.0022, "{hits}");
        assert_eq!(s.categorical(&[f64::NEG_INFINITY; 3]), None);
        assert_eq!(s.categorical(&[0.0, f64::NAN]), None);
    }
}
