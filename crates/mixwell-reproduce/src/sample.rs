//! The draws of one cell in one layout, whether a sampler made them or the target's exact sampler.
//!
//! Rows are reported values (natural scale), chain after chain: draw `t` of chain `c` is row `c * n_draws + t`.
//! References are exact draws of the same layout, from streams that no chain uses, and the same for every method: differences
//! between methods are not blurred by them.

use mixwell::density::Target;
use mixwell::image::ImageSet;
use mixwell::io::Phase;
use mixwell::sampler::{MemoryDraws, Summary};
use mixwell::score::ImageScores;
use mixwell::training_run::TrainingRunError;
use mixwell::{Batch, Points, Stream};

use crate::ImageScorer;

/// Draws of one cell.
pub struct Sample<'a> {
    /// What was sampled.
    pub target: &'a dyn Target,
    /// The run's summary; `None` for exact draws.
    pub summary: Option<&'a Summary>,
    chains: usize,
    rows: Points,
    modes: Option<Vec<usize>>,
    seed: u64,
    scored: Vec<(ImageScorer, ImageScores)>,
}

impl<'a> Sample<'a> {
    /// The production draws of a run.
    pub fn of_run(
        target: &'a dyn Target,
        summary: &'a Summary,
        draws: &MemoryDraws,
        chains: usize,
        seed: u64,
    ) -> Self {
        let dim = reported(target);
        let values = draws.values(Phase::Production);
        // What the run derived stands behind the variables.
        let width = draws.n_values();
        let n = values.len() / (chains * width);
        let mut rows = Points::zeros(chains * n, dim);
        for (i, value) in values.chunks_exact(width).enumerate() {
            let (draw, chain) = (i / chains, i % chains);
            rows.row_mut(chain * n + draw).copy_from_slice(&value[..dim]);
        }
        let modes = draws.stat(Phase::Production, "mode", 1);
        let modes = modes.map(|m| m.into_iter().map(|k| k as usize).collect());
        Self { target, summary: Some(summary), chains, rows, modes, seed, scored: vec![] }
    }

    /// Exact independent draws laid out as chains; `None` when the target cannot make them.
    pub fn exact(target: &'a dyn Target, chains: usize, draws: usize, seed: u64) -> Option<Self> {
        let sampler = target.exact_sampler()?;
        let modes = target.facts().modes;
        let mut labels = Vec::new();
        let mut rows = Points::zeros(chains * draws, reported(target));
        let mut x = vec![0.0; target.dim()];
        for chain in 0..chains {
            let mut stream = Stream::for_exact_draws(seed, chain);
            for draw in 0..draws {
                sampler.sample(&mut stream, &mut x);
                target.report(&x, rows.row_mut(chain * draws + draw));
                labels.extend(modes.as_ref().map(|m| m.nearest(&x)));
            }
        }
        let modes = modes.map(|_| labels);
        Some(Self { target, summary: None, chains, rows, modes, seed, scored: vec![] })
    }

    /// The same, with what these classifiers say of the images that the draws stand for.
    ///
    /// # Errors
    /// When a classifier cannot be used for them.
    pub(crate) fn with_images<'s>(
        mut self,
        images: &ImageSet,
        scorers: impl Iterator<Item = &'s ImageScorer>,
    ) -> Result<Self, TrainingRunError> {
        for by in scorers {
            if self.image_scores(by).is_none() {
                self.scored.push((by.clone(), by.score(images)?));
            }
        }
        Ok(self)
    }

    /// What a classifier says of its images; `None` where they were not scored by it.
    pub(crate) fn image_scores(&self, by: &ImageScorer) -> Option<&ImageScores> {
        self.scored.iter().find(|(known, _)| known == by).map(|(_, scores)| scores)
    }

    /// The columns of one reported variable; `None` where there is none of this name.
    pub fn variable(&self, name: &str) -> Option<Points> {
        let mut first = 0;
        for variable in self.target.variables() {
            if variable.name == name {
                let columns = first..first + variable.len();
                let values =
                    self.rows.as_batch().iter().flat_map(|row| row[columns.clone()].to_vec()).collect();
                return Some(Points::from_vec(values, variable.len()));
            }
            first += variable.len();
        }
        None
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.chains
    }

    /// Draws per chain.
    pub fn n_draws(&self) -> usize {
        self.rows.rows() / self.chains
    }

    /// All draws, chain after chain.
    pub fn rows(&self) -> Batch<'_> {
        self.rows.as_batch()
    }

    /// The mode of every draw, for targets that know their modes.
    pub fn modes(&self) -> Option<&[usize]> {
        self.modes.as_deref()
    }

    /// The draws of one chain.
    pub fn chain(&self, chain: usize) -> Batch<'_> {
        let n = self.n_draws();
        self.rows.as_batch().slice(chain * n..(chain + 1) * n)
    }

    /// The first `limit` chains (all of them when it is zero).
    pub fn chains(&self, limit: usize) -> impl Iterator<Item = Batch<'_>> {
        let n = if limit == 0 { self.chains } else { limit.min(self.chains) };
        (0..n).map(|c| self.chain(c))
    }

    /// A function of every draw, chain after chain.
    pub fn series(&self, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        self.rows.as_batch().iter().map(f).collect()
    }

    /// `n` exact draws to compare chain `chain` with; `None` when the target cannot make them.
    pub fn reference(&self, chain: usize, n: usize) -> Option<Points> {
        let sampler = self.target.exact_sampler()?;
        let mut stream = Stream::for_reference(self.seed, chain);
        let mut rows = Points::zeros(n, self.rows.dim());
        let mut x = vec![0.0; self.target.dim()];
        for row in rows.as_batch_mut().iter_mut() {
            sampler.sample(&mut stream, &mut x);
            self.target.report(&x, row);
        }
        Some(rows)
    }
}

/// How many numbers a draw is reported as.
fn reported(target: &dyn Target) -> usize {
    target.variables().iter().map(mixwell::density::Variable::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell::density::{StandardGaussianConfig, ThreeModesConfig};

    #[test]
    fn exact_draws_and_references_are_independent_and_reproducible() {
        let target = StandardGaussianConfig { dim: 2, ..Default::default() }.build().unwrap();
        let a = Sample::exact(&target, 3, 5, 1).unwrap();
        assert_eq!((a.n_chains(), a.n_draws(), a.rows().rows()), (3, 5, 15));
        assert_eq!(a.chain(1).row(0), a.rows().row(5));
        assert_eq!(a.chains(2).count(), 2);
        let (r, other) = (a.reference(0, 5).unwrap(), a.reference(1, 5).unwrap());
        assert_eq!(r, a.reference(0, 5).unwrap());
        assert_ne!(r, other);
        assert_ne!(r.row(0), a.chain(0).row(0));
    }

    #[test]
    fn exact_draws_know_their_modes() {
        let target = ThreeModesConfig::default().build().unwrap();
        let sample = Sample::exact(&target, 2, 300, 1).unwrap();
        let third = sample.modes().unwrap().iter().filter(|m| **m == 0).count();
        // 600 draws, weight 1/3: 200 +- 5 sqrt(600 * 2/9).
        assert!((third as f64 - 200.0).abs() < 58.0, "{third}");
    }
}
