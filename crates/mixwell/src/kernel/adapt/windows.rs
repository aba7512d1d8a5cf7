//! When the metric is estimated: Stan's schedule of a fast start, doubling slow windows, and a fast end.
//!
//! 75 steps only for the step size, slow windows of 25, 50, 100, ... that each end with a new metric, and 50 steps for the
//! step size at the end; a last window that could not double is merged into the one before. Warm-ups below 150 steps take
//! 15 %, 75 % and 10 %; below 20 steps there is no slow window.
//! Reference: Stan Reference Manual, "HMC algorithm parameters", adaptation schedule.

/// The schedule of one warm-up.
pub(super) struct Windows {
    start: usize,
    end: usize,
    base: usize,
}

impl Windows {
    pub(super) fn new(total: usize) -> Self {
        if total < 20 {
            Self { start: total, end: total, base: 1 }
        } else if total < 150 {
            let (start, last) = ((0.15 * total as f64) as usize, (0.1 * total as f64) as usize);
            Self { start, end: total - last, base: total - last - start }
        } else {
            Self { start: 75, end: total - 50, base: 25 }
        }
    }

    /// Whether this step (counted from 0) feeds the metric.
    pub(super) fn is_slow(&self, step: usize) -> bool {
        (self.start..self.end).contains(&step)
    }

    /// Whether a slow window ends with this step.
    pub(super) fn closes(&self, step: usize) -> bool {
        let (mut close, mut size) = (self.start, self.base);
        while close < self.end {
            close += size;
            size *= 2;
            if close + size > self.end {
                close = self.end;
            }
            if step + 1 == close {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing(total: usize) -> Vec<usize> {
        (0..total).filter(|&s| Windows::new(total).closes(s)).map(|s| s + 1).collect()
    }

    #[test]
    fn windows_double_and_the_last_one_takes_the_rest() {
        // 1000 steps: 75, then 25, 50, 100, 200, and 500 (since 400 + 800 would not fit before 950).
        assert_eq!(closing(1000), [100, 150, 250, 450, 950]);
        assert_eq!(closing(150), [100]);
        // 100 steps: 15, 75, 10.
        assert_eq!(closing(100), [90]);
        assert!(closing(19).is_empty());
        let w = Windows::new(1000);
        assert!(!w.is_slow(74) && w.is_slow(75) && w.is_slow(949) && !w.is_slow(950));
    }
}
