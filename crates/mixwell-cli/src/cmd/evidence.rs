//! `evidence`: the log of the normalising constant by one estimator or several, as a table and as JSON.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use mixwell::density::Target;
use mixwell::estimate::{Estimate, EstimateError, EvidenceConfig};
use mixwell::io::atomic_write;
use mixwell::sampler::RunError;
use serde_json::{Map, Value, json};

use super::config_file::{build_target, located, read, resolve_target, stem};
use crate::cli::EvidenceArgs;
use crate::exit::{Status, bad_input, is_closed_pipe};
use crate::message::tell;
use mixwell_report::number;

/// Level of the intervals that are shown.
const LEVEL: f64 = 0.95;

/// One line of the table.
struct Row {
    name: String,
    kind: &'static str,
    seconds: f64,
    estimate: Estimate,
}

/// Runs the subcommand.
pub fn run(args: &EvidenceArgs) -> anyhow::Result<Status> {
    let file = read::<EvidenceConfig>(&args.config)?;
    let mut config = file.settings.clone();
    if let Some(seed) = args.seed {
        config.seed = seed;
    }
    if let Some(target) = &mut config.target {
        resolve_target(target, &args.config)?;
    }
    let out = out_file(args)?;
    config.check().map_err(|e| located(&args.config, &file, &e))?;
    let target = build_target(config.target.as_ref()).map_err(|e| match e {
        RunError::Config(e) => located(&args.config, &file, &e),
        other => other.into(),
    })?;
    if !args.quiet {
        target.notes().iter().for_each(|note| tell(&format!("warning: {note}")));
    }
    config.check_memory(target.dim()).map_err(|e| located(&args.config, &file, &e))?;
    let rows = mixwell::on_threads(args.threads, || estimate_all(&config, &*target, args.quiet));
    let rows = rows.map_err(bad_input)?.map_err(|(name, e)| match e {
        EstimateError::Config(e) => located(&args.config, &file, &e),
        EstimateError::Evaluation(e) => anyhow::anyhow!("estimator `{name}`: the target failed: {e}"),
        other => bad_input(format!("{}, estimator `{name}`: {other}", args.config.display())),
    })?;
    let report = report(&config, &*target, &rows);
    let text = serde_json::to_string_pretty(&report)? + "\n";
    atomic_write(&out, text.as_bytes()).map_err(RunError::from)?;
    if !args.quiet {
        print(&rows, target.facts().log_evidence)
            .map_err(anyhow::Error::from)
            .or_else(|e| if is_closed_pipe(&e) { Ok(()) } else { Err(e) })?;
        tell(&format!("written to {}", out.display()));
    }
    Ok(Status::Finished)
}

/// The file to write, in a folder that exists; nothing that is already there is overwritten.
fn out_file(args: &EvidenceArgs) -> anyhow::Result<PathBuf> {
    let out = args.out.clone().unwrap_or_else(|| {
        Path::new("runs").join(format!("{}-evidence.json", stem(&args.config).to_string_lossy()))
    });
    let shown = out.display();
    if out.exists() {
        return Err(bad_input(format!("`{shown}` exists already; choose another file with --out")));
    }
    if let Some(folder) = out.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|e| bad_input(format!("cannot make the folder of `{shown}`: {e}")))?;
    }
    Ok(out)
}

fn estimate_all(
    config: &EvidenceConfig,
    target: &dyn Target,
    quiet: bool,
) -> Result<Vec<Row>, (String, EstimateError)> {
    let mut rows = Vec::new();
    for (name, estimator) in &config.estimators {
        if !quiet {
            tell(&format!("{name} .."));
        }
        let begun = Instant::now();
        let estimate = config.estimate(name, target).map_err(|e| (name.clone(), e))?;
        let seconds = begun.elapsed().as_secs_f64();
        rows.push(Row { name: name.clone(), kind: estimator.kind(), seconds, estimate });
    }
    Ok(rows)
}

fn report(config: &EvidenceConfig, target: &dyn Target, rows: &[Row]) -> Value {
    let mut estimators = Map::new();
    for row in rows {
        let (low, high) = row.estimate.log_evidence.interval(LEVEL);
        let mut entry = json!(row.estimate);
        entry["kind"] = json!(row.kind);
        entry["interval_95"] = json!([low, high]);
        entry["wall_seconds"] = json!(row.seconds);
        estimators.insert(row.name.clone(), entry);
    }
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "target": config.target,
        "dim": target.dim(),
        "seed": config.seed,
        "exact_log_evidence": target.facts().log_evidence,
        "estimators": estimators,
    })
}

/// Prints the table.
fn print(rows: &[Row], exact: Option<f64>) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let width = rows.iter().map(|r| r.name.len()).max().unwrap_or(0).max(9);
    writeln!(
        out,
        "{:width$} {:>12} {:>9} {:>25} {:>9} {:>8} {:>9} {:>11} {:>11} {:>8}",
        "estimator",
        "log Z",
        "error",
        "95 % interval",
        "weights",
        "ess",
        "Pareto k",
        "densities",
        "gradients",
        "seconds"
    )?;
    for row in rows {
        let e = &row.estimate;
        let z = &e.log_evidence;
        let (low, high) = z.interval(LEVEL);
        writeln!(
            out,
            "{:width$} {:>12} {:>9} {:>25} {:>9} {:>7.1}% {:>9} {:>11} {:>11} {:>8.1}",
            row.name,
            format!("{:.5}", z.value),
            number(z.standard_error),
            format!("{low:.5} .. {high:.5}"),
            e.draws,
            100.0 * e.ess_share,
            format!("{:.2}", e.pareto_k),
            e.cost.densities,
            e.cost.gradients,
            row.seconds
        )?;
    }
    if let Some(exact) = exact {
        writeln!(out, "\nexact log Z {exact:.5}")?;
    }
    for row in rows.iter().filter(|r| r.estimate.pareto_k.is_nan() || r.estimate.pareto_k > 0.7) {
        writeln!(out, "warning: {}: Pareto k is above 0.7, so the error is larger than stated", row.name)?;
    }
    for row in rows.iter().filter(|r| r.estimate.non_finite > 0) {
        let n = row.estimate.non_finite;
        writeln!(out, "warning: {}: the target was NaN or infinite at {n} points", row.name)?;
    }
    out.flush()
}
