//! The writer: takes rows as they are drawn, writes whole chunks, and can be saved and taken up again at any draw.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{IoError, atomic};
use super::contents::StoreContents;
use super::description::{group_metadata, read_metadata, write_metadata};
use super::group::GroupWriter;
use super::schema::{Phase, StoreSchema};

/// Files after whose writing the disk is waited for even without a checkpoint.
const MOST_WRITTEN: usize = 4096;

/// Draws being written to a folder, see the module's documentation.
pub struct DrawStore {
    path: PathBuf,
    schema: StoreSchema,
    phases: Vec<PhaseWriter>,
    /// Files written since the last time the disk was waited for.
    written: Vec<PathBuf>,
    /// Whether everything is written for good; nothing has to be made readable then.
    finished: bool,
}

/// The two groups of a phase and the rows that do not fill a chunk yet.
struct PhaseWriter {
    phase: Phase,
    values: GroupWriter,
    stats: GroupWriter,
    chunk: usize,
    n_draws: u64,
    pending_values: Vec<f64>,
    pending_stats: Vec<f64>,
    /// Number of draws that a reader is told of.
    readable: Option<u64>,
}

/// What a [`DrawStore`] has in memory; goes into the checkpoint and brings the store back with [`DrawStore::resume`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreState {
    phases: Vec<PhaseState>,
    contents: StoreContents,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PhaseState {
    chunk: u64,
    n_draws: u64,
    pending_values: Vec<f64>,
    pending_stats: Vec<f64>,
}

impl StoreState {
    /// What the store held when it was saved.
    pub fn contents(&self) -> &StoreContents {
        &self.contents
    }
}

impl DrawStore {
    /// Makes an empty store at `path`, which must not exist or be an empty folder.
    pub fn create(path: &Path, schema: StoreSchema) -> Result<Self, IoError> {
        let occupied = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if occupied {
            return Err(IoError::AlreadyARun { path: path.to_path_buf(), found: "draw store" });
        }
        let chunks = Phase::ALL.map(|phase| schema.chunk_draws(phase));
        let mut store = Self::build(path, schema, chunks)?;
        store.sync()?;
        Ok(store)
    }

    /// Takes up a store at the point where [`DrawStore::save`] gave `state`. Later chunks are deleted.
    ///
    /// Attributes already in the store stay; those of `schema` that are new are added.
    pub fn resume(path: &Path, mut schema: StoreSchema, state: StoreState) -> Result<Self, IoError> {
        let problem = |reason: String| IoError::State { path: path.to_path_buf(), reason };
        let mut attributes = stored_attributes(path);
        for (key, value) in std::mem::take(&mut schema.attributes) {
            attributes.entry(key).or_insert(value);
        }
        schema.attributes = attributes;
        let mut chunks = Phase::ALL.map(|phase| schema.chunk_draws(phase));
        let kept: Vec<usize> =
            (0..2).filter(|&i| Phase::ALL[i] == Phase::Production || schema.warmup_draws > 0).collect();
        if kept.len() != state.phases.len() {
            return Err(problem("one has warm-up draws and the other has not".into()));
        }
        for (&i, saved) in kept.iter().zip(&state.phases) {
            chunks[i] = usize::try_from(saved.chunk).unwrap_or(0);
        }
        if chunks.contains(&0) {
            return Err(problem("a chunk of no draws".into()));
        }
        let mut store = Self::build(path, schema, chunks)?;
        let n_chains = store.schema.n_chains;
        let whole = state.contents.whole_chunks();
        for (writer, saved) in store.phases.iter_mut().zip(state.phases) {
            let pending = saved.n_draws % saved.chunk;
            let fits = |group: &GroupWriter, rows: &[f64]| {
                rows.len() as u64 == pending.saturating_mul((n_chains * group.n_row()) as u64)
            };
            if !fits(&writer.values, &saved.pending_values) || !fits(&writer.stats, &saved.pending_stats) {
                return Err(problem(format!("{n_chains} chains of these variables do not make its rows")));
            }
            if !writer.values.take_up(&whole.arrays) || !writer.stats.take_up(&whole.arrays) {
                return Err(problem("it has other arrays".into()));
            }
            writer.n_draws = saved.n_draws;
            writer.pending_values = saved.pending_values;
            writer.pending_stats = saved.pending_stats;
            writer.values.keep_chunks(saved.n_draws / saved.chunk)?;
            writer.stats.keep_chunks(saved.n_draws / saved.chunk)?;
        }
        store.sync()?;
        Ok(store)
    }

    fn build(path: &Path, schema: StoreSchema, chunks: [usize; 2]) -> Result<Self, IoError> {
        schema.check()?;
        std::fs::create_dir_all(path).map_err(IoError::file("create the folder", path))?;
        let mut written = vec![];
        let mut phases = vec![];
        for (phase, chunk) in Phase::ALL.into_iter().zip(chunks) {
            if phase == Phase::Warmup && schema.warmup_draws == 0 {
                continue;
            }
            let values = GroupWriter::values(path, phase.values_group(), &schema, chunk);
            let stats = GroupWriter::stats(path, phase.stats_group(), &schema, chunk);
            values.create(&mut written)?;
            stats.create(&mut written)?;
            let (pending_values, pending_stats) = (vec![], vec![]);
            let (n_draws, readable) = (0, None);
            phases.push(PhaseWriter {
                phase,
                values,
                stats,
                chunk,
                n_draws,
                pending_values,
                pending_stats,
                readable,
            });
        }
        Ok(Self { path: path.to_path_buf(), schema, phases, written, finished: false })
    }

    /// The folder of the store.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the store holds.
    pub fn schema(&self) -> &StoreSchema {
        &self.schema
    }

    /// Draws per chain stored so far.
    pub fn n_draws(&self, phase: Phase) -> u64 {
        self.phases.iter().find(|p| p.phase == phase).map_or(0, |p| p.n_draws)
    }

    /// Adds `draws` draws of every chain: `values` is `draws x chains x n_values`, `stats` `draws x chains x n_stats`.
    ///
    /// After an error the store is to be dropped: the checkpoint before it is still good.
    ///
    /// # Panics
    /// If the slices have other lengths.
    pub fn append(
        &mut self,
        phase: Phase,
        draws: usize,
        values: &[f64],
        stats: &[f64],
    ) -> Result<(), IoError> {
        self.finished = false;
        let n_chains = self.schema.n_chains;
        let Some(writer) = self.phases.iter_mut().find(|p| p.phase == phase) else {
            return Err(IoError::Schema("warm-up draws were not planned for".into()));
        };
        let value_row = n_chains * writer.values.n_row();
        let stat_row = n_chains * writer.stats.n_row();
        assert_eq!(values.len(), draws * value_row, "values must be draws x chains x n_values");
        assert_eq!(stats.len(), draws * stat_row, "stats must be draws x chains x n_stats");
        let mut from = 0;
        while from < draws {
            let room = writer.chunk - (writer.n_draws % writer.chunk as u64) as usize;
            let to = draws.min(from + room);
            writer.pending_values.extend_from_slice(&values[from * value_row..to * value_row]);
            writer.pending_stats.extend_from_slice(&stats[from * stat_row..to * stat_row]);
            writer.n_draws += (to - from) as u64;
            if to - from == room {
                let index = writer.n_draws / writer.chunk as u64 - 1;
                writer.write_chunk(index, writer.chunk, &mut self.written)?;
                writer.pending_values.clear();
                writer.pending_stats.clear();
                if self.written.len() > MOST_WRITTEN {
                    wait_for_disk(&mut self.written)?;
                }
            }
            from = to;
        }
        Ok(())
    }

    /// Waits until all chunks are on the disk and returns what is in memory, for the checkpoint.
    pub fn save(&mut self) -> Result<StoreState, IoError> {
        wait_for_disk(&mut self.written)?;
        let phases = self.phases.iter().map(|p| PhaseState {
            chunk: p.chunk as u64,
            n_draws: p.n_draws,
            pending_values: p.pending_values.clone(),
            pending_stats: p.pending_stats.clone(),
        });
        Ok(StoreState { phases: phases.collect(), contents: self.contents() })
    }

    /// What the store holds now. Chunks that are not full have a hash once they were made readable.
    pub fn contents(&self) -> StoreContents {
        let of = |p: &PhaseWriter| {
            p.values.contents(p.n_draws).chain(p.stats.contents(p.n_draws)).collect::<Vec<_>>()
        };
        StoreContents { arrays: self.phases.iter().flat_map(of).collect() }
    }

    /// Makes all draws so far readable: writes the chunks under way and the number of draws. The run goes on as before.
    pub fn sync(&mut self) -> Result<(), IoError> {
        if self.finished { Ok(()) } else { self.write_all(false) }
    }

    /// Adds attributes (e.g. the sampling time) and writes everything for good, with the descriptions of all arrays
    /// repeated in the one at the top so that readers need a single file to open the store.
    pub fn finish(&mut self, attributes: Map<String, Value>) -> Result<(), IoError> {
        self.schema.attributes.extend(attributes);
        self.write_all(true)?;
        self.finished = true;
        wait_for_disk(&mut self.written)
    }

    fn write_all(&mut self, consolidate: bool) -> Result<(), IoError> {
        let mut consolidated = Map::new();
        for writer in &mut self.phases {
            if !consolidate && writer.readable == Some(writer.n_draws) {
                continue;
            }
            let pending = (writer.n_draws % writer.chunk as u64) as usize;
            if pending > 0 {
                writer.write_chunk(writer.n_draws / writer.chunk as u64, pending, &mut self.written)?;
            }
            for group in [&mut writer.values, &mut writer.stats] {
                let attributes = &self.schema.attributes;
                group.write_metadata(writer.n_draws, attributes, &mut self.written, &mut consolidated)?;
            }
            writer.readable = Some(writer.n_draws);
        }
        let mut root = group_metadata(&self.schema.attributes);
        if consolidate {
            let mut entry = Map::new();
            entry.insert("kind".into(), "inline".into());
            entry.insert("must_understand".into(), false.into());
            entry.insert("metadata".into(), Value::Object(consolidated));
            root.insert("consolidated_metadata".into(), Value::Object(entry));
        }
        self.written.push(write_metadata(&self.path, &Value::Object(root))?);
        Ok(())
    }
}

/// Waits until files written earlier, and their names, are on the disk.
fn wait_for_disk(written: &mut Vec<PathBuf>) -> Result<(), IoError> {
    let files: BTreeSet<PathBuf> = written.drain(..).collect();
    let folders: BTreeSet<&Path> = files.iter().map(|file| atomic::parent(file)).collect();
    files.iter().try_for_each(|file| atomic::sync_file(file))?;
    folders.into_iter().try_for_each(atomic::sync_folder)
}

impl PhaseWriter {
    fn write_chunk(&mut self, index: u64, draws: usize, written: &mut Vec<PathBuf>) -> Result<(), IoError> {
        self.values.write_chunk(index, draws, &self.pending_values, written)?;
        self.stats.write_chunk(index, draws, &self.pending_stats, written)
    }
}

/// The attributes of the store at `path`, or none where they cannot be read: everything is about to be written again.
fn stored_attributes(path: &Path) -> Map<String, Value> {
    let root = read_metadata(path).unwrap_or_default();
    root.get("attributes").and_then(Value::as_object).cloned().unwrap_or_default()
}
