//! What the training of an energy left, opened to be used: the law, its data and truth, its flow and bank.

mod loader;
mod open;

pub use loader::TrainedLaws;
pub use open::TrainedEnergy;
