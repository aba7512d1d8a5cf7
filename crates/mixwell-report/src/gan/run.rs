//! `GanRun`: the draws of a run whose target is a GAN, as latents and what the generator makes of them.

use std::path::Path;

use mixwell::Stream;
use mixwell::density::{GanTargetConfig, Target, TargetConfig};
use mixwell::gan::LatentTarget;
use mixwell::image::ImageSet;
use mixwell::io::{DrawReader, RunFolder};
use mixwell::training_run::{encoding_of_gan, generated_images, is_training, open_gan};

use crate::ReportError;

/// A finished run among the latents of a GAN.
pub struct GanRun {
    config: GanTargetConfig,
    pub(super) target: LatentTarget,
    n_chains: usize,
    n_draws: usize,
    /// Latents as the generator takes them: `chains x draws x` latents.
    latents: Vec<f64>,
    /// What it made of them, `chains x draws x` coordinates, where they were kept: points of few coordinates, in the unit of the data.
    points: Vec<f64>,
}

/// Latents as the generator takes them, and its points where there are few coordinates; row by row.
pub(super) struct Generated {
    pub(super) latents: Vec<f64>,
    pub(super) points: Vec<f64>,
}

impl GanRun {
    /// Reads the folder of a run.
    ///
    /// # Errors
    /// When it is no run whose target is a GAN, or its networks or draws cannot be read.
    pub fn open(path: &Path) -> Result<Self, ReportError> {
        let shown = path.display();
        let folder = RunFolder::view(path).map_err(ReportError::from)?;
        let text = folder.read_text(&folder.config()).map_err(ReportError::from)?;
        let target = if is_training(&text) { None } else { TargetConfig::in_text(&text) };
        let Some(TargetConfig::Gan(config)) = target else {
            return Err(ReportError::Pictures(format!(
                "`{shown}` is no run of `mixwell run` whose target is a GAN (`kind = \"gan\"`); \
                 images of other runs: `mixwell score`"
            )));
        };
        let target = open_gan(&config).map_err(|e| ReportError::Pictures(e.to_string()))?;
        let reader = DrawReader::open(&folder.draws()).map_err(ReportError::from)?;
        let stored = reader.variables("posterior")?.into_iter().find(|v| v.name == "z");
        let stored = stored.filter(|v| v.len() == target.dim() && v.n_chains > 0 && v.n_draws > 0);
        let Some(stored) = stored else {
            let needed = target.dim();
            return Err(ReportError::Pictures(format!(
                "the draws in `{shown}` are not the {needed} latents of its GAN"
            )));
        };
        let latents = reader.read_variable("posterior", "z", 1)?;
        let points = match reader.variables("posterior")?.iter().any(|v| v.name == "x") {
            true => reader.read_variable("posterior", "x", 1)?,
            false => vec![],
        };
        Ok(Self {
            points,
            config: *config,
            target,
            n_chains: stored.n_chains,
            n_draws: stored.n_draws,
            latents,
        })
    }

    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.n_chains
    }

    /// Draws of each chain.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// Whether what the generator makes are images.
    pub fn makes_images(&self) -> bool {
        encoding_of_gan(&self.config, &self.target).is_ok()
    }

    /// Whether the coordinates of its points were kept.
    pub fn keeps_points(&self) -> bool {
        !self.points.is_empty()
    }

    /// The latents of a chain after a draw.
    pub(super) fn latent(&self, chain: usize, draw: usize) -> &[f64] {
        let dim = self.target.dim();
        &self.latents[(chain * self.n_draws + draw) * dim..][..dim]
    }

    /// The coordinates of a chain's point after a draw; none where they were not kept.
    pub(super) fn point(&self, chain: usize, draw: usize) -> &[f64] {
        let dim = self.points.len() / (self.n_chains * self.n_draws);
        &self.points[(chain * self.n_draws + draw) * dim..][..dim]
    }

    /// The last states of the first chains.
    pub(super) fn last(&self, chains: usize) -> Generated {
        let (chains, last) = (chains.min(self.n_chains), self.n_draws - 1);
        Generated {
            latents: (0..chains).flat_map(|chain| self.latent(chain, last).to_vec()).collect(),
            points: (0..chains).flat_map(|chain| self.point(chain, last).to_vec()).collect(),
        }
    }

    /// Draws of the prior.
    pub(super) fn prior(&self, rows: usize, seed: u64) -> Generated {
        let drawn = self.target.draw_prior(rows, &mut Stream::for_exact_draws(seed, 0));
        let reported: usize = self.target.variables().iter().map(mixwell::density::Variable::len).sum();
        let mut row = vec![0.0; reported];
        let mut generated = Generated { latents: vec![], points: vec![] };
        for x in drawn.as_batch().iter() {
            self.target.report(x, &mut row);
            let (latents, points) = row.split_at(self.target.dim());
            generated.latents.extend_from_slice(latents);
            generated.points.extend_from_slice(points);
        }
        generated
    }

    /// The images that the generator makes of latents.
    pub(super) fn images(&self, latents: &[f64]) -> Result<ImageSet, ReportError> {
        Ok(generated_images(&self.config, latents)?)
    }

    /// So many draws from the first to the last, as evenly as it goes.
    pub(super) fn steps(&self, columns: usize) -> Vec<usize> {
        let (last, columns) = (self.n_draws - 1, columns.clamp(2, self.n_draws.max(2)));
        let mut steps: Vec<usize> = (0..columns).map(|k| k * last / (columns - 1)).collect();
        steps.dedup();
        steps
    }
}
