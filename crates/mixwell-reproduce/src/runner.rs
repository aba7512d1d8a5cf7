//! Runs an experiment: every method at every point in every repetition, through the library's sampler, then the report.
//!
//! Cells run one after the other, each on all threads. Cells that the folder holds already are not run again. Nothing runs
//! before every setting has been checked and every stored cell has been found to belong to this experiment.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mixwell::ConfigError;
use mixwell::density::Target;
use mixwell::io::DataFiles;
use mixwell::sampler::{Ending, Kept, RunError, Sampler};

use crate::cell::{Cell, CellCost, CellResult};
use crate::figure::Material;
use crate::folder::Folder;
use crate::observer::{Event, Observer, Shared, Silent};
use crate::sketch::Sketch;
use crate::{Experiment, Measured, MetricEntry, Report, ReproduceError, Sample};

/// How a reproduction ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Every cell that was to be run is there; the report is in the folder as well.
    Finished(Box<Report>),
    /// It was interrupted; finished cells are in the folder.
    Interrupted,
}

/// Runs one experiment into one folder.
pub struct Runner {
    experiment: Experiment,
    preset: String,
    out: PathBuf,
    observer: Shared,
    interrupt: Arc<AtomicBool>,
    threads: Option<usize>,
    finished_only: bool,
}

impl Runner {
    /// A runner of this experiment, which was read with this preset.
    pub fn new(experiment: Experiment, preset: &str, out: impl Into<PathBuf>) -> Self {
        Self {
            experiment,
            preset: preset.into(),
            out: out.into(),
            observer: Shared::new(Silent),
            interrupt: Arc::default(),
            threads: None,
            finished_only: false,
        }
    }

    /// Who is told how it goes.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Shared::new(observer);
        self
    }

    /// A flag that, once set, ends the reproduction at the next safe place.
    pub fn interrupt(mut self, flag: Arc<AtomicBool>) -> Self {
        self.interrupt = flag;
        self
    }

    /// Number of threads of every sampler; results do not depend on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Whether to run nothing and report what the folder holds, as of an experiment that is still under way.
    pub fn finished_only(mut self, finished_only: bool) -> Self {
        self.finished_only = finished_only;
        self
    }

    /// Runs every cell that is not in the folder yet, and writes the report.
    ///
    /// # Errors
    /// When the experiment, the folder or a cell cannot be used; finished cells stay.
    pub fn run(self) -> Result<Outcome, ReproduceError> {
        let cells = self.cells()?;
        let folder = Folder::open(&self.out)?;
        let id = &self.experiment.id;
        let stored = cells.iter().map(|c| folder.load(c, id)).collect::<Result<Vec<_>, _>>()?;
        folder
            .write("experiment.toml", &toml::to_string(&self.experiment).expect("it was read from TOML"))?;
        let total = cells.len();
        let mut results = Vec::with_capacity(total);
        for (i, (cell, stored)) in cells.iter().zip(stored).enumerate() {
            let number = i + 1;
            let result = match stored {
                Some(result) => {
                    self.observer.tell(&Event::CellFound { number, total });
                    result
                }
                None if self.finished_only => continue,
                None => {
                    if self.interrupt.load(Ordering::Relaxed) {
                        return Ok(Outcome::Interrupted);
                    }
                    self.observer.tell(&Event::CellStarted { number, total, name: cell.name() });
                    let Some(result) = self.run_cell(cell, &folder)? else { return Ok(Outcome::Interrupted) };
                    self.observer.tell(&Event::CellFinished { number, total });
                    result
                }
            };
            results.push(result);
        }
        let mut report = Report::new(&self.experiment, &self.preset, &results, total);
        self.draw(&mut report, &cells, &folder)?;
        folder.write("results.json", &report.to_json())?;
        folder.write("README.md", &report.to_markdown())?;
        Ok(Outcome::Finished(Box::new(report)))
    }

    /// Every cell, in the order of repetitions, points and methods.
    fn cells(&self) -> Result<Vec<Cell>, ReproduceError> {
        let refuse =
            |message: String| ReproduceError::File { experiment: self.experiment.id.clone(), message };
        let mut cells = Vec::new();
        let mut hashes: HashMap<String, String> = HashMap::new();
        for repetition in 0..self.experiment.repetitions {
            for point in self.experiment.points().map_err(refuse)? {
                for method in self.experiment.methods_at(&point) {
                    let entry = &self.experiment.method[method];
                    let mut plan = self.experiment.plan(method, &point).map_err(refuse)?;
                    plan.config.seed = self.experiment.seed + repetition as u64;
                    let from = entry.flow_from.as_ref();
                    let flow_from = from.map(|m| Cell::file_name(m, &point.label, repetition));
                    let flow_hash = match &flow_from {
                        None => None,
                        Some(name) => Some(hashes.get(name).ok_or_else(|| {
                            refuse(format!(
                                "`{method}` needs a flow at {}, where none is trained",
                                point.label
                            ))
                        })?),
                    };
                    let hash = Cell::hash_of(
                        &plan.config,
                        &plan.metrics,
                        entry.exact,
                        flow_hash.map(String::as_str),
                    );
                    let cell = Cell {
                        method: method.clone(),
                        point: point.clone(),
                        repetition,
                        config: plan.config,
                        metrics: plan.metrics,
                        exact: entry.exact,
                        flow_from,
                        gives_flow: self.experiment.gives_flow(method),
                        sketch: if repetition == 0 {
                            self.experiment.sketched(method, &point.label)
                        } else {
                            None
                        },
                        hash: hash.clone(),
                    };
                    hashes.insert(cell.file(), hash);
                    cells.push(cell);
                }
            }
        }
        Ok(cells)
    }

    /// Draws every figure this preset has something for, and names them in the report.
    fn draw(&self, report: &mut Report, cells: &[Cell], folder: &Folder) -> Result<(), ReproduceError> {
        let cell = |method: &str, label: &str| {
            cells.iter().find(|c| c.method == method && c.point.label == label && c.repetition == 0)
        };
        let sketch = |method: &str, label: &str| folder.sketch(&cell(method, label)?.file());
        let target =
            |method: &str, label: &str| cell(method, label)?.config.target.as_ref()?.build(&DataFiles).ok();
        let flow = |method: &str, label: &str| folder.flow(&cell(method, label)?.file()).ok();
        let mut drawn = Vec::new();
        for figure in &self.experiment.figure {
            let material = Material {
                experiment: &self.experiment,
                report,
                sketch: &sketch,
                target: &target,
                flow: &flow,
            };
            if let Some(svg) = figure.svg(&material) {
                folder.write(&format!("{}.svg", figure.name), &svg)?;
                drawn.push((figure.name.clone(), figure.title.clone()));
            }
        }
        report.figures = drawn;
        Ok(())
    }

    /// Runs and stores one cell; `None` when it was interrupted.
    fn run_cell(&self, cell: &Cell, folder: &Folder) -> Result<Option<CellResult>, ReproduceError> {
        let failed = |source: RunError| ReproduceError::Run { cell: cell.name(), source: Box::new(source) };
        let config = &cell.config;
        let target = config.target.as_ref().expect("checked with the experiment").build(&DataFiles);
        let target: Arc<dyn Target> = target.map_err(|e| failed(e.into()))?.into();
        let (mut cost, mut flow) = (CellCost::default(), None);
        let (metrics, sketch) = if cell.exact {
            let sample =
                Sample::exact(&*target, config.chains, config.draws, config.seed).ok_or_else(|| {
                    failed(ConfigError::new("method", "exact", "the target has no exact sampler").into())
                })?;
            self.measure(cell, &sample)
        } else {
            let mut sampler = Sampler::from_config(target.clone(), config.clone())
                .observer(self.observer.clone())
                .interrupt(self.interrupt.clone());
            if let Some(from) = &cell.flow_from {
                sampler = sampler.trained_flow(folder.flow(from)?);
            }
            if let Some(threads) = self.threads {
                sampler = sampler.threads(threads);
            }
            let run = sampler.run().map_err(failed)?;
            let (Ending::Finished(summary), Kept::Memory(draws)) = (run.ending(), run.kept()) else {
                return Ok(None);
            };
            cost = CellCost {
                gradients: summary.gradient_evaluations,
                densities: summary.density_evaluations,
                seconds: summary.wall_seconds,
            };
            flow = if cell.gives_flow { run.flow().cloned() } else { None };
            self.measure(cell, &Sample::of_run(&*target, summary, draws, config.chains, config.seed))
        };
        let result = CellResult {
            hash: cell.hash.clone(),
            method: cell.method.clone(),
            point: cell.point.label.clone(),
            repetition: cell.repetition,
            metrics,
            cost,
        };
        folder.store(cell, &result, flow.as_ref(), sketch.as_ref())?;
        Ok(Some(result))
    }

    /// What the metrics say of the draws, and the part of them that figures need.
    fn measure(&self, cell: &Cell, sample: &Sample<'_>) -> (BTreeMap<String, Measured>, Option<Sketch>) {
        self.observer.tell(&Event::Measuring);
        let measure = |(name, metric): (&String, &MetricEntry)| Some((name.clone(), metric.measure(sample)?));
        let sketch = cell.sketch.as_ref().map(|coordinates| Sketch::of(sample, coordinates));
        (cell.metrics.iter().filter_map(measure).collect(), sketch)
    }
}
