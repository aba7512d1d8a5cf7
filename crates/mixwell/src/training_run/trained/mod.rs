//! What the training of an energy left, opened to be used: the law, its data and truth, its flow and bank; points and images in its space.

mod loader;
mod open;
mod points;

pub use loader::TrainedLaws;
pub use open::TrainedEnergy;
pub use points::{images_of_run, read_points};
