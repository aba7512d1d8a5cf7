//! Draws on disk: a Zarr v3 hierarchy in ArviZ's layout, written in chunks while the run goes on.
//!
//! ```text
//! draws.zarr/                     attributes: versions, seed, config hash, sampling time
//!   posterior/x                   float64 [chain, draw, x_dim_0, ..]     production
//!   sample_stats/diverging        bool    [chain, draw]
//!   warmup_posterior, warmup_sample_stats                                 draws made while anything adapted
//! ```
//!
//! A chunk holds all chains, the whole variable and a fixed number of draws ([`StoreSchema::chunk_draws`]), in the file
//! `c.0.K.0..`; codecs are little-endian bytes, zstd, crc32c. Chunks of constant values are written too, so that an
//! absent file within an array's shape always means loss and [`DrawReader`] says so.
//!
//! Writing ([`DrawStore`]) keeps the rows of the chunk under way in memory; they are part of [`StoreState`], which goes
//! into the checkpoint. After a kill, [`DrawStore::resume`] takes up the state: complete chunks stay as they are, everything
//! later is deleted and written again. Memory does not depend on the number of draws.

mod array;
mod chunk;
mod contents;
mod crc32c;
mod description;
mod group;
mod reader;
mod schema;
mod stored_array;
#[cfg(test)]
mod tests;
mod verify;
mod writer;
mod zstd;

pub use contents::StoreContents;
pub use reader::DrawReader;
pub(crate) use schema::chunk_draws;
pub use schema::{Phase, Stat, StatKind, StoreSchema};
pub use stored_array::StoredVariable;
pub use writer::{DrawStore, StoreState};
