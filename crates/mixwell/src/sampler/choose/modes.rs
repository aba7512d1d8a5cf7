//! Chains that stand in modes of their own: apart from each other, with a valley between.
//!
//! Valleys are looked for between the peaks that chains stand under, where they are known: in many dimensions states lie so far below the peaks
//! that the way from one to another goes up, whatever lies between.

use super::climb::Peak;
use crate::density::{EvaluationError, Target};
use crate::{Batch, Points};

/// Means of two chains further apart than so many of their sds, in some coordinate, are apart.
const APART: f64 = 3.0;
/// Drop of the log-density between two points that makes a valley.
const VALLEY: f64 = 3.0;
/// Segments between two chains, and points on each.
const SEGMENTS: usize = 3;
const POINTS: usize = 15;

/// One chain of the look, or a part of it.
pub(super) struct Walk<'a> {
    /// Positions, `steps x dim`.
    pub x: Batch<'a>,
    pub log_prob: &'a [f64],
    /// Mean and sd of every coordinate.
    pub mean: Vec<f64>,
    pub sd: Vec<f64>,
    /// Where its last state climbs to, once that is known.
    pub peak: Option<Peak>,
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
        Self { x, log_prob, mean, sd, peak: None }
    }

    /// So many parts of it, one after the other, with moments of their own.
    pub fn pieces(&self, n: usize) -> impl Iterator<Item = Walk<'a>> + use<'a> {
        let (x, log_prob, steps) = (self.x, self.log_prob, self.x.rows());
        (0..n)
            .map(move |k| k * steps / n..(k + 1) * steps / n)
            .filter(|part| !part.is_empty())
            .map(move |part| Walk::new(x.slice(part.clone()), &log_prob[part]))
    }

    /// The last position.
    pub fn end(&self) -> &'a [f64] {
        self.x.row(self.x.rows() - 1)
    }

    /// One of `SEGMENTS` states that lie evenly along it, as an end of a segment.
    fn state(&self, k: usize) -> (&'a [f64], f64) {
        let step = (self.x.rows() - 1) * (2 * k + 1) / (2 * SEGMENTS);
        (self.x.row(step), self.log_prob[step])
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

/// The group of every walk: those that no valley parts from each other, directly or by way of others.
pub(super) fn grouped(target: &dyn Target, walks: &[Walk<'_>]) -> Result<Vec<usize>, EvaluationError> {
    let mut group: Vec<usize> = (0..walks.len()).collect();
    for a in 0..walks.len() {
        for b in a + 1..walks.len() {
            if group[a] == group[b] {
                continue;
            }
            if !parted(target, &walks[a], &walks[b])? {
                let (from, to) = (group[b], group[a]);
                group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
            }
        }
    }
    Ok(group)
}

/// Whether there is a valley on the way from peak to peak; where these are not known, on every segment between states of walks that do not overlap.
fn parted(target: &dyn Target, a: &Walk<'_>, b: &Walk<'_>) -> Result<bool, EvaluationError> {
    if let (Some(a), Some(b)) = (&a.peak, &b.peak) {
        return Ok(dips(target, &[[a.end(), b.end()]], VALLEY)?[0]);
    }
    if !a.apart_from(b) {
        return Ok(false);
    }
    let segments: Vec<Segment<'_>> = (0..SEGMENTS).map(|k| [a.state(k), b.state(k)]).collect();
    Ok(dips(target, &segments, VALLEY)?.into_iter().all(|dips| dips))
}

/// A segment by its ends, with their log-densities.
pub(super) type Segment<'a> = [(&'a [f64], f64); 2];

/// Whether the log-density falls by more than `depth` below the lower end, somewhere on each segment.
pub(super) fn dips(
    target: &dyn Target,
    segments: &[Segment<'_>],
    depth: f64,
) -> Result<Vec<bool>, EvaluationError> {
    let mut points = Points::zeros(0, target.dim());
    for [(x, _), (y, _)] in segments {
        for i in 1..=POINTS {
            let share = i as f64 / (POINTS + 1) as f64;
            let between: Vec<f64> = x.iter().zip(*y).map(|(x, y)| x + share * (y - x)).collect();
            points.push(&between);
        }
    }
    let mut log_prob = vec![0.0; points.rows()];
    target.log_prob(points.as_batch(), &mut log_prob)?;
    let deep = |([(_, a), (_, b)], between): (&Segment<'_>, &[f64])| {
        // Where there is no value there is no way.
        between.iter().any(|v| v.is_nan() || *v < a.min(*b) - depth)
    };
    Ok(segments.iter().zip(log_prob.chunks(POINTS)).map(deep).collect())
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
