//! A proposal averaged over the maps of finite symmetries, so that it need only know one image of what they map onto each other.
//!
//! With `S` the products `s = g_1 .. g_k` of maps that keep volume, `y ~ q` and `s` uniform on `S`: `x = s y` has the density
//! `q_S(x) = 1/|S| sum_s q(s^-1 x)`. Exact for any such `S`, whether or not it is a group, and whatever the target is; where the target has these
//! symmetries, weights `pi / q_S` are those of one image.
//! A draw takes `noise_dim = base.noise_dim + 1` normal numbers: the last one, through the normal distribution function, chooses `s`.
//! Cost: `|S|` evaluations of `q` (of a flow: inversions) for each draw and each point.
//! Reference: Kohler, Klein and Noe, Equivariant flows, ICML 2020, for proposals with the symmetries of their targets; here by summing.

use super::{Proposal, content_version};
use crate::math::{log_sum_exp, normal_cdf};
use crate::scratch::scratch;
use crate::symmetry::Orbit;
use crate::{Batch, BatchMut};

/// `1/|S| sum_s q(s^-1 x)`.
pub struct Averaged<'a> {
    base: &'a dyn Proposal,
    orbit: Orbit<'a>,
}

impl<'a> Averaged<'a> {
    /// Averages `base` over the products of `orbit`.
    pub fn new(base: &'a dyn Proposal, orbit: Orbit<'a>) -> Self {
        Self { base, orbit }
    }
}

impl Proposal for Averaged<'_> {
    fn dim(&self) -> usize {
        self.base.dim()
    }

    fn noise_dim(&self) -> usize {
        self.base.noise_dim() + 1
    }

    fn version(&self) -> u64 {
        content_version([self.base.version(), self.orbit.order(), 1])
    }

    fn push(&self, noise: Batch<'_>, mut x: BatchMut<'_>, log_q: &mut [f64]) {
        let (rows, dim, choice) = (noise.rows(), self.dim(), self.noise_dim() - 1);
        let mut of_base = scratch(rows * choice);
        for (to, from) in of_base.chunks_exact_mut(choice).zip(noise.iter()) {
            to.copy_from_slice(&from[..choice]);
        }
        let mut y = scratch(rows * dim);
        self.base.push(Batch::new(&of_base, choice), BatchMut::new(&mut y, dim), log_q);
        let order = self.orbit.order();
        for ((x, y), noise) in x.iter_mut().zip(y.chunks_exact(dim)).zip(noise.iter()) {
            let share = normal_cdf(noise[choice]) * order as f64;
            self.orbit.image((share as u64).min(order - 1), y, x);
        }
        self.log_prob(x.as_batch(), log_q);
    }

    fn log_prob(&self, x: Batch<'_>, log_q: &mut [f64]) {
        let (rows, dim, order) = (x.rows(), x.dim(), self.orbit.order());
        let mut images = scratch(rows * dim);
        let mut terms = scratch(rows * order as usize);
        let mut term = scratch(rows);
        for index in 0..order {
            for (x, image) in x.iter().zip(images.chunks_exact_mut(dim)) {
                self.orbit.image_back(index, x, image);
            }
            self.base.log_prob(Batch::new(&images, dim), &mut term);
            for (row, term) in term.iter().enumerate() {
                terms[row * order as usize + index as usize] = *term;
            }
        }
        for (log_q, terms) in log_q.iter_mut().zip(terms.chunks_exact(order as usize)) {
            *log_q = log_sum_exp(terms) - (order as f64).ln();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::proposal::{Gaussian, Scale};
    use crate::symmetry::{Permutations, SignFlip, Symmetry};
    use crate::{Points, Stream};

    fn standard(x: f64, mean: f64, sd: f64) -> f64 {
        (-0.5 * ((x - mean) / sd).powi(2)).exp() / (sd * std::f64::consts::TAU.sqrt())
    }

    #[test]
    fn the_average_by_hand() {
        // N(1, 1) x N(3, 4) over both orders and both signs.
        let base = Gaussian::new(vec![1.0, 3.0], Scale::Diagonal(vec![1.0, 2.0]));
        let symmetries: Vec<Arc<dyn Symmetry>> =
            vec![Arc::new(Permutations::of_blocks(2, 1)), Arc::new(SignFlip::all(2))];
        let q = Averaged::new(&base, Orbit::of_folding(&symmetries, 4).unwrap());
        let (a, b) = (0.3, -1.7);
        let of = |a: f64, b: f64| standard(a, 1.0, 1.0) * standard(b, 3.0, 2.0);
        let expected = (of(a, b) + of(b, a) + of(-a, -b) + of(-b, -a)) / 4.0;
        let mut log_q = [0.0];
        q.log_prob(Batch::new(&[a, b], 2), &mut log_q);
        assert!((log_q[0] - expected.ln()).abs() < 1e-14);
    }

    #[test]
    fn draws_follow_it() {
        let base = Gaussian::new(vec![1.0, 3.0], Scale::Diagonal(vec![1.0, 2.0]));
        let symmetries: Vec<Arc<dyn Symmetry>> =
            vec![Arc::new(Permutations::of_blocks(2, 1)), Arc::new(SignFlip::all(2))];
        let q = Averaged::new(&base, Orbit::of_folding(&symmetries, 4).unwrap());
        let n = 40_000;
        let mut noise = Points::zeros(n, 3);
        Stream::new(1, 0).fill_normal(noise.data_mut());
        let (mut x, mut log_q, mut again) = (Points::zeros(n, 2), vec![0.0; n], vec![0.0; n]);
        q.push(noise.as_batch(), x.as_batch_mut(), &mut log_q);
        q.log_prob(x.as_batch(), &mut again);
        assert_eq!(log_q, again);
        let mean = |f: &dyn Fn(&[f64]) -> f64| x.as_batch().iter().map(f).sum::<f64>() / n as f64;
        let se = |sd: f64| 5.0 * sd / (n as f64).sqrt();
        // Both coordinates have the law of +-N(1, 1) or +-N(3, 4), half each: mean 0, second moment (2 + 13) / 2; their product has mean 3.
        assert!(mean(&|x| x[0]).abs() < se(2.8) && mean(&|x| x[1]).abs() < se(2.8));
        assert!((mean(&|x| x[1] * x[1]) - 7.5).abs() < se(11.0));
        assert!((mean(&|x| x[0] * x[1]) - 3.0).abs() < se(5.0));
        // The integral of q over q itself: E 1/q over a box is its area.
        let inside = |x: &[f64]| x.iter().all(|v| v.abs() < 1.0);
        let area = mean(&|x| if inside(x) { (-q_at(&q, x)).exp() } else { 0.0 });
        assert!((area - 4.0).abs() < 0.5, "{area}");
    }

    fn q_at(q: &Averaged<'_>, x: &[f64]) -> f64 {
        let mut log_q = [0.0];
        q.log_prob(Batch::new(x, 2), &mut log_q);
        log_q[0]
    }
}
