//! What a classifier says of the images that a GAN's latents stand for.

use crate::{ImageScorer, Measured, Sample};

/// `exp` of the mean divergence between what the classifier says of an image and of all.
pub(super) fn class_score(sample: &Sample<'_>, by: Option<&ImageScorer>) -> Option<Measured> {
    let score = &sample.image_scores(by?)?.images.class_score;
    Some(Measured::with_error(score.all, score.standard_error))
}

/// Between the features of the images and of the reference.
pub(super) fn frechet_distance(sample: &Sample<'_>, by: Option<&ImageScorer>) -> Option<Measured> {
    let distance = &sample.image_scores(by?)?.frechet_distance;
    Some(Measured::with_error(distance.value, distance.standard_error))
}

/// The share of the class that occurs least.
pub(super) fn smallest_class(sample: &Sample<'_>, by: Option<&ImageScorer>) -> Option<Measured> {
    Some(Measured::pooled(sample.image_scores(by?)?.images.class_balance.smallest_share))
}
