//! What a cell measured, and what all repetitions together say.
//!
//! A metric of single chains gives one value per chain; one of all chains together gives one value, with its Monte Carlo
//! error where it can be told. Over repetitions: mean, standard deviation of the values (divisor `n - 1`), and the standard
//! error of the mean, `sqrt(sum of squared errors) / n` where errors are known, `sd / sqrt(n)` otherwise.

use serde::{Deserialize, Deserializer, Serialize};

/// The values of one metric in one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// One value per chain, or a single one. NaN (`null`) where it cannot be computed.
    #[serde(deserialize_with = "nulls_as_nan")]
    pub values: Vec<f64>,
    /// Monte Carlo standard error of a single value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
}

fn nulls_as_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let values = Vec::<Option<f64>>::deserialize(deserializer)?;
    Ok(values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
}

impl Measured {
    /// One value for each chain.
    pub fn of_chains(values: Vec<f64>) -> Self {
        Self { values, error: None }
    }

    /// One value for all chains together.
    pub fn pooled(value: f64) -> Self {
        Self { values: vec![value], error: None }
    }

    /// One value with its standard error; an error that is not finite is not known.
    pub fn with_error(value: f64, error: f64) -> Self {
        Self { values: vec![value], error: error.is_finite().then_some(error) }
    }

    /// Every value and its error divided by `by`.
    pub(crate) fn divided(mut self, by: f64) -> Self {
        self.values.iter_mut().for_each(|v| *v /= by);
        self.error = self.error.map(|e| e / by);
        self
    }
}

/// Mean and spread over repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SeedMean {
    /// Mean of all values.
    pub mean: f64,
    /// Their standard deviation; NaN for a single value.
    pub sd: f64,
    /// Standard error of the mean; NaN where it is not known.
    pub error: f64,
    /// Number of values.
    pub n: usize,
}

impl SeedMean {
    /// Takes together what several cells measured.
    pub fn of(cells: &[&Measured]) -> Self {
        let values: Vec<f64> = cells.iter().flat_map(|m| m.values.iter().copied()).collect();
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let sd = if n > 1 { (squares / (n - 1) as f64).sqrt() } else { f64::NAN };
        let errors: Option<Vec<f64>> = cells.iter().map(|m| m.error).collect();
        let error = match errors {
            Some(errors) if !errors.is_empty() => errors.iter().map(|e| e * e).sum::<f64>().sqrt() / n as f64,
            _ => sd / (n as f64).sqrt(),
        };
        Self { mean, sd, error, n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_by_hand() {
        let (a, b) = (Measured::of_chains(vec![1.0, 2.0]), Measured::of_chains(vec![3.0]));
        let e = SeedMean::of(&[&a, &b]);
        assert_eq!((e.mean, e.sd, e.n), (2.0, 1.0, 3));
        assert!((e.error - 1.0 / 3f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn known_errors_are_used() {
        // Errors 0.3 and 0.4: sqrt(0.09 + 0.16) / 2 = 0.25, whatever the two values are.
        let (a, b) = (Measured::with_error(1.0, 0.3), Measured::with_error(1.0, 0.4));
        assert!((SeedMean::of(&[&a, &b]).error - 0.25).abs() < 1e-15);
        assert!(SeedMean::of(&[&Measured::with_error(1.0, f64::NAN)]).error.is_nan());
    }

    #[test]
    fn what_cannot_be_computed_is_null_on_disk() {
        let text = serde_json::to_string(&Measured::of_chains(vec![f64::NAN, 1.0])).unwrap();
        assert_eq!(text, r#"{"values":[null,1.0]}"#);
        let back: Measured = serde_json::from_str(&text).unwrap();
        assert!(back.values[0].is_nan() && back.values[1] == 1.0);
    }
}
