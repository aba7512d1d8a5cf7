//! Magnetised Langevin interpolation: a chain on `V_m(z) = V(z) - m |z - goal|` walks from one point to another through
//! places where `V` is high.
//!
//! `z <- z + eta (grad V(z) - m (z - goal) / max(|z - goal|, 1e-8)) + sqrt(2 eta) xi`, unadjusted. The magnet pulls with the
//! same strength `m` from any distance. It is doubled, from 1, until the chain comes closer to the goal than a tenth of the way
//! it had to go. With `V = 0` in one dimension the chain's law is Laplace's with scale `1/m` around the goal (for small `eta m^2`).
//! Reference: Nijkamp et al., "MCMC should mix" (ICLR 2022), section 4.2. Differs: the printed equation has the magnet's sign and
//! the gradient wrong; the text says that it points towards the goal.

use serde::{Deserialize, Serialize};

use crate::density::{EvaluationError, Target};
use crate::footprint::{Footprint, numbers};
use crate::proposal::Transport;
use crate::{Batch, BatchMut, ConfigError, Points, Stream, range};

/// Distance below which the magnet's direction is no longer resolved.
const SMALLEST_DISTANCE: f64 = 1e-8;

/// Settings of [`magnetised`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MagnetisedConfig {
    /// Step of the chain, `eta`: its noise has variance `2 eta`.
    pub step_size: f64,
    /// Steps of a walk.
    pub n_steps: usize,
    /// The first strength of the magnet.
    pub strength: f64,
    /// Share of the distance between start and goal at which the goal counts as reached.
    pub closeness: f64,
    /// How often the magnet's strength may be doubled.
    pub max_doublings: usize,
}

impl Default for MagnetisedConfig {
    fn default() -> Self {
        Self { step_size: 0.005, n_steps: 1000, strength: 1.0, closeness: 0.1, max_doublings: 20 }
    }
}

impl MagnetisedConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::positive("step_size", self.step_size)?;
        range::positive("strength", self.strength)?;
        range::at_least("n_steps", self.n_steps, 1)?;
        range::open_share("closeness", self.closeness)
    }
}

/// A walk that could not be made.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// A setting or a point cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The target cannot be evaluated any more, in its own words.
    #[error("the target failed: {0}")]
    Evaluation(#[from] EvaluationError),
}

/// A walk: states `0..=n_steps`, the start first.
#[derive(Clone, Debug, PartialEq)]
pub struct MagnetisedPath {
    /// The latents, one state per row.
    pub z: Points,
    /// `V` at every state, without the magnet.
    pub log_prob: Vec<f64>,
    /// Distance of every state to the goal.
    pub distance: Vec<f64>,
    /// The magnet's strength.
    pub strength: f64,
    /// The first state that was close to the goal; `None` when the magnet never was strong enough.
    pub reached: Option<usize>,
    /// Steps not taken because `V` or its gradient was not finite there.
    pub non_finite: usize,
}

impl MagnetisedPath {
    /// The path in data space, one state per row.
    pub fn through(&self, map: &dyn Transport) -> Points {
        let (n, dim) = (self.z.rows(), self.z.dim());
        let mut x = Points::zeros(n, dim);
        map.forward(self.z.as_batch(), x.as_batch_mut(), &mut vec![0.0; n]);
        x
    }
}

/// Walks from `start` to `goal` on the density `target` of latents, with a magnet as strong as needed.
///
/// # Errors
/// When settings cannot be used, the points do not have the target's dimension, `V` is not finite at the start, or
/// the target fails.
pub fn magnetised(
    target: &dyn Target,
    start: &[f64],
    goal: &[f64],
    config: &MagnetisedConfig,
    stream: &mut Stream,
) -> Result<MagnetisedPath, WalkError> {
    let mut strength = config.strength;
    let mut path = walk(target, start, goal, strength, config, stream)?;
    for _ in 0..config.max_doublings {
        if path.reached.is_some() {
            break;
        }
        strength *= 2.0;
        path = walk(target, start, goal, strength, config, stream)?;
    }
    Ok(path)
}

/// Walks from `start` with a magnet of this strength at `goal`, whether or not that is enough to get there.
///
/// # Errors
/// See [`magnetised`].
pub fn walk(
    target: &dyn Target,
    start: &[f64],
    goal: &[f64],
    strength: f64,
    config: &MagnetisedConfig,
    stream: &mut Stream,
) -> Result<MagnetisedPath, WalkError> {
    config.check()?;
    let dim = target.dim();
    if start.len() != dim || goal.len() != dim {
        let found = format!("of {} and {} coordinates", start.len(), goal.len());
        return Err(ConfigError::new("start and goal", found, format!("the target has {dim}")).into());
    }
    let mut memory = Footprint::default();
    memory.hold(
        numbers(&[config.n_steps.saturating_add(1), dim.saturating_add(2)]),
        &[("n_steps", config.n_steps)],
    );
    memory.check()?;
    let mut now = State::at(target, start.to_vec())?;
    if !now.is_usable() {
        let reason = "log-density and gradient must be finite there";
        return Err(ConfigError::new("start", format!("{start:?}"), reason).into());
    }
    let (eta, noise) = (config.step_size, (2.0 * config.step_size).sqrt());
    let whole = distance(start, goal);
    let mut path = MagnetisedPath {
        z: Points::zeros(config.n_steps + 1, dim),
        log_prob: Vec::with_capacity(config.n_steps + 1),
        distance: Vec::with_capacity(config.n_steps + 1),
        strength,
        reached: None,
        non_finite: 0,
    };
    for step in 0..=config.n_steps {
        let far = distance(&now.z, goal);
        path.z.row_mut(step).copy_from_slice(&now.z);
        path.log_prob.push(now.log_prob);
        path.distance.push(far);
        if path.reached.is_none() && far <= config.closeness * whole {
            path.reached = Some(step);
        }
        let pull = strength / far.max(SMALLEST_DISTANCE);
        let mut z = vec![0.0; dim];
        stream.fill_normal(&mut z);
        for (i, z) in z.iter_mut().enumerate() {
            *z = now.z[i] + eta * (now.grad[i] - pull * (now.z[i] - goal[i])) + noise * *z;
        }
        let next = State::at(target, z)?;
        if next.is_usable() {
            now = next;
        } else {
            path.non_finite += 1;
        }
    }
    Ok(path)
}

/// A point with what a step from it needs.
struct State {
    z: Vec<f64>,
    log_prob: f64,
    grad: Vec<f64>,
}

impl State {
    fn at(target: &dyn Target, z: Vec<f64>) -> Result<Self, EvaluationError> {
        let (mut log_prob, mut grad) = ([0.0], vec![0.0; z.len()]);
        let dim = z.len();
        target.log_prob_and_grad(Batch::new(&z, dim), &mut log_prob, BatchMut::new(&mut grad, dim))?;
        Ok(Self { z, log_prob: log_prob[0], grad })
    }

    fn is_usable(&self) -> bool {
        self.log_prob.is_finite() && self.grad.iter().all(|g| g.is_finite())
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_that_do_not_fit_are_refused_before_the_first_step() {
        let target =
            from_fn_with_grad(2, |_: &[f64], _: &mut [f64]| -> f64 { unreachable!("nothing is evaluated") });
        for n_steps in [1 << 50, usize::MAX] {
            let config = MagnetisedConfig { n_steps, ..Default::default() };
            let refused = magnetised(&target, &[0.0; 2], &[1.0; 2], &config, &mut Stream::new(1, 0));
            let Err(WalkError::Config(e)) = refused else { panic!("{n_steps} steps were begun") };
            assert_eq!((e.key.as_str(), e.value), ("n_steps", n_steps.to_string()));
        }
    }

    use crate::density::from_fn_with_grad;
    use crate::diagnostics::{Draws, mcse_mean};

    /// `V = 0`: the magnet alone.
    fn flat(dim: usize) -> impl Target {
        from_fn_with_grad(dim, |_, grad| {
            grad.fill(0.0);
            0.0
        })
    }

    #[test]
    fn without_a_landscape_the_law_is_laplaces_with_scale_one_over_m() {
        // |z - goal| is exponential with mean 1/m; the discretisation error of the mean is of the order of eta m.
        let goal = 3.0;
        let config = MagnetisedConfig { step_size: 0.005, n_steps: 400_000, ..Default::default() };
        let path = walk(&flat(1), &[goal], &[goal], 2.0, &config, &mut Stream::new(5, 0)).unwrap();
        let mean = path.distance.iter().sum::<f64>() / path.distance.len() as f64;
        let error = mcse_mean(Draws::new(&path.distance, 1));
        assert!((mean - 0.5).abs() < 5.0 * error && error < 0.03, "{mean} +- {error}");
        // And it is symmetric around the goal.
        let offset: Vec<f64> = path.z.data().iter().map(|z| z - goal).collect();
        let (mean, error) =
            (offset.iter().sum::<f64>() / offset.len() as f64, mcse_mean(Draws::new(&offset, 1)));
        assert!(mean.abs() < 5.0 * error, "{mean} +- {error}");
    }

    #[test]
    fn the_magnet_grows_until_it_carries_the_chain_across() {
        // Two wells, V = -8 (z^2 - 1)^2, barrier 8: strength 1 does not get across in a thousand steps.
        let wells = from_fn_with_grad(1, |z, grad| {
            grad[0] = -32.0 * z[0] * (z[0] * z[0] - 1.0);
            -8.0 * (z[0] * z[0] - 1.0).powi(2)
        });
        let config = MagnetisedConfig::default();
        let mut stream = Stream::new(1, 0);
        let weak = walk(&wells, &[-1.0], &[1.0], 1.0, &config, &mut stream).unwrap();
        assert_eq!(weak.reached, None);
        let path = magnetised(&wells, &[-1.0], &[1.0], &config, &mut stream).unwrap();
        let reached = path.reached.unwrap();
        assert!(path.strength > 1.0 && path.strength.log2().fract() == 0.0);
        assert!(path.distance[reached] <= 0.2 && path.distance[..reached].iter().all(|d| *d > 0.2));
        assert_eq!((path.z.rows(), path.log_prob.len()), (1001, 1001));
        assert_eq!((path.z.row(0)[0], path.log_prob[0], path.distance[0]), (-1.0, 0.0, 2.0));
    }

    #[test]
    fn a_path_can_be_seen_through_a_map() {
        use crate::proposal::{Gaussian, Scale};
        let map = Gaussian::new(vec![10.0, 0.0], Scale::Diagonal(vec![2.0, 3.0]));
        let config = MagnetisedConfig { n_steps: 5, ..Default::default() };
        let path = walk(&flat(2), &[1.0, 1.0], &[0.0, 0.0], 1.0, &config, &mut Stream::new(1, 0)).unwrap();
        assert_eq!(path.through(&map).row(0), [12.0, 3.0]);
    }

    #[test]
    fn walls_are_not_walked_into_and_bad_input_is_refused() {
        let wall = from_fn_with_grad(1, |z, grad| {
            grad[0] = 0.0;
            if z[0] > 0.5 { f64::NAN } else { 0.0 }
        });
        let config = MagnetisedConfig { max_doublings: 1, ..Default::default() };
        let path = magnetised(&wall, &[0.0], &[1.0], &config, &mut Stream::new(1, 0)).unwrap();
        assert!(path.reached.is_none() && path.non_finite > 0 && path.z.data().iter().all(|z| *z <= 0.5));
        let bad = |start: &[f64], goal: &[f64], config: &MagnetisedConfig| match magnetised(
            &wall,
            start,
            goal,
            config,
            &mut Stream::new(1, 0),
        )
        .unwrap_err()
        {
            WalkError::Config(e) => e.key,
            WalkError::Evaluation(e) => panic!("{e}"),
        };
        assert_eq!(bad(&[1.0], &[0.0], &config), "start");
        assert_eq!(bad(&[0.0, 0.0], &[0.0], &config), "start and goal");
        let config = MagnetisedConfig { closeness: f64::NAN, ..Default::default() };
        assert_eq!(bad(&[0.0], &[1.0], &config), "closeness");
    }
}
