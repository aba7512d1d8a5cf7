//! A file that names a target: the law that points should follow.

use std::path::Path;

use mixwell::density::{Target, TargetConfig};
use mixwell::sampler::RunError;

use super::config_file::{build_target, located, read, resolve_target};

/// The settings of a file that names a target.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct TruthFile {
    target: TargetConfig,
}

/// The target that a file names.
pub fn read_truth(path: &Path) -> anyhow::Result<Box<dyn Target>> {
    let file = read::<TruthFile>(path)?;
    let mut config = file.settings.target.clone();
    resolve_target(&mut config, path)?;
    build_target(Some(&config)).map_err(|e| match e {
        RunError::Config(e) => located(path, &file, &e),
        other => other.into(),
    })
}
