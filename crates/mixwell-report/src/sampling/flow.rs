//! The trained flow: how well it knew the chains' states as it was trained, what its draws are worth, and draws of it.

use mixwell::density::{Target, TargetConfig};
use mixwell::flow::Flow;
use mixwell::io::{DATA_BYTES, read_bytes};
use mixwell::proposal::Proposal;
use mixwell::training_run::TrainedLaws;
use mixwell::{Points, Stream};
use mixwell_figures::{Axis, Curves, CurvesPanel};

use super::Material;
use super::warmup::over_time;
use crate::ReportError;
use crate::html::{facts, number};
use crate::page::{Page, figure};

/// The section; empty where there is no flow and no evidence.
pub(super) fn section(run: &Material<'_>, page: &mut Page) -> Result<String, ReportError> {
    let s = &run.summary;
    let mut out = String::new();
    if let Some(log_q) = run.draws.statistic("warmup_sample_stats", "flow_log_prob")? {
        let loss: Vec<f64> = log_q.iter().map(|v| -v).collect();
        let curve = over_time("loss", &loss, run.draws.chains, run.draws.thin);
        if curve.x.len() > 1 {
            let drawing = page.tile(&Curves {
                title: "Loss of the flow".into(),
                x: Axis::new("step of the warm-up"),
                y: Axis::new("mean of −log q at the chains"),
                panels: vec![CurvesPanel { title: String::new(), curves: vec![curve] }],
            });
            out.push_str(&figure(
                "Loss of the flow through its training",
                "Minus the flow's log-density at the states of the chains: look for a curve that has fallen and is level at the end.",
                &[drawing],
            ));
        }
    }
    let mut numbers = vec![];
    if let Some(training) = &s.training {
        numbers.push(("loss of the last training call", number(training.loss)));
        if let Some(loss) = training.validation_loss {
            numbers.push(("validation loss of the weights kept", number(loss)));
        }
    }
    if let Some(p) = &s.proposal {
        numbers.push(("draws of the proposal", p.draws.to_string()));
        numbers.push(("effective share of them", format!("{:.1} %", 100.0 * p.ess_share)));
        numbers.push(("Pareto k of their weights", format!("{:.2}", p.pareto_k)));
    }
    if let (Some(value), Some(error)) = (s.log_evidence, s.log_evidence_se) {
        numbers.push(("log evidence", format!("{} ± {}", number(value), number(error))));
    }
    if !numbers.is_empty() {
        out.push_str(&facts(&numbers));
        if let Some(p) = &s.proposal {
            let bar = run.config.thresholds.pareto_k;
            let word = if p.pareto_k <= bar {
                "so the evidence can be believed"
            } else {
                "so the evidence rests on a few draws: do not believe it"
            };
            out.push_str(&format!(
                "<p>Pareto k is {} the bar of {bar}, {word}.</p>\n",
                if p.pareto_k <= bar { "below" } else { "above" }
            ));
        }
    }
    Ok(out)
}

/// Draws of the flow as reported numbers, a row each; none where the run left no flow or the target is not to be had from its settings.
pub(super) fn reported_draws(run: &Material<'_>, rows: usize) -> Option<Vec<Vec<f64>>> {
    let path = run.folder.flow();
    path.symlink_metadata().ok().filter(|m| m.is_file())?;
    let flow = Flow::from_safetensors(&read_bytes(&path, DATA_BYTES).ok()?).ok()?;
    let reported = run.summary.parameters.len();
    let target: Option<Box<dyn Target>> = match &run.config.target {
        Some(config) => {
            Some(TargetConfig::build(config, &TrainedLaws).ok().filter(|t| t.dim() == flow.dim())?)
        }
        // Of a density given in code only the coordinates themselves are known.
        None if reported == flow.dim() && run.summary.parameters.iter().all(|p| p.name.starts_with("x[")) => {
            None
        }
        None => return None,
    };
    // A stream that no chain and no estimate has.
    let mut stream = Stream::for_exact_draws(run.config.seed, 0);
    let mut noise = Points::zeros(rows, flow.noise_dim());
    stream.fill_normal(noise.data_mut());
    let (mut x, mut log_q) = (Points::zeros(rows, flow.dim()), vec![0.0; rows]);
    flow.push(noise.as_batch(), x.as_batch_mut(), &mut log_q);
    let of = |row: &[f64]| match &target {
        Some(target) => {
            let mut out = vec![0.0; reported];
            target.report(row, &mut out);
            out
        }
        None => row.to_vec(),
    };
    Some(x.as_batch().iter().map(of).collect())
}
