//! Points and images in the space of a trained law: files as points, and what a run or training left as images.

use std::path::Path;

use super::gan::generated_images;
use crate::density::{DataLoader, TargetConfig};
use crate::image::{Encoding, ImageSet};
use crate::io::{DataFiles, DrawReader, IoError, RunFolder, read_npy, read_text};
use crate::rng::DATA_STREAM;
use crate::training_run::{TrainConfig, TrainedEnergy, TrainingRunError, is_training};
use crate::{Points, Stream};

/// Bytes of a description of an encoding that are read.
const ENCODING_BYTES: u64 = 1 << 16;
/// Images of a file that become points, the first ones.
const MOST_IMAGES: usize = 20_000;

/// The points of a file: rows of a table or of a `.npy` array of numbers; where the law is one of images (`encoding`), images of
/// any kind that is read, of which the first 20 000 become points, dequantised by this seed.
///
/// # Errors
/// When it cannot be read, is of another dimension than `dim`, or has a number that is not finite.
pub fn read_points(
    path: &Path,
    dim: usize,
    encoding: Option<&Encoding>,
    seed: u64,
) -> Result<Points, TrainingRunError> {
    let refused = |reason: String| TrainingRunError::Data { path: path.to_path_buf(), reason };
    let ends_in = |what: &str| path.extension().is_some_and(|e| e == what);
    if let Some(encoding) = encoding {
        match ImageSet::read(path) {
            Ok(set) => {
                let set = set.slice(0..set.len().min(MOST_IMAGES))?;
                return Ok(encoding.points(&set, &mut Stream::new(seed, DATA_STREAM))?);
            }
            // Points of a law of images lie in arrays and tables, too.
            Err(_) if ends_in("npy") || ends_in("csv") => {}
            Err(other) => return Err(other.into()),
        }
    }
    let (values, columns) = if ends_in("npy") {
        let array = read_npy(path).map_err(|e| refused(e.to_string()))?;
        let columns = *array.shape.last().unwrap_or(&0);
        (array.data.into_f64(), columns)
    } else {
        let table = DataFiles.table(&path.to_string_lossy(), None).map_err(|e| refused(e.to_string()))?;
        (table.values, table.columns)
    };
    if columns != dim || values.is_empty() {
        let rows = values.len().checked_div(columns).unwrap_or(0);
        return Err(refused(format!("it has {rows} points of {columns} coordinates, but the law has {dim}")));
    }
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        return Err(refused(format!("row {} (the first is 0) has a number that is not finite", i / dim)));
    }
    Ok(Points::from_vec(values, dim))
}

/// The images in the folder of a run or a training: draws of a run whose target is an energy of images or a GAN, the persistent points of
/// the training of one, what long chains have kept. `None` where it is no such folder.
///
/// # Errors
/// When the folder has no points, or they are not images.
pub fn images_of_run(path: &Path) -> Result<Option<ImageSet>, TrainingRunError> {
    if !path.join("config.toml").is_file() {
        return Ok(None);
    }
    let refused = |reason: &str| TrainingRunError::Data { path: path.to_path_buf(), reason: reason.into() };
    let folder = RunFolder::view(path)?;
    let text = folder.read_text(&folder.config())?;
    let (law, points) = if is_training(&text) {
        let law = match crate::config::parse::<TrainConfig>(&text).map(|file| file.settings) {
            Ok(TrainConfig::LongChains(config)) => config.law,
            _ => path.to_string_lossy().into_owned(),
        };
        let files = [TrainedEnergy::BANK, "kept.npy"].map(|name| path.join(name));
        let file = files.into_iter().find(|file| file.is_file());
        let file = file.ok_or_else(|| {
            refused("it has no points (not every trainer keeps some); score draws of `mixwell run` instead")
        })?;
        let array = read_npy(&file).map_err(|e| refused(&e.to_string()))?;
        let dim = *array.shape.last().unwrap_or(&1);
        (law, Points::from_vec(array.data.into_f64(), dim.max(1)))
    } else {
        let reader = DrawReader::open(&folder.draws())?;
        let target = TargetConfig::in_text(&text);
        if let Some(TargetConfig::Gan(config)) = &target {
            return generated_images(config, &reader.read_variable("posterior", "z", 1)?).map(Some);
        }
        let law =
            target.as_ref().and_then(|target| target.energies().first().map(|energy| energy.path.clone()));
        let law = law.ok_or_else(|| {
            refused("its target is no trained energy and no GAN, so its draws are no images")
        })?;
        let draws = reader.read_variable("posterior", "x", 1)?;
        let dim = crate::density::Target::dim(TrainedEnergy::open(Path::new(&law))?.model());
        (law, Points::from_vec(draws, dim))
    };
    let encoding = read_encoding(Path::new(&law))?;
    let encoding = encoding
        .ok_or_else(|| refused("its energy is not one of images (there is no images.json beside it)"))?;
    Ok(Some(encoding.images(points.as_batch())?))
}

/// How images became the points of the law in a folder, where they did.
///
/// # Errors
/// When its description is damaged.
pub fn read_encoding(law: &Path) -> Result<Option<Encoding>, TrainingRunError> {
    let path = law.join(Encoding::NAME);
    if !path.is_file() {
        return Ok(None);
    }
    let text = read_text(&path, ENCODING_BYTES).map_err(IoError::file("read", &path))?;
    let damaged = |e: serde_json::Error| TrainingRunError::Data {
        path: path.clone(),
        reason: format!("it does not say how images become points: {e}"),
    };
    serde_json::from_str(&text).map(Some).map_err(damaged)
}
