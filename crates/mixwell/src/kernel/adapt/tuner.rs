//! A step size with its metric, and what is needed to improve both during warm-up.
//!
//! The metric is a [`Scale`] `L`: the kernel works as if the target were expressed in `u = L^-1 x`. When a slow window
//! closes, `L` is replaced, the step is rescaled so that its geometric mean length in `x` stays, and the step rule starts anew.

use serde::{Deserialize, Serialize};

use super::acceptance::SharedAcceptance;
use super::metric::MetricKind;
use super::moments::Moments;
use super::step_rule::{StepAdapter, StepRule};
use super::windows::Windows;
use crate::kernel::{KernelState, StateError, Tallies, Warmup};
use crate::proposal::Scale;
use crate::range::open_share;
use crate::{Batch, ConfigError};

/// What a [`Tuner`] starts from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TunerConfig {
    /// The step size at first.
    pub step: f64,
    /// 1 for steps that are lengths, 2 for steps that are squared lengths (`eta`).
    pub power: i32,
    /// How the step size is adapted.
    pub rule: StepRule,
    /// Acceptance that adaptation aims at.
    pub target_accept: f64,
    /// How the acceptance of one step of all chains is summed up.
    pub acceptance: AcceptanceOver,
    /// The metric to learn.
    pub metric: MetricKind,
}

/// How the acceptance of one step of all chains is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptanceOver {
    /// The mean over all tries.
    Tries,
    /// The mean over chains, in which a chain that fails all the time counts most: for moves along the gradient.
    Chains,
}

impl TunerConfig {
    /// Refuses settings that cannot be used; all but the step, whose name differs between kernels.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        open_share("target_accept", self.target_accept)?;
        self.rule.check()
    }
}

/// A step size and a metric, adapting until frozen.
///
/// A kernel that holds one and hands it out ([`Kernel::tuner`](crate::kernel::Kernel::tuner)) is adapted, frozen, saved and loaded by it.
pub struct Tuner {
    power: i32,
    target_accept: f64,
    over: AcceptanceOver,
    metric: MetricKind,
    state: State,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    step: f64,
    scale: Scale,
    adapter: StepAdapter,
    moments: Moments,
    acceptance: SharedAcceptance,
    updated: bool,
    frozen: bool,
}

impl Tuner {
    /// A tuner for kernels in `dim` dimensions, with the unit metric at first.
    pub fn new(config: &TunerConfig, dim: usize) -> Self {
        Self {
            power: config.power,
            target_accept: config.target_accept,
            over: config.acceptance,
            metric: config.metric,
            state: State {
                step: config.step,
                scale: Scale::Unit(dim),
                adapter: StepAdapter::new(config.rule, config.step),
                moments: Moments::new(config.metric),
                acceptance: SharedAcceptance::default(),
                updated: false,
                frozen: false,
            },
        }
    }

    /// The step size at present.
    pub fn step(&self) -> f64 {
        self.state.step
    }

    /// The metric at present: the kernel works as if the target were expressed in `L^-1 x`.
    pub fn scale(&self) -> &Scale {
        &self.state.scale
    }

    /// Learns from one warm-up step of all chains, which stand at the rows of `x`; no rows mean that only the step size is adapted.
    pub fn learn(&mut self, warmup: Warmup, x: Batch<'_>, tallies: Tallies<'_>) {
        if self.state.frozen {
            return;
        }
        let accept = match self.over {
            AcceptanceOver::Tries => tallies.mean_accept_prob(),
            AcceptanceOver::Chains => self.state.acceptance.of(tallies, self.target_accept),
        };
        self.update(warmup, x, accept);
    }

    /// Learns from one warm-up step; `accept` is the acceptance over all chains, if there was a try.
    fn update(&mut self, warmup: Warmup, x: Batch<'_>, accept: Option<f64>) {
        let State { step, scale, adapter, moments, updated, .. } = &mut self.state;
        if let Some(accept) = accept {
            let next = adapter.update(*step, accept, self.target_accept);
            if next.is_finite() && next > 0.0 {
                *step = next;
            }
            *updated = true;
        }
        if self.metric == MetricKind::Unit {
            return;
        }
        let windows = Windows::new(warmup.total);
        if windows.is_slow(warmup.step) && x.rows() > 0 {
            moments.add(x);
        }
        if windows.closes(warmup.step) {
            let learnt = std::mem::replace(moments, Moments::new(self.metric)).scale();
            if let Some(new) = learnt {
                let growth = (new.log_det() - scale.log_det()) / new.dim() as f64;
                *step *= (-f64::from(self.power) * growth).exp();
                *scale = new;
                adapter.restart(*step);
                *updated = false;
            }
        }
    }

    /// Ends adaptation; the step settles on its average, where the rule has one.
    pub fn freeze(&mut self) {
        if !self.state.frozen && self.state.updated {
            self.state.step = self.state.adapter.settle(self.state.step);
        }
        self.state.frozen = true;
    }

    /// Everything there is, under the name of a kernel.
    pub fn save(&self, name: &str) -> KernelState {
        KernelState::leaf(name, &self.state)
    }

    /// Goes on from what [`Tuner::save`] gave.
    ///
    /// # Errors
    /// When it belongs to a kernel of another name or to another number of dimensions.
    pub fn load(&mut self, name: &str, state: &KernelState) -> Result<(), StateError> {
        let read: State = state.read(name)?;
        if read.scale.dim() != self.state.scale.dim() {
            let found = format!("{} coordinates", read.scale.dim());
            return Err(StateError { expected: name.into(), found });
        }
        self.state = read;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Points, Stream};

    #[test]
    fn the_metric_finds_the_scales_and_a_resumed_tuner_agrees_bitwise() {
        // Independent draws with standard deviations 10 and 0.1.
        let config = TunerConfig {
            step: 1.0,
            power: 1,
            rule: StepRule::DualAveraging,
            target_accept: 0.8,
            acceptance: AcceptanceOver::Tries,
            metric: MetricKind::Diagonal,
        };
        let (mut a, mut b) = (Tuner::new(&config, 2), Tuner::new(&config, 2));
        let mut s = Stream::new(1, 0);
        for step in 0..400 {
            let x = Points::from_rows(&[[10.0 * s.normal(), 0.1 * s.normal()]; 1]);
            let accept = Some(s.uniform());
            for t in [&mut a, &mut b] {
                t.update(Warmup { step, total: 400 }, x.as_batch(), accept);
            }
            let saved = b.save("k");
            b = Tuner::new(&config, 2);
            b.load("k", &saved).unwrap();
        }
        a.freeze();
        b.freeze();
        assert_eq!((a.step(), a.scale()), (b.step(), b.scale()));
        let Scale::Diagonal(sd) = a.scale() else { panic!() };
        // The last window holds 200 draws: relative error of a standard deviation is about 5 %.
        assert!((sd[0] / 10.0 - 1.0).abs() < 0.25 && (sd[1] / 0.1 - 1.0).abs() < 0.25, "{sd:?}");
        assert!(b.load("k", &Tuner::new(&config, 3).save("k")).is_err());
    }
}
