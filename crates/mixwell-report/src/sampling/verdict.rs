//! The opening: what the run is, whether its draws can be used, and the numbers that say so.

use super::Material;
use crate::html::{count, escape, facts, list, number};

/// The head of the page.
pub(super) fn opening(run: &Material<'_>, name: &str) -> String {
    let s = &run.summary;
    let kind = run
        .config
        .target
        .as_ref()
        .and_then(|t| serde_json::to_value(t).ok()?.get("kind")?.as_str().map(str::to_owned));
    let target = kind.map_or_else(|| "a density given in code".into(), |kind| format!("the target {kind}"));
    let what = format!(
        "{} chains of {} draws each from {target}, by {}",
        s.chains,
        count(s.draws as u128),
        s.method
    );
    let (class, mark, line) = if s.converged {
        ("good", "\u{2713}", s.verdict_line())
    } else {
        ("bad", "\u{2715}", s.verdict_line())
    };
    let mut line = line;
    if let Some(first) = line.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    let mut out = format!(
        "<header>\n<h1>{}</h1>\n<p class=\"what\">{}</p>\n</header>\n\
         <div class=\"verdict {class}\" role=\"status\"><p><span aria-hidden=\"true\">{mark}</span> {}.</p>{}</div>\n",
        escape(name),
        escape(&what),
        escape(&line),
        list("why", &s.reasons)
    );
    out.push_str(&list("warnings", &s.warnings));
    out.push_str(&facts(&numbers(run)));
    out
}

/// The numbers that one looks at first.
fn numbers(run: &Material<'_>) -> Vec<(&'static str, String)> {
    let s = &run.summary;
    // NaN where any is: what cannot be told must not pass for good.
    let worst = |of: &dyn Fn(usize) -> f64, beats: fn(f64, f64) -> f64| {
        (0..s.parameters.len())
            .map(of)
            .reduce(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { beats(a, b) })
    };
    let mut facts = vec![];
    if let Some(rhat) = worst(&|i| s.parameters[i].summary.rhat, f64::max) {
        facts.push(("largest R-hat", format!("{rhat:.3}")));
    }
    if let Some(ess) = worst(&|i| s.parameters[i].summary.ess_bulk, f64::min) {
        facts.push(("smallest bulk ESS", format!("{ess:.0}")));
    }
    if let Some(ess) = worst(&|i| s.parameters[i].summary.ess_tail, f64::min) {
        facts.push(("smallest tail ESS", format!("{ess:.0}")));
    }
    if s.acceptance.values().any(|a| a.hamiltonian) {
        facts.push(("divergences", count(s.divergences)));
    }
    if let (Some(value), Some(error)) = (s.log_evidence, s.log_evidence_se) {
        facts.push(("log evidence", format!("{} ± {}", number(value), number(error))));
    }
    facts.push(("parameters", count(s.parameters.len() as u128)));
    facts.push(("seconds", number(s.wall_seconds)));
    facts.push(("gradients", count(s.gradient_evaluations)));
    facts.push(("densities", count(s.density_evaluations)));
    facts.push(("seed", s.seed.to_string()));
    facts
}
