//! `ln Z` in several ways, as a table, and whether they agree.

use std::time::Instant;

use mixwell::ebm::{EvidenceFound, EvidenceOf, EvidenceWay};
use mixwell::estimate::{EstimateError, LogEvidence, Options, disagreements};
use serde_json::{Map, json};

use super::inputs::Inputs;
use super::plane::PlaneMap;
use super::report::Report;
use crate::cli::DensityArgs;
use crate::exit::bad_input;
use crate::message::tell;
use mixwell_report::number;

/// Level of the intervals that are shown.
const LEVEL: f64 = 0.95;
/// Above this the weights of an estimate have no variance to speak of.
const LARGEST_K: f64 = 0.7;

/// Adds the table and the verdict on it.
pub fn look(
    inputs: &Inputs<'_>,
    map: Option<&PlaneMap>,
    args: &DensityArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let of = EvidenceOf {
        target: inputs.model,
        base: inputs.base.as_deref(),
        flow: inputs.flow.as_ref().map(|flow| flow as _),
        density: map.map(|map| &map.density),
        draws: args.draws,
    };
    let options = Options { seed: args.seed, ..Options::default() };
    let (mut rows, mut json) = (vec![], Map::new());
    report.line(format!(
        "{:12} {:>11} {:>9} {:>23} {:>7} {:>8} {:>11} {:>8}",
        "log Z", "estimate", "error", "95 % interval", "ess", "Pareto k", "evaluations", "seconds"
    ));
    for way in of.ways() {
        if !args.quiet {
            tell(&format!("{} ..", way.name()));
        }
        let begun = Instant::now();
        let found = match of.estimate(way, &options) {
            Ok(found) => found,
            Err(EstimateError::Config(e)) => return Err(bad_input(e)),
            Err(EstimateError::Evaluation(e)) => anyhow::bail!("the law failed: {e}"),
            Err(other) => {
                report.problem(format!("{}: {other}", way.name()));
                continue;
            }
        };
        // The map was made before.
        let before = map.filter(|_| way == EvidenceWay::Quadrature).map_or(0.0, |map| map.seconds);
        let seconds = before + begun.elapsed().as_secs_f64();
        row(way, &found, seconds, report);
        let (low, high) = found.log_evidence.interval(LEVEL);
        json.insert(
            way.name().into(),
            json!({
                "log_evidence": found.log_evidence, "interval_95": [low, high], "ess_share": found.ess_share,
                "pareto_k": found.pareto_k, "cost": found.cost, "wall_seconds": seconds,
            }),
        );
        rows.push((way.name(), found));
    }
    report.put("estimates", json.into());
    judge(&rows, report);
    Ok(())
}

fn row(way: EvidenceWay, found: &EvidenceFound, seconds: f64, report: &mut Report) {
    let z = &found.log_evidence;
    let (low, high) = z.interval(LEVEL);
    report.line(format!(
        "{:12} {:>11.5} {:>9} {:>23} {:>7} {:>8} {:>11} {:>8.1}",
        way.name(),
        z.value,
        number(z.standard_error),
        format!("{low:.5} .. {high:.5}"),
        found.ess_share.map_or(String::new(), |s| format!("{:.1}%", 100.0 * s)),
        found.pareto_k.map_or(String::new(), |k| format!("{k:.2}")),
        found.cost.densities + found.cost.gradients,
        seconds
    ));
}

/// What the estimates say together; the one with the smallest error that can be believed is `log_evidence`.
fn judge(rows: &[(&str, EvidenceFound)], report: &mut Report) {
    for (name, found) in rows {
        if !found.log_evidence.value.is_finite() {
            report.problem(format!("{name} found no evidence: no weight is positive and finite"));
        } else if found.pareto_k.is_some_and(|k| k.is_nan() || k > LARGEST_K) {
            report.line(format!("{name}: Pareto k is above {LARGEST_K}, so its error is larger than stated"));
        }
    }
    let estimates: Vec<(&str, LogEvidence)> = rows.iter().map(|(name, f)| (*name, f.log_evidence)).collect();
    let apart = disagreements(&estimates);
    for d in &apart {
        report.problem(format!(
            "{} and {} disagree on log Z: {:.4} and {:.4} are {:.1} standard errors apart (at most {:.1}); believe neither before it is known why",
            d.names[0], d.names[1], d.values[0], d.values[1], d.off, d.bar
        ));
    }
    report.put("disagreements", json!(apart));
    let usable = rows
        .iter()
        .filter(|(_, f)| f.log_evidence.value.is_finite() && f.pareto_k.is_none_or(|k| k <= LARGEST_K));
    let best =
        usable.min_by(|a, b| a.1.log_evidence.standard_error.total_cmp(&b.1.log_evidence.standard_error));
    if let Some((name, found)) = best {
        report.put("log_evidence", json!(found.log_evidence.value));
        report.put("log_evidence_by", json!(name));
    }
    if rows.len() > 1 && apart.is_empty() {
        report.line(format!("the {} estimates agree", rows.len()));
    }
}
