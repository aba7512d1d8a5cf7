//! Turns the class labels found in a file into two classes.

use super::TargetError;

/// Labels as booleans. There must be exactly two classes: `positive` and one other.
///
/// Without `positive` the labels must be 0 and 1. `others`, unless empty, lists what the other class may be called.
pub fn code_labels(labels: &[f64], positive: Option<f64>, others: &[f64]) -> Result<Vec<bool>, TargetError> {
    let others = if positive.is_none() { &[0.0] } else { others };
    let positive = positive.unwrap_or(1.0);
    let mut negative = None;
    for (row, &value) in labels.iter().enumerate() {
        if value == positive {
            continue;
        }
        let allowed = others.is_empty() || others.contains(&value);
        if !allowed || !value.is_finite() || *negative.get_or_insert(value) != value {
            return Err(TargetError::Label { row, value });
        }
    }
    let coded: Vec<bool> = labels.iter().map(|v| *v == positive).collect();
    if !coded.contains(&true) || !coded.contains(&false) {
        return Err(TargetError::OneClass { value: labels.first().copied().unwrap_or(f64::NAN) });
    }
    Ok(coded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_coded_by_the_positive_one() {
        assert_eq!(code_labels(&[1.0, 2.0, 1.0], Some(2.0), &[]), Ok(vec![false, true, false]));
        assert_eq!(code_labels(&[1.0, 0.0], None, &[]), Ok(vec![true, false]));
        // Coded 1 and 2 without saying which is positive: the 2 is not a 0.
        assert_eq!(code_labels(&[1.0, 2.0], None, &[]), Err(TargetError::Label { row: 1, value: 2.0 }));
        assert_eq!(
            code_labels(&[1.0, 2.0, 3.0], Some(2.0), &[]),
            Err(TargetError::Label { row: 2, value: 3.0 })
        );
        assert!(matches!(code_labels(&[1.0, 1.0], Some(2.0), &[]), Err(TargetError::OneClass { .. })));
        assert!(code_labels(&[1.0, f64::NAN], Some(1.0), &[]).is_err());
    }
}
