//! What came out of the training of a GAN: samples beside the data, by spread, score, and the law of the data where it is known.
//!
//! A sample is of high quality when the law's density there is above that of all but one in a thousand of its own draws. A mode is
//! found when it has at least a quarter of the samples that it should have, each counted for the nearest mode and only when it is
//! of high quality.

use crate::density::LatentPrior;
use crate::density::Target;
use crate::gan::Standardisation;
use crate::io::to_npy;
use crate::metric::auroc;
use crate::net::Network;
use crate::rng::LOOK_STREAM;
use crate::training_run::energy::OpenImages;
use crate::training_run::{Outcome, TrainingRunError, WeightsOf};
use crate::{Batch, Points, Stream};

/// Images that are looked at, at most, and rows of data beside samples.
const MOST_IMAGES: usize = 1000;
const MOST_DATA: usize = 10_000;
/// Share of the law's own draws below whose density a sample is of no quality.
const LEFT_OUT: f64 = 1e-3;
/// Share of its expected samples with which a mode is found.
const SHARE_FOUND: f64 = 0.25;
/// Share of the data's variance below which a generator has collapsed.
const COLLAPSED: f64 = 0.1;
/// Pairs of data and sample in order of their scores from which on a generator has lost.
const ALL_TOLD_APART: f64 = 0.999;

/// What is looked at.
pub(super) struct Looked<'a> {
    pub generator: &'a Network<f32>,
    pub discriminator: &'a Network<f32>,
    pub prior: LatentPrior,
    /// The data as the networks see them.
    pub data: Batch<'a>,
    pub standardisation: Option<&'a Standardisation>,
    pub truth: Option<&'a dyn Target>,
    pub images: Option<&'a OpenImages>,
    pub samples: usize,
    pub seed: u64,
}

impl Looked<'_> {
    pub fn look(&self) -> Result<Outcome, TrainingRunError> {
        let mut found = Outcome::default();
        let n = if self.images.is_some() { self.samples.min(MOST_IMAGES) } else { self.samples };
        let mut stream = Stream::new(self.seed, LOOK_STREAM);
        let mut latents = Points::zeros(n, self.generator.dim());
        self.prior.fill(&mut stream, latents.data_mut());
        let mut made = Points::zeros(n, self.data.dim());
        self.generator.values(latents.as_batch(), made.as_batch_mut());
        let data = self.data.slice(0..self.data.rows().min(MOST_DATA.max(n)));
        self.spread(data, made.as_batch(), &mut found);
        self.told_apart(data, made.as_batch(), &mut found);
        if let Some(images) = self.images {
            found.weights.push(images.picture("samples.png", made.as_batch())?);
            found.weights.push(images.description());
            return Ok(found);
        }
        let shown = self.standardisation.map(|s| s.undo(made.as_batch())).unwrap_or(made);
        if let Some(truth) = self.truth {
            beside_truth(truth, shown.as_batch(), &mut stream, &mut found);
        }
        let bytes = to_npy(&[shown.rows(), shown.dim()], shown.data());
        found.weights.push(WeightsOf { file: "samples.npy".into(), bytes });
        Ok(found)
    }

    fn spread(&self, data: Batch<'_>, made: Batch<'_>, found: &mut Outcome) {
        let share = variance(made) / variance(data);
        found.results.insert("variance_share".into(), share.into());
        found.lines.push(format!("samples have {:.1} % of the variance of the data", 100.0 * share));
        if share.is_nan() || share < COLLAPSED {
            found.problems.push(format!(
                "the generator has collapsed: its samples have {:.2} % of the variance of the data; take a penalty, more steps of the discriminator, or a lower learning rate",
                100.0 * share
            ));
        }
    }

    fn told_apart(&self, data: Batch<'_>, made: Batch<'_>, found: &mut Outcome) {
        let scores = |x: Batch<'_>| {
            let mut scores = vec![0.0; x.rows()];
            self.discriminator.energy(x, &mut scores);
            scores
        };
        // The smaller number counts as inside.
        let area = auroc(&scores(made), &scores(data)).value;
        found.results.insert("auroc".into(), area.into());
        found.lines.push(format!(
            "the discriminator puts a datum above a sample in {:.1} % of all pairs",
            100.0 * area
        ));
        if area > ALL_TOLD_APART {
            found.problems.push(format!(
                "the discriminator tells data from samples in {:.2} % of all pairs, so the generator learns little; train for longer, or hold the discriminator back (fewer steps, a penalty)",
                100.0 * area
            ));
        }
    }
}

/// Summed over coordinates.
fn variance(x: Batch<'_>) -> f64 {
    let (n, mut mean, mut square) = (x.rows() as f64, vec![0.0; x.dim()], 0.0);
    x.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / n));
    for row in x.iter() {
        square += row.iter().zip(&mean).map(|(x, m)| (x - m) * (x - m)).sum::<f64>() / n;
    }
    square
}

fn beside_truth(truth: &dyn Target, made: Batch<'_>, stream: &mut Stream, found: &mut Outcome) {
    let Some(sampler) = truth.exact_sampler() else { return };
    let draws = sampler.sample_rows(stream, MOST_DATA, truth.dim());
    let density = |x: Batch<'_>| {
        let mut log_prob = vec![f64::NEG_INFINITY; x.rows()];
        // Where a law cannot be evaluated, there is nothing to say of quality.
        truth.log_prob(x, &mut log_prob).is_ok().then_some(log_prob)
    };
    let Some((mut own, made_density)) = density(draws.as_batch()).zip(density(made)) else { return };
    own.sort_by(f64::total_cmp);
    let least = own[(LEFT_OUT * own.len() as f64) as usize];
    let good: Vec<bool> = made_density.iter().map(|density| *density >= least).collect();
    let rate = good.iter().filter(|good| **good).count() as f64 / good.len() as f64;
    found.results.insert("high_quality".into(), rate.into());
    let mut line = format!("{:.1} % of the samples are where the data have density", 100.0 * rate);
    if let Some(modes) = truth.facts().modes {
        let n = modes.centres.rows();
        let mut counts = vec![0_u64; n];
        for (x, _) in made.iter().zip(&good).filter(|(_, good)| **good) {
            counts[modes.nearest(x)] += 1;
        }
        let expected = |k: usize| modes.weights.as_ref().map_or(1.0 / n as f64, |weights| weights[k]);
        let least = |k: usize| SHARE_FOUND * expected(k) * made.rows() as f64;
        let seen = (0..n).filter(|k| counts[*k] as f64 >= least(*k)).count();
        found.results.insert("modes".into(), n.into());
        found.results.insert("modes_found".into(), seen.into());
        line.push_str(&format!("; {seen} of {n} modes are found"));
        if 2 * seen < n {
            found.problems.push(format!(
                "only {seen} of {n} modes have at least a quarter of their samples; train for longer, or take a penalty against collapse"
            ));
        }
    }
    found.lines.push(line);
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::density::Grid25Config;

    #[test]
    fn exact_draws_are_good_and_others_are_not() {
        let truth = Grid25Config::default().build().unwrap();
        let sampler = truth.exact_sampler().unwrap();
        let draws = sampler.sample_rows(&mut Stream::new(4, 0), 5000, 2);
        let look = |x: &Points| {
            let mut found = Outcome::default();
            beside_truth(&truth, x.as_batch(), &mut Stream::new(5, 0), &mut found);
            found
        };
        let found = look(&draws);
        assert!((found.results["high_quality"].as_f64().unwrap() - 0.999).abs() < 0.003);
        assert_eq!((&found.results["modes_found"], found.problems.len()), (&Value::from(25), 0));
        // Half a spacing to the side: nothing is where it should be. All in one place: one mode.
        let mut moved = draws.clone();
        moved.data_mut().iter_mut().for_each(|x| *x += 0.5);
        let found = look(&moved);
        assert!(found.results["high_quality"].as_f64().unwrap() < 1e-3);
        let found = look(&Points::zeros(5000, 2));
        assert_eq!((&found.results["modes_found"], found.problems.len()), (&Value::from(1), 1));
    }
}
