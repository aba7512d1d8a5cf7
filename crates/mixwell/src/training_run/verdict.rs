//! What can go badly in any training by descent, judged from its course.

use serde::{Deserialize, Serialize};

use crate::train::GuardCounts;

/// How a descent went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Loss before the first update.
    pub first_loss: f64,
    /// Loss at the end: a mean over many updates.
    pub last_loss: f64,
    /// What the guard counted.
    pub counts: GuardCounts,
}

impl Course {
    /// What went badly; none is good.
    pub fn problems(&self) -> Vec<String> {
        let GuardCounts { updates, skipped_non_finite, skipped_jumps, .. } = self.counts;
        let all = updates + skipped_non_finite + skipped_jumps;
        let mut problems = vec![];
        if all > 0 && updates == 0 {
            problems.push(format!("none of {all} updates could be made"));
        }
        if skipped_non_finite > 0 {
            problems.push(format!(
                "at {skipped_non_finite} of {all} updates the loss or its gradient was not finite, and nothing was changed; lower the learning rate"
            ));
        }
        if skipped_jumps > 0 {
            problems.push(format!(
                "at {skipped_jumps} of {all} updates the loss jumped, and nothing was changed; lower the learning rate"
            ));
        }
        if updates > 0 {
            let (first, last) = (self.first_loss, self.last_loss);
            if !last.is_finite() || last > 2.0 * first.abs().max(0.1) + first {
                problems.push(format!("it diverged: the loss was {first:.4} at the start and is {last:.4}; lower the learning rate, or clip the gradient"));
            } else if last > first - 1e-3 * first.abs() {
                problems.push(format!("the loss has not fallen: it was {first:.4} at the start and is {last:.4}; change the learning rate, or train for longer"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_go_badly_is_told_with_its_number() {
        let counts = GuardCounts { updates: 90, ..Default::default() };
        let good = Course { first_loss: 2.3, last_loss: 0.1, counts };
        assert!(good.problems().is_empty());
        let told = |course: Course, word: &str| {
            let problems = course.problems().join("; ");
            assert!(problems.contains(word), "{problems}");
        };
        told(Course { last_loss: 2.2999, ..good }, "not fallen");
        told(Course { last_loss: 50.0, ..good }, "diverged");
        told(Course { last_loss: f64::NAN, ..good }, "diverged");
        let broken = GuardCounts { skipped_non_finite: 10, ..counts };
        told(Course { counts: broken, ..good }, "10 of 100");
        let jumps = GuardCounts { skipped_jumps: 3, ..counts };
        told(Course { counts: jumps, ..good }, "3 of 93");
        let none = GuardCounts { skipped_non_finite: 5, ..Default::default() };
        told(Course { counts: none, ..good }, "none of 5");
    }
}
