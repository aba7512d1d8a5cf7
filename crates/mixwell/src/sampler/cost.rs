//! The memory and disk that a run needs: announced before it starts, and refused where the machine has less.
//!
//! Each part computes its own size (`bytes`, beside its code); this file adds them up. What is needed for a moment only:
//! writing a chunk of draws, a checkpoint, a training call, a metric, the stopping rule, the evidence, the summary.

use super::config::RunConfig;
use super::engine::{CHUNK_NUMBERS, CHUNK_STEPS};
use super::monitor::Monitor;
use super::plan::Plan;
use super::record::Recorder;
use super::sink::READ_BYTES;
use super::totals::PhaseTotals;
use super::{stopping, summarise};
use crate::ConfigError;
use crate::config::Checked;
use crate::diagnostics::workspace_bytes;
use crate::estimate::importance_bytes;
use crate::footprint::{Footprint, bytes, numbers, readable, resident};
use crate::io::chunk_draws;
use crate::kernel::{Ensemble, Isir, Needs, ParticlePool, Replicas, Tally};
use crate::train::Replay;

/// Bytes of the program itself, where the system does not tell.
const PROGRAM: u64 = 16 << 20;
/// Numbers per parameter of a flow: parameters, packed copies, moments, gradients of the training slices.
const PER_PARAMETER: usize = 20;
/// Bytes of a row of the summary: its name, its numbers, its text.
const SUMMARY_ROW: usize = 600;

/// Bytes that a run will need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSize {
    /// Resident memory at the worst moment, the program and the target's data included.
    pub memory: u64,
    /// Disk for the draws, before compression; zero without a run folder.
    pub disk: u64,
}

/// What the size of a run is computed from.
pub(super) struct Sizes<'a> {
    pub config: &'a Checked<RunConfig>,
    pub plan: &'a Plan,
    pub dim: usize,
    pub recorder: &'a Recorder,
    /// Values of the largest variable.
    pub largest_variable: usize,
    pub flow_params: usize,
    pub on_disk: bool,
    /// Bytes that the process holds before the run makes anything, and the most that it held so far.
    pub before: (u64, u64),
}

/// Bytes that the process holds now, and the most that it ever held: the program, the settings, the target's data.
pub(super) fn held_so_far() -> (u64, u64) {
    resident().unwrap_or((PROGRAM, PROGRAM))
}

impl Sizes<'_> {
    /// Numbers of one draw of one chain.
    fn row(&self) -> usize {
        self.recorder.n_values() + self.recorder.stats().len()
    }

    fn warmup_draws(&self) -> usize {
        let schedule = &self.plan.schedule;
        (schedule.adapting_draws() / self.config.thin).saturating_add(schedule.frozen)
    }

    /// Bytes of all draws that are kept.
    fn draws(&self) -> u64 {
        let warmup = if self.config.output.warmup { self.warmup_draws() } else { 0 };
        numbers(&[self.config.chains, self.row(), warmup.saturating_add(self.config.draws)])
    }

    /// Bytes of memory, part by part.
    pub fn footprint(&self) -> Footprint {
        let config = self.config;
        let (chains, dim, draws, row) = (config.chains, self.dim, config.draws, self.row());
        let n_values = self.recorder.n_values();
        let threads = rayon::current_num_threads();
        let needs = self.plan.kernels.iter().fold(Needs::default(), |needs, k| needs.and(k.kernel.needs()));
        let leaves = self.plan.leaves().len();
        let particles = ("method.global.n_particles", needs.pool);
        let of_chains = ("chains", chains);
        let adaptation = self.plan.adaptation_bytes(chains, dim);
        let mut all = Footprint::default();

        let ensemble = Ensemble::bytes(chains, dim);
        let replicas = Replicas::bytes(chains, needs.replicas, dim);
        let pooled = needs.pool > 0 && (config.rao_blackwell || self.plan.trains_on_pool());
        let pool = if pooled { ParticlePool::bytes(chains, needs.pool, dim) } else { 0 };
        let rao_blackwell = if config.rao_blackwell && needs.pool > 0 { n_values } else { 0 };
        let totals = PhaseTotals::bytes(chains, leaves, 0)
            .saturating_add(PhaseTotals::bytes(chains, leaves, rao_blackwell))
            .saturating_add(bytes(3 * size_of::<Tally>(), &[chains, leaves]));
        all.hold(ensemble, &[of_chains]);
        all.hold(replicas, &[of_chains, ("method.kernel.n_temperatures", needs.replicas)]);
        all.hold(pool, &[of_chains, particles]);
        all.hold(totals, &[of_chains]);
        all.hold(adaptation.0, &[of_chains, ("target.dim", dim)]);

        // What a step holds: points, gradients, noise and what networks make of them, for every thread's batch; replicas move
        // with a copy of their chains.
        let fresh = chains.saturating_mul(needs.pool.max(1));
        let at_once = match needs.pool {
            0 => config.max_batch_rows,
            n => Isir::rows_at_once(n, dim, config.max_batch_rows),
        };
        let batch = numbers(&[at_once.saturating_mul(threads).min(fresh), dim.saturating_add(1), 4]);
        all.hold(batch, &[of_chains, particles]);
        all.hold(if needs.replicas > 0 { numbers(&[6, chains, dim]) } else { 0 }, &[of_chains]);

        // A chunk, as its blocks make it and put together; and the record that R-hat is shown from.
        let longest = draws.max(self.warmup_draws());
        let most = (CHUNK_NUMBERS / chains.saturating_mul(row).max(1)).max(1);
        let steps = most.min(CHUNK_STEPS).min(longest);
        all.hold(numbers(&[2, steps, chains, row]), &[of_chains]);
        let (monitor, watched) = Monitor::bytes(chains, n_values, longest);
        all.hold(monitor, &[of_chains]);

        let network = numbers(&[PER_PARAMETER, self.flow_params]);
        let mut learnt = 0;
        if self.plan.uses_flow {
            let training = &config.training;
            let pushed = chains.saturating_mul(self.plan.schedule.adapting_draws());
            let examples = training.max_examples.min(pushed);
            learnt = Replay::bytes(training.max_examples, pushed, dim);
            all.hold(network, &[("flow", self.flow_params)]);
            all.hold(learnt, &[("training.max_examples", examples), of_chains]);
            // Latents, points and gradients of the reverse KL; shuffled examples with their batch;
            // lines to the particles and their weights.
            let reverse = numbers(&[4, training.reverse_draws, dim.saturating_add(1)]);
            all.pass(reverse, &[("training.reverse_draws", training.reverse_draws)]);
            let forward = learnt.saturating_add(numbers(&[2, training.batch.min(examples), dim]));
            all.pass(forward, &[("training.max_examples", examples)]);
            let drawn = numbers(&[if pooled { fresh } else { 0 }, dim.saturating_add(4)]);
            all.pass(drawn, &[of_chains, particles]);
        }

        let mut pending = 0;
        if self.on_disk {
            let chunk = |planned| numbers(&[chunk_draws(chains, row, planned).min(planned), chains, row]);
            let warmup = if config.output.warmup { chunk(self.warmup_draws()) } else { 0 };
            pending = warmup.saturating_add(chunk(draws));
            all.hold(pending, &[of_chains]);
            // The largest variable of a chunk is turned round, encoded and compressed.
            let share = |whole: u64| whole / row.max(1) as u64 * self.largest_variable as u64;
            let writing = share(warmup.max(chunk(draws))).saturating_mul(3);
            all.pass(writing, &[of_chains]);
            // What a chunk changes is kept until it is made, so that a target that fails loses nothing.
            all.hold(ensemble.saturating_add(replicas).saturating_add(totals), &[of_chains]);
            all.hold(pool, &[of_chains, particles]);
            // A checkpoint copies the state, then encodes it.
            let pool = if self.plan.trains_on_pool() { pool } else { 0 };
            let state = [ensemble, replicas, totals, adaptation.0, learnt, network / 6, pending, pool];
            let state = state.into_iter().fold(0, u64::saturating_add);
            all.pass(state.saturating_mul(2), &[of_chains]);
        } else {
            all.hold(self.draws(), &[("draws", draws), of_chains]);
        }
        all.pass(adaptation.1, &[("target.dim", dim)]);
        // All chains with their gradients, while it is seen whether the target contradicts itself.
        all.pass(numbers(&[2, chains, dim]), &[of_chains]);
        self.add_results(&mut all, threads, pending, watched);
        all
    }

    /// Diagnostics, the stopping rule, the evidence and the summary.
    fn add_results(&self, all: &mut Footprint, threads: usize, pending: u64, watched: usize) {
        let (config, n_values) = (self.config, self.recorder.n_values());
        let (chains, draws) = (config.chains, config.draws);
        let settings = [("chains", chains), ("draws", draws)];
        // What is read back at a time, with the chunk that it comes from.
        let reading = |each: usize| {
            if self.on_disk {
                let block =
                    numbers(&[each, self.largest_variable]).min((READ_BYTES as u64).max(numbers(&[each])));
                block.saturating_add(pending)
            } else {
                numbers(&[each])
            }
        };
        let (each, waiting) = summarise::numbers_looked_at(chains, draws, n_values);
        // Every thread keeps the workspace of the largest scalar that it has seen.
        let at_once = threads.min(waiting.div_ceil(each.max(1))).max(1);
        let mut workspaces = workspace_bytes(each).saturating_mul(at_once as u64);
        workspaces = workspaces.max(workspace_bytes(watched).saturating_mul(threads.min(n_values) as u64));
        if config.stop.ess > 0.0 || config.stop.rhat > 0.0 {
            let each = stopping::numbers_looked_at(chains, draws);
            workspaces = workspaces.saturating_add(workspace_bytes(each));
            all.pass(reading(each), &settings);
        }
        all.hold(workspaces, &settings);
        let rows = bytes(SUMMARY_ROW, &[n_values]);
        all.pass(reading(each).saturating_add(numbers(&[waiting])).saturating_add(rows), &settings);
        let evidence = config.output.evidence_draws;
        if evidence > 0 && (self.plan.uses_flow || self.plan.proposal.is_some()) {
            let bytes = importance_bytes(evidence, self.dim, config.max_batch_rows);
            all.pass(bytes, &[("output.evidence_draws", evidence)]);
        }
    }

    /// What the run needs in all. The program and the target's data are there already.
    pub fn cost(&self) -> RunSize {
        let total = self.footprint().total();
        let (now, most) = self.before;
        let disk = if self.on_disk { self.draws() } else { 0 };
        RunSize { memory: now.saturating_add(total).max(most), disk }
    }

    /// Refuses draws for which the disk has no room; a run that may stop before all draws are made only gets a warning.
    ///
    /// # Errors
    /// When they do not fit and nothing ends the run earlier.
    pub fn check_disk(&self, free: u64) -> Result<Option<String>, ConfigError> {
        let wanted = self.draws();
        if !self.on_disk || wanted <= free {
            return Ok(None);
        }
        let (wanted, free) = (readable(wanted), readable(free));
        let stop = &self.config.stop;
        let advice = "draw less, thin, or choose another folder";
        if stop.ess > 0.0 || stop.rhat > 0.0 || stop.seconds > 0.0 {
            return Ok(Some(format!("draws may need up to {wanted} but the disk has {free} left; {advice}")));
        }
        let warmup = if self.config.output.warmup { self.warmup_draws() } else { 0 };
        let sizes = [("draws", self.config.draws), ("chains", self.config.chains), ("method", warmup)];
        let (key, value) = sizes.into_iter().max_by_key(|(_, value)| *value).expect("three of them");
        let value = if key == "method" { format!("a warm-up of {value} draws") } else { value.to_string() };
        let reason = format!("the draws need up to {wanted} of disk and {free} are free; {advice}");
        Err(ConfigError::new(key, value, reason))
    }
}

#[cfg(test)]
mod tests {
    use crate::density::StandardGaussianConfig;
    use crate::sampler::{KernelMethod, Method, RunConfig, RunError, Sampler};

    /// The setting that a run with these changes is refused for.
    fn refused(change: impl FnOnce(&mut RunConfig)) -> String {
        let target = StandardGaussianConfig { dim: 2, ..Default::default() }.build().unwrap();
        match Sampler::new(target).configure(change).run() {
            Err(RunError::Config(e)) => e.key,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn huge_settings_are_refused_by_name_before_anything_is_allocated() {
        for huge in [300_000_000_000, 1 << 62, usize::MAX >> 1, usize::MAX] {
            assert_eq!(refused(|c| c.chains = huge), "chains");
            assert_eq!(refused(|c| c.draws = huge), "draws");
            assert_eq!(refused(|c| c.output.evidence_draws = huge), "output.evidence_draws");
            assert_eq!(refused(|c| c.training.reverse_draws = huge), "training.reverse_draws");
            let kernel = |m: KernelMethod| move |c: &mut RunConfig| c.method = Method::Kernel(m);
            let warmup = refused(kernel(KernelMethod { warmup: huge, ..Default::default() }));
            assert!(warmup == "method.warmup" || warmup == "draws", "{warmup}");
        }
        assert_eq!(refused(|c| c.thin = usize::MAX), "thin");
        assert_eq!(refused(|c| c.max_batch_rows = usize::MAX), "max_batch_rows");
    }
}
