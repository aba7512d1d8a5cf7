//! One acceptance statistic for a step size that all chains share.
//!
//! Normally the mean over chains. But a chain at which every trajectory diverges, say in a place of high curvature, would
//! never be set free by the mean: seven chains at 0.9 and one at 0 give 0.79, and the step stays too long for the eighth.
//! So a running average is kept per chain, and while one of them is below a tenth of the target the harmonic mean is used
//! instead, in which the worst chain counts most ([hoffman2021chees], with each term at least 0.05).

use serde::{Deserialize, Serialize};

use crate::kernel::Tallies;

/// Weight of the newest step in the running averages: about twenty refusals in a row make a chain stuck.
const WEIGHT: f64 = 0.1;
/// A chain is stuck below this share of the target.
const STUCK: f64 = 0.1;
/// Least acceptance of a chain in the harmonic mean.
const LEAST: f64 = 0.05;

/// Running acceptance of every chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SharedAcceptance {
    running: Vec<f64>,
}

impl SharedAcceptance {
    /// The statistic of one step; `None` when no chain made a try.
    pub(crate) fn of(&mut self, tallies: Tallies<'_>, target: f64) -> Option<f64> {
        let (mut sum, mut inverse, mut tries, mut stuck) = (0.0, 0.0, 0u32, false);
        for (chain, tally) in tallies.iter().enumerate() {
            if chain == self.running.len() {
                self.running.push(target);
            }
            if tally.tries == 0 {
                continue;
            }
            let accept = tally.accept_prob / f64::from(tally.tries);
            let running = &mut self.running[chain];
            *running += WEIGHT * (accept - *running);
            stuck |= *running < STUCK * target;
            sum += accept;
            inverse += 1.0 / accept.max(LEAST);
            tries += 1;
        }
        let n = f64::from(tries);
        (tries > 0).then(|| if stuck { n / inverse } else { sum / n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Tally;

    #[test]
    fn a_stuck_chain_is_felt_after_twenty_refusals() {
        // Seven chains at 0.9 and one at 0: the mean is 0.7875, the harmonic mean 8 / (7 / 0.9 + 1 / 0.05) = 0.288.
        let tally = |accept_prob| Tally { tries: 1, accept_prob, ..Tally::default() };
        let mut tallies = [tally(0.9); 8];
        tallies[3] = tally(0.0);
        let mut acceptance = SharedAcceptance::default();
        let history: Vec<f64> =
            (0..30).map(|_| acceptance.of(Tallies::new(&tallies, 1), 0.8).unwrap()).collect();
        assert!((history[10] - 0.7875).abs() < 1e-12 && (history[29] - 0.288).abs() < 1e-3, "{history:?}");
        // It moves again: a few acceptances and the mean is back.
        tallies[3] = tally(0.9);
        let freed = (0..3).filter_map(|_| acceptance.of(Tallies::new(&tallies, 1), 0.8)).next_back().unwrap();
        assert!((freed - 0.9).abs() < 1e-12);
        assert_eq!(acceptance.of(Tallies::new(&[Tally::default()], 1), 0.8), None);
    }
}
