//! What a cell does: draws from a target, or trains an energy.

use std::path::Path;

use mixwell::density::{NetworkFiles, Target, TargetConfig};
use mixwell::sampler::RunConfig;
use mixwell::training_run::{GanConfig, TrainConfig, TrainedLaws};
use serde::Serialize;
use toml::Table;

use crate::merge::lay_over;

/// What a cell does.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
// There are a few dozen of them.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Work {
    Run(RunConfig),
    Training(TrainConfig),
}

impl Work {
    /// The tables of an experiment that a run is made of, laid over one another.
    pub fn run_table(common: &Table, own: &Table) -> Table {
        // Nothing of a cell is read again but its production draws.
        laid("[output]\nwarmup = false\nevidence_draws = 0", common, own)
    }

    /// The same for a training.
    pub fn training_table(common: &Table, own: &Table) -> Table {
        laid("kind = \"energy\"", common, own)
    }

    /// Settings of a run, checked.
    pub fn of_run(text: &str) -> Result<Self, String> {
        let mut config = mixwell::config::parse::<RunConfig>(text).map_err(|e| e.message)?.settings;
        config.check().map_err(|e| e.to_string())?;
        match &mut config.target {
            Some(target) => target.resolve_paths(Path::new("")),
            None => return Err("it has no [run.target]".into()),
        }
        Ok(Self::Run(config))
    }

    /// Settings of a training, checked; what they name elsewhere is looked for from the present folder, if it is there at all.
    pub fn of_training(text: &str, has_data: bool) -> Result<Self, String> {
        let mut config = mixwell::config::parse::<TrainConfig>(text).map_err(|e| e.message)?.settings;
        config.check().map_err(|e| e.to_string())?;
        if has_data {
            config.resolve(Path::new("")).map_err(|e| e.to_string())?;
        }
        Ok(Self::Training(config))
    }

    /// Takes the GAN that a training has left in this folder as the target, as it was after so many updates.
    pub fn set_gan(&mut self, folder: &Path, updates: Option<u64>) {
        let Self::Run(RunConfig { target: Some(TargetConfig::Gan(gan)), .. }) = self else { return };
        gan.path = Some(folder.to_string_lossy().into_owned());
        if let Some([generator, discriminator]) = updates.map(GanConfig::snapshot) {
            let file =
                |name: String| Some(NetworkFiles::File(folder.join(name).to_string_lossy().into_owned()));
            (gan.generator, gan.discriminator) = (file(generator), file(discriminator));
        }
    }

    pub fn set_seed(&mut self, seed: u64) {
        match self {
            Self::Run(config) => config.seed = seed,
            Self::Training(config) => *config.seed() = seed,
        }
    }

    /// What is drawn from, or what the data are draws of.
    pub fn target(&self) -> Option<Box<dyn Target>> {
        let law: Option<&TargetConfig> = match self {
            Self::Run(config) => config.target.as_ref(),
            Self::Training(TrainConfig::Energy(config)) => config.data.law.as_ref(),
            Self::Training(_) => None,
        };
        law?.build(&TrainedLaws).ok()
    }
}

fn laid(lowest: &str, common: &Table, own: &Table) -> Table {
    let mut table: Table = toml::from_str(lowest).expect("valid TOML");
    lay_over(&mut table, common);
    lay_over(&mut table, own);
    table
}
