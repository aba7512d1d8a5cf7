//! Are images copies of training images? The distance of each from the nearest training image, beside that of images that were held out.
//!
//! Distances are Euclidean, of pixels from 0 to 1. New images of the same law are as far from the training images as held-out ones are; a model that repeats what it has seen is nearer. So the
//! measure is not the distance, which depends on the data, but how the two sets of distances compare: the probability that a held-out image is farther away than an image (1/2 where there is no
//! difference), and the share of images that are nearer than all but one in a hundred of the held-out ones.
//! What it cannot see: copies that are shifted, or changed in other ways that move pixels.

use serde::Serialize;

use super::ScoreError;
use crate::diagnostics::sorted_quantile;
use crate::image::ImageSet;
use crate::metric::{Auroc, NearestRows, auroc};

/// Images whose distances are computed together, and training images that are numbers at a time.
const BLOCK: usize = 2048;
/// Pairs that are shown.
const PAIRS: usize = 10;
/// Share of held-out images that are nearer than what counts as usual.
const RARE: f64 = 0.01;

/// Distances from the nearest training image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearestDistances {
    /// Images.
    pub n: usize,
    /// The nearest of all.
    pub least: f64,
    /// One in a hundred is nearer.
    pub q01: f64,
    /// Half are nearer.
    pub median: f64,
    /// How many are the same as a training image, pixel by pixel.
    pub copies: usize,
}

/// An image and the training image that is nearest to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NearestPair {
    /// The place of the image in its set.
    pub image: usize,
    /// The place of the training image in its set.
    pub training: usize,
    /// Their distance.
    pub distance: f64,
}

/// How near images are to training images, beside images that were held out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Memorisation {
    /// Training images.
    pub n_training: usize,
    /// Of the images.
    pub images: NearestDistances,
    /// Of the held-out images.
    pub held_out: NearestDistances,
    /// The probability that a held-out image is farther from the training images than an image: 1/2 where images are as new as those, 1 where all are
    /// nearer.
    pub farther: Auroc,
    /// Share of images that are nearer than the nearest hundredth of held-out images; 0.01 where they are as new as those.
    pub suspect: f64,
    /// The nearest pairs, ten at most.
    pub pairs: Vec<NearestPair>,
    /// What makes the numbers worth less.
    pub warnings: Vec<String>,
}

impl Memorisation {
    /// Compares images with the training images of what made them, and with images that were held out from that training.
    ///
    /// # Errors
    /// When a set has fewer than two images, or shapes differ.
    pub fn of(images: &ImageSet, training: &ImageSet, held_out: &ImageSet) -> Result<Self, ScoreError> {
        for (set, name) in [(images, "images"), (training, "training images"), (held_out, "held-out images")]
        {
            if set.shape() != training.shape() {
                return Err(ScoreError::Unusable(format!(
                    "the {name} are {}, but the training images are {}; both must be of one shape",
                    set.shape(),
                    training.shape()
                )));
            }
            if set.len() < 2 {
                return Err(ScoreError::Unusable(format!(
                    "there are {} {name}; at least 2 are needed",
                    set.len()
                )));
            }
        }
        let (near, pairs) = nearest(images, training)?;
        let (held, _) = nearest(held_out, training)?;
        let held_out = NearestDistances::of(&held);
        let mut warnings = vec![];
        // Half of them: some data sets hold an image twice.
        if held_out.median == 0.0 {
            warnings.push(
                "the held-out images are among the training images, so nothing can be said of memory; give others".into(),
            );
        }
        Ok(Self {
            n_training: training.len(),
            farther: auroc(&near, &held),
            suspect: near.iter().filter(|d| **d < held_out.q01).count() as f64 / near.len() as f64,
            images: NearestDistances::of(&near),
            held_out,
            pairs,
            warnings,
        })
    }
}

impl NearestDistances {
    fn of(distances: &[f64]) -> Self {
        let mut sorted = distances.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self {
            n: sorted.len(),
            least: sorted[0],
            q01: sorted_quantile(&sorted, RARE),
            median: sorted_quantile(&sorted, 0.5),
            copies: sorted.iter().take_while(|d| **d == 0.0).count(),
        }
    }
}

/// The distance of each image from its nearest training image, and the nearest pairs.
fn nearest(images: &ImageSet, training: &ImageSet) -> Result<(Vec<f64>, Vec<NearestPair>), ScoreError> {
    let (mut distances, mut pairs) = (vec![], vec![]);
    for begin in (0..images.len()).step_by(BLOCK) {
        let x = images.points(begin..images.len().min(begin + BLOCK), [0.0, 1.0])?;
        let mut search = NearestRows::of(x.as_batch());
        for from in (0..training.len()).step_by(BLOCK) {
            let set = training.points(from..training.len().min(from + BLOCK), [0.0, 1.0])?;
            search.add(set.as_batch());
        }
        let found = search.distances();
        let places = search.indices().into_iter().flatten().zip(&found).enumerate();
        pairs.extend(places.map(|(i, (training, distance))| NearestPair {
            image: begin + i,
            training,
            distance: *distance,
        }));
        // In a stable order, so that ties stay in that of the images.
        pairs.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        pairs.truncate(PAIRS);
        distances.extend(found);
    }
    Ok((distances, pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::image::ImageShape;

    /// Random pictures around two of a random pattern.
    fn pictures(seed: u64, n: usize) -> ImageSet {
        let mut stream = Stream::new(seed, 0);
        let mut pixel =
            |i: usize| (128.0 + 60.0 * (i as f64).sin() + 20.0 * stream.normal()).clamp(0.0, 255.0) as u8;
        ImageSet::new(ImageShape::new(1, 4, 4), (0..16 * n).map(|i| pixel(i % 16)).collect(), None).unwrap()
    }

    #[test]
    fn new_images_are_as_far_as_held_out_ones_and_copies_are_found() {
        let (training, held_out, fresh) = (pictures(1, 3000), pictures(2, 1000), pictures(3, 1000));
        let found = Memorisation::of(&fresh, &training, &held_out).unwrap();
        let farther = found.farther;
        assert!((farther.value - 0.5).abs() < 5.0 * farther.standard_error, "{found:?}");
        // Both ends of the share are random: a hundredth of a thousand is ten, give or take three, twice.
        assert!((found.suspect - 0.01).abs() < 5.0 * 0.0045, "{found:?}");
        assert_eq!((found.images.copies, found.pairs.len(), found.warnings.len()), (0, 10, 0));
        // A fifth of them copied with a little noise, one exactly.
        let mut pixels = fresh.pixels().to_vec();
        for i in 0..200 {
            let copied = &training.pixels()[i * 16..(i + 1) * 16];
            pixels[i * 16..(i + 1) * 16].copy_from_slice(copied);
            pixels[i * 16] = copied[0].saturating_add(u8::from(i > 0));
        }
        let copies = ImageSet::new(fresh.shape(), pixels, None).unwrap();
        let found = Memorisation::of(&copies, &training, &held_out).unwrap();
        assert!(found.suspect > 0.19 && found.farther.value > 0.55, "{found:?}");
        assert_eq!((found.images.copies, found.images.least), (1, 0.0));
        assert_eq!(found.pairs[0], NearestPair { image: 0, training: 0, distance: 0.0 });
        assert!((found.pairs[1].distance - 1.0 / 255.0).abs() < 1e-12 && found.pairs[1].image == 1);
    }

    #[test]
    fn training_images_as_held_out_ones_are_warned_of_and_other_shapes_refused() {
        let training = pictures(1, 100);
        let found = Memorisation::of(&pictures(2, 50), &training, &training).unwrap();
        assert!(found.warnings[0].contains("among the training images"));
        let other = ImageSet::new(ImageShape::new(1, 2, 2), vec![0; 400], None).unwrap();
        let error = Memorisation::of(&other, &training, &training).unwrap_err();
        assert!(error.is_input() && error.to_string().contains("one shape"), "{error}");
        let one = training.slice(0..1).unwrap();
        assert!(Memorisation::of(&one, &training, &training).unwrap_err().to_string().contains("at least 2"));
    }
}
