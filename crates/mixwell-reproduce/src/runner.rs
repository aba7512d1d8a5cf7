//! Runs an experiment: every method at every point in every repetition, through the library's sampler or training, then the report.
//!
//! Cells run one after the other, each on all threads. Cells that the folder holds already are not run again. Nothing runs
//! before every setting has been checked and every stored cell has been found to belong to this experiment.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mixwell::ConfigError;
use mixwell::density::{Target, TargetConfig};
use mixwell::flow::Flow;
use mixwell::sampler::{Ending, Kept, RunConfig, RunError, Sampler};
use mixwell::training_run::{
    TrainConfig, TrainedLaws, TrainingEnding, TrainingRun, TrainingRunError, generated_images,
};

use crate::cell::{Cell, CellCost, CellResult};
use crate::figure::Material;
use crate::folder::Folder;
use crate::observer::{Event, Observer, Shared, Silent};
use crate::sketch::Sketch;
use crate::work::Work;
use crate::{Experiment, Measured, MetricEntry, Report, ReproduceError, Sample, Trained};

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
        if let Some(name) = self.experiment.missing() {
            let message = format!("it needs data that {name} must name, and it is not set");
            return Err(ReproduceError::File { experiment: self.experiment.id.clone(), message });
        }
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
                    measured_anew(cell, &folder, result)
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
                    plan.work.set_seed(self.experiment.seed + repetition as u64);
                    let named = |m: &String| Cell::file_name(m, &point.label, repetition);
                    let flow_from = entry.flow_from.as_ref().map(named);
                    let gan_from = entry
                        .gan_from
                        .as_ref()
                        .map(|m| Cell::file_name(m, &self.experiment.gan_trained_at(m, &point), repetition));
                    let quadrature = self.experiment.quadrature.filter(|_| entry.training_run.is_none());
                    let hash_of = |name: &String, what: &str| {
                        hashes.get(name).map(String::as_str).ok_or_else(|| {
                            refuse(format!(
                                "`{method}` needs a {what} at {}, where none is trained",
                                point.label
                            ))
                        })
                    };
                    let flow_hash = flow_from.as_ref().map(|name| hash_of(name, "flow")).transpose()?;
                    let gan_hash = gan_from.as_ref().map(|name| hash_of(name, "GAN")).transpose()?;
                    // Cells of before there were snapshots keep their hashes.
                    let gan_hash = match (gan_hash, plan.gan_at) {
                        (Some(hash), Some(updates)) => Some(format!("{hash} after {updates}")),
                        (hash, _) => hash.map(String::from),
                    };
                    let hash = Cell::hash_of(
                        &plan.work,
                        &plan.metrics,
                        entry.exact,
                        [flow_hash, gan_hash.as_deref()],
                        quadrature,
                    );
                    let cell = Cell {
                        method: method.clone(),
                        point: point.clone(),
                        repetition,
                        work: plan.work,
                        metrics: plan.metrics,
                        exact: entry.exact,
                        flow_from,
                        quadrature,
                        gan_from,
                        gan_at: plan.gan_at,
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
        let target = |method: &str, label: &str| cell(method, label)?.work.target();
        let flow = |method: &str, label: &str| folder.flow(&cell(method, label)?.file()).ok();
        let trained =
            |method: &str, label: &str| Trained::read(&folder.training(&cell(method, label)?.file())).ok();
        let mut drawn = Vec::new();
        for figure in &self.experiment.figure {
            let material = Material {
                experiment: &self.experiment,
                report,
                sketch: &sketch,
                target: &target,
                flow: &flow,
                trained: &trained,
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
        let mut work = cell.work.clone();
        if let Some(from) = &cell.gan_from {
            work.set_gan(&folder.training(from), cell.gan_at);
        }
        let made = match &work {
            Work::Run(config) => self.sample(cell, config, folder)?,
            Work::Training(config) => self.train(cell, config, folder)?,
        };
        let Some(Made { metrics, sketch, cost, flow }) = made else { return Ok(None) };
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

    /// Draws from the target of a cell; `None` when it was interrupted.
    fn sample(
        &self,
        cell: &Cell,
        config: &RunConfig,
        folder: &Folder,
    ) -> Result<Option<Made>, ReproduceError> {
        let failed = |source: RunError| ReproduceError::Run { cell: cell.name(), source: Box::new(source) };
        let target = config.target.as_ref().expect("checked with the experiment").build(&TrainedLaws);
        let target = target.map_err(|e| failed(e.into()))?;
        let target: Arc<dyn Target> = match &cell.quadrature {
            Some(quadrature) => Arc::new(quadrature.around(target).map_err(|e| failed(e.into()))?),
            None => target.into(),
        };
        let (mut cost, mut flow) = (CellCost::default(), None);
        let (metrics, sketch) = if cell.exact {
            let sample =
                Sample::exact(&*target, config.chains, config.draws, config.seed).ok_or_else(|| {
                    failed(ConfigError::new("method", "exact", "the target has no exact sampler").into())
                })?;
            self.measure(cell, &with_images(cell, config, sample)?)
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
            let sample = Sample::of_run(&*target, summary, draws, config.chains, config.seed);
            self.measure(cell, &with_images(cell, config, sample)?)
        };
        Ok(Some(Made { metrics, sketch, cost, flow }))
    }

    /// Trains, or goes on with, the energy of a cell; `None` when it was interrupted.
    fn train(
        &self,
        cell: &Cell,
        config: &TrainConfig,
        folder: &Folder,
    ) -> Result<Option<Made>, ReproduceError> {
        let failed = |source: TrainingRunError| ReproduceError::Training {
            cell: cell.name(),
            source: Box::new(source),
        };
        let path = folder.training(&cell.file());
        let mut run = TrainingRun::new(config.clone(), &path)
            .observer(self.observer.clone())
            .interrupt(self.interrupt.clone());
        if let Some(threads) = self.threads {
            run = run.threads(threads);
        }
        let begun = path.join("config.toml").exists();
        let ending = if begun { run.resume() } else { run.run() }.map_err(failed)?;
        let TrainingEnding::Finished(summary) = ending else { return Ok(None) };
        self.observer.tell(&Event::Measuring);
        let trained = Trained::read(&path).map_err(failed)?;
        let cost = CellCost { seconds: summary.wall_seconds, ..CellCost::default() };
        let flow = match cell.gives_flow {
            true => Some(folder.flow_of_training(&cell.file())?),
            false => None,
        };
        Ok(Some(Made { metrics: measure_training(cell, &trained), sketch: None, cost, flow }))
    }

    /// What the metrics say of the draws, and the part of them that figures need.
    fn measure(&self, cell: &Cell, sample: &Sample<'_>) -> (BTreeMap<String, Measured>, Option<Sketch>) {
        self.observer.tell(&Event::Measuring);
        let measure = |(name, metric): (&String, &MetricEntry)| Some((name.clone(), metric.measure(sample)?));
        let sketch = cell.sketch.as_ref().map(|coordinates| Sketch::of(sample, coordinates));
        (cell.metrics.iter().filter_map(measure).collect(), sketch)
    }
}

/// The draws with their images, where a metric needs them: those that a GAN makes of its latents.
fn with_images<'a>(
    cell: &Cell,
    config: &RunConfig,
    sample: Sample<'a>,
) -> Result<Sample<'a>, ReproduceError> {
    let Some(TargetConfig::Gan(gan)) = &config.target else { return Ok(sample) };
    let mut scorers = cell.metrics.values().filter_map(MetricEntry::scorer).peekable();
    let (Some(_), Some(z)) = (scorers.peek(), sample.variable("z")) else { return Ok(sample) };
    let images = generated_images(gan, z.data());
    let scored = images.and_then(|images| sample.with_images(&images, scorers));
    scored.map_err(|source| ReproduceError::Training { cell: cell.name(), source: Box::new(source) })
}

/// What a cell has brought.
struct Made {
    metrics: BTreeMap<String, Measured>,
    sketch: Option<Sketch>,
    cost: CellCost,
    flow: Option<Flow>,
}

fn measure_training(cell: &Cell, trained: &Trained) -> BTreeMap<String, Measured> {
    let measure =
        |(name, metric): (&String, &MetricEntry)| Some((name.clone(), metric.measure_training(trained)?));
    cell.metrics.iter().filter_map(measure).collect()
}

/// A stored result with the metrics of today, where they can be computed from what a training has left.
fn measured_anew(cell: &Cell, folder: &Folder, result: CellResult) -> CellResult {
    match (&cell.work, Trained::read(&folder.training(&cell.file()))) {
        (Work::Training(_), Ok(trained)) => {
            CellResult { metrics: measure_training(cell, &trained), ..result }
        }
        _ => result,
    }
}
