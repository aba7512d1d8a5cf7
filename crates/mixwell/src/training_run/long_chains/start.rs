//! Where long chains begin.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ebm::EnergyModel;
use crate::image::{Encoding, ImageSet};
use crate::net::Network;
use crate::rng::START_STREAM;
use crate::training_run::TrainingRunError;
use crate::training_run::classifier::Paths;
use crate::{ConfigError, Points, Stream, range};

/// Where chains begin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ChainStart {
    /// At draws of the base of the energy.
    #[default]
    Base,
    /// At images, the first ones.
    Images {
        /// Where they lie.
        path: Paths,
    },
    /// At points with independent coordinates, uniform between two numbers.
    Noise {
        /// The lower.
        low: f64,
        /// The higher.
        high: f64,
    },
}

impl ChainStart {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Self::Noise { low, high } = *self {
            range::finite("low", low)?;
            range::above("high", high, low)?;
        }
        Ok(())
    }

    /// So many points.
    pub(super) fn points(
        &self,
        chains: usize,
        model: &EnergyModel<Network<f32>>,
        encoding: Option<&Encoding>,
        seed: u64,
    ) -> Result<Points, TrainingRunError> {
        let mut stream = Stream::new(seed, START_STREAM);
        let dim = crate::density::Target::dim(model);
        let mut x = Points::zeros(chains, dim);
        match self {
            Self::Base => {
                let none = || ConfigError::new("start.kind", "base", "the energy has none; begin elsewhere");
                let base = model.base().ok_or_else(none)?;
                let mut noise = Points::zeros(chains, base.noise_dim());
                stream.fill_normal(noise.data_mut());
                base.push(noise.as_batch(), x.as_batch_mut(), &mut vec![0.0; chains]);
            }
            Self::Images { path } => {
                let all = images(path, encoding, chains, &mut stream)?;
                if all.rows() < chains {
                    let reason = format!("there are {} images to begin at; use fewer", all.rows());
                    return Err(ConfigError::new("chains", chains, reason).into());
                }
                x = all;
            }
            Self::Noise { low, high } => {
                x.data_mut().iter_mut().for_each(|x| *x = low + (high - low) * stream.uniform());
            }
        }
        Ok(x)
    }
}

/// The first images of some files, as points.
pub(super) fn images(
    paths: &Paths,
    encoding: Option<&Encoding>,
    most: usize,
    stream: &mut Stream,
) -> Result<Points, TrainingRunError> {
    let no_images =
        || ConfigError::new("law", "of points that are no images", "it cannot be set beside images");
    let encoding = encoding.ok_or_else(no_images)?;
    let sets: Result<Vec<ImageSet>, _> = paths.all().iter().map(|p| ImageSet::read(Path::new(p))).collect();
    let none = || ConfigError::new("start.path", "an empty list", "at least one file is needed");
    let set = ImageSet::joined(sets?)?.ok_or_else(none)?;
    Ok(encoding.points(&set.slice(0..set.len().min(most))?, stream)?)
}
