//! Posteriors of the posteriordb collection as targets, made from the collection's own `data.json`.
//!
//! Densities follow the collection's Stan models, constants dropped; parameters are reported under its names, in its
//! order and in natural scale, so its reference draws can be compared with column by column.
//!
//! | names | model |
//! |---|---|
//! | `kidiq-kidscore_momiq`, `kidiq-kidscore_interaction`, `mesquite-mesquite`, `mesquite-logmesquite` | [`LinearRegression`] |
//! | `wells_data-wells_dist100_model`, `wells_data-wells_interaction_model` | [`crate::target::LogisticRegression`], flat prior |
//! | `low_dim_gauss_mix-low_dim_gauss_mix`, `low_dim_gauss_mix_collapse-low_dim_gauss_mix_collapse` | [`NormalMixture`] |
//! | `eight_schools-eight_schools_centered`, `eight_schools-eight_schools_noncentered` | [`crate::target::EightSchools`] |
//!
//! Reference: Magnusson et al. (2024), posteriordb.

mod linear_regression;
mod normal_mixture;

pub use linear_regression::LinearRegression;
pub use normal_mixture::NormalMixture;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Constrained, DataLoader, EightSchoolsConfig, Intercept, LogisticRegression, LogisticRegressionOptions,
    Parametrisation, Pointwise, Target, TargetError, Variable,
};
use crate::{ConfigError, Points};

/// The posteriors built in, as the collection calls them.
pub const NAMES: [&str; 10] = [
    "eight_schools-eight_schools_centered",
    "eight_schools-eight_schools_noncentered",
    "kidiq-kidscore_interaction",
    "kidiq-kidscore_momiq",
    "low_dim_gauss_mix-low_dim_gauss_mix",
    "low_dim_gauss_mix_collapse-low_dim_gauss_mix_collapse",
    "mesquite-logmesquite",
    "mesquite-mesquite",
    "wells_data-wells_dist100_model",
    "wells_data-wells_interaction_model",
];

/// A posterior of the collection, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PosteriordbConfig {
    /// The collection's name for the posterior, e.g. `kidiq-kidscore_momiq`.
    pub posterior: String,
    /// The posterior's `data.json`.
    pub data: String,
}

impl Default for PosteriordbConfig {
    fn default() -> Self {
        Self {
            posterior: "kidiq-kidscore_momiq".to_string(),
            data: "data/kidiq-kidscore_momiq/data.json".to_string(),
        }
    }
}

impl PosteriordbConfig {
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
        posterior(&self.posterior, &data.json(&self.data)?)
    }
}

/// The posterior called `name` given its data.
pub fn posterior(name: &str, data: &Value) -> Result<Box<dyn Target>, TargetError> {
    Ok(match name {
        "kidiq-kidscore_momiq" => linear(LinearRegression::kidscore_momiq(data)?)?,
        "kidiq-kidscore_interaction" => linear(LinearRegression::kidscore_interaction(data)?)?,
        "mesquite-mesquite" => linear(LinearRegression::mesquite(data)?)?,
        "mesquite-logmesquite" => linear(LinearRegression::logmesquite(data)?)?,
        "wells_data-wells_dist100_model" => Box::new(wells(data, false)?),
        "wells_data-wells_interaction_model" => Box::new(wells(data, true)?),
        "low_dim_gauss_mix-low_dim_gauss_mix" => mixture(data, true)?,
        "low_dim_gauss_mix_collapse-low_dim_gauss_mix_collapse" => mixture(data, false)?,
        "eight_schools-eight_schools_centered" => eight_schools(Parametrisation::Centred)?,
        "eight_schools-eight_schools_noncentered" => eight_schools(Parametrisation::NonCentred)?,
        _ => {
            return Err(TargetError::UnknownPosterior { name: name.to_string(), known: NAMES.join(", ") });
        }
    })
}

fn linear(model: LinearRegression) -> Result<Box<dyn Target>, TargetError> {
    Ok(Box::new(Pointwise(Constrained::new(model)?)))
}

fn mixture(data: &Value, ordered: bool) -> Result<Box<dyn Target>, TargetError> {
    Ok(Box::new(Pointwise(Constrained::new(NormalMixture::new(column(data, "y")?, ordered)?)?)))
}

fn eight_schools(parametrisation: Parametrisation) -> Result<Box<dyn Target>, TargetError> {
    Ok(Box::new(Pointwise(EightSchoolsConfig { parametrisation }.build()?)))
}

/// Whether households switched wells, by distance (in 100 m), and if wanted arsenic and the product of both.
fn wells(data: &Value, interaction: bool) -> Result<LogisticRegression, TargetError> {
    let switched = column(data, "switched")?;
    let distance = column(data, "dist")?;
    same_length(&[("switched", &switched), ("dist", &distance)])?;
    let arsenic = if interaction { column(data, "arsenic")? } else { Vec::new() };
    let mut features = Vec::with_capacity(3 * distance.len());
    if interaction {
        same_length(&[("switched", &switched), ("arsenic", &arsenic)])?;
        for (d, a) in distance.iter().zip(&arsenic) {
            features.extend([d / 100.0, *a, d / 100.0 * a]);
        }
    } else {
        features.extend(distance.iter().map(|d| d / 100.0));
    }
    let width = if interaction { 3 } else { 1 };
    let options = LogisticRegressionOptions {
        standardise: false,
        intercept: Intercept::First,
        prior_scale: f64::INFINITY,
    };
    let features = Points::from_vec(features, width);
    if features.rows() == 0 {
        return Err(TargetError::Empty { rows: 0, columns: width });
    }
    let target = LogisticRegression::new(features.as_batch(), &switched, &options)?;
    let beta: &[usize] = if interaction { &[3] } else { &[] };
    Ok(target.named(vec![Variable::new("alpha", &[]), Variable::new("beta", beta)])?)
}

/// The numbers under `name`.
fn column(data: &Value, name: &str) -> Result<Vec<f64>, TargetError> {
    let Some(object) = data.as_object() else {
        return Err(TargetError::Type { name: "data".to_string(), expected: "an object of arrays" });
    };
    let entry = object.get(name).ok_or_else(|| TargetError::Missing {
        name: name.to_string(),
        found: object.keys().cloned().collect::<Vec<_>>().join(", "),
    })?;
    let wrong = || TargetError::Type { name: name.to_string(), expected: "an array of finite numbers" };
    let entries = entry.as_array().ok_or_else(wrong)?;
    entries.iter().map(|v| v.as_f64().filter(|v| v.is_finite()).ok_or_else(wrong)).collect()
}

/// Checks that all columns are as long as the first, and not empty.
fn same_length(columns: &[(&str, &[f64])]) -> Result<(), TargetError> {
    let expected = columns[0].1.len();
    if expected == 0 {
        return Err(TargetError::Empty { rows: 0, columns: columns.len() });
    }
    for (name, c) in columns {
        if c.len() != expected {
            return Err(TargetError::Length { name: name.to_string(), found: c.len(), expected });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn missing_or_broken_data_is_named() {
        let error = |name, data: Value| posterior(name, &data).err().unwrap().to_string();
        let wells = "wells_data-wells_dist100_model";
        assert_eq!(error(wells, json!({"dist": [1]})), "the data has no `switched`; it has dist");
        let text = error(wells, json!({"dist": ["a"], "switched": [0]}));
        assert_eq!(text, "`dist` in the data should be an array of finite numbers");
        assert!(error(wells, json!({"dist": [1, 2], "switched": [0]})).contains("`dist` holds 2"));
        assert!(error("no such", json!({})).contains("kidiq-kidscore_momiq"));
        assert!(error(wells, json!([1])).contains("object"));
        let c = PosteriordbConfig { posterior: "x".to_string(), ..Default::default() };
        assert_eq!(c.check().unwrap_err().key, "posterior");
    }

    #[test]
    fn variables_have_the_names_of_the_collection() {
        let data = json!({"dist": [10, 50, 90], "arsenic": [1, 2, 0.5], "switched": [1, 0, 1]});
        let t = posterior("wells_data-wells_interaction_model", &data).unwrap();
        assert_eq!(t.variables(), vec![Variable::new("alpha", &[]), Variable::new("beta", &[3])]);
        let t = posterior("low_dim_gauss_mix-low_dim_gauss_mix", &json!({"y": [1.0, -1.0]})).unwrap();
        let names: Vec<String> = t.variables().into_iter().map(|v| v.name).collect();
        assert_eq!(names, ["mu", "sigma", "theta"]);
    }
}
