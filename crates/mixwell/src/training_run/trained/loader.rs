//! `TrainedLaws`: the loader of targets that knows trained energies, beside tables and documents.

use std::path::Path;

use super::TrainedEnergy;
use super::gan::gan_law;
use crate::density::{
    BaseLaw, DataLoader, EvaluationError, Facts, GanTargetConfig, Modes, Table, Target, TargetError,
    TrainedLaw,
};
use crate::io::DataFiles;
use crate::{Batch, BatchMut};

/// Reads data as [`DataFiles`] does, and the laws that trainings left.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrainedLaws;

impl DataLoader for TrainedLaws {
    fn table(&self, path: &str, header: Option<bool>) -> Result<Table, TargetError> {
        DataFiles.table(path, header)
    }

    fn json(&self, path: &str) -> Result<serde_json::Value, TargetError> {
        DataFiles.json(path)
    }

    fn law(&self, path: &str) -> Result<TrainedLaw, TargetError> {
        let refused = |reason: String| TargetError::Energy { path: path.into(), reason };
        let trained = TrainedEnergy::open(Path::new(path)).map_err(|e| refused(e.to_string()))?;
        let modes = trained.truth().ok().flatten().and_then(|truth| truth.facts().modes);
        // Where the modes of the data are is where those of the law should be; what they weigh is what it says itself.
        let modes = modes.map(|modes| Modes { weights: None, ..modes });
        let sha256 = trained.sha256().to_string();
        Ok(TrainedLaw { target: Box::new(WithModes { law: trained.into_model(), modes }), sha256 })
    }

    fn gan(&self, config: &GanTargetConfig) -> Result<TrainedLaw, TargetError> {
        gan_law(config)
    }
}

/// A law with the places of its modes.
struct WithModes<T> {
    law: T,
    modes: Option<Modes>,
}

impl<T: Target> Target for WithModes<T> {
    fn dim(&self) -> usize {
        self.law.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        self.law.evaluate(x, log_prob, grad)
    }

    fn version(&self) -> u64 {
        self.law.version()
    }

    fn base(&self) -> Option<BaseLaw<'_>> {
        self.law.base()
    }

    fn facts(&self) -> Facts {
        Facts { modes: self.modes.clone(), ..Facts::default() }
    }
}
