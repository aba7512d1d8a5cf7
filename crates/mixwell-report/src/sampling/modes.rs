//! The share of the draws in each known mode, as draws were added.

use mixwell_figures::{Axis, Curve, Curves, CurvesPanel};

use super::Material;
use crate::ReportError;
use crate::page::{Page, figure};

/// Modes with a curve, at most.
const MOST: usize = 8;
/// Points of a curve.
const POINTS: usize = 100;

/// The section; empty where no modes are known.
pub(super) fn section(run: &Material<'_>, page: &mut Page) -> Result<String, ReportError> {
    let (draws, s) = (&run.draws, &run.summary);
    let (Some(weights), Some(modes)) = (&s.mode_weights, draws.statistic("sample_stats", "mode")?) else {
        return Ok(String::new());
    };
    if draws.draws == 0 {
        return Ok(String::new());
    }
    let shares = shares(&modes, draws.chains, weights.len());
    let x: Vec<f64> = shares.iter().map(|(n, _)| (n * draws.thin) as f64).collect();
    let curves = (0..weights.len().min(MOST)).map(|mode| Curve {
        name: format!("mode {}", mode + 1),
        x: x.clone(),
        y: shares.iter().map(|(_, share)| share[mode]).collect(),
        error: vec![],
        exact: s.exact_mode_weights.as_ref().and_then(|exact| exact.get(mode).copied()),
    });
    let drawing = page.tile(&Curves {
        title: "Share of the draws in each mode".into(),
        x: Axis::new("draws of a chain"),
        y: Axis::new("share of all draws so far"),
        panels: vec![CurvesPanel { title: String::new(), curves: curves.collect() }],
    });
    let mut sentence = String::from("Look for shares that settle early");
    if s.exact_mode_weights.is_some() {
        sentence.push_str(" at the dashed exact ones");
    }
    if let Some(hops) = s.mode_hops_per_1000 {
        sentence.push_str(&format!(
            ", and for many changes of mode: there were {hops:.1} per chain in 1000 draws"
        ));
    }
    sentence.push('.');
    let all: Vec<String> = weights.iter().map(|w| format!("{w:.3}")).collect();
    let many = if weights.len() > MOST {
        format!("<p>All {} shares: {}</p>\n", all.len(), all.join(", "))
    } else {
        String::new()
    };
    Ok(figure("Weights of the modes", &sentence, &[drawing]) + &many)
}

/// The shares of the modes among the first draws of all chains, for some numbers of draws.
fn shares(modes: &[f64], chains: usize, n_modes: usize) -> Vec<(usize, Vec<f64>)> {
    let n = modes.len() / chains;
    let every = n.div_ceil(POINTS).max(1);
    let mut counts = vec![0.0; n_modes];
    let mut out = Vec::new();
    for draw in 0..n {
        for chain in 0..chains {
            if let Some(count) = counts.get_mut(modes[chain * n + draw] as usize) {
                *count += 1.0;
            }
        }
        if (draw + 1) % every == 0 || draw + 1 == n {
            let all: f64 = counts.iter().sum();
            out.push((draw + 1, counts.iter().map(|c| c / all.max(1.0)).collect()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_by_hand() {
        // Two chains of three draws.
        let found = shares(&[0.0, 1.0, 1.0, 0.0, 0.0, 1.0], 2, 2);
        assert_eq!(found, [(1, vec![1.0, 0.0]), (2, vec![0.75, 0.25]), (3, vec![0.5, 0.5])]);
    }
}
