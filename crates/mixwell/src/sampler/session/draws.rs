//! The draws of a run's folder: the store that takes them, and whether those are there that a checkpoint speaks of.

use serde_json::{Map, Value};

use super::Session;
use crate::io::{DrawReader, DrawStore, IoError, RunFolder, StoreSchema, StoreState, timestamp};
use crate::sampler::draw_attributes;
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
        let mut map = draw_attributes(&self.config, &self.target.variables());
        map.insert("created_at".into(), timestamp(std::time::SystemTime::now()).into());
        map.insert("config_hash".into(), self.hash.to_string().into());
        map.insert("tuning_steps".into(), self.plan.schedule.adapting_draws().into());
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
