//! Where chains start.
//!
//! Starts are drawn from a stream of their own, so that they do not depend on how chains move later.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::density::Target;
use crate::rng::START_STREAM;
use crate::{ConfigError, Points, Stream};

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
            Start::Exact => return Ok(()),
            Start::Points { points } => {
                return match points.iter().flatten().find(|v| !v.is_finite()) {
                    _ if points.is_empty() => {
                        Err(ConfigError::new("points", "empty", "at least one is needed"))
                    }
                    Some(v) => Err(ConfigError::new("points", v, "a start must be finite")),
                    None => Ok(()),
                };
            }
        };
        if value > 0.0 && value.is_finite() {
            Ok(())
        } else {
            Err(ConfigError::new(key, value, "it must be positive and finite"))
        }
    }

    /// The starting points of `chains` chains.
    ///
    /// Random starts outside the support (`-inf`) or where the target is NaN are drawn again, up to 100 times; given
    /// points and known modes are taken as they are.
    ///
    /// # Errors
    /// When the target has no modes or exact draws that were asked for, or given points have the wrong dimension.
    pub fn points(&self, target: &dyn Target, chains: usize, seed: u64) -> Result<Points, ConfigError> {
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
                        return Err(ConfigError::new("start.points", value, reason));
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
                    return Err(ConfigError::new("start.mode", mode, reason));
                }
                scatter(&mut x, |_| centres.row(*mode), *jitter, &mut stream);
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
                draw_inside(target, &mut x, || radius * (2.0 * stream.uniform() - 1.0));
            }
            Start::Gaussian { scale } => draw_inside(target, &mut x, || scale * stream.normal()),
        }
        Ok(x)
    }
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

fn draw_inside(target: &dyn Target, x: &mut Points, mut draw: impl FnMut() -> f64) {
    let mut log_prob = [0.0];
    for chain in 0..x.rows() {
        for _ in 0..ATTEMPTS {
            for v in x.row_mut(chain) {
                *v = draw();
            }
            target.log_prob(x.as_batch().slice(chain..chain + 1), &mut log_prob);
            if log_prob[0].is_finite() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, BatchMut};

    /// Uniform on the positive half line of one coordinate.
    struct Half;

    impl Target for Half {
        fn dim(&self) -> usize {
            1
        }
        fn log_prob(&self, x: Batch<'_>, out: &mut [f64]) {
            for (row, out) in x.iter().zip(out) {
                *out = if row[0] > 0.0 { 0.0 } else { f64::NEG_INFINITY };
            }
        }
        fn log_prob_and_grad(&self, x: Batch<'_>, out: &mut [f64], mut grad: BatchMut<'_>) {
            grad.data_mut().fill(0.0);
            self.log_prob(x, out);
        }
    }

    #[test]
    fn random_starts_are_inside_the_support() {
        let x = Start::default().points(&Half, 50, 1).unwrap();
        assert!(x.data().iter().all(|v| *v > 0.0));
        assert_eq!(x, Start::default().points(&Half, 50, 1).unwrap());
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
        assert_eq!(Start::Mode { mode: 0, jitter: 0.0 }.points(&Half, 1, 1).unwrap_err().value, "mode");
        assert_eq!(Start::Exact.points(&Half, 1, 1).unwrap_err().value, "exact");
        let wrong = Start::Points { points: vec![vec![1.0, 2.0]] };
        assert!(wrong.points(&Half, 1, 1).unwrap_err().to_string().contains("1 coordinates"));
    }
}
