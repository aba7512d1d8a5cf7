//! Metropolis-adjusted Langevin algorithm (MALA).
//!
//! Proposes `y = x + eta A g(x) + sqrt(2 eta) L xi`, `xi ~ N(0, I)`, `A = L L'`, and accepts by Metropolis-Hastings. `L` is
//! the metric: the identity, or learnt in warm-up. With `g` the gradient of the log-density, the log-ratio is
//!
//! ```text
//! log_a = log pi(y) - log pi(x) - (y - x).(g(x) + g(y)) / 2 + eta/4 (|L' g(x)|^2 - |L' g(y)|^2)
//! ```
//!
//! which is the usual ratio of the two Gaussians with the squares multiplied out: antisymmetric in `(x, y)` term by term, and
//! free of the cancellation of two large squares. Keeps the target's law. Cost: one gradient per chain and step; the current
//! one travels with the chain and is forgotten by every move that does not bring its own.
//! Step: `eta` is half the variance of the proposal, see [`StepSize`].
//! Reference: Roberts and Tweedie, Bernoulli 2 (1996); target acceptance 0.574, Roberts and Rosenthal, JRSS-B 60 (1998).
//! Differs from the published Ex2MCMC code, which keeps the old point's gradient after a global jump.

use serde::{Deserialize, Serialize};

use super::accept::{accept, usable};
use super::adapt::{MetricKind, StepRule, Tuner, TunerConfig};
use super::extent::metric_bytes;
use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Needs, Role, StepSize, TallySheet};
use crate::proposal::Scale;
use crate::scratch::scratch;
use crate::{Batch, BatchMut, ConfigError};

const NAME: &str = "mala";

/// Settings of [`Mala`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MalaConfig {
    /// Step: a number is `eta` (proposal variance `2 eta`); `{ tau = .. }` and `{ dt = .. }` are converted.
    pub step_size: StepSize,
    /// How the step size is adapted during warm-up.
    pub adapt: StepRule,
    /// Acceptance that adaptation aims at.
    pub target_accept: f64,
    /// Metric learnt during warm-up: `unit`, `diagonal` or `dense`.
    pub metric: MetricKind,
}

impl Default for MalaConfig {
    fn default() -> Self {
        Self {
            step_size: StepSize::from_eta(0.01),
            adapt: StepRule::default(),
            target_accept: 0.574,
            metric: MetricKind::Unit,
        }
    }
}

impl MalaConfig {
    const LAW: Law = Law::reversible();

    fn tuner(&self) -> TunerConfig {
        TunerConfig {
            step: self.step_size.eta(),
            power: 2,
            rule: self.adapt,
            target_accept: self.target_accept,
            acceptance: self.adapt.acceptance_of_chains(),
            metric: self.metric,
        }
    }

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.step_size.check("step_size")?;
        self.tuner().check()
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Mala, ConfigError> {
        self.check()?;
        Ok(Mala { tuner: Tuner::new(&self.tuner(), dim) })
    }
}

impl Settings for MalaConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        Self::LAW
    }

    fn set_step_size(&mut self, step: StepSize) {
        self.step_size = step;
    }

    fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        metric_bytes(self.metric, chains, dim)
    }
}

/// The Metropolis-adjusted Langevin algorithm.
pub struct Mala {
    tuner: Tuner,
}

impl Kernel for Mala {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf { step_size: Some(self.tuner.step()), ..Leaf::new(NAME, Role::Local) }]
    }

    fn law(&self) -> Law {
        MalaConfig::LAW
    }

    fn needs(&self) -> Needs {
        Needs { gradient: true, ..Needs::default() }
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let (n, dim) = (block.rows(), block.dim());
        let (eta, scale) = (self.tuner.step(), self.tuner.scale());
        block.gradients(context.target);
        let (mut y, mut grad, mut log_prob) = (scratch(n * dim), scratch(n * dim), scratch(n));
        let mut work = scratch(dim);
        let parts = block.parts();
        for (row, y) in y.chunks_exact_mut(dim).enumerate() {
            parts.streams[row].fill_normal(&mut work);
            propose(parts.x.row(row), parts.grad.row(row), eta, scale, &mut work, y);
        }
        context.target.log_prob_and_grad(Batch::new(&y, dim), &mut log_prob, BatchMut::new(&mut grad, dim));
        for row in 0..n {
            let tally = sheet.tally(row);
            let to = Point {
                x: &y[row * dim..(row + 1) * dim],
                grad: &grad[row * dim..(row + 1) * dim],
                log_prob: log_prob[row],
            };
            let parts = block.parts();
            let ratio = if usable(to.log_prob, to.grad, tally) {
                let from =
                    Point { x: parts.x.row(row), grad: parts.grad.row(row), log_prob: parts.log_prob[row] };
                log_accept(from, to, eta, scale, &mut work)
            } else {
                f64::NEG_INFINITY
            };
            if accept(ratio, &mut parts.streams[row], tally) {
                block.move_to(row, to.x, to.log_prob, Some(to.grad));
            }
        }
    }

    fn tuner(&self) -> Option<&Tuner> {
        Some(&self.tuner)
    }

    fn tuner_mut(&mut self) -> Option<&mut Tuner> {
        Some(&mut self.tuner)
    }
}

/// Writes `y = x + eta A g + sqrt(2 eta) L xi`; `work` holds `xi` and is overwritten.
pub(super) fn propose(x: &[f64], grad: &[f64], eta: f64, scale: &Scale, work: &mut [f64], y: &mut [f64]) {
    let sd = (2.0 * eta).sqrt();
    match scale {
        Scale::Unit(_) => {
            for (((y, x), g), xi) in y.iter_mut().zip(x).zip(grad).zip(work) {
                *y = x + eta * g + sd * *xi;
            }
        }
        _ => {
            // y = x + L (eta L' g + sqrt(2 eta) xi).
            work.iter_mut().for_each(|xi| *xi *= sd);
            scale.add_transposed(eta, grad, work);
            y.copy_from_slice(x);
            scale.add(1.0, work, y);
        }
    }
}

/// A point with what the acceptance ratio needs.
#[derive(Clone, Copy)]
struct Point<'a> {
    x: &'a [f64],
    grad: &'a [f64],
    log_prob: f64,
}

/// The log of the Metropolis-Hastings ratio; `work` is overwritten.
fn log_accept(from: Point<'_>, to: Point<'_>, eta: f64, scale: &Scale, work: &mut [f64]) -> f64 {
    let (mut slope, mut squares) = (0.0, 0.0);
    let coordinates = from.x.iter().zip(to.x).zip(from.grad.iter().zip(to.grad));
    match scale {
        Scale::Unit(_) => {
            for ((x, y), (gx, gy)) in coordinates {
                slope += (y - x) * (gx + gy);
                squares += (gx - gy) * (gx + gy);
            }
        }
        Scale::Diagonal(sd) => {
            for (((x, y), (gx, gy)), s) in coordinates.zip(sd) {
                slope += (y - x) * (gx + gy);
                squares += s * s * (gx - gy) * (gx + gy);
            }
        }
        Scale::Dense { .. } => {
            for ((x, y), (gx, gy)) in coordinates {
                slope += (y - x) * (gx + gy);
            }
            for (grad, sign) in [(from.grad, 1.0), (to.grad, -1.0)] {
                work.fill(0.0);
                scale.add_transposed(1.0, grad, work);
                squares += sign * work.iter().map(|h| h * h).sum::<f64>();
            }
        }
    }
    to.log_prob - from.log_prob - 0.5 * slope + 0.25 * eta * squares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::kernel::Chains;
    use crate::kernel::tests::{StandardNormal, mean_accept};
    use crate::math::normal_cdf;
    use proptest::prelude::*;

    fn normal_point<'a>(x: &'a [f64], grad: &'a [f64]) -> Point<'a> {
        Point { x, grad, log_prob: -0.5 * x.iter().map(|v| v * v).sum::<f64>() }
    }

    /// The ratio as the textbook writes it, with both Gaussians.
    fn textbook(from: Point<'_>, to: Point<'_>, eta: f64) -> f64 {
        let log_q = |a: Point<'_>, b: Point<'_>| {
            let moved = a.x.iter().zip(b.x).zip(a.grad).map(|((x, y), g)| (y - x - eta * g).powi(2));
            -moved.sum::<f64>() / (4.0 * eta)
        };
        to.log_prob - from.log_prob + log_q(to, from) - log_q(from, to)
    }

    #[test]
    fn oracle_on_the_standard_normal() {
        // eta/4 (x^2 - y^2) = .025 (.25 - .49) = -.006.
        let (x, gx, y, gy) = ([0.5], [-0.5], [0.7], [-0.7]);
        let (from, to) = (normal_point(&x, &gx), normal_point(&y, &gy));
        let log_a = log_accept(from, to, 0.1, &Scale::Unit(1), &mut [0.0]);
        assert!((log_a + 0.006).abs() < 1e-15, "{log_a}");
    }

    proptest! {
        #[test]
        fn ratio_equals_the_textbook_and_is_antisymmetric(
            v in prop::array::uniform8(-3.0..3.0f64), lp in -2.0..2.0f64, eta in 0.01..2.0f64
        ) {
            let from = Point { x: &v[0..2], grad: &v[2..4], log_prob: 0.0 };
            let to = Point { x: &v[4..6], grad: &v[6..8], log_prob: lp };
            let mut w = [0.0; 2];
            let unit = log_accept(from, to, eta, &Scale::Unit(2), &mut w);
            let slow = textbook(from, to, eta);
            prop_assert!((unit - slow).abs() < 1e-10 * (1.0 + slow.abs()), "{} {}", unit, slow);
            prop_assert_eq!(unit, -log_accept(to, from, eta, &Scale::Unit(2), &mut w));
            // A diagonal metric and the same one written as a triangle agree with the unit metric in u = L^-1 x.
            let sd = [2.0, 0.5];
            let diagonal = log_accept(from, to, eta, &Scale::Diagonal(sd.to_vec()), &mut w);
            let lower = vec![2.0, 0.0, 0.0, 0.5];
            let dense = log_accept(from, to, eta, &Scale::Dense { dim: 2, lower }, &mut w);
            let whiten = |p: Point<'_>| -> ([f64; 2], [f64; 2]) {
                ([p.x[0] / sd[0], p.x[1] / sd[1]], [p.grad[0] * sd[0], p.grad[1] * sd[1]])
            };
            let ((xa, ga), (xb, gb)) = (whiten(from), whiten(to));
            let white = textbook(
                Point { x: &xa, grad: &ga, log_prob: 0.0 }, Point { x: &xb, grad: &gb, log_prob: lp }, eta);
            prop_assert!((diagonal - white).abs() < 1e-9 * (1.0 + white.abs()));
            prop_assert!((dense - white).abs() < 1e-9 * (1.0 + white.abs()));
        }
    }

    #[test]
    fn a_chain_on_a_steep_wall_is_set_free_by_dual_averaging() {
        // A quartic with two wells: at x = 9 the force is 116 times that at 2, and a step that suits the wells is refused for ever.
        let target = crate::density::from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
            grad[0] = -40.0 * x[0] * (x[0] * x[0] - 1.0);
            -10.0 * (x[0] * x[0] - 1.0).powi(2)
        });
        let last = |adapt: StepRule| {
            let mut x = Points::from_vec((0..8).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect(), 1);
            x.row_mut(5)[0] = 9.0;
            let mut chains = Chains::new(&target, x, 3).unwrap();
            let mut kernel = MalaConfig { adapt, ..MalaConfig::default() }.build(1).unwrap();
            chains.warm_up(&mut kernel, &target, 600).unwrap();
            (chains.x().row(5)[0], kernel.tuner.step())
        };
        let (free, step) = last(StepRule::DualAveraging);
        assert!(free < 2.0 && step > 1e-3, "{free} {step}");
        // The rules that go by the mean never feel it.
        assert_eq!(last(StepRule::Simple { rate: 0.01 }).0, 9.0);
    }

    #[test]
    fn acceptance_follows_the_asymptotic_formula() {
        // 2 Phi(-s/2), s^2 = d eta^2/16 (2 + 2 (1 + eta^2)^2 - 4 (1 - eta)^2); simulation of the formula's error: below .007.
        let eta: f64 = 0.2;
        for (d, published) in [(30, 0.865), (90, 0.765), (300, 0.589)] {
            let s2 = d as f64 * eta * eta / 16.0
                * (2.0 + 2.0 * (1.0 + eta * eta).powi(2) - 4.0 * (1.0 - eta).powi(2));
            let formula = 2.0 * normal_cdf(-0.5 * s2.sqrt());
            let config = MalaConfig { step_size: StepSize::from_eta(eta), ..Default::default() };
            let (accept, _) = mean_accept(&config.build(d).unwrap(), &StandardNormal(d), 200, 60);
            // 12 000 tries, correlated: a standard error of .004 is generous.
            assert!((accept - formula).abs() < 0.007 + 0.02, "{d}: {accept} {formula}");
            assert!((accept - published).abs() < 0.02, "{d}: {accept} {published}");
        }
    }

    #[test]
    fn unusable_settings_are_refused() {
        let bad = |c: MalaConfig| c.check().unwrap_err().key;
        let eta = |e| MalaConfig { step_size: StepSize::from_eta(e), ..Default::default() };
        assert_eq!(bad(eta(0.0)), "step_size");
        assert_eq!(bad(eta(f64::NAN)), "step_size");
        assert_eq!(bad(MalaConfig { target_accept: f64::NAN, ..Default::default() }), "target_accept");
    }
}
