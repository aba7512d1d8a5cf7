//! One session of a training: opens the folder, makes updates, writes curve and checkpoints, and what is left at the end.
//!
//! Order of things, so that a kill at any moment loses nothing: the config is written first; rows of the curve are appended; a
//! checkpoint waits for them and names their bytes; after the last update there is a checkpoint, then weights, summary and
//! manifest, which follow from it and are made again if one is missing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::observer::Unobserved;
use super::summary::{CurvePanel, read_training_summary};
use super::{Task, TrainConfig, TrainingEvent, TrainingObserver, TrainingRunError, TrainingSummary, Updated};
use crate::footprint::free_memory;
use crate::io::{
    ConfigHash, CurveFile, RunFolder, atomic_write, load_checkpoint, save_checkpoint, timestamp,
};
use crate::{ConfigError, on_threads};

/// How a session ended.
#[derive(Clone, Debug)]
pub enum TrainingEnding {
    /// All updates are made, and what came out is in the folder.
    Finished(Box<TrainingSummary>),
    /// It was asked to stop; a checkpoint was written.
    Interrupted,
}

/// A training that is about to be run, or resumed, in a folder.
pub struct TrainingRun {
    config: TrainConfig,
    folder: PathBuf,
    threads: Option<usize>,
    observer: Box<dyn TrainingObserver>,
    interrupt: Arc<AtomicBool>,
}

impl TrainingRun {
    /// The training of this config, whose paths hold from here ([`TrainConfig::resolve`]), in this folder.
    pub fn new(config: TrainConfig, folder: impl Into<PathBuf>) -> Self {
        Self {
            config,
            folder: folder.into(),
            threads: None,
            observer: Box::new(Unobserved),
            interrupt: Arc::default(),
        }
    }

    /// With so many threads. Weights do not depend on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Followed by this observer.
    pub fn observer(mut self, observer: impl TrainingObserver + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Stops at the next update after this flag was set, with a checkpoint.
    pub fn interrupt(mut self, flag: Arc<AtomicBool>) -> Self {
        self.interrupt = flag;
        self
    }

    /// Trains to the end, or until interrupted.
    ///
    /// # Errors
    /// Settings or data that cannot be used, or a folder that cannot be written or holds a run already.
    pub fn run(self) -> Result<TrainingEnding, TrainingRunError> {
        self.session(false)
    }

    /// Goes on with the training in the folder: weights and curve are those of a training that was never interrupted.
    ///
    /// # Errors
    /// As [`TrainingRun::run`]; and when the folder holds no training, or its checkpoint is damaged or of other settings.
    pub fn resume(self) -> Result<TrainingEnding, TrainingRunError> {
        self.session(true)
    }

    fn session(self, resume: bool) -> Result<TrainingEnding, TrainingRunError> {
        let Self { config, folder, threads, observer, interrupt } = self;
        on_threads(threads, || {
            config.check()?;
            config.carry_out(Session { config: config.clone(), folder, resume, observer, interrupt })
        })?
    }
}

/// A session, before its task is there.
pub(super) struct Session {
    config: TrainConfig,
    folder: PathBuf,
    resume: bool,
    observer: Box<dyn TrainingObserver>,
    interrupt: Arc<AtomicBool>,
}

/// What lies in a checkpoint.
#[derive(Serialize, Deserialize)]
struct Saved<S> {
    task: S,
    curve_bytes: u64,
    seconds: f64,
}

impl Session {
    /// Carries out the task, which will hold so many bytes at most.
    pub fn carry_out<T: Task>(mut self, mut task: T, bytes: u64) -> Result<TrainingEnding, TrainingRunError> {
        let text = crate::config::commented(&self.config)
            .map_err(|e| ConfigError::new("config", "not writable as TOML", e.to_string()))?;
        let hash = ConfigHash::of(text.as_bytes());
        let free = free_memory();
        if bytes > free {
            let what = crate::footprint::readable(bytes);
            let reason = format!(
                "that takes {what} of memory and {} are free; use less",
                crate::footprint::readable(free)
            );
            return Err(ConfigError::new("batch", "too large", reason).into());
        }
        let folder = if self.resume {
            RunFolder::open(&self.folder)?
        } else {
            let folder = RunFolder::create(&self.folder)?;
            atomic_write(&folder.config(), text.as_bytes())?;
            folder
        };
        let mut log = folder.open_log()?;
        // The log is a convenience: a line that cannot be written does not end a training.
        let mut line = move |text: &str| {
            use std::io::Write;
            let _ = writeln!(log, "{} {text}", timestamp(SystemTime::now()));
        };
        line(if self.resume { "resumed" } else { "started" });
        let mut spent = Duration::ZERO;
        let mut curve = if self.resume && folder.has_checkpoint() {
            let saved: Saved<T::State> = load_checkpoint(&folder.checkpoint(), hash)?;
            task.load(saved.task)?;
            spent = Duration::try_from_secs_f64(saved.seconds).unwrap_or_default();
            if task.is_finished() && folder.manifest().exists() {
                return Ok(TrainingEnding::Finished(Box::new(read_training_summary(&folder)?)));
            }
            CurveFile::resume(&folder.curve(), saved.curve_bytes)?
        } else {
            let mut columns = vec!["step".to_string()];
            columns.extend(task.columns().iter().map(|c| c.name.to_string()));
            columns.push("seconds".into());
            CurveFile::create(&folder.curve(), &columns)?
        };
        let time = task.seconds_ahead().and_then(|s| Duration::try_from_secs_f64(s).ok());
        self.observer.event(&TrainingEvent::Planned { memory: bytes, time });
        let in_time = time.map_or_else(String::new, |t| format!(" and {} s", t.as_secs()));
        line(&format!("needs about {} MB of memory{in_time}", bytes >> 20));
        let begun = Instant::now();
        let output = self.config.output().clone();
        let checkpoint = |task: &T, curve: &CurveFile, seconds: f64| {
            let saved = Saved { task: task.save(), curve_bytes: curve.sync()?, seconds };
            save_checkpoint(&folder.checkpoint(), hash, &saved).map_err(TrainingRunError::from)
        };
        let (mut last_checkpoint, mut in_session) = (None::<Instant>, 0);
        while !task.is_finished() {
            let interrupted = self.interrupt.load(Ordering::Relaxed);
            let due = last_checkpoint.is_none_or(|t| t.elapsed().as_secs_f64() >= output.checkpoint_seconds);
            let elapsed = spent + begun.elapsed();
            if interrupted || due {
                checkpoint(&task, &curve, elapsed.as_secs_f64())?;
                last_checkpoint = Some(Instant::now());
                self.observer.event(&TrainingEvent::Checkpoint);
            }
            if interrupted {
                line("interrupted; a checkpoint was written");
                return Ok(TrainingEnding::Interrupted);
            }
            let updated = task.update()?;
            in_session += 1;
            for kept in task.keeps()? {
                atomic_write(&folder.path().join(&*kept.file), &kept.bytes)?;
            }
            let elapsed = spent + begun.elapsed();
            let updates = task.updates();
            let step = task.step();
            let is_due = step.unsigned_abs().is_multiple_of(output.curve_every);
            if is_due || updated == Updated::AtALandmark || task.is_finished() {
                let mut row = vec![step as f64];
                row.extend(task.row());
                row.push((elapsed.as_secs_f64() * 1e3).round() / 1e3);
                curve.append(&row)?;
            }
            self.observer.event(&TrainingEvent::Progress {
                updates,
                in_session,
                words: task.progress(),
                elapsed: (elapsed, begun.elapsed()),
            });
        }
        let seconds = (spent + begun.elapsed()).as_secs_f64();
        checkpoint(&task, &curve, seconds)?;
        let outcome = task.finish()?;
        for weights in &outcome.weights {
            atomic_write(&folder.path().join(&*weights.file), &weights.bytes)?;
        }
        let summary = TrainingSummary {
            kind: self.config.kind().into(),
            seed: *self.config.seed(),
            updates: task.step().max(0) as u64,
            wall_seconds: seconds,
            went_well: outcome.problems.is_empty(),
            problems: outcome.problems,
            panels: CurvePanel::of(&task.columns()),
            results: outcome.results,
            lines: outcome.lines,
        };
        line(&summary.verdict_line());
        atomic_write(&folder.summary(), summary.to_json().as_bytes())?;
        let left = outcome.weights.iter().map(|w| &*w.file);
        let files: Vec<&str> = left.chain(outcome.kept.iter().map(String::as_str)).collect();
        folder.write_training_manifest(&files)?;
        Ok(TrainingEnding::Finished(Box::new(summary)))
    }
}
