//! Kernels made of kernels: one after the other, the same several times, one of several at random.
//!
//! If the parts keep the target's law, so do these. Ex2MCMC is `Sequence[isir, Repeat(mala, n)]`; FlEx2MCMC is the same while
//! the flow is being trained; flowMC is another such sequence.

mod mixture;
mod repeat;
mod sequence;

pub use mixture::{Mixture, MixtureConfig};
pub use repeat::{Repeat, RepeatConfig};
pub use sequence::{Sequence, SequenceConfig};

use super::Kernel;

/// The place of each part's first leaf among all leaves.
fn offsets(parts: &[Box<dyn Kernel>]) -> Vec<usize> {
    let mut next = 0;
    parts
        .iter()
        .map(|part| {
            let offset = next;
            next += part.leaves().len();
            offset
        })
        .collect()
}
