//! Moving the chains: how many steps make the next chunk, and what is done with its draws.

use std::time::{Duration, Instant};

use super::Engine;
use super::training::folded;
use crate::Points;
use crate::density::Guarded;
use crate::io::Phase as Group;
use crate::kernel::{Context, Tallies, Warmup};
use crate::proposal::{Proposal, Transport};
use crate::sampler::chunk::{Chunk, ChunkMove, Records};
use crate::sampler::error::RunError;
use crate::sampler::observer::{Observer, Phase};
use crate::sampler::schedule::Move;
use crate::sampler::sink::Sink;

/// Numbers (values and statistics) that one chunk may hold.
pub(in crate::sampler) const CHUNK_NUMBERS: usize = 1 << 19;
/// Most steps in one chunk, and how long a chunk should take: progress and interruptions wait for it.
pub(in crate::sampler) const CHUNK_STEPS: usize = 256;
const CHUNK_TIME: Duration = Duration::from_millis(40);

impl Engine<'_, Sink> {
    /// While adapting, one step of `m`; later as many steps of the production cycle as make a chunk.
    pub(super) fn move_chains(
        &mut self,
        m: &Move,
        adapting: bool,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let n_leaves = self.plan.leaves().len();
        let steps = if adapting { 1 } else { self.steps_of_chunk() };
        self.recorder.refresh(self.plan.leaves(), self.flow.as_ref().map(Proposal::version));
        let begun = Instant::now();
        let production = self.place.phase == Phase::Production;
        let cycle = if adapting { std::slice::from_ref(m) } else { &self.plan.schedule.production };
        let moves: Vec<ChunkMove<'_>> = cycle
            .iter()
            .map(|m| {
                let index = self.plan.kernel_index(&m.kernel);
                ChunkMove {
                    kernel: self.plan.kernels[index].kernel.as_ref(),
                    leaf: self.plan.first_leaf(index),
                    times: m.times,
                }
            })
            .collect();
        let needs_pool = moves.iter().any(|m| m.kernel.needs().pool > 0);
        let start = if adapting { (0, 0) } else { (self.place.cursor.action, self.place.cursor.step) };
        let chunk = Chunk {
            context: Context {
                target: Guarded::new(self.target, &self.failure),
                flow: self.flow.as_ref().map(|f| f as &dyn Transport),
                max_rows: self.config.max_batch_rows,
            },
            moves,
            start,
            n_leaves,
            recorder: &self.recorder,
            thin: self.config.thin,
            steps_before: self.place.steps,
            steps,
            rao_blackwell: production && self.config.rao_blackwell,
        };
        let totals = if production { &mut self.production_totals } else { &mut self.warmup_totals };
        let mut records = Records { step: &mut self.step_tallies, since_draw: &mut self.since_draw, totals };
        let mut pool = self.pool.as_mut().filter(|_| needs_pool);
        let counted = (self.target.densities(), self.target.gradients());
        // Only a checkpoint can hold what was there before.
        if let Sink::Store(_) = self.sink {
            self.before.keep(&self.ensemble, pool.as_deref(), &records);
        }
        let drawn = chunk.run(&mut self.ensemble, pool.as_deref_mut(), records.reborrow());
        if let Err(error) = self.failure.check() {
            // What was made with a failed target is thrown away.
            self.before.bring_back(&mut self.ensemble, pool, records);
            self.count_only(counted);
            return Err(error.into());
        }
        self.chunk_steps = next_chunk(steps, begun.elapsed());
        if adapting {
            let index = self.plan.kernel_index(&m.kernel);
            let leaf = self.plan.first_leaf(index);
            let named = &mut self.plan.kernels[index];
            let warmup = Warmup {
                step: self.place.adapted[index],
                total: self.plan.schedule.adapting_steps(&m.kernel),
            };
            let tallies = Tallies::new(&self.step_tallies, n_leaves).part(leaf);
            named.kernel.adapt(warmup, &self.ensemble, tallies);
            self.place.adapted[index] += 1;
            if let Some(trainer) = &mut self.trainer {
                let folded = folded(&self.plan, self.target, self.ensemble.x());
                trainer.observe(folded.as_ref().map_or(self.ensemble.x(), Points::as_batch));
            }
        }
        self.recent.add(&self.step_tallies, &self.plan.leaves());
        if adapting {
            self.place.cursor.step += 1;
        } else {
            self.place.cursor.advance_production(&self.plan.schedule, steps);
        }
        self.place.steps += steps;
        self.place.draws += drawn.draws;
        self.place.all_draws += drawn.draws;
        if drawn.draws > 0 {
            let group = if production { Group::Production } else { Group::Warmup };
            if production || self.config.output.warmup {
                self.sink.append(group, drawn.draws, &drawn.values, &drawn.stats)?;
            }
            self.monitor.observe(&drawn.values);
        }
        self.tell(observer, false);
        Ok(())
    }

    /// Steps of the next chunk while nothing adapts: short enough for progress, no further than the phase, a stopping
    /// check, or the memory bound.
    fn steps_of_chunk(&self) -> usize {
        let row = self.recorder.n_values() + self.recorder.stats().len();
        let memory = (CHUNK_NUMBERS / (row * self.ensemble.n_chains())).max(1) * self.config.thin;
        let mut draws_left = self.planned_draws() - self.place.draws;
        if self.place.phase == Phase::Production && self.stops_early() {
            draws_left = draws_left.min(self.place.next_check.saturating_sub(self.place.draws).max(1));
        }
        let thin = self.config.thin;
        let mut steps_left = draws_left.saturating_mul(thin) - self.place.steps % thin;
        if self.looks_at_target {
            steps_left = steps_left.min(self.consistency.due_at(self.ensemble.n_chains()) - self.place.steps);
        }
        self.chunk_steps.min(memory).min(steps_left).max(1)
    }
}

fn next_chunk(steps: usize, took: Duration) -> usize {
    let grown = if took * 2 < CHUNK_TIME {
        steps * 2
    } else if took > CHUNK_TIME * 2 {
        steps / 2
    } else {
        steps
    };
    grown.clamp(1, CHUNK_STEPS)
}
