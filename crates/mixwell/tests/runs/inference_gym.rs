//! Posteriors of the inference gym by NUTS, against the moments the collection publishes.
//!
//! Means are compared at 5 combined standard errors. Published standard deviations come without an error; it follows from that
//! of the mean, which says how many independent draws there were, and the spread of squares among ours. The Brownian
//! path is compared with its exact moments as well. Skipped, saying so, where the data is not there.
//! Reference: Sountsov, Radul and contributors (2020), Inference Gym.

use std::path::Path;
use std::sync::Arc;

use mixwell::density::inference_gym::{BrownianMotion, InferenceGymConfig};
use mixwell::diagnostics::ScalarSummary;
use mixwell::io::DataFiles;
use mixwell::kernel::{KernelConfig, NutsConfig};
use mixwell::sampler::{KernelMethod, Method, Run, RunConfig, Sampler};
use serde_json::Value;

use super::moments;
use crate::data;

fn sample(folder: &Path, posterior: &str, data: &str, target_accept: f64, draws: usize) -> Run {
    let data = if data.is_empty() { String::new() } else { folder.join(data).to_str().unwrap().to_string() };
    let target = InferenceGymConfig { posterior: posterior.to_string(), data }.build(&DataFiles).unwrap();
    let kernel = KernelConfig::Nuts(NutsConfig { target_accept, ..NutsConfig::default() });
    let method = Method::Kernel(KernelMethod { kernel: Box::new(kernel), warmup: 1000, frozen: 0 });
    let mut config = RunConfig { chains: 8, draws, seed: 1, method, ..RunConfig::default() };
    config.output.warmup = false;
    Sampler::from_config(Arc::from(target), config).run().unwrap()
}

/// Numbers that may stand alone or in an array.
fn published(truth: &Value, key: &str) -> Vec<f64> {
    match &truth[key] {
        Value::Number(v) => vec![v.as_f64().unwrap()],
        array => serde_json::from_value(array["values"].clone()).unwrap_or_else(|e| panic!("{key}: {e}")),
    }
}

/// The draws of number `i`, less `centre`, to the power.
fn powers(run: &Run, i: usize, centre: f64, power: i32) -> ScalarSummary {
    moments::summary(run, i, |v| (v - centre).powi(power))
}

/// A difference in standard errors, and the number that has it.
type Worst = (f64, String);

/// Largest differences of means and of variances; `keys` in the order of the target's variables. The variance of `heavy` is left out.
fn compare(run: &Run, folder: &Path, posterior: &str, keys: &[&str], heavy: &str) -> (Worst, Worst) {
    let file = folder.join("posterior_moments").join(format!("{posterior}.json"));
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let truth = &document["ground_truth"];
    let all = |suffix: &str| -> Vec<f64> {
        keys.iter().flat_map(|k| published(truth, &format!("IDENTITY{k}_{suffix}"))).collect()
    };
    let (mean, error, sd) = (all("MEAN"), all("MEAN_STANDARD_ERROR"), all("STANDARD_DEVIATION"));
    let parameters = &run.summary().unwrap().parameters;
    assert_eq!(parameters.len(), mean.len());
    let mut worst: (Worst, Worst) = Default::default();
    for i in 0..mean.len() {
        let name = &parameters[i].name;
        let first = powers(run, i, 0.0, 1);
        let z = ((first.mean - mean[i]) / first.mcse_mean.hypot(error[i])).abs();
        let squares = powers(run, i, mean[i], 2);
        let theirs = squares.sd * error[i] / sd[i];
        let z_square = ((squares.mean - sd[i] * sd[i]) / squares.mcse_mean.hypot(theirs)).abs();
        assert!(!z.is_nan() && !z_square.is_nan(), "{name}");
        if z > worst.0.0 {
            worst.0 = (z, name.clone());
        }
        if z_square > worst.1.0 && name != heavy {
            worst.1 = (z_square, name.clone());
        }
    }
    let rhat = parameters.iter().map(|p| p.summary.rhat).fold(0.0, f64::max);
    let ess = parameters.iter().map(|p| p.summary.ess_bulk).fold(f64::INFINITY, f64::min);
    let s = run.summary().unwrap();
    println!(
        "| `{posterior}` | {} | published moments | {:.2} | {:.2} | {rhat:.4} | {ess:.0} | {} | {:.1} |",
        mean.len(),
        worst.0.0,
        worst.1.0,
        s.divergences,
        s.wall_seconds
    );
    assert!(rhat < 1.03, "{posterior}: R-hat {rhat}");
    worst
}

fn check(run: &Run, folder: &Path, posterior: &str, keys: &[&str], heavy: &str) {
    let (mean, square) = compare(run, folder, posterior, keys, heavy);
    println!("    worst: {mean:?}, {square:?}");
    assert!(mean.0 < 5.0 && square.0 < 5.0, "{posterior}: {mean:?} {square:?}");
}

#[test]
fn eight_schools() {
    let Some(folder) = data::folder_with("posterior_moments") else { return };
    let run = sample(&folder, "eight_schools", "", 0.9, 3000);
    check(&run, &folder, "eight_schools", &["_AVG_EFFECT", "_LOG_STDDEV", "_SCHOOL_EFFECTS"], "");
}

#[test]
fn brownian_motion() {
    let Some(folder) = data::folder_with("posterior_moments") else { return };
    let name = "brownian_motion_missing_middle_observations";
    let file = format!("posterior_moments/{name}.json");
    let run = sample(&folder, name, &file, 0.8, 2000);
    check(&run, &folder, name, &[""], "");
    let document = serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap();
    let (mean, variance) = BrownianMotion::from_json(&document).unwrap().exact_moments();
    for i in 0..mean.len() {
        let (first, square) = (powers(&run, i, 0.0, 1), powers(&run, i, mean[i], 2));
        assert!((first.mean - mean[i]).abs() < 5.0 * first.mcse_mean, "mean of {i}");
        assert!((square.mean - variance[i]).abs() < 5.0 * square.mcse_mean, "variance of {i}");
        // A standard deviation wrong by a tenth would be seen.
        assert!((square.mean - 1.21 * variance[i]).abs() > 5.0 * square.mcse_mean);
    }
}

#[test]
fn stochastic_volatility() {
    let Some(folder) = data::folder_with("posterior_moments") else { return };
    let name = "stochastic_volatility_sp500_small";
    let run = sample(&folder, name, &format!("posterior_moments/{name}.json"), 0.98, 2000);
    let keys =
        ["_PERSISTENCE_OF_VOLATILITY", "_MEAN_LOG_VOLATILITY", "_WHITE_NOISE_SHOCK_SCALE", "_LOG_VOLATILITY"];
    // Where persistence comes near 1 the mean is hardly known: its tail falls like a power, and squares have no useful
    // standard error.
    check(&run, &folder, name, &keys, "mean_log_volatility");
}

#[test]
fn german_credit() {
    let Some(folder) = data::folder_with("posterior_moments") else { return };
    let name = "german_credit_numeric_logistic_regression";
    check(&sample(&folder, name, "tabular/german.data-numeric", 0.8, 1000), &folder, name, &[""], "");
}

#[test]
#[ignore = "a minute or more: 51 dimensions with narrow necks"]
fn sparse_german_credit() {
    let Some(folder) = data::folder_with("posterior_moments") else { return };
    let name = "german_credit_numeric_sparse_logistic_regression";
    let run = sample(&folder, name, "tabular/german.data-numeric", 0.95, 2000);
    check(&run, &folder, name, &["_UNSCALED_WEIGHTS", "_LOCAL_SCALES", "_GLOBAL_SCALE"], "");
}
