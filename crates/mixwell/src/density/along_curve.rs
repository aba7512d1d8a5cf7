//! The law of points along curves in the plane, blurred by a normal law: `p(x) = int N(x; c(t), sigma^2 I) w(t) dt`.
//!
//! The integral is a sum over nodes of Gauss and Legendre's rule on panels no longer than two standard deviations, so the density is a
//! Gaussian mixture that differs from the integral by less than 1e-10 of its value. Draws take `t` from its own law.

use super::{EvaluationError, ExactSampler, Facts, GaussianMixture, Target};
use crate::{Batch, BatchMut, Points, Stream};

/// Nodes and weights of Gauss and Legendre's rule of eight points on `[-1, 1]`, the positive half.
const RULE: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_5),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_3),
];

/// Straight pieces that stand for a curve, at most.
const MOST_PIECES: f64 = 20_000.0;

/// A curve with a law along it.
pub(super) trait Curve: Send + Sync {
    /// How many branches there are, of equal probability.
    fn branches(&self) -> usize;
    /// The end of the interval `[0, end]` of `t`.
    fn end(&self) -> f64;
    /// The point of a branch at `t`.
    fn point(&self, branch: usize, t: f64) -> [f64; 2];
    /// The density of `t`, up to a factor.
    fn weight(&self, t: f64) -> f64;
    /// A draw of `t`.
    fn draw(&self, stream: &mut Stream) -> f64;
    /// Upper bound on the length of the curve.
    fn length(&self) -> f64;
}

/// A blurred curve.
pub struct AlongCurve {
    curve: Box<dyn Curve>,
    noise: f64,
    mixture: GaussianMixture,
}

impl AlongCurve {
    pub(super) fn new(curve: impl Curve + 'static, noise: f64) -> Self {
        let panels = (curve.length() / (2.0 * noise)).ceil().max(1.0);
        let half = 0.5 * curve.end() / panels;
        let mut parts = Vec::new();
        for branch in 0..curve.branches() {
            for panel in 0..panels as usize {
                let middle = (2 * panel + 1) as f64 * half;
                for (node, weight) in RULE {
                    for t in [middle - half * node, middle + half * node] {
                        parts.push((weight * curve.weight(t), curve.point(branch, t).to_vec(), noise));
                    }
                }
            }
        }
        Self { curve: Box::new(curve), noise, mixture: GaussianMixture::isotropic(parts) }
    }
}

impl AlongCurve {
    /// The branches as chains of straight pieces, each a quarter of a standard deviation long or less.
    fn lines(&self) -> Vec<Points> {
        let pieces = (4.0 * self.curve.length() / self.noise).ceil().clamp(1.0, MOST_PIECES);
        let corner =
            |branch: usize, i: usize| self.curve.point(branch, self.curve.end() * (i as f64 / pieces));
        let line = |branch| (0..=pieces as usize).flat_map(|i| corner(branch, i)).collect();
        (0..self.curve.branches()).map(|branch| Points::from_vec(line(branch), 2)).collect()
    }
}

impl Target for AlongCurve {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        self.mixture.evaluate(x, log_prob, grad)
    }

    fn facts(&self) -> Facts {
        // The nodes are no modes.
        Facts { modes: None, curves: self.lines(), ..self.mixture.facts() }
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        Some(self)
    }
}

impl ExactSampler for AlongCurve {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        let branch = stream.index(self.curve.branches());
        let t = self.curve.draw(stream);
        for (x, c) in x.iter_mut().zip(self.curve.point(branch, t)) {
            *x = c + self.noise * stream.normal();
        }
    }
}
