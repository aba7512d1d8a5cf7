//! Scores of images: what a network sees in them, beside what it sees in a reference.
//!
//! An [`Extractor`] is a network with weights: the outputs of its last layer are the logits of classes, those of an earlier layer are features.
//! [`ImageScores`] are the [class score](crate::metric::ClassScore) of both sets and the [Frechet distance](crate::metric::FrechetDistance)
//! between their features, with errors. Which weights made them (SHA-256) and what was done to pixels before ([`Preprocessing`]) is part of the
//! result: scores of two networks, or of two preparations, are not comparable. Only the published Inception network makes a Frechet distance an FID, and
//! none here is called so.

mod error;
mod extractor;
mod image_scores;
mod preprocessing;

pub use error::ScoreError;
pub use extractor::{Extractor, MOST_FEATURES};
pub use image_scores::{ImageScores, ScoreOptions, SetScore};
pub use preprocessing::Preprocessing;
