//! Both networks as they are after an update, as files beside the final ones.

use super::config::GanConfig;
use crate::gan::GanTraining;
use crate::training_run::{TrainingRunError, WeightsOf};

impl GanConfig {
    /// The files of generator and discriminator as they were after so many updates, in the folder of a training that keeps them.
    pub fn snapshot(update: u64) -> [String; 2] {
        ["generator", "discriminator"].map(|what| format!("{what}-{update:04}.safetensors"))
    }
}

/// The files of the last update, where it is one to be kept.
pub(super) fn snapshot(
    config: &GanConfig,
    training: &GanTraining,
) -> Result<Vec<WeightsOf>, TrainingRunError> {
    if !config.keeps(training.updates()) {
        return Ok(vec![]);
    }
    let [generator, discriminator] = GanConfig::snapshot(training.updates());
    Ok(vec![
        WeightsOf { file: generator.into(), bytes: training.kept_generator()?.to_safetensors() },
        WeightsOf { file: discriminator.into(), bytes: training.discriminator().to_safetensors() },
    ])
}

/// The names of all of them.
pub(super) fn all(config: &GanConfig) -> Vec<String> {
    let regular = (1..).map(|k| k * config.keep_every).take_while(|_| config.keep_every > 0);
    let mut updates: Vec<u64> = regular.take_while(|at| *at <= config.updates).collect();
    updates.extend(&config.keep_at);
    updates.sort_unstable();
    updates.dedup();
    updates.into_iter().flat_map(GanConfig::snapshot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_named_once() {
        let config =
            GanConfig { updates: 250, keep_every: 100, keep_at: vec![250, 100], ..GanConfig::default() };
        let names = all(&config);
        assert_eq!(names.len(), 6);
        assert_eq!(names[0], "generator-0100.safetensors");
        assert_eq!(names[5], "discriminator-0250.safetensors");
        assert!(all(&GanConfig::default()).is_empty());
    }
}
