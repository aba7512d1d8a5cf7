//! Now and then a run asks whether its target contradicts itself where the chains are (`density/consistency.rs`): at the starts,
//! on the way, and where each phase ends.
//!
//! On the way four chains in turn are looked at, so seldom that it costs a hundredth of a run whose steps evaluate each chain once; where
//! a phase ends, all of them. The places are counted in steps and no random stream is touched: neither draws nor what is
//! found depend on threads, chunks or interruptions. The evaluations are counted apart.

use serde::{Deserialize, Serialize};

use super::observer::Phase;
use crate::density::{Counted, EvaluationError, Target, contradiction};
use crate::{Batch, Points};

/// Chains looked at on the way.
const CHAINS: usize = 4;
/// Evaluations that a look at one chain takes, about: two of the point, eight beside it.
const EACH: usize = 10;
/// Evaluations of a run for every one of a look.
const SHARE: usize = 100;
/// Steps between two looks at least.
const FEWEST_STEPS: usize = 50;

/// What was found so far, and how often was looked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Consistency {
    /// The first contradiction: where, and which numbers. Nothing is looked for after it.
    pub found: Option<String>,
    /// Looks on the way in this phase.
    looks: usize,
}

impl Consistency {
    /// Steps of a phase after which the next look is due; a chunk ends there.
    pub fn due_at(&self, n_chains: usize) -> usize {
        let between = (SHARE * EACH * n_chains.min(CHAINS) / n_chains).max(FEWEST_STEPS);
        (self.looks + 1).saturating_mul(between)
    }

    /// Looks at some of the chains at `x` after `steps` steps of `phase`. Gives the number of evaluations.
    ///
    /// # Errors
    /// When the target can evaluate nothing any more; then nothing has changed here.
    pub fn look(
        &mut self,
        target: &dyn Target,
        x: Batch<'_>,
        (phase, steps): (Phase, usize),
    ) -> Result<u64, EvaluationError> {
        let n = x.rows();
        let chains: Vec<usize> = (0..n.min(CHAINS)).map(|i| (self.looks * CHAINS + i) % n).collect();
        let cost = self.compare(target, x, &chains, (phase, steps))?;
        self.looks += 1;
        Ok(cost)
    }

    /// Looks at all chains where `phase` ends.
    ///
    /// # Errors
    /// As [`Consistency::look`].
    pub fn end_phase(
        &mut self,
        target: &dyn Target,
        x: Batch<'_>,
        (phase, steps): (Phase, usize),
    ) -> Result<u64, EvaluationError> {
        let chains: Vec<usize> = (0..x.rows()).collect();
        let cost = if steps == 0 { 0 } else { self.compare(target, x, &chains, (phase, steps))? };
        self.looks = 0;
        Ok(cost)
    }

    fn compare(
        &mut self,
        target: &dyn Target,
        x: Batch<'_>,
        chains: &[usize],
        (phase, steps): (Phase, usize),
    ) -> Result<u64, EvaluationError> {
        if self.found.is_some() {
            return Ok(0);
        }
        let mut points = Points::zeros(chains.len(), x.dim());
        for (row, chain) in chains.iter().enumerate() {
            points.row_mut(row).copy_from_slice(x.row(*chain));
        }
        let counted = Counted::new(target);
        self.found = contradiction(&counted, points.as_batch())?.map(|found| {
            let chain = chains[found.row];
            format!("where chain {chain} was after {steps} steps of {} {found}", phase.in_words())
        });
        Ok(counted.densities() + counted.gradients())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_cost_a_hundredth_at_most() {
        for n in [1, 2, 3, 4, 5, 20, 1000] {
            let steps = Consistency::default().due_at(n);
            assert!(EACH * n.min(CHAINS) * SHARE <= steps * n + EACH * CHAINS * n, "{n} chains: {steps}");
            assert_eq!(Consistency { looks: 2, found: None }.due_at(n), 3 * steps);
        }
    }

    #[test]
    fn chains_are_looked_at_in_turn() {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let record = seen.clone();
        let target = crate::density::from_fn_with_grad(1, move |x: &[f64], grad: &mut [f64]| {
            record.lock().unwrap().push(x[0]);
            grad[0] = -x[0];
            -0.5 * x[0] * x[0]
        });
        let x: Vec<f64> = (0..6).map(f64::from).collect();
        let mut consistency = Consistency::default();
        let mut looked_at = |n: usize| {
            seen.lock().unwrap().clear();
            (0..n).for_each(|_| {
                consistency.look(&target, Batch::new(&x, 1), (Phase::Warmup, 1)).unwrap();
            });
            x.iter().filter(|x| seen.lock().unwrap().contains(x)).count()
        };
        assert_eq!((looked_at(1), looked_at(1), looked_at(2)), (4, 4, 6));
        assert_eq!(consistency.found, None);
    }
}
