//! One session of a run: opens it (`open.rs`), runs the engine, writes the results.

mod draws;
mod logged;
mod open;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::draws::{check_draws, finished_summary};
use self::logged::Logged;
use super::config::RunConfig;
use super::cost::RunSize;
use super::engine::{Engine, Outcome, Parts};
use super::error::RunError;
use super::estimate::proposal_report;
use super::observer::{Event, Observer, Phase, Silent};
use super::plan::Plan;
use super::record::Recorder;
use super::run::{Ending, Kept, Run, Sampler};
use super::sink::{Made, Sink};
use super::start::Evaluated;
use super::state::RunState;
use super::summarise::summarise;
use super::summary::Summary;
use crate::Stream;
use crate::config::Checked;
use crate::density::{Counted, Target};
use crate::flow::Flow;
use crate::io::{ConfigHash, DrawReader, RunFolder, atomic_write, save_checkpoint};
use crate::kernel::Ensemble;
use crate::on_threads;
use crate::train::Trainer;

/// Everything of a run that is checked and open, before its first step.
struct Session {
    target: Arc<dyn Target>,
    config: Checked<RunConfig>,
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
        let made = Made::Stored(DrawReader::open(&folder.draws())?);
        let spent = saved.spent;
        let engine = self.engine(&counted, &config, (), Some(saved))?;
        summarise(&engine, &made, spent, None)
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
            for reason in &config.chosen {
                observer.event(&Event::Choice(reason.clone()));
            }
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
        let ending = match outcome {
            Outcome::Interrupted => {
                observer.line("interrupted; a checkpoint was written");
                Ending::Interrupted
            }
            Outcome::Finished => {
                engine.sink.finish(spent.seconds)?;
                let proposal = proposal_report(&engine)?;
                let summary = summarise(&engine, &engine.sink.made()?, spent, proposal)?;
                observer.line(&summary.verdict_line());
                if let Some(folder) = &folder {
                    atomic_write(&folder.summary(), summary.to_json().as_bytes())?;
                    if let Sink::Store(store) = &engine.sink {
                        folder.write_manifest(store.contents())?;
                    }
                }
                Ending::Finished(Box::new(summary))
            }
        };
        let kept = match engine.sink {
            Sink::Memory(draws) => Kept::Memory(draws),
            Sink::Store(_) => {
                let folder = folder.expect("a store lies in a folder");
                Kept::Folder(folder.path().to_path_buf())
            }
        };
        let (variables, chains) = (target.variables(), config.chains);
        Ok(Run { ending, kept, flow: engine.flow, variables, chains })
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
        Ok(Run {
            ending: Ending::Finished(Box::new(summary)),
            kept: Kept::Folder(folder.path().to_path_buf()),
            flow: self.flow,
            variables: self.target.variables(),
            chains: self.config.chains,
        })
    }

    /// An engine where the saved state stands, or at the starts.
    fn engine<'e, S>(
        self,
        target: &'e Counted<&'e dyn Target>,
        config: &'e Checked<RunConfig>,
        sink: S,
        mut saved: Option<RunState>,
    ) -> Result<Engine<'e, S>, RunError> {
        let (ensemble, spent) = match (&mut saved, self.starts) {
            (Some(saved), _) => (Ensemble::restore(std::mem::take(&mut saved.ensemble)), saved.spent),
            (None, Some(starts)) => {
                let spent = starts.spent;
                (starts.chains(Stream::for_chains(config.seed, config.chains)), spent)
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
