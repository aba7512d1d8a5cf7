//! Where chains start.
//!
//! Starts are drawn from a stream of their own, so that they do not depend on how chains move later. The values
//! computed while finding and checking them are those that the chains begin with, so nothing is evaluated twice, and nothing
//! at all when a run is resumed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::state::Spent;
use crate::density::{Counted, EvaluationError, Target, contradiction};
use crate::kernel::Ensemble;
use crate::rng::START_STREAM;
use crate::{Batch, ConfigError, Points, Stream, range};

/// Where chains start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Start {
    /// Every coordinate uniform on (-radius, radius): the usual overdispersed default.
    Uniform {
        /// Half the width of the interval.
        radius: f64,
    },
    /// Every coordinate normal around zero.
    Gaussian {
        /// Its standard deviation.
        scale: f64,
    },
    /// Chains are dealt out to the known mode centres of the target, with normal noise around them.
    Modes {
        /// Standard deviation of the noise.
        jitter: f64,
    },
    /// All chains at one known mode centre of the target, with normal noise around it: whether they find the others shows
    /// whether a method mixes.
    Mode {
        /// The mode, counted from zero.
        mode: usize,
        /// Standard deviation of the noise; zero for none.
        #[serde(default)]
        jitter: f64,
    },
    /// Draws of the law that the target gives other weights to: the prior of a GAN's latents, the base of an energy.
    Base,
    /// Exact draws, for targets that can make them.
    Exact,
    /// Given points, one per row; chains beyond the last row start again at the first.
    Points {
        /// The points.
        points: Vec<Vec<f64>>,
    },
}

impl Default for Start {
    fn default() -> Self {
        Start::Uniform { radius: 2.0 }
    }
}

/// Points tried per chain before giving up on finding one inside the support.
const ATTEMPTS: usize = 100;

impl Start {
    /// Checks ranges that do not depend on the target.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (key, value) = match self {
            Start::Uniform { radius } => ("radius", *radius),
            Start::Gaussian { scale } => ("scale", *scale),
            Start::Modes { jitter } | Start::Mode { jitter, .. } if *jitter == 0.0 => return Ok(()),
            Start::Modes { jitter } | Start::Mode { jitter, .. } => ("jitter", *jitter),
            Start::Base | Start::Exact => return Ok(()),
            Start::Points { points } => {
                if points.is_empty() {
                    return Err(ConfigError::new("points", "empty", "at least one is needed"));
                }
                let named = |(i, point): (usize, &Vec<f64>)| range::vector(&format!("points[{i}]"), point);
                return points.iter().enumerate().try_for_each(named);
            }
        };
        range::positive(key, value)
    }

    /// The starting points of `chains` chains.
    ///
    /// Random starts outside the support (`-inf`) or where the target is NaN are drawn again, up to 100 times; given
    /// points and known modes are taken as they are.
    ///
    /// # Errors
    /// When the target has no modes or exact draws that were asked for, given points have the wrong dimension, or
    /// the target fails.
    pub fn points(&self, target: &dyn Target, chains: usize, seed: u64) -> Result<Points, RunError> {
        Ok(self.place(target, chains, seed)?.0)
    }

    /// The starting points, with their log-densities where finding them took these.
    fn place(
        &self,
        target: &dyn Target,
        chains: usize,
        seed: u64,
    ) -> Result<(Points, Option<Vec<f64>>), RunError> {
        let dim = target.dim();
        let mut stream = Stream::new(seed, START_STREAM);
        let mut x = Points::zeros(chains, dim);
        match self {
            Start::Points { points } => {
                for (chain, row) in x.as_batch_mut().iter_mut().enumerate() {
                    let point = &points[chain % points.len()];
                    if point.len() != dim {
                        let reason = format!("the target has {dim} coordinates");
                        let value = format!("a row of {} numbers", point.len());
                        return Err(ConfigError::new("start.points", value, reason).into());
                    }
                    row.copy_from_slice(point);
                }
            }
            Start::Modes { jitter } => {
                let centres = centres(target, "modes")?;
                let dealt = |chain: usize| centres.row(chain % centres.rows());
                scatter(&mut x, dealt, *jitter, &mut stream);
            }
            Start::Mode { mode, jitter } => {
                let centres = centres(target, "mode")?;
                if *mode >= centres.rows() {
                    let reason = format!("the target has {} modes, counted from 0", centres.rows());
                    return Err(ConfigError::new("start.mode", mode, reason).into());
                }
                scatter(&mut x, |_| centres.row(*mode), *jitter, &mut stream);
            }
            Start::Base => {
                let base = target.base().ok_or_else(|| {
                    let reason = "this target is made of no other law; use `gaussian` or `uniform`";
                    ConfigError::new("start.kind", "base", reason)
                })?;
                let mut noise = Points::zeros(chains, base.law.noise_dim());
                stream.fill_normal(noise.data_mut());
                base.law.push(noise.as_batch(), x.as_batch_mut(), &mut vec![0.0; chains]);
            }
            Start::Exact => {
                let sampler = target.exact_sampler().ok_or_else(|| {
                    ConfigError::new("start.kind", "exact", "this target has no exact sampler; use `uniform`")
                })?;
                for row in x.as_batch_mut().iter_mut() {
                    sampler.sample(&mut stream, row);
                }
            }
            Start::Uniform { radius } => {
                let log_prob = draw_inside(target, &mut x, || radius * (2.0 * stream.uniform() - 1.0))?;
                return Ok((x, Some(log_prob)));
            }
            Start::Gaussian { scale } => {
                let log_prob = draw_inside(target, &mut x, || scale * stream.normal())?;
                return Ok((x, Some(log_prob)));
            }
        }
        Ok((x, None))
    }

    /// The starts of a run, evaluated: the log-density, and the gradient where it is needed, must be finite there.
    pub(super) fn evaluate(
        &self,
        target: &dyn Target,
        chains: usize,
        seed: u64,
        gradient: bool,
    ) -> Result<Evaluated, RunError> {
        let target = Counted::new(target);
        let (x, log_prob) = self.place(&target, chains, seed)?;
        let log_prob = match log_prob {
            Some(log_prob) => log_prob,
            None => {
                let mut log_prob = vec![0.0; chains];
                target.log_prob(x.as_batch(), &mut log_prob)?;
                log_prob
            }
        };
        for (chain, (value, point)) in log_prob.iter().zip(x.as_batch().iter()).enumerate() {
            if !value.is_finite() {
                return Err(refuse("log-density", *value, chain, point));
            }
        }
        let (mut grad, mut checks) = (None, 0);
        if gradient {
            let mut values = Points::zeros(chains, x.dim());
            target.log_prob_and_grad(x.as_batch(), &mut vec![0.0; chains], values.as_batch_mut())?;
            for (chain, (row, point)) in values.as_batch().iter().zip(x.as_batch().iter()).enumerate() {
                if let Some(value) = row.iter().find(|g| !g.is_finite()) {
                    return Err(refuse("gradient", *value, chain, point));
                }
            }
            // Counted apart: these evaluations are about the target, not part of the run.
            let asked = Counted::new(*target.inner());
            if let Some(c) = contradiction(&asked, x.as_batch())? {
                return Err(RunError::Contradiction { what: c.to_string(), chain: c.row });
            }
            checks = asked.densities() + asked.gradients();
            grad = Some(values);
        }
        let spent =
            Spent { seconds: 0.0, densities: target.densities(), gradients: target.gradients(), checks };
        Ok(Evaluated { x, log_prob, grad, version: target.version(), spent })
    }
}

/// Starts with what the target is there.
pub(super) struct Evaluated {
    x: Points,
    log_prob: Vec<f64>,
    grad: Option<Points>,
    /// Version of the target.
    version: u64,
    /// What finding and checking them cost.
    pub spent: Spent,
}

impl Evaluated {
    /// Where the first chain starts.
    pub fn first(&self) -> &[f64] {
        self.x.as_batch().row(0)
    }

    /// Where chains start, one row each.
    pub fn points(&self) -> Batch<'_> {
        self.x.as_batch()
    }

    /// Chains at the starts, one with each stream.
    pub fn chains(self, streams: Vec<Stream>) -> Ensemble {
        let mut chains = Ensemble::evaluated(self.x, self.log_prob, self.grad, streams);
        chains.belongs_to(self.version);
        chains
    }
}

fn refuse(what: &'static str, value: f64, chain: usize, point: &[f64]) -> RunError {
    let shown: Vec<String> = point.iter().take(8).map(f64::to_string).collect();
    let more = if point.len() > 8 { ", .." } else { "" };
    RunError::Start { what, value, chain, point: format!("x = [{}{more}]", shown.join(", ")) }
}

/// The centres of the target's modes, which the start `kind` needs.
fn centres(target: &dyn Target, kind: &str) -> Result<Points, ConfigError> {
    let reason = "this target knows no mode centres; use `points` to give them";
    let modes = target.facts().modes.ok_or_else(|| ConfigError::new("start.kind", kind, reason))?;
    Ok(modes.centres)
}

/// Normal noise around a centre for each chain.
fn scatter<'c>(x: &mut Points, centre: impl Fn(usize) -> &'c [f64], jitter: f64, stream: &mut Stream) {
    for (chain, row) in x.as_batch_mut().iter_mut().enumerate() {
        for (v, c) in row.iter_mut().zip(centre(chain)) {
            *v = c + jitter * stream.normal();
        }
    }
}

/// Draws every row until the target is finite there, and hands back the log-densities.
fn draw_inside(
    target: &dyn Target,
    x: &mut Points,
    mut draw: impl FnMut() -> f64,
) -> Result<Vec<f64>, EvaluationError> {
    let mut log_prob = vec![0.0; x.rows()];
    for (chain, log_prob) in log_prob.iter_mut().enumerate() {
        for _ in 0..ATTEMPTS {
            for v in x.row_mut(chain) {
                *v = draw();
            }
            target.log_prob(x.as_batch().slice(chain..chain + 1), std::slice::from_mut(log_prob))?;
            if log_prob.is_finite() {
                break;
            }
        }
    }
    Ok(log_prob)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{Failure, Guarded};
    use crate::{Batch, BatchMut};

    /// Uniform on the positive half line of one coordinate.
    struct Half;

    impl Target for Half {
        fn dim(&self) -> usize {
            1
        }
        fn evaluate(
            &self,
            x: Batch<'_>,
            out: &mut [f64],
            grad: Option<BatchMut<'_>>,
        ) -> Result<(), EvaluationError> {
            for (row, out) in x.iter().zip(out) {
                *out = if row[0] > 0.0 { 0.0 } else { f64::NEG_INFINITY };
            }
            if let Some(mut grad) = grad {
                grad.data_mut().fill(0.0);
            }
            Ok(())
        }
    }

    #[test]
    fn random_starts_are_inside_the_support() {
        let x = Start::default().points(&Half, 50, 1).unwrap();
        assert!(x.data().iter().all(|v| *v > 0.0));
        assert_eq!(x, Start::default().points(&Half, 50, 1).unwrap());
    }

    /// As many evaluations as there are tries, and one gradient per chain; the chains begin with both.
    #[test]
    fn starts_are_evaluated_once() {
        let gaussian =
            crate::density::StandardGaussianConfig { dim: 2, ..Default::default() }.build().unwrap();
        let given = Start::Points { points: vec![vec![1.0, 2.0]] };
        for start in [Start::default(), Start::Gaussian { scale: 1.0 }, given] {
            let starts = start.evaluate(&gaussian, 7, 1, true).unwrap();
            assert_eq!((starts.spent.densities, starts.spent.gradients), (7, 7), "{start:?}");
            let counted = Counted::new(&gaussian as &dyn Target);
            let mut chains = starts.chains(Stream::for_chains(1, 7));
            let log_prob = chains.log_prob().to_vec();
            let failure = Failure::default();
            let grad = chains.whole().gradients(Guarded::new(&counted, &failure)).data().to_vec();
            assert_eq!((counted.densities(), counted.gradients()), (0, 0), "{start:?}");
            let mut afresh = Ensemble::new(
                &gaussian,
                Points::from_vec(chains.x().data().to_vec(), 2),
                Stream::for_chains(1, 7),
            )
            .unwrap();
            assert_eq!(afresh.log_prob(), log_prob);
            assert_eq!(afresh.whole().gradients(Guarded::new(&gaussian, &failure)).data(), grad);
        }
    }

    #[test]
    fn all_chains_at_one_mode() {
        let target = crate::density::ThreeModesConfig::default().build().unwrap();
        let x = Start::Mode { mode: 0, jitter: 0.0 }.points(&target, 3, 1).unwrap();
        assert_eq!(x.data(), [0.0, 4.0, 0.0, 4.0, 0.0, 4.0]);
        let error = Start::Mode { mode: 3, jitter: 0.0 }.points(&target, 3, 1).unwrap_err();
        assert_eq!(error.to_string(), "`start.mode` is 3, but the target has 3 modes, counted from 0");
        assert_eq!(Start::Mode { mode: 0, jitter: f64::NAN }.check().unwrap_err().key, "jitter");
    }

    #[test]
    fn what_a_target_lacks_is_an_error() {
        let refused = |start: Start| start.points(&Half, 1, 1).unwrap_err().to_string();
        assert!(refused(Start::Mode { mode: 0, jitter: 0.0 }).contains("is mode,"));
        assert!(refused(Start::Exact).contains("is exact,"));
        let wrong = Start::Points { points: vec![vec![1.0, 2.0]] };
        assert!(refused(wrong).contains("1 coordinates"));
    }
}
