//! What the points are worth that a GAN's latents stand for: among known modes, and beside known curves.

use mixwell::density::{NoData, Target, TargetConfig};
use mixwell::metric::{CurveDistance, ModeRadius, ModeRateOptions, ModeRates, RoundModes};
use mixwell::{Batch, Points};
use serde::{Deserialize, Serialize};

use crate::{Measured, Sample};

/// The law that generated points should follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownLaw {
    /// A target whose modes or curves are known.
    law: TargetConfig,
    /// Points are multiplied by this before: for a generator that learned from data in another unit.
    #[serde(default = "one")]
    scale: f64,
}

fn one() -> f64 {
    1.0
}

/// What is told of points among modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmongModes {
    /// Share of points near a mode.
    HighQuality,
    /// Modes that have at least one such point.
    Covered,
    /// Standard deviation of the points of a mode.
    ModeSd,
    /// Jensen-Shannon divergence from the modes' weights, points far from all being one more outcome.
    Divergence,
}

/// Which quantile of the distances from a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantile {
    /// Half of the points are nearer.
    Median,
    /// Nine of ten are nearer.
    Q90,
    /// 99 of a hundred are nearer.
    Q99,
}

impl KnownLaw {
    /// The generated points in the unit of the law: the variable `x`, or all that is reported where there is none.
    fn points(&self, sample: &Sample<'_>, target: &dyn Target) -> Option<Points> {
        let points = sample.variable("x")?;
        if points.dim() != target.dim() {
            return None;
        }
        Some(self.scaled(points.as_batch()))
    }

    /// Points in the unit of the law.
    pub(crate) fn scaled(&self, points: Batch<'_>) -> Points {
        Points::from_vec(points.data().iter().map(|v| v * self.scale).collect(), points.dim())
    }

    /// The law itself.
    pub(crate) fn target(&self) -> Option<Box<dyn Target>> {
        self.law.build(&NoData).ok()
    }
}

/// `None` where the modes are not known to be round, or nothing is generated.
pub(super) fn among_modes(
    sample: &Sample<'_>,
    value: AmongModes,
    law: Option<&KnownLaw>,
    radius: ModeRadius,
) -> Option<Measured> {
    let law = law?;
    let target = law.target()?;
    let points = law.points(sample, &*target)?;
    let modes = target.facts().modes?;
    let known = RoundModes {
        centres: modes.centres.as_batch(),
        deviations: modes.deviations.as_deref()?,
        weights: modes.weights.as_deref(),
    };
    let options = ModeRateOptions { radius, ..ModeRateOptions::default() };
    let rates = ModeRates::of(points.as_batch(), known, options).ok()?;
    Some(match value {
        AmongModes::HighQuality => Measured::with_error(rates.high_quality, rates.standard_error),
        AmongModes::Covered => Measured::pooled(rates.covered as f64),
        AmongModes::ModeSd => Measured::pooled(rates.mode_sd?),
        AmongModes::Divergence => Measured::pooled(rates.jsd),
    })
}

/// `None` where no curves are known, or nothing is generated.
pub(super) fn beside_curve(
    sample: &Sample<'_>,
    quantile: Quantile,
    law: Option<&KnownLaw>,
) -> Option<Measured> {
    let law = law?;
    let target = law.target()?;
    let points = law.points(sample, &*target)?;
    let distance = CurveDistance::of(points.as_batch(), &target.facts().curves).ok()?;
    Some(Measured::pooled(match quantile {
        Quantile::Median => distance.median,
        Quantile::Q90 => distance.q90,
        Quantile::Q99 => distance.q99,
    }))
}

/// Share of the points that are nearer to the curves than `within`; `None` where no curves are known, or nothing is generated.
pub(super) fn near_curve(sample: &Sample<'_>, within: f64, law: Option<&KnownLaw>) -> Option<Measured> {
    let law = law?;
    let target = law.target()?;
    let points = law.points(sample, &*target)?;
    let distances = CurveDistance::each(points.as_batch(), &target.facts().curves).ok()?;
    let share = distances.iter().filter(|d| **d < within).count() as f64 / distances.len() as f64;
    Some(Measured::with_error(share, (share * (1.0 - share) / distances.len() as f64).sqrt()))
}
