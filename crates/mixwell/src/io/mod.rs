//! Files: the run folder, draws in ArviZ's layout, checkpoints, and the tables that targets are made from.
//!
//! Formats only, no algorithm. Nothing here prints, and the only clock is the one a caller passes in.
//!
//! Crash safety rests on three rules. Every file is written under a temporary name and renamed, so it is whole or absent.
//! A checkpoint names only chunks of draws that are already on the disk. What a checkpoint names is never written again.

mod atomic;
mod bounded;
mod checkpoint;
mod curve;
mod data;
mod error;
mod manifest;
mod npy;
mod open;
mod run_folder;
mod store;
mod table;
mod timestamp;

pub use atomic::atomic_write;
pub use bounded::{CONFIG_BYTES, DATA_BYTES, read_bytes, read_text};
pub use checkpoint::{CHECKPOINT_FORMAT, CheckpointError, ConfigHash, load_checkpoint, save_checkpoint};
pub use curve::{CurveFile, read_curve};
pub use data::DataFiles;
pub use error::IoError;
pub(crate) use error::excerpt;
pub use manifest::{MANIFEST, MANIFEST_ATTRIBUTE};
pub(crate) use npy::npy_header;
pub use npy::{NpyArray, NpyData, NpyError, read_npy, to_npy};
pub use run_folder::{RunFolder, available_bytes};
pub(crate) use store::chunk_draws;
pub use store::{
    DrawReader, DrawStore, Phase, Stat, StatKind, StoreContents, StoreSchema, StoreState, StoredVariable,
};
pub use table::{CellProblem, Column, TableError, TableOptions, TextTable, parse_table, read_table};
pub use timestamp::timestamp;
