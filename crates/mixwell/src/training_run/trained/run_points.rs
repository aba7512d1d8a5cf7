//! The points in the folder of a run or a training.

use std::path::Path;

use super::TrainedEnergy;
use crate::Points;
use crate::io::{DrawReader, RunFolder, read_npy};
use crate::training_run::{TrainingRunError, is_training};

/// The points in the folder of a run (the draws of a variable), of the training of an energy (its bank), or of long chains (what they kept). `None` where it
/// is no such folder.
///
/// # Errors
/// When the folder has no points, or no such variable.
pub fn points_of_run(path: &Path, variable: &str) -> Result<Option<Points>, TrainingRunError> {
    if !path.join("config.toml").is_file() {
        return Ok(None);
    }
    let refused = |reason: String| TrainingRunError::Data { path: path.to_path_buf(), reason };
    let folder = RunFolder::view(path)?;
    let text = folder.read_text(&folder.config())?;
    if is_training(&text) {
        let files = [TrainedEnergy::BANK, "kept.npy"].map(|name| path.join(name));
        let file = files.into_iter().find(|file| file.is_file());
        let file =
            file.ok_or_else(|| refused("it has no points; score draws of `mixwell run` instead".into()))?;
        let array = read_npy(&file).map_err(|e| refused(e.to_string()))?;
        let dim = array.shape.last().copied().unwrap_or(1).max(1);
        return Ok(Some(Points::from_vec(array.data.into_f64(), dim)));
    }
    let reader = DrawReader::open(&folder.draws())?;
    let variables = reader.variables("posterior")?;
    let Some(found) = variables.iter().find(|v| v.name == variable) else {
        let names: Vec<&str> = variables.iter().map(|v| v.name.as_str()).collect();
        let names = crate::error::excerpts(&names);
        return Err(refused(format!("its draws have no variable `{variable}`; there are {names}")));
    };
    let dim = found.len().max(1);
    Ok(Some(Points::from_vec(reader.read_variable("posterior", variable, 1)?, dim)))
}
