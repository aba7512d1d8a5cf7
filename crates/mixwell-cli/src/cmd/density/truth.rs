//! How far the law is from what it should be, at draws of that.

use mixwell::Stream;
use mixwell::ebm::distance;
use serde_json::{Value, json};

use super::inputs::Inputs;
use super::plane::PlaneMap;
use super::report::Report;
use crate::cli::DensityArgs;

/// Draws of the truth.
const DRAWS: usize = 10_000;
/// Draws for the comparison come from another stream than any data.
const STREAM: u64 = 0x7472_7574;

/// Adds median squared error and divergence, where the truth can be drawn from and `ln Z` is known.
pub fn look(
    inputs: &Inputs<'_>,
    map: Option<&PlaneMap>,
    args: &DensityArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(truth) = &inputs.truth else { return Ok(()) };
    let estimated = report.results.get("log_evidence").and_then(Value::as_f64);
    let Some(log_evidence) = map.map(|map| map.density.log_evidence()).or(estimated) else { return Ok(()) };
    let Some(sampler) = truth.exact_sampler() else {
        report.line("the truth cannot be drawn from, so the law is not compared with it");
        return Ok(());
    };
    let draws = sampler.sample_rows(&mut Stream::new(args.seed, STREAM), DRAWS, truth.dim());
    let found = distance(inputs.model, log_evidence, &**truth, draws.as_batch())?;
    report.line(format!(
        "against the truth, at {DRAWS} draws of it: KL divergence {:.4} (error {:.4}), median squared error of the log-density {:.4}",
        found.divergence, found.divergence_error, found.median_squared
    ));
    report.put(
        "truth",
        json!({
            "divergence": found.divergence, "divergence_error": found.divergence_error,
            "median_squared_error": found.median_squared, "draws": DRAWS,
        }),
    );
    Ok(())
}
