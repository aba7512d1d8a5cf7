//! The network of a training: described, in a file, or by its name.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::config::resolved_path;
use crate::io::{CONFIG_BYTES, IoError, read_text};
use crate::net::{NetworkSpec, named_network, named_networks};
use crate::training_run::TrainingRunError;

/// A network in a config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum NetworkChoice {
    /// A name of the catalogue, or a file that describes it.
    Named(String),
    /// Its description.
    Described(NetworkSpec),
}

impl NetworkChoice {
    /// Puts the description in the place of a name.
    pub(in crate::training_run) fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        if let Self::Named(name) = self {
            *self = Self::Described(found(name, base)?);
        }
        Ok(())
    }

    /// The description, of which every layer fits onto the one before.
    ///
    /// # Errors
    /// When there is no such name or file, or a layer does not fit.
    pub fn spec(&self) -> Result<NetworkSpec, TrainingRunError> {
        let spec = match self {
            Self::Described(spec) => spec.clone(),
            Self::Named(name) => found(name, Path::new(""))?,
        };
        spec.output().map_err(|e| e.under("network"))?;
        Ok(spec)
    }
}

fn found(name: &str, base: &Path) -> Result<NetworkSpec, TrainingRunError> {
    if let Some(spec) = named_network(name) {
        return Ok(spec);
    }
    let extension = Path::new(name).extension().and_then(|e| e.to_str());
    if !matches!(extension, Some("toml" | "json")) {
        let near = named_networks()
            .iter()
            .map(|n| (strsim::jaro_winkler(name, n.name), n.name))
            .filter(|(score, _)| name.len() < 100 && *score > 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map_or_else(String::new, |(_, n)| format!("; did you mean `{n}`?"));
        let reason = format!(
            "it must be a name of `mixwell list networks`, a file ending in .toml or .json, or a description{near}"
        );
        return Err(ConfigError::new("network", name, reason).into());
    }
    let path = resolved_path("network", name, base)?;
    let path = Path::new(&path);
    let text = read_text(path, CONFIG_BYTES).map_err(IoError::file("read", path))?;
    let refused = |reason: String| TrainingRunError::Network { path: path.into(), reason };
    if extension == Some("json") {
        serde_json::from_str(&text).map_err(|e| refused(e.to_string()))
    } else {
        crate::config::parse(&text).map(|file| file.settings).map_err(|e| refused(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_by_file_or_described() {
        let resolve = |name: &str, base: &Path| {
            let mut choice = NetworkChoice::Named(name.into());
            choice.resolve(base).map(|()| choice.spec().unwrap())
        };
        let lenet = resolve("lenet5", Path::new("")).unwrap();
        assert_eq!(lenet.output().unwrap().len(), 10);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("n.json"), serde_json::to_string(&lenet).unwrap()).unwrap();
        std::fs::write(folder.path().join("n.toml"), toml::to_string(&lenet).unwrap()).unwrap();
        assert_eq!(resolve("n.json", folder.path()).unwrap(), lenet);
        assert_eq!(resolve("n.toml", folder.path()).unwrap(), lenet);
        let refused = |name: &str| resolve(name, folder.path()).unwrap_err().to_string();
        assert!(refused("lenet").contains("did you mean `lenet5`?"));
        assert!(refused("none.toml").contains("none.toml"));
        std::fs::write(folder.path().join("bad.toml"), "inputs = [1]").unwrap();
        assert!(refused("bad.toml").contains("line 1: unknown key `inputs`"), "{}", refused("bad.toml"));
    }
}
