//! A part of a cell's draws, kept for figures: some coordinates of some chains, thinned, and the running weights of the modes.

use serde::{Deserialize, Serialize};

use crate::Sample;

/// Chains that are kept at most; more where they are so short that all of them together have fewer draws than [`DRAWS`].
const CHAINS: usize = 64;
/// Draws that are kept at most, all chains together.
const DRAWS: usize = 3000;
/// Times at which the running weights are kept.
const TIMES: usize = 100;

/// A part of a cell's draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sketch {
    /// The coordinates that are kept.
    pub coordinates: Vec<usize>,
    /// Every how many draws one is kept.
    pub every: usize,
    /// Values, chain by chain, draw by draw, coordinate by coordinate.
    pub chains: Vec<Vec<Vec<f64>>>,
    /// Draws per chain up to which the weights are counted.
    pub times: Vec<usize>,
    /// Share of the draws in each mode up to each time, over all chains.
    pub weights: Vec<Vec<f64>>,
}

impl Sketch {
    /// A sketch with these coordinates; those the draws do not have are left out.
    pub fn of(sample: &Sample<'_>, coordinates: &[usize]) -> Self {
        let dim = sample.rows().dim();
        let coordinates: Vec<usize> = coordinates.iter().copied().filter(|c| *c < dim).collect();
        let n_chains = sample.n_chains().min(CHAINS.max(DRAWS / sample.n_draws().max(1)));
        let every = (sample.n_draws() * n_chains).div_ceil(DRAWS).max(1);
        let kept = |row: &[f64]| coordinates.iter().map(|c| row[*c]).collect::<Vec<f64>>();
        let chains =
            (0..n_chains).map(|c| sample.chain(c).iter().step_by(every).map(kept).collect()).collect();
        let (times, weights) = running_weights(sample);
        Self { every, chains, times, weights, coordinates }
    }

    /// Whether it holds these coordinates.
    pub fn has(&self, coordinates: &[usize]) -> bool {
        coordinates.iter().all(|c| self.coordinates.contains(c))
    }

    /// All points of two coordinates; none when one was not kept.
    pub fn pairs(&self, coordinates: [usize; 2]) -> Vec<[f64; 2]> {
        let place = |c: usize| self.coordinates.iter().position(|k| *k == c);
        let (Some(x), Some(y)) = (place(coordinates[0]), place(coordinates[1])) else { return Vec::new() };
        self.chains.iter().flatten().map(|row| [row[x], row[y]]).collect()
    }

    /// One coordinate of the first `n` chains.
    pub fn series(&self, coordinate: usize, n: usize) -> Vec<Vec<f64>> {
        let Some(k) = self.coordinates.iter().position(|c| *c == coordinate) else { return Vec::new() };
        self.chains.iter().take(n).map(|chain| chain.iter().map(|row| row[k]).collect()).collect()
    }
}

fn running_weights(sample: &Sample<'_>) -> (Vec<usize>, Vec<Vec<f64>>) {
    let (Some(labels), Some(modes)) = (sample.modes(), sample.target.facts().modes) else {
        return (Vec::new(), Vec::new());
    };
    let (n, n_chains) = (sample.n_draws(), sample.n_chains());
    let every = n.div_ceil(TIMES).max(1);
    let mut counts = vec![0usize; modes.centres.rows()];
    let (mut times, mut weights) = (Vec::new(), Vec::new());
    for t in 0..n {
        (0..n_chains).for_each(|c| counts[labels[c * n + t]] += 1);
        if (t + 1) % every == 0 {
            times.push(t + 1);
            weights.push(counts.iter().map(|k| *k as f64 / ((t + 1) * n_chains) as f64).collect());
        }
    }
    (times, weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell::density::FourOnALineConfig;

    #[test]
    fn a_sketch_is_small_and_its_weights_end_at_the_sample_s() {
        let target = FourOnALineConfig::default().build().unwrap();
        let sample = Sample::exact(&target, 100, 500, 1).unwrap();
        let sketch = Sketch::of(&sample, &[1, 7]);
        assert_eq!(sketch.coordinates, [1]);
        assert_eq!((sketch.chains.len(), sketch.every), (64, 11));
        assert_eq!(sketch.series(1, 4).len(), 4);
        assert_eq!(sketch.series(1, 1)[0][1], sample.chain(0).row(11)[1]);
        assert!(sketch.has(&[1]) && !sketch.has(&[0]) && sketch.pairs([0, 1]).is_empty());
        assert_eq!((sketch.times.len(), *sketch.times.last().unwrap()), (100, 500));
        let third = sample.modes().unwrap().iter().filter(|m| **m == 3).count() as f64 / 50_000.0;
        assert_eq!(sketch.weights.last().unwrap()[3], third);
    }
}
