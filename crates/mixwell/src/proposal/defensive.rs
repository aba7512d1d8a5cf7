//! A proposal mixed with a wide Gaussian, so that importance weights stay bounded where the proposal's tails are too light.
//!
//! `q(x) = (1 - w) base(x) + w wide(x)`. A draw takes `noise_dim = base.noise_dim + 1` normal numbers: the last one, through
//! the normal distribution function, chooses the component; the first ones are pushed through it.
//! Global moves are uniformly ergodic only if `target / q` is bounded; with `w > 0` the Gaussian provides the bound.

use super::{Gaussian, Proposal, content_version};
use crate::math::normal_cdf;
use crate::{Batch, BatchMut, Points};

/// The mixture `(1 - weight) base + weight wide`.
#[derive(Clone, Copy)]
pub struct Defensive<'a> {
    base: &'a dyn Proposal,
    wide: &'a Gaussian,
    weight: f64,
}

impl<'a> Defensive<'a> {
    /// Mixes `base` with `wide`.
    ///
    /// # Panics
    /// When the dimensions differ or `weight` is not strictly between 0 and 1.
    pub fn new(base: &'a dyn Proposal, wide: &'a Gaussian, weight: f64) -> Self {
        assert_eq!(base.dim(), wide.dim(), "both parts live in the same space");
        assert!(weight > 0.0 && weight < 1.0, "weight {weight} is no mixture");
        Self { base, wide, weight }
    }

    fn mix(&self, base: f64, wide: f64) -> f64 {
        let (a, b) = ((1.0 - self.weight).ln() + base, self.weight.ln() + wide);
        let max = a.max(b);
        if a.is_nan() || b.is_nan() || max == f64::NEG_INFINITY {
            return if a.is_nan() || b.is_nan() { f64::NAN } else { max };
        }
        max + (-(a - b).abs()).exp().ln_1p()
    }
}

impl Proposal for Defensive<'_> {
    fn dim(&self) -> usize {
        self.base.dim()
    }

    fn noise_dim(&self) -> usize {
        self.base.noise_dim().max(self.wide.dim()) + 1
    }

    fn version(&self) -> u64 {
        content_version([self.base.version(), self.wide.version(), self.weight.to_bits()])
    }

    fn push(&self, noise: Batch<'_>, mut x: BatchMut<'_>, log_q: &mut [f64]) {
        let dim = self.dim();
        let choice = self.noise_dim() - 1;
        let (wide_rows, base_rows): (Vec<usize>, Vec<usize>) =
            (0..noise.rows()).partition(|&i| normal_cdf(noise.row(i)[choice]) < self.weight);
        for (rows, part, other) in
            [(&base_rows, self.base, self.wide as &dyn Proposal), (&wide_rows, self.wide, self.base)]
        {
            if rows.is_empty() {
                continue;
            }
            let mut part_noise = Points::zeros(rows.len(), part.noise_dim());
            for (to, &row) in rows.iter().enumerate() {
                part_noise.row_mut(to).copy_from_slice(&noise.row(row)[..part.noise_dim()]);
            }
            let mut draws = Points::zeros(rows.len(), dim);
            let (mut own, mut others) = (vec![0.0; rows.len()], vec![0.0; rows.len()]);
            part.push(part_noise.as_batch(), draws.as_batch_mut(), &mut own);
            other.log_prob(draws.as_batch(), &mut others);
            let from_base = std::ptr::eq(rows, &base_rows);
            for (from, &row) in rows.iter().enumerate() {
                x.row_mut(row).copy_from_slice(draws.row(from));
                let (base, wide) =
                    if from_base { (own[from], others[from]) } else { (others[from], own[from]) };
                log_q[row] = self.mix(base, wide);
            }
        }
    }

    fn log_prob(&self, x: Batch<'_>, log_q: &mut [f64]) {
        let mut wide = vec![0.0; x.rows()];
        self.wide.log_prob(x, &mut wide);
        self.base.log_prob(x, log_q);
        for (q, wide) in log_q.iter_mut().zip(wide) {
            *q = self.mix(*q, wide);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::proposal::Scale;

    #[test]
    fn draws_follow_the_mixture_and_its_density_is_consistent() {
        // 0.75 N(0, 1) + 0.25 N(4, 9): mean 1, variance .75 * 1 + .25 * 9 + .75 * .25 * 16 = 6.
        let base = Gaussian::standard(1);
        let wide = Gaussian::new(vec![4.0], Scale::Diagonal(vec![3.0]));
        let q = Defensive::new(&base, &wide, 0.25);
        let n = 40_000;
        let mut noise = Points::zeros(n, q.noise_dim());
        Stream::new(1, 0).fill_normal(noise.data_mut());
        let (mut x, mut log_q, mut again) = (Points::zeros(n, 1), vec![0.0; n], vec![0.0; n]);
        q.push(noise.as_batch(), x.as_batch_mut(), &mut log_q);
        q.log_prob(x.as_batch(), &mut again);
        assert!(log_q.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-12));
        let mean = x.data().iter().sum::<f64>() / n as f64;
        assert!((mean - 1.0).abs() < 5.0 * (6.0 / n as f64).sqrt(), "{mean}");
        // At x = 0: .75 / sqrt(2 pi) + .25 / (3 sqrt(2 pi)) exp(-8/9).
        let mut at = [0.0];
        q.log_prob(Batch::new(&[0.0], 1), &mut at);
        let expected = (0.75 + 0.25 / 3.0 * (-8.0 / 9.0_f64).exp()) / std::f64::consts::TAU.sqrt();
        assert!((at[0] - expected.ln()).abs() < 1e-14);
    }

    #[test]
    fn version_follows_the_base() {
        let (a, b) = (Gaussian::standard(1), Gaussian::new(vec![1.0], Scale::Unit(1)));
        let of = |base: &Gaussian| Defensive::new(base, &a, 0.1).version();
        assert_ne!(of(&a), of(&b));
    }
}
