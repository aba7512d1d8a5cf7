//! Published beside measured: the results of all cells, judged by the experiment's rules.

mod index;
mod markdown;

use std::collections::BTreeMap;

use serde::Serialize;

pub use index::index;
pub use markdown::number;

use crate::cell::CellResult;
use crate::experiment::is_among;
use crate::rule::Reference;
use crate::{CellCost, Experiment, Measured, SeedMean};

/// The results of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The experiment's name.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Where it was published.
    pub source: String,
    /// What differs from the publication.
    pub about: String,
    /// The preset that was run.
    pub preset: String,
    /// Version of Mixwell.
    pub version: String,
    /// Repetitions of every method.
    pub repetitions: usize,
    /// Cells (methods at points in repetitions) that have been run.
    pub finished: usize,
    /// Cells there are.
    pub cells: usize,
    /// The columns that tell points apart.
    pub axes: Vec<String>,
    /// Titles of the metrics, in the order of the tables.
    pub metrics: Vec<(String, String)>,
    /// Titles of the methods by name.
    pub methods: BTreeMap<String, String>,
    /// Whether every cell has been run and every rule holds.
    pub passed: bool,
    /// One row per metric, point and method.
    pub results: Vec<ResultRow>,
    /// One row per point and method.
    pub costs: Vec<CostRow>,
    /// Names and titles of the figures that were drawn.
    pub figures: Vec<(String, String)>,
}

/// One metric of one method at one point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResultRow {
    /// The metric.
    pub metric: String,
    /// The label of the point.
    pub point: String,
    /// The method.
    pub method: String,
    /// What was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<f64>,
    /// What was measured.
    pub measured: SeedMean,
    /// The rules that apply here.
    pub rules: Vec<Judged>,
}

/// A rule with its outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The rule in words, with its numbers.
    pub rule: String,
    /// Whether it holds.
    pub passed: bool,
}

/// What a method cost at a point, on average over repetitions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostRow {
    /// The label of the point.
    pub point: String,
    /// The method.
    pub method: String,
    /// The cost of one repetition.
    pub cost: CellCost,
}

impl Report {
    /// Takes the cells that have been run, of `total`, together and judges them.
    pub(crate) fn new(experiment: &Experiment, preset: &str, cells: &[CellResult], total: usize) -> Self {
        let points = experiment.points().expect("checked when it was read");
        let mut results = Vec::new();
        for metric in &experiment.metrics {
            for point in &points {
                let means: BTreeMap<String, SeedMean> = experiment
                    .methods_at(point)
                    .filter_map(|m| Some((m.clone(), seed_mean(cells, metric, m, &point.label)?)))
                    .collect();
                for method in experiment.methods_at(point) {
                    let Some(&measured) = means.get(method) else { continue };
                    let published = experiment.published(metric, method, &point.label);
                    let reference = Reference { means: &means, published };
                    let rules = experiment.rule.iter().filter(|r| {
                        r.metric == *metric && r.methods.contains(method) && is_among(&r.points, point)
                    });
                    let judged = rules.filter_map(|r| r.judge(&measured, &reference));
                    let rules = judged.map(|j| Judged { rule: j.rule, passed: j.passed }).collect();
                    results.push(ResultRow {
                        metric: metric.clone(),
                        point: point.label.clone(),
                        method: method.clone(),
                        published,
                        measured,
                        rules,
                    });
                }
            }
        }
        let mut costs = Vec::new();
        for point in &points {
            for method in experiment.methods_at(point).filter(|m| !experiment.method[*m].exact) {
                let of: Vec<CellCost> = cells
                    .iter()
                    .filter(|c| c.method == *method && c.point == point.label)
                    .map(|c| c.cost)
                    .collect();
                let n = of.len();
                if n == 0 {
                    continue;
                }
                let cost = CellCost {
                    gradients: of.iter().map(|c| c.gradients).sum::<u64>() / n as u64,
                    densities: of.iter().map(|c| c.densities).sum::<u64>() / n as u64,
                    seconds: of.iter().map(|c| c.seconds).sum::<f64>() / n as f64,
                };
                costs.push(CostRow { point: point.label.clone(), method: method.clone(), cost });
            }
        }
        Self {
            id: experiment.id.clone(),
            title: experiment.title.clone(),
            source: experiment.source.clone(),
            about: experiment.about.clone(),
            preset: preset.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            repetitions: experiment.repetitions,
            finished: cells.len(),
            cells: total,
            axes: experiment.axes.clone(),
            metrics: experiment.metrics.iter().map(|m| (m.clone(), experiment.metric_title(m))).collect(),
            methods: experiment
                .methods
                .iter()
                .map(|m| (m.clone(), experiment.method[m].title.clone()))
                .collect(),
            passed: cells.len() == total && results.iter().flat_map(|r| &r.rules).all(|j| j.passed),
            results,
            costs,
            figures: Vec::new(),
        }
    }

    /// Rules that were judged, and how many of them hold.
    pub fn score(&self) -> (usize, usize) {
        let rules = || self.results.iter().flat_map(|r| &r.rules);
        (rules().filter(|j| j.passed).count(), rules().count())
    }

    /// How much was run, in words: `3 of 4 cells`; `None` when all was.
    pub fn part(&self) -> Option<String> {
        part(self.finished as u64, self.cells as u64)
    }

    /// The report as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and names")
    }
}

fn part(finished: u64, cells: u64) -> Option<String> {
    (finished < cells).then(|| format!("{finished} of {cells} cells"))
}

/// One metric of one method at one point over all repetitions; `None` where it was not measured.
fn seed_mean(cells: &[CellResult], metric: &str, method: &str, label: &str) -> Option<SeedMean> {
    let of = cells.iter().filter(|c| c.method == method && c.point == label);
    let measured: Vec<&Measured> = of.filter_map(|c| c.metrics.get(metric)).collect();
    (!measured.is_empty()).then(|| SeedMean::of(&measured))
}
