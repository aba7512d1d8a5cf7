//! What there is by name, and the schema of the settings.

use mixwell::config::schema_of;
use mixwell::sampler::RunConfig;
use mixwell::training_run::TrainConfig;
use pyo3::prelude::*;

/// Names and one line each of all methods, kernels, targets and flows: `(what, name, line)`.
#[pyfunction]
pub fn catalogue() -> Vec<(&'static str, &'static str, &'static str)> {
    let methods = mixwell::sampler::catalogue().into_iter().map(|e| ("methods", e.name, e.summary));
    let kernels = mixwell::kernel::catalogue().into_iter().map(|e| ("kernels", e.name, e.summary));
    let targets = mixwell::density::catalogue().into_iter().map(|e| ("targets", e.kind, e.summary));
    let flows = mixwell::flow::catalogue().into_iter().map(|e| ("flows", e.name, e.summary));
    methods.chain(kernels).chain(targets).chain(flows).collect()
}

/// The JSON schema of the settings of a run, or of a training, with descriptions and defaults, as text.
#[pyfunction]
#[pyo3(signature = (training=false))]
pub fn schema(training: bool) -> String {
    let schema = if training { schema_of::<TrainConfig>() } else { schema_of::<RunConfig>() };
    schema.to_string()
}
