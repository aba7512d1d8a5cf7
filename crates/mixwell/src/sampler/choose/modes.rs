//! Chains that stand in modes of their own: apart from each other, with a valley between.

use crate::density::{EvaluationError, Target};
use crate::{Batch, Points};

/// Means of two chains further apart than so many of their sds, in some coordinate, are apart.
const APART: f64 = 3.0;
/// Drop of the log-density between two points that makes a valley.
const VALLEY: f64 = 3.0;
/// Segments between two chains, and points on each.
const SEGMENTS: usize = 3;
const POINTS: usize = 15;

/// One chain of the look.
pub(super) struct Walk<'a> {
    /// Positions, `steps x dim`.
    pub x: Batch<'a>,
    pub log_prob: &'a [f64],
    /// Mean and sd of every coordinate.
    pub mean: Vec<f64>,
    pub sd: Vec<f64>,
}

impl<'a> Walk<'a> {
    pub fn new(x: Batch<'a>, log_prob: &'a [f64]) -> Self {
        let (n, dim) = (x.rows() as f64, x.dim());
        let mut mean = vec![0.0; dim];
        x.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(m, v)| *m += v / n));
        let mut sd = vec![0.0; dim];
        x.iter().for_each(|row| {
            sd.iter_mut().zip(row).zip(&mean).for_each(|((s, v), m)| *s += (v - m).powi(2) / n)
        });
        sd.iter_mut().for_each(|s| *s = s.sqrt());
        Self { x, log_prob, mean, sd }
    }

    /// `ln` of the mass around it, if that is as a Gaussian with these sds: up to what all chains have in common.
    pub fn log_mass(&self) -> f64 {
        let height = self.log_prob.iter().sum::<f64>() / self.log_prob.len() as f64;
        height + self.sd.iter().map(|s| s.max(f64::MIN_POSITIVE).ln()).sum::<f64>()
    }

    fn apart_from(&self, other: &Self) -> bool {
        let pairs = self.mean.iter().zip(&other.mean).zip(self.sd.iter().zip(&other.sd));
        pairs.into_iter().any(|((a, b), (s, t))| (a - b).abs() > APART * ((s * s + t * t) / 2.0).sqrt())
    }
}

/// The group of every chain: chains that no valley parts from each other, directly or by way of others.
pub(super) fn grouped(target: &dyn Target, walks: &[Walk<'_>]) -> Result<Vec<usize>, EvaluationError> {
    let mut group: Vec<usize> = (0..walks.len()).collect();
    for a in 0..walks.len() {
        for b in a + 1..walks.len() {
            if group[a] == group[b] {
                continue;
            }
            if !walks[a].apart_from(&walks[b]) || !valley(target, &walks[a], &walks[b])? {
                let (from, to) = (group[b], group[a]);
                group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
            }
        }
    }
    Ok(group)
}

/// Whether every segment between states of the two dips far below the lower of its ends.
fn valley(target: &dyn Target, a: &Walk<'_>, b: &Walk<'_>) -> Result<bool, EvaluationError> {
    let dim = a.x.dim();
    let mut points = Points::zeros(0, dim);
    let place = |n: usize, k: usize| (n - 1) * (2 * k + 1) / (2 * SEGMENTS);
    for k in 0..SEGMENTS {
        let (x, y) = (a.x.row(place(a.x.rows(), k)), b.x.row(place(b.x.rows(), k)));
        for i in 1..=POINTS {
            let share = i as f64 / (POINTS + 1) as f64;
            let between: Vec<f64> = x.iter().zip(y).map(|(x, y)| x + share * (y - x)).collect();
            points.push(&between);
        }
    }
    let mut log_prob = vec![0.0; points.rows()];
    target.log_prob(points.as_batch(), &mut log_prob)?;
    let deep = |k: usize| {
        let ends = a.log_prob[place(a.x.rows(), k)].min(b.log_prob[place(b.x.rows(), k)]);
        let between = &log_prob[k * POINTS..(k + 1) * POINTS];
        // Where there is no value there is no way.
        between.iter().any(|v| v.is_nan() || *v < ends - VALLEY)
    };
    Ok((0..SEGMENTS).all(deep))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::density::{BananaConfig, ExactSampler, StandardGaussianConfig, TwoModesConfig};

    /// Walks of `steps` exact draws each; `keep` says which draws a walk may visit.
    fn groups(target: &dyn Target, walks: usize, keep: impl Fn(usize, &[f64]) -> bool) -> usize {
        let sampler: &dyn ExactSampler = target.exact_sampler().unwrap();
        let (steps, dim) = (40, target.dim());
        let mut stream = Stream::new(4, 0);
        let mut x = Points::zeros(0, dim);
        let mut row = vec![0.0; dim];
        for walk in 0..walks {
            while x.rows() < (walk + 1) * steps {
                sampler.sample(&mut stream, &mut row);
                if keep(walk, &row) {
                    x.push(&row);
                }
            }
        }
        let mut log_prob = vec![0.0; x.rows()];
        target.log_prob(x.as_batch(), &mut log_prob).unwrap();
        let of = |w: usize| w * steps..(w + 1) * steps;
        let walks: Vec<Walk<'_>> =
            (0..walks).map(|w| Walk::new(x.as_batch().slice(of(w)), &log_prob[of(w)])).collect();
        let mut group = grouped(target, &walks).unwrap();
        group.sort_unstable();
        group.dedup();
        group.len()
    }

    #[test]
    fn modes_are_told_from_shapes() {
        let two = TwoModesConfig::default().build().unwrap();
        let centres = two.facts().modes.unwrap().centres;
        let near = |mode: usize, x: &[f64]| {
            let distance = |m: usize| x.iter().zip(centres.row(m)).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            distance(mode) < distance(1 - mode)
        };
        assert_eq!(groups(&two, 6, |walk, x| near(walk % 2, x)), 2);
        // Chains that have not met yet, in one mode: apart, but no valley.
        let one = StandardGaussianConfig { dim: 20, ..Default::default() }.build().unwrap();
        assert_eq!(groups(&one, 6, |walk, x| (x[0] > 0.3) == (walk % 2 == 0)), 1);
        // A curved shape: its arms are joined by what lies between.
        let banana = BananaConfig { dim: 2, ..Default::default() }.build().unwrap();
        let third = |x: &[f64]| if x[0] < -3.0 { 0 } else { 1 + usize::from(x[0] > 3.0) };
        assert_eq!(groups(&banana, 6, |walk, x| third(x) == walk % 3), 1);
    }
}
