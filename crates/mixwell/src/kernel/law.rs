//! What a kernel promises about the target's law, with its parameters frozen.
//!
//! The kernel itself states it ([`Kernel::law`](super::Kernel::law)), and so do its settings; a kernel made of others derives it from
//! theirs. Code that can use only some kernels checks it: a run marks the draws of a kernel that is not exact as biased, and
//! estimators refuse kernels that keep replicas.
//!
//! All leaves with an accept-reject step or a choice among candidates are reversible, that is in detailed balance with the
//! target, as transitions from one position to the next:
//!
//! - random walk, MALA, independent Metropolis-Hastings: by Metropolis' rule.
//! - HMC: momenta are drawn anew in every step and a trajectory is its own reversal once momenta are negated.
//! - NUTS: a tree is reached with the same probability from every point in it, and a point is drawn from it by weight, half by
//!   half, with `min(1, new / old)`, which balances the two halves of every doubling.
//! - elliptical slice sampling: Murray, Adams and MacKay (2010), section 2.3; giving up after many shrinks only adds to staying.
//! - i-SIR: with independent particles and with correlated ones all particles play the same part, given their centre.

/// The promise of a kernel.
///
/// ```
/// use mixwell::kernel::{Law, isir, mala, mixture, sequence, ula};
/// assert_eq!(mala().law(), Law::reversible());
/// assert_eq!(sequence([isir(8), mala()]).law(), Law::exact());
/// assert_eq!(mixture([(0.5, isir(8)), (0.5, mala())]).law(), Law::reversible());
/// assert!(!ula().law().exact);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Law {
    /// It keeps the target's law: points that follow the target do so after a step.
    pub exact: bool,
    /// It is in detailed balance with the target, so that it is its own reversal.
    pub reversible: bool,
    /// It keeps points beside each chain from step to step, and the law that it keeps is that of chain and points together. The
    /// chain alone follows it only while the target stays the same.
    pub keeps_replicas: bool,
}

impl Law {
    /// Keeps the target's law and is its own reversal: Metropolis' rule with a proposal of any kind.
    pub const fn reversible() -> Self {
        Self { exact: true, reversible: true, keeps_replicas: false }
    }

    /// Keeps the target's law.
    pub const fn exact() -> Self {
        Self { exact: true, reversible: false, keeps_replicas: false }
    }

    /// Does not keep the target's law: draws are biased.
    pub const fn biased() -> Self {
        Self { exact: false, reversible: false, keeps_replicas: false }
    }

    /// Of kernels that run one after the other: exact if all are; a single one is what it is, several are not reversible, since
    /// backwards they run in another order.
    pub fn in_turn(parts: impl IntoIterator<Item = Law>) -> Self {
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or(Self::reversible());
        parts.fold(first, |a, b| Self { reversible: false, ..a.and(b) })
    }

    /// Of kernels of which one runs, chosen whatever the position: what all of them are.
    pub fn at_random(parts: impl IntoIterator<Item = Law>) -> Self {
        parts.into_iter().fold(Self::reversible(), Self::and)
    }

    fn and(self, other: Self) -> Self {
        Self {
            exact: self.exact && other.exact,
            reversible: self.reversible && other.reversible,
            keeps_replicas: self.keeps_replicas || other.keeps_replicas,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOT: Law = Law { keeps_replicas: true, ..Law::exact() };

    #[test]
    fn a_sequence_is_reversible_only_if_it_is_one_kernel() {
        let (r, e, b) = (Law::reversible(), Law::exact(), Law::biased());
        assert_eq!(Law::in_turn([r]), r);
        assert_eq!(Law::in_turn([r, r]), e);
        assert_eq!(Law::in_turn([r, b]), b);
        assert_eq!(Law::in_turn([HOT, r]), HOT);
    }

    #[test]
    fn a_choice_is_what_all_of_its_parts_are() {
        let (r, e, b) = (Law::reversible(), Law::exact(), Law::biased());
        assert_eq!(Law::at_random([r, r]), r);
        assert_eq!(Law::at_random([r, e]), e);
        assert_eq!(Law::at_random([r, b]), b);
        assert_eq!(Law::at_random([r, HOT]), HOT);
    }
}
