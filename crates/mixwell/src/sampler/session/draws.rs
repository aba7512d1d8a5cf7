//! The draws of a run's folder: the store that takes them, and whether those are there that a checkpoint speaks of.

use serde_json::{Map, Value, json};

use super::Session;
use crate::io::{
    DrawReader, DrawStore, IoError, MANIFEST, MANIFEST_ATTRIBUTE, RunFolder, StoreSchema, StoreState,
    timestamp,
};
use crate::sampler::error::RunError;
use crate::sampler::finished::verified;
use crate::sampler::observer::Phase;
use crate::sampler::sink::{MemoryDraws, Sink};
use crate::sampler::state::RunState;
use crate::sampler::summary::Summary;

impl Session {
    pub(super) fn sink(
        &self,
        folder: Option<&RunFolder>,
        saved: Option<StoreState>,
    ) -> Result<Sink, RunError> {
        let recorder = &self.recorder;
        let Some(folder) = folder else {
            let (n_values, stats) = (recorder.n_values(), recorder.stats().to_vec());
            return Ok(Sink::Memory(MemoryDraws::new(self.config.chains, n_values, stats)));
        };
        let schedule = &self.plan.schedule;
        let warmup = schedule.adapting_draws() / self.config.thin + schedule.frozen;
        let schema = StoreSchema {
            n_chains: self.config.chains,
            variables: self.target.variables(),
            stats: recorder.stats().to_vec(),
            warmup_draws: if self.config.output.warmup { warmup } else { 0 },
            draws: self.config.draws,
            attributes: self.attributes(),
        };
        let path = folder.draws();
        let store = match saved {
            Some(state) => DrawStore::resume(&path, schema, state)?,
            None => {
                folder.clear_draws()?;
                DrawStore::create(&path, schema)?
            }
        };
        Ok(Sink::Store(Box::new(store)))
    }

    fn attributes(&self) -> Map<String, Value> {
        let version = env!("CARGO_PKG_VERSION");
        let attributes = json!({
            "created_at": timestamp(std::time::SystemTime::now()),
            "creation_library": "mixwell",
            "creation_library_version": version,
            "creation_library_language": "Rust",
            "inference_library": "mixwell",
            "inference_library_version": version,
            "method": self.config.method.name(),
            "seed": self.config.seed,
            "config_hash": self.hash.to_string(),
            MANIFEST_ATTRIBUTE: MANIFEST,
            "tuning_steps": self.plan.schedule.adapting_draws(),
        });
        let mut map = match attributes {
            Value::Object(map) => map,
            _ => unreachable!("an object was written above"),
        };
        for variable in self.target.variables().into_iter().filter(|v| !v.elements.is_empty()) {
            map.insert(format!("{}_dim_0_names", variable.name), variable.elements.into());
        }
        map
    }
}

/// Reads the draws that the checkpoint counts on: a damaged file is told before hours are spent on top of it.
pub(super) fn check_draws(folder: &RunFolder, saved: &RunState) -> Result<(), RunError> {
    let Some(store) = &saved.store else { return Ok(()) };
    Ok(DrawReader::open(&folder.draws())?.verify_written(store.contents())?)
}

/// The summary of a run that has nothing left to do. `None` where something has to be made again: the checkpoint has all it
/// takes once the whole chunks are sound.
pub(super) fn finished_summary(folder: &RunFolder, saved: &RunState) -> Result<Option<Summary>, RunError> {
    if saved.progress.phase != Phase::Finished {
        return Ok(None);
    }
    match verified(folder) {
        Ok((summary, draws)) if draws.as_ref() == saved.store.as_ref().map(StoreState::contents) => {
            Ok(Some(summary))
        }
        // A link or a device is not written to either.
        Err(RunError::Io(e @ IoError::NotPlain { .. })) => Err(e.into()),
        _ => Ok(None),
    }
}
