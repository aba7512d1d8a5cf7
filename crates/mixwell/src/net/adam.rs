//! Adam and AdamW with clipping by the global norm and learning-rate schedules as data.
//!
//! `m <- b1 m + (1 - b1) g`, `v <- b2 v + (1 - b2) g^2`, `p <- p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)`.
//! Weight decay `w`: coupled, `g <- g + w p` before all this (Adam), or decoupled, `p <- p - rate w p` (AdamW).
//! References: [kingma2015adam], Algorithm 1; [loshchilov2019decoupled], Algorithm 2.
//! A gradient that is not finite changes nothing.

use serde::{Deserialize, Serialize};

use super::values::{Stored, Values};
use crate::{ConfigError, range};
use mixwell_vector::Real;
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// How the learning rate changes with the number of steps already made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LearningRate {
    /// It does not.
    #[default]
    Constant,
    /// Multiplied by `factor` every `every` steps, in jumps.
    Step {
        /// Steps between jumps.
        every: u64,
        /// Factor of a jump.
        factor: f64,
    },
    /// Multiplied by `factor` every `every` steps, smoothly.
    Exponential {
        /// Steps over which the factor accumulates.
        every: u64,
        /// The factor.
        factor: f64,
    },
    /// Divided by `1 + t / every` after `t` steps: the rates have an infinite sum and the squares a finite one, as stochastic
    /// approximation asks for (Robbins and Monro 1951).
    InverseTime {
        /// Steps after which the rate has halved.
        every: u64,
    },
    /// Half a cosine from 1 to `floor` over `total` steps, then `floor`.
    Cosine {
        /// Length.
        total: u64,
        /// Fraction of the learning rate that is left.
        floor: f64,
    },
    /// A line from 1 to `floor` over `total` steps, then `floor`.
    Linear {
        /// Length.
        total: u64,
        /// Fraction of the learning rate that is left.
        floor: f64,
    },
}

impl LearningRate {
    /// The factor on the learning rate after `steps` steps.
    pub fn factor(self, steps: u64) -> f64 {
        let t = steps as f64;
        match self {
            Self::Constant => 1.0,
            Self::Step { every, factor } => factor.powf((steps / every) as f64),
            Self::Exponential { every, factor } => factor.powf(t / every as f64),
            Self::InverseTime { every } => 1.0 / (1.0 + t / every as f64),
            Self::Cosine { total, floor } => {
                let phase = (t / total as f64).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * phase).cos())
            }
            Self::Linear { total, floor } => 1.0 + (floor - 1.0) * (t / total as f64).min(1.0),
        }
    }
}

/// Settings of the optimiser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserConfig {
    /// Learning rate before schedule and warm-up.
    pub learning_rate: f64,
    /// How the learning rate changes.
    pub schedule: LearningRate,
    /// Steps over which the learning rate rises linearly from zero; 0 for none.
    pub warmup_steps: u64,
    /// Memory of the gradient's mean.
    pub beta1: f64,
    /// Memory of the gradient's square.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Weight decay; 0 for none.
    pub weight_decay: f64,
    /// Weight decay apart from the gradient (AdamW) instead of within it (Adam).
    pub decoupled: bool,
    /// Largest norm of a gradient, longer ones are shortened to it; 0 for no limit.
    pub clip_norm: f64,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            schedule: LearningRate::Constant,
            warmup_steps: 0,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            decoupled: true,
            clip_norm: 1.0,
        }
    }
}

impl OptimiserConfig {
    /// Every range check.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::positive("learning_rate", self.learning_rate)?;
        range::below_one("beta1", self.beta1)?;
        range::below_one("beta2", self.beta2)?;
        range::positive("epsilon", self.epsilon)?;
        range::not_negative("weight_decay", self.weight_decay)?;
        range::not_negative("clip_norm", self.clip_norm)?;
        match self.schedule {
            LearningRate::Constant => Ok(()),
            LearningRate::Step { every, factor } | LearningRate::Exponential { every, factor } => {
                range::at_least("schedule.every", every, 1)?;
                range::positive("schedule.factor", factor)
            }
            LearningRate::InverseTime { every } => range::at_least("schedule.every", every, 1),
            LearningRate::Cosine { total, floor } | LearningRate::Linear { total, floor } => {
                range::at_least("schedule.total", total, 1)?;
                range::share("schedule.floor", floor)
            }
        }
    }

    /// The learning rate of the step after `steps` steps.
    pub fn rate(&self, steps: u64) -> f64 {
        let warm =
            if steps < self.warmup_steps { (steps + 1) as f64 / self.warmup_steps as f64 } else { 1.0 };
        self.learning_rate * self.schedule.factor(steps) * warm
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The learning rate it used.
    pub learning_rate: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Whether the gradient was shortened.
    pub clipped: bool,
    /// False when the gradient was not finite: nothing was changed.
    pub applied: bool,
}

/// Moments and step count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamState {
    /// Steps made.
    pub steps: u64,
    /// Running mean of the gradient.
    pub mean: Values,
    /// Running mean of its square.
    pub square: Values,
}

/// The optimiser of one flat parameter vector.
#[derive(Clone, Debug)]
pub struct Adam {
    config: OptimiserConfig,
    state: AdamState,
}

impl Adam {
    /// An optimiser for parameters like these.
    pub fn new(config: &OptimiserConfig, params: &Values) -> Result<Self, ConfigError> {
        config.check()?;
        let state = AdamState { steps: 0, mean: params.zeros_like(), square: params.zeros_like() };
        Ok(Self { config: config.clone(), state })
    }

    /// The state, for a checkpoint.
    pub fn state(&self) -> &AdamState {
        &self.state
    }

    /// Goes on from a state. False (and nothing changed) when it belongs to other parameters.
    pub fn set_state(&mut self, state: &AdamState) -> bool {
        let fits = self.state.mean.matches(&state.mean) && self.state.square.matches(&state.square);
        if fits {
            self.state = state.clone();
        }
        fits
    }

    /// Forgets moments and step count.
    pub fn reset(&mut self) {
        self.state.steps = 0;
        self.state.mean = self.state.mean.zeros_like();
        self.state.square = self.state.square.zeros_like();
    }

    /// Moves the parameters against the gradient.
    ///
    /// # Panics
    /// When parameters and gradient are not of the length and precision the optimiser was made for.
    pub fn step<T: Stored>(&mut self, params: &mut [T], gradient: &[T]) -> StepReport {
        let c = &self.config;
        let learning_rate = c.rate(self.state.steps);
        let gradient_norm = norm(gradient);
        let clipped = c.clip_norm > 0.0 && gradient_norm > c.clip_norm;
        let mut report =
            StepReport { learning_rate, gradient_norm, clipped, applied: gradient_norm.is_finite() };
        if !report.applied {
            report.clipped = false;
            return report;
        }
        let scale = if clipped { c.clip_norm / gradient_norm } else { 1.0 };
        self.state.steps += 1;
        let t = self.state.steps as f64;
        let mean = T::slice_mut(&mut self.state.mean).expect("an optimiser of this precision");
        let square = T::slice_mut(&mut self.state.square).expect("an optimiser of this precision");
        assert!(
            params.len() == gradient.len() && params.len() == mean.len(),
            "an optimiser of another length"
        );
        let from = T::from_f64;
        simd::run(Update {
            params,
            gradient,
            mean,
            square,
            scale: from(scale),
            beta1: from(c.beta1),
            beta2: from(c.beta2),
            rate: from(learning_rate / (1.0 - c.beta1.powf(t))),
            root: from(1.0 / (1.0 - c.beta2.powf(t)).sqrt()),
            epsilon: from(c.epsilon),
            coupled: from(if c.decoupled { 0.0 } else { c.weight_decay }),
            keep: from(if c.decoupled { 1.0 - learning_rate * c.weight_decay } else { 1.0 }),
        });
        report
    }
}

/// Euclidean norm, summed in f64.
pub fn norm<T: Real>(v: &[T]) -> f64 {
    let mut sums = [0.0; 8];
    for chunk in v.chunks(8) {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x.to_f64() * x.to_f64();
        }
    }
    sums.iter().sum::<f64>().sqrt()
}

struct Update<'a, T> {
    params: &'a mut [T],
    gradient: &'a [T],
    mean: &'a mut [T],
    square: &'a mut [T],
    scale: T,
    beta1: T,
    beta2: T,
    rate: T,
    root: T,
    epsilon: T,
    coupled: T,
    keep: T,
}

impl<T: Real> Job for Update<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let s = Lanes::<T, I>::splat;
        let whole = self.params.len() / lanes * lanes;
        for i in (0..whole).step_by(lanes) {
            let p = Lanes::<T, I>::of(&self.params[i..]);
            let g = p.mul_add(s(self.coupled), Lanes::<T, I>::of(&self.gradient[i..]) * s(self.scale));
            let m = Lanes::<T, I>::of(&self.mean[i..]) * s(self.beta1) + g * s(T::ONE - self.beta1);
            let v = Lanes::<T, I>::of(&self.square[i..]) * s(self.beta2) + g * g * s(T::ONE - self.beta2);
            m.put(&mut self.mean[i..]);
            v.put(&mut self.square[i..]);
            let step = m * s(self.rate) / (v.sqrt() * s(self.root) + s(self.epsilon));
            (p * s(self.keep) - step).put(&mut self.params[i..]);
        }
        if whole < self.params.len() {
            // The last few through padded copies: the same arithmetic as the rest.
            let n = self.params.len() - whole;
            let pad = |from: &[T]| {
                let mut to = [T::ZERO; 16];
                to[..n].copy_from_slice(&from[whole..]);
                to
            };
            let (mut p, g, mut m, mut v) =
                (pad(self.params), pad(self.gradient), pad(self.mean), pad(self.square));
            let (pl, gl) = (Lanes::<T, I>::of(&p), Lanes::<T, I>::of(&g));
            let g = pl.mul_add(s(self.coupled), gl * s(self.scale));
            let ml = Lanes::<T, I>::of(&m) * s(self.beta1) + g * s(T::ONE - self.beta1);
            let vl = Lanes::<T, I>::of(&v) * s(self.beta2) + g * g * s(T::ONE - self.beta2);
            let step = ml * s(self.rate) / (vl.sqrt() * s(self.root) + s(self.epsilon));
            (pl * s(self.keep) - step).put(&mut p);
            ml.put(&mut m);
            vl.put(&mut v);
            self.params[whole..].copy_from_slice(&p[..n]);
            self.mean[whole..].copy_from_slice(&m[..n]);
            self.square[whole..].copy_from_slice(&v[..n]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_are_as_computed_by_hand() {
        simd::under_each(first_steps);
    }

    fn first_steps() {
        // g = 2, rate 0.1: m = 0.2, v = 0.004; both corrections give 2 and 4, so the step is 0.1 * 2 / (2 + 1e-8).
        // Then g = -1: m = 0.08, v = 0.004996; m / 0.19 = 0.421052632, v / 0.001999 = 2.499249625, root 1.580901523;
        // step 0.1 * 0.421052632 / 1.580901523 = 0.026633704.
        let config = OptimiserConfig { learning_rate: 0.1, clip_norm: 0.0, ..Default::default() };
        let mut params = vec![1.0f64; 11];
        let mut adam = Adam::new(&config, &Values::F64(params.clone())).unwrap();
        adam.step(&mut params, &[2.0; 11]);
        assert!(params.iter().all(|p| (p - 0.9).abs() < 1e-9));
        adam.step(&mut params, &[-1.0; 11]);
        assert!(params.iter().all(|p| (p - 0.9 + 0.026_633_704).abs() < 1e-8), "{params:?}");
    }

    #[test]
    fn decay_coupled_and_decoupled_differ() {
        // Zero gradient: AdamW takes rate * decay * p off; Adam sees the gradient decay * p, whose first step is the rate.
        for (decoupled, want) in [(true, 2.0 - 0.1 * 0.01 * 2.0), (false, 2.0 - 0.1)] {
            let config =
                OptimiserConfig { learning_rate: 0.1, weight_decay: 0.01, decoupled, ..Default::default() };
            let mut params = vec![2.0f64];
            Adam::new(&config, &Values::F64(params.clone())).unwrap().step(&mut params, &[0.0]);
            assert!((params[0] - want).abs() < 1e-6, "{params:?}");
        }
    }

    #[test]
    fn long_gradients_are_clipped_and_broken_ones_skipped() {
        let config = OptimiserConfig { clip_norm: 1.0, ..Default::default() };
        let mut params = vec![0.0f32; 2];
        let mut adam = Adam::new(&config, &Values::F32(params.clone())).unwrap();
        let report = adam.step(&mut params, &[3.0, 4.0]);
        assert!(report.clipped && report.gradient_norm == 5.0);
        // m = 0.1 * (0.6, 0.8)
        assert!((adam.state().mean.get(1) - 0.08).abs() < 1e-7);
        let before = (params.clone(), adam.state().clone());
        assert!(!adam.step(&mut params, &[f32::NAN, 0.0]).applied);
        assert_eq!(before, (params, adam.state().clone()));
    }

    #[test]
    fn schedules() {
        assert_eq!(LearningRate::Step { every: 10, factor: 0.5 }.factor(25), 0.25);
        assert!(
            (LearningRate::Exponential { every: 10, factor: 0.5 }.factor(5) - 0.5f64.sqrt()).abs() < 1e-15
        );
        assert!((LearningRate::Cosine { total: 100, floor: 0.1 }.factor(50) - 0.55).abs() < 1e-15);
        assert_eq!(LearningRate::InverseTime { every: 10 }.factor(30), 0.25);
        assert_eq!(LearningRate::Linear { total: 100, floor: 0.0 }.factor(200), 0.0);
        let config = OptimiserConfig { learning_rate: 1.0, warmup_steps: 4, ..Default::default() };
        assert_eq!([0, 1, 3, 4].map(|t| config.rate(t)), [0.25, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let base = OptimiserConfig::default();
        assert!(base.check().is_ok());
        for bad in [
            OptimiserConfig { learning_rate: f64::NAN, ..base.clone() },
            OptimiserConfig { beta1: 1.0, ..base.clone() },
            OptimiserConfig { epsilon: 0.0, ..base.clone() },
            OptimiserConfig { clip_norm: -1.0, ..base.clone() },
            OptimiserConfig { weight_decay: f64::INFINITY, ..base.clone() },
            OptimiserConfig { schedule: LearningRate::Step { every: 0, factor: 0.5 }, ..base.clone() },
            OptimiserConfig { schedule: LearningRate::InverseTime { every: 0 }, ..base.clone() },
            OptimiserConfig { schedule: LearningRate::Cosine { total: 5, floor: 2.0 }, ..base.clone() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
