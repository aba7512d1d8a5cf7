//! Kernels made of kernels: one after the other, the same several times, one of several at random.
//!
//! If the parts keep the target's law, so do these. Ex2MCMC is `Sequence[isir, Repeat(mala, n)]`; FlEx2MCMC is the same while
//! the flow is being trained; flowMC is another such sequence.

mod members;
mod mixture;
mod repeat;
mod sequence;

pub use mixture::{Mixture, MixtureConfig};
pub use repeat::{Repeat, RepeatConfig};
pub use sequence::{Sequence, SequenceConfig};
