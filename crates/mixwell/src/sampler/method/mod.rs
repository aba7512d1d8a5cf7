//! Named methods: each is a few settings that expand into kernels and a schedule. None has a loop of its own.
//!
//! To add one: a file here with its settings, `Default` and [`expand::Expand`], and a row in `registry.rs`, which makes the
//! `kind`, the checks, the catalogue and `mixwell list methods`.

mod auto;
mod builder;
mod discriminator_rejection;
mod ex2;
mod expand;
mod flex2;
mod flowmc;
mod kernel;
mod langevin_chain;
mod mh_gan;
mod neutra;
mod registry;
mod schedule;
mod score_climbing;

pub use auto::Auto;
pub use builder::{ex2, flex2, flowmc, neutra, score_climbing};
pub use discriminator_rejection::DiscriminatorRejection;
pub use ex2::Ex2;
pub use flex2::Flex2;
pub use flowmc::FlowMc;
pub use kernel::KernelMethod;
pub use langevin_chain::{Ddls, Keep, RepGan};
pub use mh_gan::MhGan;
pub use neutra::NeutraMethod;
pub use registry::{Method, MethodEntry, catalogue};
pub use schedule::ScheduleMethod;
pub use score_climbing::ScoreClimbing;
