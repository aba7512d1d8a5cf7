//! Points that climb to the peaks next to them, all at once.
//!
//! Limited-memory BFGS: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989. Steps are halved until they
//! gain enough (Armijo); where the density is not concave, the step follows the gradient and grows.

use std::collections::VecDeque;

use crate::Points;
use crate::density::{EvaluationError, Target};

/// Pairs of steps and changes of the gradient that tell the curvature.
const MEMORY: usize = 20;
/// Evaluations after which a point that has not arrived is given up.
const MOST: usize = 400;
/// What is left to gain, in the log-density, where a point has arrived.
const ARRIVED: f64 = 1e-4;
/// Share of the gain that the slope promises which a step must make.
const ENOUGH: f64 = 1e-4;
/// Shortest step, as a share of the whole.
const SHORTEST: f64 = 1e-9;

/// Where a point arrived.
#[derive(Clone, Debug)]
pub(super) struct Peak {
    pub x: Vec<f64>,
    pub log_prob: f64,
}

impl Peak {
    /// As an end of a segment.
    pub fn end(&self) -> (&[f64], f64) {
        (&self.x, self.log_prob)
    }
}

/// The peaks above the points, `None` for those that reach none: where the density grows without bound, or at once from nowhere.
/// Ends early, with what has arrived, once `go_on` says no.
pub(super) fn climb(
    target: &dyn Target,
    starts: &Points,
    mut go_on: impl FnMut() -> bool,
) -> Result<Vec<Option<Peak>>, EvaluationError> {
    let dim = starts.dim();
    let mut climbers: Vec<Climber> = (0..starts.rows()).map(|row| Climber::new(starts.row(row))).collect();
    for _ in 0..MOST {
        let climbing: Vec<usize> =
            (0..climbers.len()).filter(|&c| climbers[c].state == State::Climbs).collect();
        if climbing.is_empty() || !go_on() {
            break;
        }
        let mut x = Points::zeros(0, dim);
        climbing.iter().for_each(|&c| x.push(&climbers[c].trial()));
        let (mut log_prob, mut grad) = (vec![0.0; x.rows()], Points::zeros(x.rows(), dim));
        target.log_prob_and_grad(x.as_batch(), &mut log_prob, grad.as_batch_mut())?;
        for (row, &c) in climbing.iter().enumerate() {
            climbers[c].take(x.row(row), log_prob[row], grad.row(row));
        }
    }
    let peak = |c: Climber| (c.state == State::Arrived).then_some(Peak { x: c.x, log_prob: c.log_prob });
    Ok(climbers.into_iter().map(peak).collect())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Climbs,
    Arrived,
    GivenUp,
}

/// A step and the change of the gradient along it, with its sign turned, so that their product is positive where the density is concave.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    product: f64,
}

struct Climber {
    x: Vec<f64>,
    /// NaN before the first evaluation.
    log_prob: f64,
    grad: Vec<f64>,
    pairs: VecDeque<Pair>,
    direction: Vec<f64>,
    /// Gain that a whole step promises, to first order.
    slope: f64,
    /// Share of the whole step that is tried.
    share: f64,
    /// Length of steps along the gradient, while nothing is known of the curvature.
    reach: f64,
    state: State,
}

impl Climber {
    fn new(start: &[f64]) -> Self {
        Self {
            x: start.to_vec(),
            log_prob: f64::NAN,
            grad: vec![0.0; start.len()],
            pairs: VecDeque::new(),
            direction: vec![0.0; start.len()],
            slope: 0.0,
            share: 1.0,
            reach: 1.0,
            state: State::Climbs,
        }
    }

    /// The point to evaluate next.
    fn trial(&self) -> Vec<f64> {
        self.x.iter().zip(&self.direction).map(|(x, d)| x + self.share * d).collect()
    }

    /// Takes the values at the trial point.
    fn take(&mut self, x: &[f64], log_prob: f64, grad: &[f64]) {
        let finite = log_prob.is_finite() && grad.iter().all(|g| g.is_finite());
        if self.log_prob.is_nan() {
            if !finite {
                self.state = State::GivenUp;
                return;
            }
        } else if finite && log_prob >= self.log_prob + ENOUGH * self.share * self.slope {
            self.learn(x, grad);
        } else {
            self.share /= 2.0;
            if self.share < SHORTEST {
                self.state = State::GivenUp;
            }
            return;
        }
        self.x.copy_from_slice(x);
        self.log_prob = log_prob;
        self.grad.copy_from_slice(grad);
        self.aim();
    }

    /// The curvature along a step that was taken.
    fn learn(&mut self, x: &[f64], grad: &[f64]) {
        let step: Vec<f64> = x.iter().zip(&self.x).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = self.grad.iter().zip(grad).map(|(a, b)| a - b).collect();
        let product = dot(&step, &change);
        if product > 1e-10 * dot(&change, &change).sqrt() * dot(&step, &step).sqrt() {
            if self.pairs.len() == MEMORY {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { step, change, product });
        } else {
            self.pairs.clear();
            self.reach *= 2.0;
        }
    }

    /// The next whole step.
    fn aim(&mut self) {
        self.share = 1.0;
        let size = dot(&self.grad, &self.grad).sqrt();
        if size == 0.0 {
            self.state = State::Arrived;
            return;
        }
        let Some(last) = self.pairs.back() else {
            self.direction.iter_mut().zip(&self.grad).for_each(|(d, g)| *d = self.reach * g / size);
            self.slope = self.reach * size;
            return;
        };
        let first_scale = last.product / dot(&last.change, &last.change);
        self.direction.copy_from_slice(&self.grad);
        let mut shares = [0.0; MEMORY];
        for (share, pair) in shares[..self.pairs.len()].iter_mut().zip(&self.pairs).rev() {
            *share = dot(&pair.step, &self.direction) / pair.product;
            add(&mut self.direction, -*share, &pair.change);
        }
        self.direction.iter_mut().for_each(|d| *d *= first_scale);
        for (share, pair) in shares.iter().zip(&self.pairs) {
            let other = dot(&pair.change, &self.direction) / pair.product;
            add(&mut self.direction, share - other, &pair.step);
        }
        self.slope = dot(&self.grad, &self.direction);
        if self.slope < ARRIVED {
            self.state = State::Arrived;
        }
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// `y += factor x`.
fn add(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{
        ComponentConfig, GaussianMixtureConfig, IllConditionedGaussianConfig, from_fn_with_grad,
    };
    use crate::sampler::start::Start;

    fn peaks(target: &dyn Target, points: usize) -> Vec<Option<Peak>> {
        let starts = Start::Uniform { radius: 8.0 }.points(target, points, 3).unwrap();
        climb(target, &starts, || true).unwrap()
    }

    #[test]
    fn scales_over_two_decades_are_climbed() {
        let config = IllConditionedGaussianConfig {
            dim: 30,
            log10_scale_min: -1.0,
            log10_scale_max: 1.0,
            rotation: 0.5,
        };
        let target = config.build().unwrap();
        let top = target.log_prob_at(&[0.0; 30]).unwrap();
        for peak in peaks(&target, 5) {
            let peak = peak.expect("a Gaussian has a peak");
            assert!(top - peak.log_prob < 0.05, "{} below", top - peak.log_prob);
        }
    }

    /// The basin of a light mode is hardly smaller than that of a heavy one.
    #[test]
    fn light_modes_are_met() {
        let component =
            |weight, x| ComponentConfig { weight, mean: vec![x; 20], scale: Some(1.0), ..Default::default() };
        let mixture = GaussianMixtureConfig { components: vec![component(0.99, -2.0), component(0.01, 2.0)] };
        let found = peaks(&mixture.build().unwrap(), 40);
        let right = found.iter().flatten().filter(|p| p.x.iter().all(|x| (x - 2.0).abs() < 0.05)).count();
        let left = found.iter().flatten().filter(|p| p.x.iter().all(|x| (x + 2.0).abs() < 0.05)).count();
        assert!(right >= 5 && left >= 5 && right + left == 40, "{left} and {right}");
    }

    #[test]
    fn what_has_no_peak_gives_none() {
        let slope = from_fn_with_grad(2, |x: &[f64], grad: &mut [f64]| {
            grad.copy_from_slice(&[1.0, -x[1]]);
            x[0] - 0.5 * x[1] * x[1]
        });
        assert!(peaks(&slope, 3).iter().all(Option::is_none));
        let nowhere = from_fn_with_grad(1, |_: &[f64], grad: &mut [f64]| {
            grad[0] = f64::NAN;
            0.0
        });
        assert!(peaks(&nowhere, 3).iter().all(Option::is_none));
        let target = IllConditionedGaussianConfig::default().build().unwrap();
        let starts = Start::default().points(&target, 2, 1).unwrap();
        assert!(climb(&target, &starts, || false).unwrap().iter().all(Option::is_none), "told not to go on");
    }
}
