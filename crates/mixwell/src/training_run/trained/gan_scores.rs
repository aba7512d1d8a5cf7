//! Scores of real and of generated points by the networks of a GAN, uncorrected: what a calibration is fitted to.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::gan::{OpenNetworks, encoding_of_gan, network_files, open_networks, target_of};
use super::points::read_points;
use crate::density::{GanTargetConfig, LatentPrior, Target, TargetError};
use crate::gan::{Standardisation, without_sigmoid};
use crate::image::Encoding;
use crate::io::{IoError, read_bytes};
use crate::net::Network;
use crate::training_run::TrainingRunError;
use crate::{Batch, Points, Stream};

/// Points that are scored together.
const BLOCK: usize = 4096;
/// Bytes of a network's file that are read.
const MOST_BYTES: u64 = 1 << 30;

/// The networks of a GAN, ready to score points.
pub struct GanScores {
    generator: Network<f32>,
    /// Up to its raw output.
    discriminator: Network<f32>,
    prior: LatentPrior,
    /// What was done to the data before training.
    standardisation: Option<Standardisation>,
    encoding: Option<Encoding>,
    generator_sha256: String,
    discriminator_sha256: String,
    notes: Vec<String>,
}

impl GanScores {
    /// Those that a target of `kind = "gan"` names; its calibration and its temperature are left out.
    ///
    /// # Errors
    /// When a file cannot be read, or the networks do not fit each other or the settings.
    pub fn open(config: &GanTargetConfig) -> Result<Self, TargetError> {
        let config = GanTargetConfig { calibration: None, kappa: 1.0, ..config.clone() };
        let refused = |reason: String| TargetError::Gan { path: config.name().to_string(), reason };
        // All that is refused of a target is refused here.
        let networks = open_networks(&config)?;
        let target = target_of(&config, networks.clone())?;
        let encoding = encoding_of_gan(&config, &target).ok();
        let OpenNetworks { generator, discriminator, loss, prior, standardisation } = networks;
        let raw = without_sigmoid(&discriminator, loss).map_err(|e| refused(e.to_string()))?;
        let [generator_sha256, discriminator_sha256] = network_files(&config).map(|file| sha256(&file));
        Ok(Self {
            generator: generator.folded(),
            discriminator: raw.unwrap_or(discriminator).folded(),
            prior,
            standardisation,
            encoding,
            generator_sha256: generator_sha256.map_err(|e| refused(e.to_string()))?,
            discriminator_sha256: discriminator_sha256.map_err(|e| refused(e.to_string()))?,
            notes: target.notes(),
        })
    }

    /// What should be known before the scores are used.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// SHA-256 of the generator's file in hexadecimal digits.
    pub fn generator_sha256(&self) -> &str {
        &self.generator_sha256
    }

    /// SHA-256 of the discriminator's.
    pub fn discriminator_sha256(&self) -> &str {
        &self.discriminator_sha256
    }

    /// At most `count` points of a file as the discriminator takes them, chosen at random: images where the GAN is one of images, rows of numbers otherwise.
    ///
    /// # Errors
    /// When it cannot be read, or its points do not fit the discriminator.
    pub fn real_points(
        &self,
        path: &Path,
        count: usize,
        stream: &mut Stream,
    ) -> Result<Points, TrainingRunError> {
        let dim = self.discriminator.dim();
        let all = read_points(path, dim, self.encoding.as_ref(), stream.state().seed)?;
        if all.dim() != dim {
            let reason = format!("its points have {} numbers, but the discriminator takes {dim}", all.dim());
            return Err(TrainingRunError::Data { path: path.into(), reason });
        }
        let mut order: Vec<usize> = (0..all.rows()).collect();
        stream.shuffle(&mut order);
        let chosen = order.into_iter().take(count).flat_map(|i| all.row(i)).copied().collect();
        let chosen = Points::from_vec(chosen, dim);
        Ok(match &self.standardisation {
            Some(standardisation) => standardisation.apply(chosen.as_batch()),
            None => chosen,
        })
    }

    /// Scores of points, one per row.
    pub fn of_points(&self, x: Batch<'_>) -> Vec<f64> {
        let mut scores = vec![0.0; x.rows()];
        for (begin, scores) in (0..x.rows()).step_by(BLOCK).zip(scores.chunks_mut(BLOCK)) {
            self.discriminator.energy(x.slice(begin..begin + scores.len()), scores);
        }
        scores
    }

    /// Scores of as many generated points as are asked for, of latents from their law.
    pub fn of_generated(&self, count: usize, stream: &mut Stream) -> Vec<f64> {
        let mut scores = Vec::with_capacity(count);
        while scores.len() < count {
            let rows = BLOCK.min(count - scores.len());
            let mut z = Points::zeros(rows, self.generator.dim());
            self.prior.fill(stream, z.data_mut());
            let mut x = Points::zeros(rows, self.generator.n_out());
            self.generator.values(z.as_batch(), x.as_batch_mut());
            scores.extend(self.of_points(x.as_batch()));
        }
        scores
    }
}

/// SHA-256 of a file in hexadecimal digits.
pub(super) fn sha256(path: &Path) -> Result<String, TrainingRunError> {
    let bytes = read_bytes(path, MOST_BYTES).map_err(IoError::file("read", path))?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
