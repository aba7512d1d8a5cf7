//! What a run will need, told before it starts.

use super::config::RunConfig;
use super::plan::Plan;
use crate::kernel::Needs;

/// Bytes a run will need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Resident memory: state, batches, replay buffer, and the draws themselves when they are not written to disk.
    pub memory: u64,
    /// Disk for the draws, before compression; zero without a run folder.
    pub disk: u64,
}

/// Estimates the cost of a plan. `row` is the number of values and statistics of one draw of one chain.
pub(super) fn estimate(
    config: &RunConfig,
    plan: &Plan,
    dim: usize,
    row: usize,
    flow_params: usize,
    on_disk: bool,
) -> Cost {
    let schedule = &plan.schedule;
    let warmup =
        if config.output.warmup { schedule.adapting_draws() / config.thin + schedule.frozen } else { 0 };
    let draws = 8 * (config.chains * row) as u64 * (warmup + config.draws) as u64;
    let threads = rayon::current_num_threads();
    let needs = plan.kernels.iter().fold(Needs::default(), |needs, k| needs.and(k.kernel.needs()));
    let (particles, replicas) = (needs.pool, needs.replicas);
    // A batch holds points, gradients, noise and network activations.
    let batches = threads * config.max_batch_rows.min(config.chains * particles.max(1)) * (4 * dim + 4);
    let state = config.chains * (4 * dim + 8 + particles * (dim + 1) + replicas * (2 * dim + 2));
    let replay = if plan.uses_flow { config.training.max_examples * dim } else { 0 };
    // Parameters, moments, gradients of the training slices.
    let network = flow_params * 24;
    let chunk = 2 * (1usize << 21).min(256 * config.chains * row);
    let memory = 8 * (batches + state + replay + network + chunk) as u64;
    if on_disk {
        Cost { memory: memory + draws.min(16 << 20), disk: draws }
    } else {
        Cost { memory: memory + draws, disk: 0 }
    }
}
