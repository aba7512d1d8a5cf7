//! Scores of images, and of points beside a known law.
//!
//! An [`Extractor`] is a network with weights: the outputs of its last layer are the logits of classes, those of an earlier layer are features.
//! [`ImageScores`] are the [class score](crate::metric::ClassScore) of both sets and the [Frechet distance](crate::metric::FrechetDistance)
//! between their features, with errors, and how evenly classes are met ([`ClassBalance`](crate::metric::ClassBalance)). [`Memorisation`] asks whether they are copies of
//! training images. [`PointScores`] are rates of modes and distances from curves. Which weights made them (SHA-256) and what was done to pixels before ([`Preprocessing`]) is part of the
//! result: scores of two networks, or of two preparations, are not comparable. Only the published Inception network makes a Frechet distance an FID, and
//! none here is called so.

mod error;
mod extractor;
mod image_scores;
mod memorisation;
mod point_scores;
mod preprocessing;

pub use error::ScoreError;
pub use extractor::{Extractor, MOST_FEATURES};
pub use image_scores::{ImageScores, ScoreOptions, SetScore};
pub use memorisation::{Memorisation, NearestDistances, NearestPair};
pub use point_scores::{KnownLawScores, PointScores};
pub use preprocessing::Preprocessing;
