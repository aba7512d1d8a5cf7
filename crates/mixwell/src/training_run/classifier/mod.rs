//! A classifier of images: `log p(class | image) = logits - log sum exp(logits)`, trained by cross-entropy on minibatches.

mod config;
mod confusion;
mod data;
mod loss;
mod network;
mod shift;
mod task;

pub use config::{ClassifierConfig, ImageFiles, Paths};
pub use network::NetworkChoice;
pub(super) use task::tape;
