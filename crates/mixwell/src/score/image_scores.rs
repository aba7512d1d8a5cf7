//! Scores of a set of images beside a reference.

use rayon::prelude::*;
use serde::Serialize;

use super::{Extractor, Preprocessing, ScoreError};
use crate::error::excerpts;
use crate::footprint::{Footprint, numbers};
use crate::image::ImageSet;
use crate::metric::{ClassScore, FrechetDistance, class_score};
use crate::rng::SCORE_STREAM;
use crate::{ConfigError, Points, Stream, range};

/// Images that go through the network at once.
const BLOCK: usize = 256;

/// How scores are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ScoreOptions {
    /// Splits of the class score.
    pub splits: usize,
    /// Seed of the order in which images are taken into splits and groups.
    pub seed: u64,
}

impl Default for ScoreOptions {
    fn default() -> Self {
        Self { splits: 10, seed: 1 }
    }
}

/// Scores of one set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetScore {
    /// How many images.
    pub n: usize,
    /// How sure and how varied the classifier finds them.
    pub class_score: ClassScore,
}

/// What a network says of images beside a reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageScores {
    /// Of the images.
    pub images: SetScore,
    /// Of the reference: what real images get.
    pub reference: SetScore,
    /// Between the features of both.
    pub frechet_distance: FrechetDistance,
    /// What makes the numbers worth less.
    pub warnings: Vec<String>,
}

impl ImageScores {
    /// Scores images against a reference. Errors are those of independent images: draws of one chain tell less than they say.
    ///
    /// # Errors
    /// When the images do not fit the network, there are fewer than splits or than two, or memory does not suffice.
    pub fn of(
        extractor: &Extractor,
        preprocessing: &Preprocessing,
        images: &ImageSet,
        reference: &ImageSet,
        options: ScoreOptions,
    ) -> Result<Self, ScoreError> {
        range::at_least("splits", options.splits, 1)?;
        let mut memory = Footprint::default();
        for (set, name) in [(images, "images"), (reference, "reference")] {
            if set.len() < options.splits.max(2) {
                let why = format!("there are {} in the {name}; use fewer splits or more images", set.len());
                return Err(ConfigError::new("splits", options.splits, why).into());
            }
            let columns = extractor.n_features() + extractor.n_classes();
            memory.hold(numbers(&[set.len(), columns]), &[(name, set.len())]);
        }
        // Sums of a group, moments and roots, for each thread.
        let held = rayon::current_num_threads().saturating_mul(8);
        let features = extractor.n_features();
        memory.pass(numbers(&[held, features, features]), &[("features", features)]);
        memory.check()?;
        let (a, p) = seen(extractor, preprocessing, images, options.seed)?;
        let (b, q) = seen(extractor, preprocessing, reference, options.seed)?;
        let score =
            |p: Points| SetScore { n: p.rows(), class_score: class_score(p.as_batch(), options.splits) };
        let scores = Self {
            warnings: warnings(extractor, images.len(), reference.len()),
            images: score(p),
            reference: score(q),
            frechet_distance: FrechetDistance::between(a.as_batch(), b.as_batch()),
        };
        let numbers =
            [scores.images.class_score.all, scores.reference.class_score.all, scores.frechet_distance.value];
        if !numbers.iter().all(|v| v.is_finite()) {
            return Err(ScoreError::Network {
                path: extractor.weights().into(),
                reason: "what the network says of these images is not finite; check the preprocessing".into(),
            });
        }
        Ok(scores)
    }
}

fn warnings(extractor: &Extractor, images: usize, reference: usize) -> Vec<String> {
    let features = extractor.n_features();
    let mut warnings = vec![];
    for (n, name) in [(images, "images"), (reference, "reference images")] {
        if n <= features {
            warnings.push(format!(
                "{n} {name} for {features} features: their covariance has no full rank, and the Frechet distance is too large by an unknown amount"
            ));
        }
    }
    if !extractor.unused().is_empty() {
        warnings.push(format!("arrays of the weights that were not used: {}", excerpts(extractor.unused())));
    }
    warnings
}

/// Features and probabilities of all images, in a random order.
fn seen(
    extractor: &Extractor,
    preprocessing: &Preprocessing,
    set: &ImageSet,
    seed: u64,
) -> Result<(Points, Points), ScoreError> {
    let prepared = preprocessing.prepared(set.shape(), &extractor.spec().input)?;
    let starts: Vec<usize> = (0..set.len()).step_by(BLOCK).collect();
    let block = |begin: &usize| {
        let x = prepared.points(set, *begin..set.len().min(begin + BLOCK))?;
        let mut features = Points::zeros(x.rows(), extractor.n_features());
        let mut probabilities = Points::zeros(x.rows(), extractor.n_classes());
        extractor.evaluate(x.as_batch(), features.as_batch_mut(), probabilities.as_batch_mut());
        Ok((features, probabilities))
    };
    let blocks: Vec<(Points, Points)> = starts.par_iter().map(block).collect::<Result<_, ScoreError>>()?;
    let mut order: Vec<usize> = (0..set.len()).collect();
    Stream::new(seed, SCORE_STREAM).shuffle(&mut order);
    let shuffled = |which: fn(&(Points, Points)) -> &Points, dim: usize| {
        let data = order.iter().flat_map(|i| which(&blocks[i / BLOCK]).row(i % BLOCK)).copied().collect();
        Points::from_vec(data, dim)
    };
    Ok((shuffled(|b| &b.0, extractor.n_features()), shuffled(|b| &b.1, extractor.n_classes())))
}
