//! Scores of real and of generated points, checked once: finite, and some of each.

use crate::{ConfigError, range};

/// Scores of real and of generated points, as natural log odds.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a> {
    real: &'a [f64],
    generated: &'a [f64],
}

impl<'a> Scores<'a> {
    /// Fewest scores of either kind.
    const LEAST: usize = 2;

    /// Takes two sets of scores.
    ///
    /// # Errors
    /// When one has fewer than two scores, or holds one that is not finite; the error names it.
    pub fn new(real: &'a [f64], generated: &'a [f64]) -> Result<Self, ConfigError> {
        for (key, scores) in [("scores_real", real), ("scores_generated", generated)] {
            range::at_least(key, scores.len(), Self::LEAST)?;
            range::vector(key, scores)?;
        }
        Ok(Self { real, generated })
    }

    /// Scores of real points.
    pub fn real(&self) -> &'a [f64] {
        self.real
    }

    /// Scores of generated points.
    pub fn generated(&self) -> &'a [f64] {
        self.generated
    }

    /// `log(n_real / n_generated)`: what is added to a log-ratio so that it becomes the log odds of a point among these being real.
    pub fn prior_log_odds(&self) -> f64 {
        (self.real.len() as f64).ln() - (self.generated.len() as f64).ln()
    }

    /// How many in all.
    pub(super) fn len(&self) -> usize {
        self.real.len() + self.generated.len()
    }

    /// All scores with whether each is that of a real point.
    pub(super) fn labelled(&self) -> impl Iterator<Item = (f64, bool)> + use<'a> {
        let real = self.real.iter().map(|score| (*score, true));
        real.chain(self.generated.iter().map(|score| (*score, false)))
    }
}
