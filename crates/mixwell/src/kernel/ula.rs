//! Unadjusted Langevin algorithm (ULA). **Biased**: it does not keep the target's law.
//!
//! `y = x + eta g(x) + sqrt(2 eta T) xi`, always taken. On `N(0, 1)` with `T = 1` the stationary variance is
//! `1 / (1 - eta/2)`; the bias shrinks with `eta`. `T` is the temperature: a noise scale `s` that is not `sqrt(2 eta)`, which
//! some papers use, samples at `T = s^2 / (2 eta)`, and is written that way here. `T = 0` is gradient ascent.
//! Options of the EBM papers: `max_drift` limits each coordinate of `eta g`, `bounds` limits each coordinate of the state.
//! A step to a point whose log-density or gradient is not finite is not taken. Cost: one gradient per chain and step.
//! Reference: Roberts and Tweedie, Bernoulli 2 (1996).

use serde::{Deserialize, Serialize};

use super::accept::usable;
use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Needs, Role, StepSize, TallySheet};
use crate::range::{not_negative, positive};
use crate::scratch::scratch;
use crate::{Batch, BatchMut, ConfigError};

const NAME: &str = "ula";

/// Settings of [`Ula`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UlaConfig {
    /// Step: a number is `eta` (noise variance `2 eta`); `{ tau = .. }` and `{ dt = .. }` are converted.
    pub step_size: StepSize,
    /// Temperature of the noise: its variance is `2 eta temperature`; 0 switches the noise off.
    pub temperature: f64,
    /// Largest change of a coordinate by the gradient in one step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_drift: Option<f64>,
    /// Interval that every coordinate is clipped to after a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<[f64; 2]>,
}

impl Default for UlaConfig {
    fn default() -> Self {
        Self { step_size: StepSize::from_eta(0.01), temperature: 1.0, max_drift: None, bounds: None }
    }
}

impl UlaConfig {
    const LAW: Law = Law::biased();

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.step_size.check("step_size")?;
        not_negative("temperature", self.temperature)?;
        self.max_drift.map_or(Ok(()), |m| positive("max_drift", m))?;
        match self.bounds {
            Some([low, high]) if low.is_nan() || high.is_nan() || low >= high => Err(ConfigError::new(
                "bounds",
                format!("[{low}, {high}]"),
                "the first must be below the second",
            )),
            _ => Ok(()),
        }
    }

    /// The kernel.
    pub fn build(&self) -> Result<Ula, ConfigError> {
        self.check()?;
        Ok(Ula { config: self.clone() })
    }
}

impl Settings for UlaConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, _: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build()?))
    }

    fn law(&self) -> Law {
        Self::LAW
    }

    fn set_step_size(&mut self, step: StepSize) {
        self.step_size = step;
    }
}

/// The unadjusted Langevin algorithm.
pub struct Ula {
    config: UlaConfig,
}

impl Kernel for Ula {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf { step_size: Some(self.config.step_size.eta()), ..Leaf::new(NAME, Role::Local) }]
    }

    fn law(&self) -> Law {
        UlaConfig::LAW
    }

    fn needs(&self) -> Needs {
        Needs { gradient: true, ..Needs::default() }
    }

    fn adapts(&self) -> bool {
        false
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let (n, dim) = (block.rows(), block.dim());
        let UlaConfig { step_size, temperature, max_drift, bounds } = self.config;
        let (eta, limit) = (step_size.eta(), max_drift.unwrap_or(f64::INFINITY));
        let sd = (2.0 * eta * temperature).sqrt();
        let [low, high] = bounds.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        block.gradients(context.target);
        let (mut y, mut grad, mut log_prob) = (scratch(n * dim), scratch(n * dim), scratch(n));
        let parts = block.parts();
        for (row, y) in y.chunks_exact_mut(dim).enumerate() {
            parts.streams[row].fill_normal(y);
            for ((y, x), g) in y.iter_mut().zip(parts.x.row(row)).zip(parts.grad.row(row)) {
                *y = (x + (eta * g).clamp(-limit, limit) + sd * *y).clamp(low, high);
            }
        }
        context.target.log_prob_and_grad(Batch::new(&y, dim), &mut log_prob, BatchMut::new(&mut grad, dim));
        for row in 0..n {
            let (y, g) = (&y[row * dim..(row + 1) * dim], &grad[row * dim..(row + 1) * dim]);
            let tally = sheet.tally(row);
            tally.tries += 1;
            if usable(log_prob[row], g, tally) {
                tally.accept_prob += 1.0;
                tally.moves += 1;
                block.move_to(row, y, log_prob[row], Some(g));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::{StandardNormal, long_run};

    #[test]
    fn stationary_variance_is_off_by_the_known_factor() {
        // x' = (1 - eta) x + sqrt(2 eta T) xi: variance T / (1 - eta/2); at eta = .5, T = 1: 4/3, at T = .25: 1/3.
        for (temperature, expected) in [(1.0, 4.0 / 3.0), (0.25, 1.0 / 3.0)] {
            let step_size = StepSize::from_eta(0.5);
            let ula = UlaConfig { step_size, temperature, ..Default::default() }.build().unwrap();
            let run = long_run(&ula, &StandardNormal(1), 200, 50, 500);
            let n = run.rows() as f64;
            let variance = run.data().iter().map(|x| x * x).sum::<f64>() / n;
            // Squares have autocorrelation (1 - eta)^2 = 1/4: inflation 5/3; Var of a square is 2 sigma^4.
            let se = expected * (2.0 * 5.0 / 3.0 / n).sqrt();
            assert!((variance - expected).abs() < 5.0 * se, "{variance} {expected} {se}");
        }
    }

    #[test]
    fn noise_off_and_limits() {
        // From x = 4 on N(0, 1), eta = .5: drift -2, limited to -.1: 3.9; clipped at 3.
        let config = UlaConfig {
            step_size: StepSize::from_eta(0.5),
            temperature: 0.0,
            max_drift: Some(0.1),
            bounds: None,
        };
        let one =
            |c: &UlaConfig| crate::kernel::tests::one_step(&c.build().unwrap(), &StandardNormal(1), &[4.0]);
        assert_eq!(one(&config), [3.9]);
        assert_eq!(one(&UlaConfig { bounds: Some([-3.0, 3.0]), ..config }), [3.0]);
    }

    #[test]
    fn unusable_settings_are_refused() {
        let bad = |c: UlaConfig| c.check().unwrap_err().key;
        assert_eq!(bad(UlaConfig { temperature: f64::NAN, ..Default::default() }), "temperature");
        assert_eq!(bad(UlaConfig { bounds: Some([1.0, 1.0]), ..Default::default() }), "bounds");
        assert_eq!(bad(UlaConfig { max_drift: Some(0.0), ..Default::default() }), "max_drift");
    }
}
