//! A step size with its metric, and what is needed to improve both during warm-up.
//!
//! The metric is a [`Scale`] `L`: the kernel works as if the target were expressed in `u = L^-1 x`. When a slow window
//! closes, `L` is replaced, the step is rescaled so that its geometric mean length in `x` stays, and the step rule starts anew.

use serde::{Deserialize, Serialize};

use super::acceptance::SharedAcceptance;
use super::moments::Moments;
use super::step_rule::{StepAdapter, StepRule};
use super::windows::Windows;
use crate::kernel::{KernelState, StateError, Tallies, Warmup};
use crate::proposal::Scale;
use crate::{Batch, ConfigError};

/// Which metric a kernel learns during warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// None: all directions alike.
    Unit,
    /// A standard deviation per coordinate.
    Diagonal,
    /// A full covariance.
    Dense,
}

/// How many matrices of `dim x dim` a metric holds (sums of squares, factor), and how many more while it is computed
/// (covariance, its factor twice, the new metric).
pub(crate) fn matrices(metric: MetricKind) -> (usize, usize) {
    match metric {
        MetricKind::Unit | MetricKind::Diagonal => (0, 0),
        MetricKind::Dense => (2, 4),
    }
}

/// What a [`Tuner`] starts from.
pub(crate) struct TunerConfig {
    pub(crate) step: f64,
    /// 1 for steps that are lengths, 2 for steps that are squared lengths (`eta`).
    pub(crate) power: i32,
    pub(crate) rule: StepRule,
    pub(crate) target_accept: f64,
    pub(crate) metric: MetricKind,
}

impl TunerConfig {
    /// Checks all but the step, whose name differs between kernels.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        super::super::range::open_fraction("target_accept", self.target_accept)?;
        self.rule.check()
    }
}

/// A step size and a metric, adapting until frozen.
pub(crate) struct Tuner {
    power: i32,
    target_accept: f64,
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
    pub(crate) fn new(config: &TunerConfig, dim: usize) -> Self {
        Self {
            power: config.power,
            target_accept: config.target_accept,
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

    pub(crate) fn step(&self) -> f64 {
        self.state.step
    }

    pub(crate) fn scale(&self) -> &Scale {
        &self.state.scale
    }

    /// Learns from one warm-up step of Hamiltonian trajectories, which a chain can fail at all the time.
    pub(crate) fn update_trajectories(&mut self, warmup: Warmup, x: Batch<'_>, tallies: Tallies<'_>) {
        if !self.state.frozen {
            let accept = self.state.acceptance.of(tallies, self.target_accept);
            self.update(warmup, x, accept);
        }
    }

    /// Learns from one warm-up step; `accept` is the mean acceptance over all chains, if there was a try.
    ///
    /// No positions (zero rows) means that only the step size is adapted.
    pub(crate) fn update(&mut self, warmup: Warmup, x: Batch<'_>, accept: Option<f64>) {
        let State { step, scale, adapter, moments, updated, frozen, .. } = &mut self.state;
        if *frozen {
            return;
        }
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

    pub(crate) fn freeze(&mut self) {
        if !self.state.frozen && self.state.updated {
            self.state.step = self.state.adapter.settle(self.state.step);
        }
        self.state.frozen = true;
    }

    pub(crate) fn save(&self, name: &str) -> KernelState {
        KernelState::leaf(name, &self.state)
    }

    pub(crate) fn load(&mut self, name: &str, state: &KernelState) -> Result<(), StateError> {
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
