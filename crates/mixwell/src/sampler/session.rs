//! One session of a run: checks everything that can fail before the first step, runs the engine, writes the results.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::{Map, Value, json};

use super::config::RunConfig;
use super::cost::{RunSize, Sizes, held_so_far};
use super::engine::{Engine, Outcome, Parts};
use super::error::RunError;
use super::estimate::proposal_report;
use super::observer::{Event, Observer, Phase, Silent};
use super::plan::Plan;
use super::record::Recorder;
use super::reported::{check_reported, check_variables};
use super::run::{Run, Sampler};
use super::sink::{MemoryDraws, Sink};
use super::start::Evaluated;
use super::state::RunState;
use super::summarise::summarise;
use super::summary::Summary;
use crate::density::{Counted, Target, Variable};
use crate::flow::Flow;
use crate::io::{
    ConfigHash, DrawReader, DrawStore, IoError, MANIFEST, MANIFEST_ATTRIBUTE, RunFolder, StoreSchema,
    StoreState, atomic_write, available_bytes, load_checkpoint, save_checkpoint, timestamp,
};
use crate::kernel::Ensemble;
use crate::rng::FLOW_INIT_STREAM;
use crate::train::Trainer;
use crate::{ConfigError, Stream, on_threads};

/// Everything of a run that is checked and open, before its first step.
struct Session {
    target: Arc<dyn Target>,
    config: RunConfig,
    plan: Plan,
    flow: Option<Flow>,
    recorder: Recorder,
    /// The starts of a run that has no checkpoint to go on from.
    starts: Option<Evaluated>,
    folder: Option<RunFolder>,
    hash: ConfigHash,
    saved: Option<RunState>,
    cost: RunSize,
    /// What is to be said of the disk.
    warning: Option<String>,
    observer: Box<dyn Observer>,
    interrupt: Arc<AtomicBool>,
}

impl Session {
    /// Checks settings and starts, opens the folder, and reads the checkpoint where there may be one.
    ///
    /// Everything that a user may have to change is found before a new folder is made, so that it can be run again.
    fn open(mut sampler: Sampler, access: Access) -> Result<Self, RunError> {
        sampler.config.check()?;
        let dim = sampler.target.dim();
        if dim == 0 {
            return Err(ConfigError::new("target", "of 0 coordinates", "at least 1 is needed").into());
        }
        let plan = sampler.plan()?;
        if plan.uses_gradient() && !sampler.target.has_gradient() {
            let reason =
                "this method needs gradients; give one, or use a gradient-free local kernel (random_walk)";
            return Err(ConfigError::new("target", "a density without gradient", reason).into());
        }
        check_variables(&*sampler.target)?;
        let variables = sampler.target.variables();
        let recorder = Recorder::new(&*sampler.target, plan.leaves());
        let mut sizes = Sizes {
            config: &sampler.config,
            plan: &plan,
            dim,
            recorder: &recorder,
            largest_variable: variables.iter().map(Variable::len).max().unwrap_or(0),
            flow_params: if plan.uses_flow { sampler.config.flow.size_estimate(dim) as usize } else { 0 },
            on_disk: sampler.folder.is_some(),
            before: held_so_far(),
        };
        if plan.uses_flow && sampler.flow.is_none() {
            sampler.config.flow.check(dim).map_err(|e| e.under("flow"))?;
        }
        // A look at a run holds less than the run.
        if access != Access::View {
            sizes.footprint().check()?;
        }
        let flow = match sampler.flow.take() {
            _ if !plan.uses_flow => None,
            Some(flow) if crate::proposal::Proposal::dim(&flow) != dim => {
                let value = format!("of {} coordinates", crate::proposal::Proposal::dim(&flow));
                return Err(ConfigError::new("flow", value, format!("the target has {dim}")).into());
            }
            Some(flow) => Some(flow),
            None => {
                let mut stream = Stream::new(sampler.config.seed, FLOW_INIT_STREAM);
                Some(Flow::new(&sampler.config.flow, dim, &mut stream).map_err(|e| e.under("flow"))?)
            }
        };
        sizes.flow_params = flow.as_ref().map_or(0, Flow::n_params);
        if access != Access::View {
            sizes.footprint().check()?;
        }
        let warning = match (access, &sampler.folder) {
            (Access::New, Some(folder)) => match available_bytes(folder) {
                Ok(free) => sizes.check_disk(free)?,
                Err(_) => None,
            },
            _ => None,
        };
        let cost = sizes.cost();
        let text = crate::config::commented(&sampler.config)
            .map_err(|e| ConfigError::new("config", "not writable as TOML", e.to_string()))?;
        let names: Vec<String> = plan.leaves().into_iter().map(|l| l.name).collect();
        let hash = ConfigHash::of(format!("{text}\n{}\n{dim}", names.join(" ")).as_bytes());
        let config = &sampler.config;
        let evaluate =
            || config.start.evaluate(&*sampler.target, config.chains, config.seed, plan.uses_gradient());
        let mut starts = if access == Access::New { Some(evaluate()?) } else { None };
        if let Some(starts) = &starts {
            check_reported(&*sampler.target, starts.first())?;
        }
        let folder = sampler.folder.take().map(|path| open_folder(path, access, &text)).transpose()?;
        let saved = match &folder {
            Some(folder) if access != Access::New && folder.has_checkpoint() => {
                Some(load_checkpoint(&folder.checkpoint(), hash)?)
            }
            _ => None,
        };
        if access == Access::Resume && saved.is_none() {
            starts = Some(evaluate()?);
        }
        Ok(Self {
            target: sampler.target,
            config: sampler.config,
            plan,
            flow,
            recorder,
            starts,
            folder,
            hash,
            saved,
            cost,
            warning,
            observer: sampler.observer,
            interrupt: sampler.interrupt,
        })
    }

    /// Summarises what the checkpoint holds; leaves the folder as it is.
    fn peek(mut self) -> Result<Summary, RunError> {
        let folder = self.folder.take();
        let Some(saved) = self.saved.take() else {
            return Ok(Summary::of_nothing(&self.config));
        };
        let (target, config) = (self.target.clone(), self.config.clone());
        let counted = Counted::new(&*target);
        let folder = folder.expect("a checkpoint lies in a folder");
        check_draws(&folder, &saved)?;
        let sink = Sink::View(DrawReader::open(&folder.draws())?);
        let spent = saved.spent;
        let mut engine = self.engine(&counted, &config, sink, Some(saved))?;
        summarise(&mut engine, spent, None)
    }

    /// Runs the engine and leaves summary and flow.
    fn run(mut self) -> Result<Run, RunError> {
        let (target, config) = (self.target.clone(), self.config.clone());
        let counted = Counted::new(&*target);
        let saved = self.saved.take();
        let resumed = saved.is_some();
        let folder = self.folder.take();
        if let (Some(saved), Some(folder)) = (&saved, &folder) {
            check_draws(folder, saved)?;
            if let Some(summary) = finished_summary(folder, saved)? {
                return self.already_finished(saved, folder, summary);
            }
        }
        let hash = self.hash;
        let interrupt = self.interrupt.clone();
        let observer = std::mem::replace(&mut self.observer, Box::new(Silent));
        let mut observer = Logged::new(observer, folder.as_ref())?;
        observer.line(if resumed { "resumed" } else { "started" });
        let (cost, warning) = (self.cost, self.warning.take());
        let sink = self.sink(folder.as_ref(), saved.as_ref().and_then(|s| s.store.clone()))?;
        let mut engine = self.engine(&counted, &config, sink, saved)?;
        if !resumed {
            for note in target.notes() {
                observer.event(&Event::Warning(note));
            }
            observer.event(&Event::Planned { memory: cost.memory, disk: cost.disk });
            if let Some(warning) = warning {
                observer.event(&Event::Warning(warning));
            }
        }
        let mut write = |state: &RunState, flow: Option<&Flow>| -> Result<(), RunError> {
            let Some(folder) = &folder else { return Ok(()) };
            save_checkpoint(&folder.checkpoint(), hash, state)?;
            if let (Some(flow), true) = (flow, state.progress.phase > Phase::Warmup) {
                atomic_write(&folder.flow(), &flow.to_safetensors())?;
            }
            Ok(())
        };
        let outcome = engine.run(&mut observer, &interrupt, &mut write);
        for complaint in target.complaints() {
            let text = format!("the target had no value at some points, which were refused: {complaint}");
            observer.event(&Event::Warning(text));
        }
        if let Err(error @ RunError::Evaluation(_)) = &outcome {
            observer.line(&format!("{error}; a checkpoint was written, `mixwell resume` goes on from there"));
        }
        let outcome = outcome?;
        let spent = engine.spent();
        let summary = match outcome {
            Outcome::Interrupted => {
                observer.line("interrupted; a checkpoint was written");
                None
            }
            Outcome::Finished => {
                engine.sink.finish(spent.seconds)?;
                let proposal = proposal_report(&engine)?;
                let summary = summarise(&mut engine, spent, proposal)?;
                observer.line(&summary.verdict_line());
                if let Some(folder) = &folder {
                    atomic_write(&folder.summary(), summary.to_json().as_bytes())?;
                    if let Sink::Store(store) = &engine.sink {
                        folder.write_manifest(store.contents())?;
                    }
                }
                Some(summary)
            }
        };
        let draws = match engine.sink {
            Sink::Memory(draws) => Some(draws),
            Sink::Store(_) | Sink::View(_) => None,
        };
        let folder = folder.map(|f| f.path().to_path_buf());
        let (variables, chains) = (target.variables(), config.chains);
        Ok(Run { outcome, summary, draws, flow: engine.flow, folder, variables, chains })
    }

    /// What a run that has nothing left to do leaves behind; its folder stays as it is.
    fn already_finished(
        mut self,
        saved: &RunState,
        folder: &RunFolder,
        summary: Summary,
    ) -> Result<Run, RunError> {
        if let (Some(flow), Some(state)) = (&mut self.flow, &saved.flow) {
            flow.load_state(state)?;
        }
        let folder = Some(folder.path().to_path_buf());
        Ok(Run {
            outcome: Outcome::Finished,
            summary: Some(summary),
            draws: None,
            flow: self.flow,
            folder,
            variables: self.target.variables(),
            chains: self.config.chains,
        })
    }

    /// An engine where the saved state stands, or at the starts.
    fn engine<'e>(
        self,
        target: &'e Counted<&'e dyn Target>,
        config: &'e RunConfig,
        sink: Sink,
        mut saved: Option<RunState>,
    ) -> Result<Engine<'e>, RunError> {
        let (ensemble, spent) = match (&mut saved, self.starts) {
            (Some(saved), _) => (Ensemble::restore(std::mem::take(&mut saved.ensemble)), saved.spent),
            (None, Some(starts)) => {
                let spent = starts.spent;
                (starts.chains(config.seed), spent)
            }
            (None, None) => unreachable!("a run without a checkpoint begins at its starts"),
        };
        let trainer = match &self.flow {
            Some(flow) => {
                let calls = self.plan.schedule.planned_training_calls();
                let trainer = Trainer::new(config.training.clone(), flow, calls, config.seed);
                Some(trainer.map_err(|e| e.under("training"))?)
            }
            None => None,
        };
        let (plan, flow, recorder) = (self.plan, self.flow, self.recorder);
        let mut engine =
            Engine::new(Parts { config, target, plan, ensemble, flow, trainer, recorder, sink, spent });
        if let Some(saved) = saved {
            engine.restore(saved)?;
        }
        Ok(engine)
    }

    fn sink(&self, folder: Option<&RunFolder>, saved: Option<StoreState>) -> Result<Sink, RunError> {
        let recorder = &self.recorder;
        let Some(folder) = folder else {
            let names = recorder.stats().iter().map(|s| s.name.clone()).collect();
            return Ok(Sink::Memory(MemoryDraws::new(self.config.chains, recorder.n_values(), names)));
        };
        let schedule = &self.plan.schedule;
        let warmup = schedule.adapting_draws() / self.config.thin + schedule.frozen;
        let schema = StoreSchema {
            n_chains: self.config.chains,
            variables: self.target.variables(),
            stats: recorder.stats().to_vec(),
            warmup_draws: if self.config.output.warmup { warmup } else { 0 },
            draws: self.config.draws,
            attributes: self.attributes(),
        };
        let path = folder.draws();
        let store = match saved {
            Some(state) => DrawStore::resume(&path, schema, state)?,
            None => {
                folder.clear_draws()?;
                DrawStore::create(&path, schema)?
            }
        };
        Ok(Sink::Store(Box::new(store)))
    }

    fn attributes(&self) -> Map<String, Value> {
        let version = env!("CARGO_PKG_VERSION");
        let attributes = json!({
            "created_at": timestamp(std::time::SystemTime::now()),
            "creation_library": "mixwell",
            "creation_library_version": version,
            "creation_library_language": "Rust",
            "inference_library": "mixwell",
            "inference_library_version": version,
            "method": self.config.method.name(),
            "seed": self.config.seed,
            "config_hash": self.hash.to_string(),
            MANIFEST_ATTRIBUTE: MANIFEST,
            "tuning_steps": self.plan.schedule.adapting_draws(),
        });
        let mut map = match attributes {
            Value::Object(map) => map,
            _ => unreachable!("an object was written above"),
        };
        for variable in self.target.variables().into_iter().filter(|v| !v.elements.is_empty()) {
            map.insert(format!("{}_dim_0_names", variable.name), variable.elements.into());
        }
        map
    }
}

impl Sampler {
    /// Runs to the end, or until interrupted.
    ///
    /// # Errors
    /// Settings that cannot be used, a target that is not finite at a start, or a folder that cannot be written.
    /// Nothing that was already there is overwritten.
    pub fn run(self) -> Result<Run, RunError> {
        self.session(Access::New)
    }

    /// Goes on with the run in the folder: the draws are those of a run that was never interrupted.
    ///
    /// # Errors
    /// As [`Sampler::run`]; and when the folder holds no run, or its checkpoint is damaged or of other settings.
    pub fn resume(self) -> Result<Run, RunError> {
        self.session(Access::Resume)
    }

    /// The summary of what the folder's last checkpoint holds, without going on with the run.
    ///
    /// # Errors
    /// When the folder holds no checkpoint, or it is damaged or of other settings.
    pub fn peek(self) -> Result<Summary, RunError> {
        Session::open(self, Access::View)?.peek()
    }

    fn session(mut self, access: Access) -> Result<Run, RunError> {
        let threads = self.threads.take();
        on_threads(threads, || Session::open(self, access)?.run())?
    }
}

/// What a session may do with a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Make it, for a new run.
    New,
    /// Go on with the run in it.
    Resume,
    /// Look at the run in it, also while another process works there.
    View,
}

fn open_folder(path: PathBuf, access: Access, config: &str) -> Result<RunFolder, RunError> {
    match access {
        Access::Resume => return Ok(RunFolder::open(&path)?),
        Access::View => return Ok(RunFolder::view(&path)?),
        Access::New => {}
    }
    let folder = RunFolder::create(&path)?;
    atomic_write(&folder.config(), config.as_bytes())?;
    Ok(folder)
}

/// Reads the draws that the checkpoint counts on: a damaged file is told before hours are spent on top of it.
fn check_draws(folder: &RunFolder, saved: &RunState) -> Result<(), RunError> {
    let Some(store) = &saved.store else { return Ok(()) };
    Ok(DrawReader::open(&folder.draws())?.verify_written(store.contents())?)
}

/// The summary of a run that has nothing left to do. `None` where something has to be made again: the checkpoint has all it
/// takes once the whole chunks are sound.
fn finished_summary(folder: &RunFolder, saved: &RunState) -> Result<Option<Summary>, RunError> {
    if saved.progress.phase != Phase::Finished {
        return Ok(None);
    }
    match super::finished::verified(folder) {
        Ok((summary, draws)) if draws.as_ref() == saved.store.as_ref().map(StoreState::contents) => {
            Ok(Some(summary))
        }
        // A link or a device is not written to either.
        Err(RunError::Io(e @ IoError::NotPlain { .. })) => Err(e.into()),
        _ => Ok(None),
    }
}

/// Passes events on and keeps the notable ones in the run's log.
struct Logged {
    inner: Box<dyn Observer>,
    log: Option<std::fs::File>,
}

impl Logged {
    fn new(inner: Box<dyn Observer>, folder: Option<&RunFolder>) -> Result<Self, RunError> {
        let log = folder.map(RunFolder::open_log).transpose()?;
        Ok(Self { inner, log })
    }

    /// The log is a convenience: a line that cannot be written does not end a run.
    fn line(&mut self, text: &str) {
        if let Some(log) = &mut self.log {
            let _ = writeln!(log, "{} {text}", timestamp(std::time::SystemTime::now()));
        }
    }
}

impl Observer for Logged {
    fn event(&mut self, event: &Event) {
        match event {
            Event::PhaseEnded(phase) => self.line(&format!("{} ended", phase.name())),
            Event::Warning(text) => self.line(&format!("warning: {text}")),
            Event::Planned { memory, disk } => {
                self.line(&format!(
                    "needs about {} MB of memory, up to {} MB of disk",
                    memory >> 20,
                    disk >> 20
                ));
            }
            Event::Progress(_) | Event::Checkpoint => {}
        }
        self.inner.event(event);
    }
}
