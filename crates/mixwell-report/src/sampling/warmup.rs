//! Acceptance and step sizes through the warm-up, and what each kernel did after it.

use std::fmt::Write;

use mixwell_figures::{Axis, Curve, Curves, CurvesPanel};

use super::Material;
use crate::ReportError;
use crate::html::{count, escape, number};
use crate::page::{Page, figure};

/// Points of a curve.
const POINTS: usize = 120;

/// The section.
pub(super) fn section(run: &Material<'_>, page: &mut Page) -> Result<String, ReportError> {
    let mut of = |title: &str, names: &[(&str, &str)], y: Axis| -> Result<Option<String>, ReportError> {
        let mut curves = vec![];
        for (name, statistic) in names {
            let Some(values) = run.draws.statistic("warmup_sample_stats", statistic)? else { continue };
            let curve = over_time(name, &values, run.draws.chains, run.draws.thin);
            if !curve.x.is_empty() {
                curves.push(curve);
            }
        }
        let panel = CurvesPanel { title: String::new(), curves };
        let figure =
            Curves { title: title.into(), x: Axis::new("step of the warm-up"), y, panels: vec![panel] };
        Ok((!figure.panels[0].curves.is_empty()).then(|| page.tile(&figure)))
    };
    let rates = [("local moves", "acceptance_rate"), ("global moves", "global_acceptance")];
    let acceptance = of(
        "Acceptance through the warm-up",
        &rates,
        Axis::new("acceptance, mean of chains").range(0.0, 1.02),
    )?;
    let steps = of("Step size through the warm-up", &[("step size", "step_size")], Axis::log("step size"))?;
    let lengths = of(
        "Leapfrog steps through the warm-up",
        &[("leapfrog steps", "n_steps")],
        Axis::new("leapfrog steps, mean of chains"),
    )?;
    let drawings: Vec<String> = [acceptance, steps, lengths].into_iter().flatten().collect();
    let mut out = figure(
        "What adapted in the warm-up",
        "Look for curves that are level at the end: what still drifts there was frozen too early, and a longer warm-up would help.",
        &drawings,
    );
    if drawings.is_empty() {
        out.push_str("<p>The run kept no draws of its warm-up, so there is no picture of it.</p>\n");
    }
    out.push_str(&kernels(run));
    Ok(out)
}

/// The mean over chains against the draw, means of so many draws each.
pub(super) fn over_time(name: &str, values: &[f64], chains: usize, thin: usize) -> Curve {
    let n = values.len() / chains.max(1);
    let every = n.div_ceil(POINTS).max(1);
    let mut curve = Curve { name: name.into(), ..Curve::default() };
    for first in (0..n).step_by(every) {
        let last = (first + every).min(n);
        let some = (0..chains).flat_map(|chain| &values[chain * n + first..chain * n + last]);
        let (sum, count) = some.filter(|v| v.is_finite()).fold((0.0, 0), |(s, c), v| (s + v, c + 1));
        if count > 0 {
            curve.x.push(((first + last) * thin) as f64 / 2.0);
            curve.y.push(sum / f64::from(count));
        }
    }
    curve
}

/// What each kernel did in production.
fn kernels(run: &Material<'_>) -> String {
    if run.summary.acceptance.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for (name, a) in &run.summary.acceptance {
        let optional = |v: Option<f64>| v.map_or_else(|| "-".into(), number);
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{:.3}</td><td>{:.3}</td><td>{:.3}</td><td>{}</td></tr>",
            escape(name),
            escape(&a.role),
            count(a.tries),
            a.acceptance_rate,
            a.sd_over_chains,
            a.move_rate,
            optional(a.step_size)
        );
    }
    format!(
        "<h3>The kernels after the warm-up</h3>\n<div class=\"scrolls\" tabindex=\"0\" role=\"region\" aria-label=\"Table of kernels\">\n<table><thead><tr><th scope=\"col\">kernel</th>\
         <th scope=\"col\">role</th><th scope=\"col\">proposals</th><th scope=\"col\">acceptance</th><th scope=\"col\">sd over chains</th>\
         <th scope=\"col\">moved</th><th scope=\"col\">step size</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_over_chains_leave_out_what_is_no_number() {
        let curve = over_time("a", &[1.0, f64::NAN, 3.0, f64::NAN], 2, 5);
        assert_eq!((curve.x, curve.y), (vec![2.5], vec![2.0]));
    }
}
