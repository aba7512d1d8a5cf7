//! Scores of a set of images beside a reference.

use rayon::prelude::*;
use serde::Serialize;

use super::{Extractor, Preprocessing, ScoreError};
use crate::error::excerpts;
use crate::footprint::{Footprint, numbers};
use crate::image::ImageSet;
use crate::metric::{ClassBalance, ClassScore, FrechetDistance, class_score};
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
    /// How evenly they fall into its classes.
    pub class_balance: ClassBalance,
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
        let infinite = || ScoreError::Network {
            path: extractor.weights().into(),
            reason: "what the network says of these images is not finite; check the preprocessing".into(),
        };
        let score = |p: Points| {
            let class_balance = ClassBalance::of(p.as_batch()).ok_or_else(infinite)?;
            let class_score = class_score(p.as_batch(), options.splits);
            Ok::<_, ScoreError>(SetScore { n: p.rows(), class_score, class_balance })
        };
        let scores = Self {
            warnings: warnings(extractor, images.len(), reference.len()),
            images: score(p)?,
            reference: score(q)?,
            frechet_distance: FrechetDistance::between(a.as_batch(), b.as_batch()),
        };
        let numbers =
            [scores.images.class_score.all, scores.reference.class_score.all, scores.frechet_distance.value];
        if !numbers.iter().all(|v| v.is_finite()) {
            return Err(infinite());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageShape;
    use crate::net::{Dense, Init, Network, NetworkSpec, to_safetensors};

    /// Two dense layers on two pixels that tell which is the brighter, nearly surely.
    fn extractor() -> Extractor {
        let spec = NetworkSpec::new(&[2]).with(Dense::new(2)).with(Dense::new(2));
        let mut network = Network::<f32>::new(&spec, Init::Uniform, &mut Stream::new(0, 0)).unwrap();
        let twenty = |i| if i == 0 || i == 3 { 20.0 } else { 0.0 };
        let identity = |i| if i == 0 || i == 3 { 1.0 } else { 0.0 };
        network.update(|p| {
            (0..6).for_each(|i| (p[i], p[6 + i]) = (identity(i), if i < 4 { twenty(i) } else { 0.0 }));
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n.safetensors");
        std::fs::write(&path, to_safetensors(&network, &[], &[])).unwrap();
        Extractor::open(&path, Some(spec), None).unwrap()
    }

    /// Pictures of one class and then of the other, of a random brightness.
    fn sorted(seed: u64, n: usize, least: usize) -> ImageSet {
        let mut stream = Stream::new(seed, 0);
        let mut pixel = || (least + stream.index(256 - least)) as u8;
        let pixels = (0..2 * n).flat_map(|i| if i < n { [pixel(), 0] } else { [0, pixel()] }).collect();
        ImageSet::new(ImageShape::new(1, 1, 2), pixels, None).unwrap()
    }

    fn scores(images: &ImageSet, reference: &ImageSet, seed: u64) -> ImageScores {
        let options = ScoreOptions { splits: 5, seed };
        ImageScores::of(&extractor(), &Preprocessing::default(), images, reference, options).unwrap()
    }

    #[test]
    fn images_that_lie_by_their_classes_are_mixed_first() {
        let (images, reference) = (sorted(1, 100, 100), sorted(2, 150, 100));
        let found = scores(&images, &reference, 1);
        // In their own order, four of five splits would have one class only, and a score of 1.
        let score = &found.images.class_score;
        assert!(score.all > 1.95 && score.splits.iter().all(|s| *s > 1.7), "{score:?}");
        assert_eq!((found.images.n, found.reference.n), (200, 300));
        assert_eq!(found.images.class_balance.counts, [100, 100]);
        let other = scores(&images, &reference, 2);
        assert_ne!(other.images.class_score.splits, score.splits);
        assert!((other.images.class_score.all - score.all).abs() < 1e-12);
        assert!((other.frechet_distance.value - found.frechet_distance.value).abs() < 1e-12);
        assert_eq!(scores(&images, &reference, 1), found);
    }

    #[test]
    fn of_one_kind_they_are_near_and_of_another_far() {
        let near = scores(&sorted(1, 100, 100), &sorted(2, 150, 100), 1).frechet_distance;
        let far = scores(&sorted(1, 100, 230), &sorted(2, 150, 100), 1).frechet_distance;
        assert!(near.corrected() < 5.0 * near.standard_error, "{near:?}");
        assert!(far.corrected() > 5.0 * far.standard_error && far.value > 5.0 * near.value, "{far:?}");
    }
}
