//! Posteriors of the posteriordb collection as targets, made from the collection's own `data.json`.
//!
//! Densities follow the collection's Stan models, constants dropped; parameters are reported under its names, in its
//! order and in natural scale, so its reference draws can be compared with column by column.
//!
//! | names | model |
//! |---|---|
//! | `arK-arK`, `diamonds-diamonds`, `earnings-logearn_interaction`, `kidiq-*`, `kilpisjarvi_mod-kilpisjarvi`, `mesquite-*`, `nes2000-nes`, `sblrc-blr` | [`LinearRegression`] |
//! | `wells_data-*` | [`crate::density::LogisticRegression`], flat prior |
//! | `low_dim_gauss_mix-*`, `low_dim_gauss_mix_collapse-*` | [`NormalMixture`] |
//! | `eight_schools-*` | [`crate::density::EightSchools`] |
//! | `arma-arma11`, `garch-garch11` | [`Arma11`], [`Garch11`] |
//! | `gp_pois_regr-*` | [`GaussianProcessRegression`], [`GaussianProcessCounts`] |
//! | `hmm_example-hmm_example` | [`HiddenMarkov`] |
//! | `radon_mn-*` | [`Radon`] |
//!
//! Reference: Magnusson et al. (2024), posteriordb.

mod arma;
mod data;
mod garch;
mod gaussian_process;
mod hidden_markov;
mod linear_models;
mod linear_regression;
mod normal_mixture;
mod radon;

pub use arma::Arma11;
pub use garch::Garch11;
pub use gaussian_process::{GaussianProcessCounts, GaussianProcessRegression};
pub use hidden_markov::HiddenMarkov;
pub use linear_regression::LinearRegression;
pub use normal_mixture::NormalMixture;
pub use radon::Radon;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::data::{column, positive, same_length};
use super::{
    Constrained, DataLoader, EightSchoolsConfig, Intercept, LogisticRegression, LogisticRegressionOptions,
    Model, Parametrisation, Pointwise, Target, TargetError, Variable,
};
use crate::{ConfigError, Points};

/// Makes a posterior of its data.
type Build = fn(&Value) -> Result<Box<dyn Target>, TargetError>;

/// The posteriors built in, as the collection calls them, and how each is made.
const POSTERIORS: [(&str, Build); 23] = [
    ("arK-arK", |d| model(LinearRegression::autoregression(d)?)),
    ("arma-arma11", |d| model(Arma11::new(column(d, "y")?)?)),
    ("diamonds-diamonds", |d| model(LinearRegression::diamonds(d)?)),
    ("earnings-logearn_interaction", |d| model(LinearRegression::logearn_interaction(d)?)),
    ("eight_schools-eight_schools_centered", |_| eight_schools(Parametrisation::Centred)),
    ("eight_schools-eight_schools_noncentered", |_| eight_schools(Parametrisation::NonCentred)),
    ("garch-garch11", |d| model(Garch11::new(column(d, "y")?, positive(d, "sigma1")?)?)),
    ("gp_pois_regr-gp_pois_regr", |d| model(GaussianProcessCounts::new(&column(d, "x")?, column(d, "k")?)?)),
    ("gp_pois_regr-gp_regr", |d| model(GaussianProcessRegression::new(&column(d, "x")?, column(d, "y")?)?)),
    ("hmm_example-hmm_example", |d| model(HiddenMarkov::new(column(d, "y")?)?)),
    ("kidiq-kidscore_interaction", |d| model(LinearRegression::kidscore_interaction(d)?)),
    ("kidiq-kidscore_momiq", |d| model(LinearRegression::kidscore_momiq(d)?)),
    ("kilpisjarvi_mod-kilpisjarvi", |d| model(LinearRegression::kilpisjarvi(d)?)),
    ("low_dim_gauss_mix-low_dim_gauss_mix", |d| model(NormalMixture::new(column(d, "y")?, true)?)),
    ("low_dim_gauss_mix_collapse-low_dim_gauss_mix_collapse", |d| {
        model(NormalMixture::new(column(d, "y")?, false)?)
    }),
    ("mesquite-logmesquite", |d| model(LinearRegression::logmesquite(d)?)),
    ("mesquite-mesquite", |d| model(LinearRegression::mesquite(d)?)),
    ("nes2000-nes", |d| model(LinearRegression::nes(d)?)),
    ("radon_mn-radon_hierarchical_intercept_centered", |d| model(Radon::new(d, Parametrisation::Centred)?)),
    ("radon_mn-radon_hierarchical_intercept_noncentered", |d| {
        model(Radon::new(d, Parametrisation::NonCentred)?)
    }),
    ("sblrc-blr", |d| model(LinearRegression::sblrc(d)?)),
    ("wells_data-wells_dist100_model", |d| Ok(Box::new(wells(d, false)?))),
    ("wells_data-wells_interaction_model", |d| Ok(Box::new(wells(d, true)?))),
];

/// The names of the posteriors built in, as the collection calls them.
pub const NAMES: [&str; POSTERIORS.len()] = {
    let mut names = [""; POSTERIORS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = POSTERIORS[i].0;
        i += 1;
    }
    names
};

/// A posterior of the collection, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PosteriordbConfig {
    /// The collection's name for the posterior, e.g. `kidiq-kidscore_momiq`; `mixwell list targets` shows all.
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
    let unknown = || TargetError::UnknownPosterior { name: name.to_string(), known: NAMES.join(", ") };
    let (_, build) = POSTERIORS.iter().find(|p| p.0 == name).ok_or_else(unknown)?;
    build(data)
}

fn model(model: impl Model + 'static) -> Result<Box<dyn Target>, TargetError> {
    Ok(Box::new(Pointwise::new(Constrained::new(model)?)))
}

fn eight_schools(parametrisation: Parametrisation) -> Result<Box<dyn Target>, TargetError> {
    Ok(Box::new(Pointwise::new(EightSchoolsConfig { parametrisation }.build()?)))
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
