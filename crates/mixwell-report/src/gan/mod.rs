//! What a run among the latents of a GAN has done to its samples: draws of the prior beside the last states, single chains along their way, and two latents over
//! the logarithm of their density.

mod images;
mod plane;
mod run;

pub use images::{before_after_images, trajectory_images};
pub use plane::{before_after_points, landscape, trajectory_curves};
pub use run::GanRun;

use crate::html::picture;
use crate::page::{Page, figure};

/// Samples beside each other.
const SAMPLES: usize = 36;
/// Chains along their way.
const CHAINS: usize = 6;
/// Steps of a way.
const STEPS: usize = 8;
/// The seed of what is drawn from the prior.
const SEED: u64 = 1;
/// Points beside each other, where samples are no images.
const POINTS: usize = 1000;

/// The figures of a report.
pub(crate) fn figures(run: &GanRun, page: &mut Page) -> Result<String, crate::ReportError> {
    let before = "Look for samples that have become better from left to right, and are still as varied.";
    let along = "Look for chains that change from one sample to another; one that repeats itself is stuck.";
    let mut out = String::new();
    if run.makes_images() {
        let png = before_after_images(run, SAMPLES, SEED)?;
        out.push_str(&figure(
            "Draws of the prior, and the last states of the chains",
            before,
            &[picture("Draws of the prior on the left, last states on the right", &png)],
        ));
        if run.n_draws() > 1 {
            let (png, _) = trajectory_images(run, CHAINS, STEPS)?;
            out.push_str(&figure(
                "Single chains from their first draw to their last, a row each",
                along,
                &[picture("Single chains along their way", &png)],
            ));
        }
    } else if run.keeps_points() {
        let drawings: Vec<String> =
            one_by_one(before_after_points(run, POINTS, SEED)).iter().map(|f| page.square(f)).collect();
        out.push_str(&figure(
            "Draws of the prior, and the last states of the chains, as points",
            before,
            &drawings,
        ));
    }
    if let Some(scatter) = landscape(run, POINTS, SEED)? {
        let drawings: Vec<String> = one_by_one(scatter).iter().map(|f| page.square(f)).collect();
        let sentence = "Look for last states that lie where the contours say that the density is high, in all of its islands.";
        out.push_str(&figure("Latents over the logarithm of their density", sentence, &drawings));
    }
    Ok(out)
}

/// A figure for each panel, on the same axes.
fn one_by_one(mut scatter: mixwell_figures::Scatter) -> Vec<mixwell_figures::Scatter> {
    let axes = |k: usize| {
        let all = scatter.panels.iter().flat_map(|p| &p.points).map(|p| p[k]).filter(|v| v.is_finite());
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    for ((low, high), axis) in [axes(0), axes(1)].into_iter().zip([&mut scatter.x, &mut scatter.y]) {
        if axis.range.is_none() && low < high {
            let room = 0.05 * (high - low);
            axis.range = Some([low - room, high + room]);
        }
    }
    let panels = std::mem::take(&mut scatter.panels);
    let alone = |panel: mixwell_figures::ScatterPanel| mixwell_figures::Scatter {
        title: panel.title.clone(),
        panels: vec![panel],
        ..scatter.clone()
    };
    panels.into_iter().map(alone).collect()
}
