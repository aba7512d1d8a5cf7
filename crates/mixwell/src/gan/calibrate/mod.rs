//! Repair of a discriminator's scores, so that they are log-ratios of densities.
//!
//! The score `d` of an optimal discriminator is `log p_data(x) - log p_generated(x)`. A trained one is too sure, or shifted, and every method that samples
//! with it inherits the error. A [`Calibrator`] maps a score to a better one; it is fitted to scores of real and generated points that no network was trained on. [`CalibrationMeasures`] and a
//! [`ReliabilityTable`] on other points say whether it helped. [`CalibrationFile`] stores it with what it was measured on.
//!
//! Scores are natural log odds everywhere. Where numbers of real and generated scores differ, `log(n_real / n_generated)` is added to a score before it is read
//! as a probability and is no part of what a calibrator gives back: a calibrated score is a log-ratio whatever the numbers were.

mod beta;
mod calibration;
mod calibrator;
mod error;
mod file;
mod isotonic;
mod linear;
mod logistic;
mod measures;
mod regression;
mod reliability;
mod scores;

pub use beta::BetaCalibrator;
pub use calibration::{Candidate, Halves};
pub use calibrator::{Calibrator, CalibratorKind};
pub use error::CalibrationFileError;
pub use file::CalibrationFile;
pub use isotonic::IsotonicCalibrator;
pub use linear::LinearCalibrator;
pub use logistic::LogisticCalibrator;
pub use measures::{CalibrationMeasures, Measured};
pub use reliability::{ReliabilityBin, ReliabilityTable};
pub use scores::Scores;
