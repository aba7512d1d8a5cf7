//! What a chunk of steps changes, as it was before the chunk: a run whose target fails in the middle goes back there, and its
//! checkpoint holds everything drawn until then.

use super::chunk::Records;
use super::totals::PhaseTotals;
use crate::kernel::{Ensemble, ParticlePool, Tally};

/// Chains and records before a chunk; memory is used again from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct BeforeChunk {
    ensemble: Option<Ensemble>,
    pool: Option<ParticlePool>,
    since_draw: Vec<Tally>,
    totals: Option<PhaseTotals>,
}

impl BeforeChunk {
    /// Copies what the chunk is about to change.
    pub fn keep(&mut self, ensemble: &Ensemble, pool: Option<&ParticlePool>, records: &Records<'_>) {
        keep(&mut self.ensemble, ensemble, Ensemble::copy_from);
        if let Some(pool) = pool {
            keep(&mut self.pool, pool, ParticlePool::copy_from);
        }
        self.since_draw.clear();
        self.since_draw.extend_from_slice(records.since_draw);
        keep(&mut self.totals, records.totals, PhaseTotals::copy_from);
    }

    /// Puts everything back; without [`BeforeChunk::keep`] before, nothing happens.
    pub fn bring_back(
        &mut self,
        ensemble: &mut Ensemble,
        pool: Option<&mut ParticlePool>,
        records: Records<'_>,
    ) {
        let (Some(kept), Some(totals)) = (self.ensemble.take(), self.totals.take()) else { return };
        *ensemble = kept;
        *records.totals = totals;
        records.since_draw.copy_from_slice(&self.since_draw);
        if let (Some(pool), Some(kept)) = (pool, self.pool.take()) {
            *pool = kept;
        }
    }
}

fn keep<T: Clone>(kept: &mut Option<T>, now: &T, copy: impl FnOnce(&mut T, &T)) {
    match kept {
        Some(kept) => copy(kept, now),
        None => *kept = Some(now.clone()),
    }
}
