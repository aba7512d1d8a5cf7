//! Normalised densities one can draw from: what global moves propose.
//!
//! Every proposal is a fixed map of standard normal noise. So the noise of each chain comes from the chain's own stream,
//! while the map runs on one big batch; that is what keeps draws independent of threads and block sizes.

mod averaged;
mod defensive;
mod gaussian;
mod scale;
mod uniform;

pub use averaged::Averaged;
pub use defensive::Defensive;
pub use gaussian::{Gaussian, GaussianProposalConfig};
pub use scale::Scale;
pub use uniform::Uniform;

use std::ops::Range;

use crate::{Batch, BatchMut};

/// A normalised density that can be sampled by pushing standard normal noise through a map.
pub trait Proposal: Send + Sync {
    /// Number of coordinates of a point.
    fn dim(&self) -> usize;

    /// Standard normal numbers needed per draw; `dim` for a bijection.
    fn noise_dim(&self) -> usize {
        self.dim()
    }

    /// Names the density: two proposals with the same version have the same density. Never zero.
    ///
    /// A cached `log_q` is valid only under the version it was computed with.
    fn version(&self) -> u64;

    /// Maps noise (`rows x noise_dim`) to draws `x` (`rows x dim`) and writes their log-density to `log_q`.
    fn push(&self, noise: Batch<'_>, x: BatchMut<'_>, log_q: &mut [f64]);

    /// Writes the log-density of each row of `x`.
    fn log_prob(&self, x: Batch<'_>, log_q: &mut [f64]);

    /// The proposal as an invertible map of standard normal latents, when it is one.
    fn as_transport(&self) -> Option<&dyn Transport> {
        None
    }
}

/// A proposal whose log-density has a gradient in the point.
pub trait Differentiable: Proposal {
    /// Writes the log-density of each row of `x` to `log_q` and its gradient in `x` to `grad` (`rows x dim`).
    fn log_prob_and_grad(&self, x: Batch<'_>, log_q: &mut [f64], grad: BatchMut<'_>);
}

/// Fills in, for rows `rows` of the batch, the derivative of a loss with respect to the points and log-determinants:
/// arguments are the rows' place in the whole batch, the mapped points, the log-determinants, then the two derivatives to write.
pub type Upstream<'a> = dyn FnMut(Range<usize>, Batch<'_>, &[f64], BatchMut<'_>, &mut [f64]) + 'a;

/// An invertible map `x = T(z)` whose latents `z` are standard normal.
pub trait Transport: Proposal {
    /// `x = T(z)` and `log_det = ln|det dT/dz|`, row by row.
    fn forward(&self, z: Batch<'_>, x: BatchMut<'_>, log_det: &mut [f64]);

    /// `z = T^-1(x)` and `log_det = ln|det dT^-1/dx|`, row by row.
    fn inverse(&self, x: Batch<'_>, z: BatchMut<'_>, log_det: &mut [f64]);

    /// Runs `forward`, asks `upstream` for the derivatives of a loss, and writes the derivative with respect to `z` to `dz`.
    ///
    /// Rows are handled in blocks, so `upstream` may be called several times.
    fn forward_pullback(&self, z: Batch<'_>, upstream: &mut Upstream<'_>, dz: BatchMut<'_>);
}

/// A version made of the numbers that define a density (FNV-1a over their bits), so that it survives a restart.
pub(crate) fn content_version(words: impl IntoIterator<Item = u64>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in words.into_iter().flat_map(u64::to_le_bytes) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // Small numbers are left to proposals that count their updates; zero means unknown.
    hash | 1 << 63
}
