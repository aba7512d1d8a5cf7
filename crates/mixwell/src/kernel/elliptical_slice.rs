//! Elliptical slice sampling: for a target that is a Gaussian times something, `pi(x) = N(x; m, S) l(x)`.
//!
//! Draw `nu ~ N(0, S)` and a level `ln l(x) + ln u`; propose `m + (x - m) cos(t) + nu sin(t)` with `t` uniform on a bracket
//! that shrinks towards 0 until the level is exceeded. Nothing to tune, nothing rejected in the end (after 100 shrinks the
//! chain stays where it is). Any Gaussian keeps the target's law; one close to the target makes it efficient.
//! In the latent space of a flow (inside `neutra`) with the standard normal this is transport elliptical slice sampling.
//! A try is one evaluation; an unusable value shrinks the bracket like a low one.
//! Reference: Murray, Adams and MacKay, AISTATS 2010; Cabezas and Nemeth, AISTATS 2023.

use serde::{Deserialize, Serialize};

use super::accept::usable;
use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Role, TallySheet};
use crate::proposal::{Gaussian, GaussianProposalConfig, Proposal};
use crate::scratch::scratch;
use crate::{Batch, ConfigError};

const NAME: &str = "elliptical_slice";

/// Shrinks of the bracket before a chain stays where it is.
const MAX_SHRINKS: usize = 100;

/// Settings of [`EllipticalSlice`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EllipticalSliceConfig {
    /// The Gaussian that is split off the target.
    pub prior: GaussianProposalConfig,
}

impl EllipticalSliceConfig {
    const LAW: Law = Law::reversible();

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.prior.check().map_err(|e| e.under("prior"))
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<EllipticalSlice, ConfigError> {
        Ok(EllipticalSlice::new(self.prior.build(dim).map_err(|e| e.under("prior"))?))
    }
}

impl Settings for EllipticalSliceConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        Self::LAW
    }
}

/// Elliptical slice sampling around a fixed Gaussian.
pub struct EllipticalSlice {
    prior: Gaussian,
}

impl EllipticalSlice {
    /// Splits `prior` off the target.
    pub fn new(prior: Gaussian) -> Self {
        Self { prior }
    }
}

/// A chain whose bracket is still open.
struct Open {
    row: usize,
    level: f64,
    low: f64,
    high: f64,
    angle: f64,
}

impl Kernel for EllipticalSlice {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf::new(NAME, Role::Local)]
    }

    fn law(&self) -> Law {
        EllipticalSliceConfig::LAW
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let (n, dim) = (block.rows(), block.dim());
        let (mut nu, mut noise, mut y) = (scratch(n * dim), scratch(dim), scratch(n * dim));
        let (mut log_prob, mut log_prior) = (scratch(n), scratch(n));
        self.prior.log_prob(block.x(), &mut log_prior);
        let parts = block.parts();
        let mut open: Vec<Open> = Vec::with_capacity(n);
        for (row, nu) in nu.chunks_exact_mut(dim).enumerate() {
            let stream = &mut parts.streams[row];
            stream.fill_normal(&mut noise);
            nu.fill(0.0);
            self.prior.scale().add(1.0, &noise, nu);
            let level = parts.log_prob[row] - log_prior[row] + stream.uniform().ln();
            let angle = std::f64::consts::TAU * stream.uniform();
            open.push(Open { row, level, low: angle - std::f64::consts::TAU, high: angle, angle });
        }
        for _ in 0..MAX_SHRINKS {
            let k = open.len();
            if k == 0 {
                break;
            }
            for (o, y) in open.iter().zip(y.chunks_exact_mut(dim)) {
                let (sin, cos) = o.angle.sin_cos();
                let ellipse = block.x().row(o.row).iter().zip(&nu[o.row * dim..]).zip(self.prior.mean());
                for (y, ((x, nu), m)) in y.iter_mut().zip(ellipse) {
                    *y = m + (x - m) * cos + nu * sin;
                }
            }
            let points = Batch::new(&y[..k * dim], dim);
            context.target.log_prob(points, &mut log_prob[..k]);
            self.prior.log_prob(points, &mut log_prior[..k]);
            let mut slot = 0;
            open.retain_mut(|o| {
                let tally = sheet.tally(o.row);
                let i = slot;
                slot += 1;
                tally.tries += 1;
                if usable(log_prob[i], &[], tally) && log_prob[i] - log_prior[i] > o.level {
                    tally.moves += 1;
                    tally.accept_prob += 1.0;
                    block.move_to(o.row, &y[i * dim..(i + 1) * dim], log_prob[i], None);
                    return false;
                }
                if o.angle < 0.0 {
                    o.low = o.angle;
                } else {
                    o.high = o.angle;
                }
                o.angle = o.low + (o.high - o.low) * block.stream(o.row).uniform();
                true
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::{StandardNormal, long_run, mean_accept};

    #[test]
    fn its_own_prior_is_drawn_at_once() {
        // With pi = N(0, I) = the prior, l = 1 and the first angle is always taken: one try per move.
        let kernel = EllipticalSliceConfig::default().build(2).unwrap();
        let (_, tally) = mean_accept(&kernel, &StandardNormal(2), 5, 40);
        assert_eq!(tally.tries, tally.moves);
    }

    #[test]
    fn another_prior_keeps_the_target() {
        let prior = GaussianProposalConfig { mean: vec![0.5], sd: vec![2.0], ..Default::default() };
        let kernel = EllipticalSliceConfig { prior }.build(2).unwrap();
        let run = long_run(&kernel, &StandardNormal(2), 200, 20, 100);
        let n = run.data().len() as f64;
        let mean = run.data().iter().sum::<f64>() / n;
        let square = run.data().iter().map(|v| v * v).sum::<f64>() / n;
        // Autocorrelation time below 5.
        assert!(mean.abs() < 5.0 * (5.0 / n).sqrt(), "{mean}");
        assert!((square - 1.0).abs() < 5.0 * (10.0 / n).sqrt(), "{square}");
    }
}
