//! The table of estimates, which sorts where scripts run.

use std::fmt::Write;

use mixwell::sampler::Parameter;

use super::Material;
use super::choice;
use crate::html::{escape, number};

/// Rows that are shown; of more parameters those that mixed worst.
const MOST: usize = 400;

/// The table.
pub(super) fn estimates(run: &Material<'_>) -> String {
    let s = &run.summary;
    if s.parameters.is_empty() {
        return String::new();
    }
    let bars = &run.config.thresholds;
    let mut shown: Vec<&Parameter> = s.parameters.iter().collect();
    let mut note = String::from(
        "Look at the last three columns first: effective sample sizes that are too small and an R-hat that is too large are red. A click on a heading sorts.",
    );
    if shown.len() > MOST {
        let table: Vec<_> = s.parameters.iter().map(|p| p.summary).collect();
        let mut places = choice::by_badness(&table, bars);
        places.truncate(MOST);
        places.sort_unstable();
        shown = places.into_iter().map(|place| &s.parameters[place]).collect();
        let _ = write!(
            note,
            " The {MOST} of {} that mixed worst are here, the rest is in summary.json.",
            s.parameters.len()
        );
    }
    if shown.iter().any(|p| p.heavy_tails) {
        note.push_str(" A star marks heavy tails: that number may not exist; use median and quantiles.");
    }
    // All chains together; a chain asks for no more than its share.
    let ess = bars.ess.min(bars.ess_per_chain * s.chains as f64);
    let heads =
        ["parameter", "mean", "sd", "mcse mean", "5 %", "median", "95 %", "ess bulk", "ess tail", "R-hat"];
    let heads: String = heads.map(|h| format!("<th scope=\"col\">{h}</th>")).concat();
    let mut rows = String::new();
    for p in shown {
        let v = &p.summary;
        let star = if p.heavy_tails { "*" } else { "" };
        let _ = write!(rows, "<tr><th scope=\"row\" title=\"{0}\">{0}</th>", escape(&p.name));
        for (value, text, bad) in [
            (v.mean, number(v.mean) + star, false),
            (v.sd, number(v.sd) + star, false),
            (v.mcse_mean, number(v.mcse_mean) + star, false),
            (v.q5, number(v.q5), false),
            (v.median, number(v.median), false),
            (v.q95, number(v.q95), false),
            (v.ess_bulk, whole(v.ess_bulk), v.ess_bulk < ess),
            (v.ess_tail, whole(v.ess_tail), v.ess_tail < ess),
            (v.rhat, if v.rhat.is_nan() { "-".into() } else { format!("{:.3}", v.rhat) }, v.rhat > bars.rhat),
        ] {
            let class = if bad { " class=\"bad\"" } else { "" };
            let _ = write!(rows, "<td{class} data-value=\"{value:e}\">{text}</td>");
        }
        rows.push_str("</tr>\n");
    }
    format!(
        "<p>{}</p>\n<div class=\"scrolls\" tabindex=\"0\" role=\"region\" aria-label=\"Table of estimates\">\n\
         <table class=\"sorts\"><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
        escape(&note)
    )
}

fn whole(v: f64) -> String {
    if v.is_nan() { "-".into() } else { format!("{v:.0}") }
}
