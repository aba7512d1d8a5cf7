//! What the training of an energy left, opened to be used: the law, its data and truth, its flow and bank; points and images in its space.

mod gan;
mod gan_folder;
mod gan_scores;
mod loader;
mod open;
mod points;
mod run_points;

pub(super) use gan::network_of;
pub use gan::{encoding_of_gan, generated_images, open_gan};
pub(super) use gan_folder::GanFolder;
pub use gan_scores::GanScores;
pub use loader::TrainedLaws;
pub use open::TrainedEnergy;
pub use points::{images_of_run, read_points};
pub use run_points::points_of_run;
