//! How evenly a classifier's answers fall into its classes: counts, the smallest class, entropy, and the divergence from equal shares.

use serde::Serialize;

use super::jensen_shannon;
use crate::Batch;

/// How often each class is the most probable one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassBalance {
    /// Rows whose most probable class it is, for each class.
    pub counts: Vec<usize>,
    /// The class that is met least, the first of several.
    pub smallest: usize,
    /// Its share.
    pub smallest_share: f64,
    /// `-sum p ln p` of the shares: the logarithm of the number of classes where they are equal.
    pub entropy: f64,
    /// Jensen-Shannon divergence of the shares from equal ones, natural logarithm.
    pub jsd: f64,
}

impl ClassBalance {
    /// Of probabilities, `rows x classes`; `None` without rows, or where one is NaN. Of several classes that are equally probable it is the first.
    pub fn of(probabilities: Batch<'_>) -> Option<Self> {
        let mut counts = vec![0; probabilities.dim()];
        for row in probabilities.iter() {
            if row.iter().any(|p| p.is_nan()) {
                return None;
            }
            let mut best = 0;
            row.iter().enumerate().for_each(|(k, p)| best = if *p > row[best] { k } else { best });
            counts[best] += 1;
        }
        Self::of_counts(counts)
    }

    /// Of counts; `None` where all are zero.
    ///
    /// ```
    /// use mixwell::metric::ClassBalance;
    /// let balance = ClassBalance::of_counts(vec![6, 2, 4]).expect("twelve rows");
    /// assert_eq!((balance.smallest, balance.smallest_share), (1, 2.0 / 12.0));
    /// ```
    pub fn of_counts(counts: Vec<usize>) -> Option<Self> {
        let n: usize = counts.iter().sum();
        let (smallest, least) = counts.iter().copied().enumerate().min_by_key(|(_, count)| *count)?;
        if n == 0 {
            return None;
        }
        let shares: Vec<f64> = counts.iter().map(|c| *c as f64 / n as f64).collect();
        let equal = vec![1.0 / counts.len() as f64; counts.len()];
        let entropy = shares.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        Some(Self {
            smallest,
            smallest_share: least as f64 / n as f64,
            entropy,
            jsd: jensen_shannon(&shares, &equal),
            counts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;

    #[test]
    fn the_published_imbalance_of_a_gan_of_digits() {
        let counts = vec![173, 654, 34, 113, 131, 64, 92, 348, 76, 315];
        let balance = ClassBalance::of_counts(counts).unwrap();
        assert_eq!((balance.smallest, balance.smallest_share), (2, 0.017));
        assert!(balance.entropy < 10f64.ln() && balance.jsd > 0.05);
        let even = ClassBalance::of_counts(vec![5; 10]).unwrap();
        assert!((even.entropy - 10f64.ln()).abs() < 1e-14 && even.jsd < 1e-15);
    }

    #[test]
    fn the_most_probable_class_counts() {
        let p = Points::from_rows(&[[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.0, 0.9]]);
        assert_eq!(ClassBalance::of(p.as_batch()).unwrap().counts, [1, 1, 1]);
        let p = Points::from_rows(&[[0.2, f64::NAN, 0.3]]);
        assert!(ClassBalance::of(p.as_batch()).is_none());
        assert!(ClassBalance::of(Points::zeros(0, 3).as_batch()).is_none());
        assert!(ClassBalance::of_counts(vec![]).is_none());
    }
}
