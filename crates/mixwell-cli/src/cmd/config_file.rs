//! A config file: read, its data found, its target built, and errors told with file and line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mixwell::ConfigError;
use mixwell::config::{FileConfig, parse};
use mixwell::density::{Target, TargetConfig, TargetError};
use mixwell::io::{CONFIG_BYTES, read_text};
use mixwell::sampler::RunError;
use mixwell::training_run::TrainedLaws;

use crate::exit::bad_input;

/// Reads the settings of a file.
pub fn read<T>(path: &Path) -> anyhow::Result<FileConfig<T>>
where
    T: serde::de::DeserializeOwned + schemars::JsonSchema,
{
    let shown = path.display();
    let text = read_text(path, CONFIG_BYTES)
        .map_err(|e| bad_input(format!("cannot read the config `{shown}`: {e}; check the path")))?;
    parse(&text).map_err(|e| bad_input(format!("{shown}, {e}")))
}

/// Makes a target of a config file hold from anywhere and for ever: paths in it are relative to the file, and the energies that it
/// names are those that are there now.
pub fn resolve_target(target: &mut TargetConfig, config: &Path) -> Result<(), RunError> {
    target.check().map_err(|e| RunError::Config(e.under("target")))?;
    target.resolve_paths(&folder_of(config));
    target.pin(&TrainedLaws).map_err(target_error)
}

/// The folder that a config file lies in, from the root: what paths in it are relative to.
pub fn folder_of(config: &Path) -> PathBuf {
    // Of the file, since the folder of `a.toml` is an empty path, of which there is no absolute one.
    let file = std::path::absolute(config).unwrap_or_else(|_| config.to_path_buf());
    file.parent().map(Path::to_path_buf).unwrap_or(file)
}

/// An error about a setting, with the file and, where the setting is written there, its line.
pub fn located<T>(path: &Path, file: &FileConfig<T>, error: &ConfigError) -> anyhow::Error {
    let (shown, at) = (path.display(), file.locate(error));
    if at.line == 0 {
        bad_input(format!("{shown}: {}", at.message))
    } else {
        bad_input(format!("{shown}, {at}"))
    }
}

/// The target that a config names.
pub fn build_target(config: Option<&TargetConfig>) -> Result<Box<dyn Target>, RunError> {
    let missing = "a config needs a [target] with a `kind`; see `mixwell list targets`";
    let config = config.ok_or_else(|| ConfigError::new("target", "missing", missing))?;
    config.build(&TrainedLaws).map_err(target_error)
}

fn target_error(error: TargetError) -> RunError {
    match error {
        TargetError::Config(e) => RunError::Config(e.under("target")),
        other => RunError::Target(other),
    }
}

/// The name that outputs are called after.
pub fn stem(config: &Path) -> &OsStr {
    config.file_stem().unwrap_or("run".as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_config_is_told_from_the_root() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(folder_of(Path::new("a.toml")), here);
        assert_eq!(folder_of(Path::new("b/a.toml")), here.join("b"));
        assert_eq!(folder_of(&here.join("c/a.toml")), here.join("c"));
    }
}
