//! Posteriors of the inference gym, whose means and standard deviations are known from very long runs.
//!
//! | name | dim | model | `data` |
//! |---|---:|---|---|
//! | `eight_schools` | 10 | [`SchoolEffects`] | none |
//! | `brownian_motion_missing_middle_observations` | 30 | [`BrownianMotion`] | JSON |
//! | `stochastic_volatility_sp500_small` | 103 | [`StochasticVolatility`] | JSON |
//! | `german_credit_numeric_logistic_regression` | 25 | [`crate::density::LogisticRegression`] | table |
//! | `german_credit_numeric_sparse_logistic_regression` | 51 | [`SparseLogisticRegression`] | table |
//!
//! A JSON document holds its numbers under `data`, by the collection's names. The table is the numeric German credit data.
//! Draws are reported under the collection's names, in natural scale.
//! Reference: Sountsov, Radul and contributors (2020), Inference Gym.

mod brownian_motion;
mod school_effects;
mod sparse_logistic;
mod stochastic_volatility;

pub use brownian_motion::BrownianMotion;
pub use school_effects::SchoolEffects;
pub use sparse_logistic::SparseLogisticRegression;
pub use stochastic_volatility::StochasticVolatility;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Constrained, DataLoader, LogisticRegressionConfig, Model, Pointwise, Target, TargetError, code_labels,
};
use crate::ConfigError;

/// The posteriors built in, as the collection calls them.
pub const NAMES: [&str; 5] = [
    "brownian_motion_missing_middle_observations",
    "eight_schools",
    "german_credit_numeric_logistic_regression",
    "german_credit_numeric_sparse_logistic_regression",
    "stochastic_volatility_sp500_small",
];

/// A posterior of the collection, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InferenceGymConfig {
    /// The collection's name for the posterior; `mixwell list targets` shows all.
    pub posterior: String,
    /// Its data, where it needs any: a JSON document, or the table of German credits.
    pub data: String,
}

impl Default for InferenceGymConfig {
    fn default() -> Self {
        Self { posterior: "eight_schools".to_string(), data: String::new() }
    }
}

impl InferenceGymConfig {
    /// Checks that the posterior is built in.
    pub fn check(&self) -> Result<(), ConfigError> {
        if NAMES.contains(&self.posterior.as_str()) {
            return Ok(());
        }
        Err(ConfigError::new("posterior", &self.posterior, format!("there are {}", NAMES.join(", "))))
    }

    /// Loads the data and makes the target.
    pub fn build(&self, data: &dyn DataLoader) -> Result<Box<dyn Target>, TargetError> {
        self.check()?;
        Ok(match self.posterior.as_str() {
            "eight_schools" => model(SchoolEffects)?,
            "brownian_motion_missing_middle_observations" => {
                model(BrownianMotion::from_json(&data.json(&self.data)?)?)?
            }
            "stochastic_volatility_sp500_small" => {
                model(StochasticVolatility::from_json(&data.json(&self.data)?)?)?
            }
            "german_credit_numeric_sparse_logistic_regression" => {
                let table = data.table(&self.data, None)?;
                let rows = table.check()?;
                if let Some(column) = table.words.keys().next() {
                    let problem = "holds words where the collection has numbers".to_string();
                    return Err(TargetError::Column { column: table.title(*column), problem });
                }
                let labels: Vec<f64> = rows.iter().map(|r| r[table.columns - 1]).collect();
                let features: Vec<Vec<f64>> =
                    (0..table.columns - 1).map(|j| rows.iter().map(|r| r[j]).collect()).collect();
                let labels = code_labels(&labels, Some(BAD_CREDIT), &[])?;
                model(SparseLogisticRegression::new(&features, &labels)?)?
            }
            _ => {
                let config = LogisticRegressionConfig {
                    data: self.data.clone(),
                    positive_label: Some(BAD_CREDIT.into()),
                    ..LogisticRegressionConfig::default()
                };
                Box::new(config.build(data)?)
            }
        })
    }
}

/// The label of a credit that was not paid back.
const BAD_CREDIT: f64 = 2.0;

fn model(model: impl Model + 'static) -> Result<Box<dyn Target>, TargetError> {
    Ok(Box::new(Pointwise::new(Constrained::new(model)?)))
}

/// What stands under `name` in the document's `data`.
fn entry<'a>(document: &'a Value, name: &str) -> Result<&'a Value, TargetError> {
    document.get("data").and_then(|d| d.get(name)).ok_or_else(|| TargetError::Missing {
        name: format!("data.{name}"),
        found: document
            .as_object()
            .map(|o| o.keys().cloned().collect::<Vec<_>>().join(", "))
            .unwrap_or_default(),
    })
}

fn wrong(name: &str, expected: &'static str) -> TargetError {
    TargetError::Type { name: name.to_string(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::NoData;

    #[test]
    fn names_and_data_are_checked() {
        let config =
            |posterior: &str| InferenceGymConfig { posterior: posterior.to_string(), data: String::new() };
        assert_eq!(config("x").check().unwrap_err().key, "posterior");
        for name in NAMES {
            let built = config(name).build(&NoData);
            assert_eq!(built.is_ok(), name == "eight_schools", "{name}");
        }
    }
}
