//! Paths between two latent points: along a sphere, and along a Langevin chain that is pulled from one to the other.
//!
//! Both are made of latents; through a flow's `forward` they become paths between data points. To follow a target given in
//! data space, pull it back through the flow first ([`crate::density::PulledBack`]).

mod magnetised;
mod spherical;

pub use magnetised::{MagnetisedConfig, MagnetisedPath, WalkError, magnetised, walk};
pub use spherical::{slerp, spherical};
