//! Trace, ranks and density of the parameters that mixed worst, chain by chain.

use mixwell::diagnostics::{self, ess_raw};
use mixwell_figures::{Axis, Densities, Ranks, Traces, TracesPanel};

use super::Material;
use super::draws::Draws;
use crate::html::escape;
use crate::page::{Page, figure};

/// The section.
pub(super) fn section(run: &Material<'_>, page: &mut Page) -> String {
    let draws = &run.draws;
    if draws.draws < 2 {
        return String::new();
    }
    let shown = draws.shown();
    let mut figures = String::new();
    for scalar in &draws.scalars {
        let s = &scalar.summary;
        let sentence = format!(
            "R-hat {:.3}, bulk ESS {:.0}, tail ESS {:.0}: chains that agree have traces that look alike and wander quickly, rank curves inside the grey band, and densities that lie on each other.",
            s.rhat, s.ess_bulk, s.ess_tail
        );
        let drawings = drawings(draws, &scalar.name, &scalar.values, &shown, page);
        figures.push_str(&figure(&scalar.name, &sentence, &drawings));
    }
    if let Some(values) = &draws.log_density {
        let name = "log-density";
        let sentence = "The log-density of every draw: a trace that still rises, or a chain below the others, has not arrived where the mass is.";
        let drawings = drawings(draws, name, values, &shown, page);
        figures.push_str(&figure(name, sentence, &drawings));
    }
    let which = match (draws.scalars.len(), run.summary.parameters.len()) {
        (some, all) if some < all => {
            format!("The {some} of {all} parameters that mixed worst, the worst first.")
        }
        _ => "Every parameter, the one that mixed worst first.".into(),
    };
    let chains = match (shown.len(), draws.chains) {
        (some, all) if some < all => format!(
            " Curves are those of the {some} of {all} chains that lie farthest from the others; dashed is the density of all."
        ),
        _ => " A colour is a chain; dashed is the density of all.".into(),
    };
    format!("<p>{}</p>\n{figures}", escape(&(which + &chains)))
}

/// Trace, ranks, density.
fn drawings(draws: &Draws, name: &str, values: &[f64], shown: &[usize], page: &mut Page) -> Vec<String> {
    let of = |chain: usize| draws.of_chain(values, chain).to_vec();
    let chains: Vec<Vec<f64>> = shown.iter().map(|chain| of(*chain)).collect();
    let others: Vec<f64> = (0..draws.chains).filter(|chain| !shown.contains(chain)).flat_map(of).collect();
    let trace = Traces {
        title: format!("Trace of {name}"),
        x: Axis::new("draw"),
        y: Axis::new(name_on_axis(name)),
        panels: vec![TracesPanel { chains: chains.clone(), every: draws.thin, ..TracesPanel::default() }],
    };
    let ranks = Ranks {
        title: format!("Ranks of {name}, chain by chain"),
        effective: effective(&chains),
        chains: chains.clone(),
        others: others.clone(),
    };
    let x = Axis::new(name_on_axis(name));
    let density = Densities { title: format!("Density of {name}, chain by chain"), x, chains, others };
    vec![page.tile(&trace), page.tile(&ranks), page.tile(&density)]
}

/// A name that has room beside an axis.
pub(super) fn name_on_axis(name: &str) -> String {
    const ROOM: usize = 24;
    if name.chars().count() <= ROOM {
        return name.into();
    }
    name.chars().take(ROOM - 2).chain("..".chars()).collect()
}

/// How many independent draws a chain is worth by itself, that in the middle: how far chains lie apart is what the band must show, so it does not count.
fn effective(chains: &[Vec<f64>]) -> Option<f64> {
    let mut all: Vec<f64> = chains
        .iter()
        .map(|chain| ess_raw(diagnostics::Draws::new(chain, 1)))
        .filter(|e| e.is_finite())
        .collect();
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}
