//! `BaseLaw`: the law that a target gives other weights to.

use crate::proposal::Proposal;

/// The normalised law `q` of a target `pi(x) ~ w(x) q(x)`.
#[derive(Clone, Copy)]
pub struct BaseLaw<'a> {
    /// The law.
    pub law: &'a dyn Proposal,
    /// `ln w` at data that the target was made for, as far as they are known; may be empty.
    pub data_log_weights: &'a [f64],
}

impl<'a> BaseLaw<'a> {
    /// A law alone.
    pub fn new(law: &'a dyn Proposal) -> Self {
        Self { law, data_log_weights: &[] }
    }
}
