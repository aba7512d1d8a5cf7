//! What a store must hold: every array of draws with its shape and a hash of every chunk.
//!
//! The writer updates it as it writes, the checkpoint contains it, and a finished run has it in `manifest.json`. So a missing
//! array, a changed shape and a chunk of another run are noticed, none of which the chunks themselves can
//! reveal. Eight bytes for each chunk of each array; a chunk is about 4 MB over all arrays.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::schema::StatKind;

/// The first eight bytes of the SHA-256 of a chunk's file: against accidents, not against forgers, who could change it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChunkHash(u64);

impl ChunkHash {
    pub(super) fn of(file: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(file).into();
        Self(u64::from_be_bytes(*digest.first_chunk().expect("32 bytes have eight")))
    }
}

/// Everything a store must hold, see the module's documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreContents {
    pub(super) arrays: Vec<ArrayContents>,
}

/// What one array must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ArrayContents {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) kind: StatKind,
    /// Draws of each chain.
    pub(super) n_draws: u64,
    /// Sizes of a chunk: chains, draws, then the shape of the variable.
    pub(super) chunk: Vec<u64>,
    /// One for each chunk, the last one perhaps of draws that do not fill it.
    pub(super) chunks: Vec<ChunkHash>,
}

impl StoreContents {
    /// What stays as it is when a run goes on: without the chunks that are not full.
    pub(super) fn whole_chunks(&self) -> Self {
        let whole = |array: &ArrayContents| {
            let size = array.chunk.get(1).copied().unwrap_or(1).max(1);
            let n_chunks = array.n_draws / size;
            let chunks = array.chunks.iter().copied().take(n_chunks as usize).collect();
            ArrayContents { n_draws: n_chunks * size, chunks, ..array.clone() }
        };
        Self { arrays: self.arrays.iter().map(whole).collect() }
    }
}
