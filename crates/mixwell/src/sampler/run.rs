//! [`Sampler`], which a user sets up, and [`Run`], its result; `session/` lies between them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::config::RunConfig;
use super::error::RunError;
use super::method::Method;
use super::observer::{Observer, Silent};
use super::schedule::{Move, Schedule, Stage};
use super::sink::MemoryDraws;
use super::start::Start;
use super::summary::Summary;
use crate::ConfigError;
use crate::config::Checked;
use crate::density::{DerivedFunction, Target, Variable, with_derived, with_symmetries};
use crate::flow::{Flow, FlowConfig};
use crate::kernel::Kernel;
use crate::sampler::schedule::Action;
use crate::symmetry::SymmetryConfig;

/// Draws from a target.
///
/// ```
/// use mixwell::kernel::nuts;
/// use mixwell::sampler::Sampler;
/// use mixwell::density::from_fn_with_grad;
///
/// // A standard normal in two dimensions, from a closure that also gives the gradient.
/// let target = from_fn_with_grad(2, |x: &[f64], grad: &mut [f64]| {
///     grad[0] = -x[0];
///     grad[1] = -x[1];
///     -0.5 * (x[0] * x[0] + x[1] * x[1])
/// });
/// let run = Sampler::new(target).method(nuts().warmup(200)).chains(4).draws(250).seed(1).run()?;
/// assert!(run.summary().unwrap().parameters.iter().all(|p| p.summary.mean.abs() < 0.3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sampler {
    pub(super) target: Arc<dyn Target>,
    pub(super) settings: Settings,
    pub(super) own_plan: Option<(NamedKernels, Schedule)>,
    pub(super) flow: Option<Flow>,
    pub(super) derived: Vec<(String, DerivedFunction)>,
    pub(super) folder: Option<PathBuf>,
    pub(super) observer: Box<dyn Observer>,
    pub(super) interrupt: Arc<AtomicBool>,
    pub(super) threads: Option<usize>,
}

/// Kernels made in code, by the names that a schedule uses.
type NamedKernels = Vec<(String, Box<dyn Kernel>)>;

/// What a run leaves behind.
#[derive(Debug)]
pub struct Run {
    pub(super) ending: Ending,
    pub(super) kept: Kept,
    pub(super) flow: Option<Flow>,
    pub(super) variables: Vec<Variable>,
    pub(super) chains: usize,
}

impl Run {
    /// How it ended.
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Summary and verdict.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] when the run was interrupted.
    pub fn summary(&self) -> Result<&Summary, RunError> {
        match &self.ending {
            Ending::Finished(summary) => Ok(summary),
            Ending::Interrupted => Err(RunError::Interrupted),
        }
    }

    /// Where the draws are; [`Run::array`] gives them by name either way.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Gives up the run for its draws.
    pub fn into_kept(self) -> Kept {
        self.kept
    }

    /// The draws, when they were kept in memory (no run folder).
    pub fn draws(&self) -> Option<&MemoryDraws> {
        match &self.kept {
            Kept::Memory(draws) => Some(draws),
            Kept::Folder(_) => None,
        }
    }

    /// The flow of a method that has one, as it was at the end, to be used again with [`Sampler::trained_flow`].
    pub fn flow(&self) -> Option<&Flow> {
        self.flow.as_ref()
    }

    /// The run folder, when there is one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.kept {
            Kept::Memory(_) => None,
            Kept::Folder(path) => Some(path),
        }
    }
}

/// How a run ended; a target that failed for good is a [`RunError`].
#[derive(Debug)]
pub enum Ending {
    /// All draws are made, or a stopping rule had enough of them: the results with the verdict.
    Finished(Box<Summary>),
    /// It was interrupted; with a folder, [`Sampler::resume`] goes on from its checkpoint.
    Interrupted,
}

/// Where the draws of a run are.
#[derive(Debug)]
pub enum Kept {
    /// In memory.
    Memory(MemoryDraws),
    /// In the run folder at this path.
    Folder(PathBuf),
}

impl Sampler {
    /// A sampler of `target` with default settings: a method chosen by a look at the target, 20 chains, 1000 draws each, draws in memory.
    pub fn new(target: impl Target + 'static) -> Self {
        Self::from_config(Arc::new(target), RunConfig::default())
    }

    /// A sampler of `target` with these settings.
    pub fn from_config(target: Arc<dyn Target>, config: RunConfig) -> Self {
        Self::with(target, Settings::Unchecked(config))
    }

    /// A sampler of `target` with settings that have been checked; unless something is changed here, nobody checks them again.
    pub fn from_checked(target: Arc<dyn Target>, config: Checked<RunConfig>) -> Self {
        Self::with(target, Settings::Checked(config))
    }

    fn with(target: Arc<dyn Target>, settings: Settings) -> Self {
        Self {
            target,
            settings,
            own_plan: None,
            flow: None,
            derived: Vec::new(),
            folder: None,
            observer: Box::new(Silent),
            interrupt: Arc::default(),
            threads: None,
        }
    }

    /// How chains move: a method's settings, or a kernel (`nuts().warmup(200)`).
    pub fn method(mut self, method: impl Into<Method>) -> Self {
        self.config().method = method.into();
        self
    }

    /// A symmetry of the target beside those it states itself ([`SymmetryConfig`]); the default method moves chains by it.
    pub fn symmetry(mut self, symmetry: SymmetryConfig) -> Self {
        self.config().symmetries.push(symmetry);
        self
    }

    /// A kernel of your own, with `warmup` steps in which it adapts.
    pub fn kernel(self, kernel: impl Kernel + 'static, warmup: usize) -> Self {
        let moves = |times| Move::new("kernel", times);
        let schedule = Schedule {
            warmup: vec![Stage { repeat: 1, actions: vec![Action::Move(moves(warmup))] }],
            frozen: 0,
            production: vec![moves(1)],
        };
        self.kernels(vec![("kernel".into(), Box::new(kernel))], schedule)
    }

    /// Kernels of your own, and the schedule that uses them by name.
    pub fn kernels(mut self, kernels: Vec<(String, Box<dyn Kernel>)>, schedule: Schedule) -> Self {
        self.own_plan = Some((kernels, schedule));
        self
    }

    /// Number of chains.
    pub fn chains(mut self, chains: usize) -> Self {
        self.config().chains = chains;
        self
    }

    /// Production draws per chain.
    pub fn draws(mut self, draws: usize) -> Self {
        self.config().draws = draws;
        self
    }

    /// Seed of every random stream.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config().seed = seed;
        self
    }

    /// Where chains start.
    pub fn start(mut self, start: Start) -> Self {
        self.config().start = start;
        self
    }

    /// A function of the reported values of a draw, to be stored and judged like a parameter. What an expression can say goes to
    /// [`RunConfig::derived`], which is written with the run; whoever resumes a run with a function must bring the same one.
    pub fn derived(
        mut self,
        name: impl Into<String>,
        f: impl Fn(&[f64]) -> f64 + Send + Sync + 'static,
    ) -> Self {
        self.derived.push((name.into(), Arc::new(f)));
        self
    }

    /// The flow that proposes global moves, to be trained in the warm-up.
    pub fn flow(mut self, flow: FlowConfig) -> Self {
        self.config().flow = flow;
        self
    }

    /// A flow trained before; the method's training goes on from it.
    pub fn trained_flow(mut self, flow: Flow) -> Self {
        self.config().flow = flow.config().clone();
        self.flow = Some(flow);
        self
    }

    /// Every setting at once may be changed here.
    pub fn configure(mut self, change: impl FnOnce(&mut RunConfig)) -> Self {
        change(self.config());
        self
    }

    /// Write everything to a run folder, and draws there instead of into memory.
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folder = Some(path.into());
        self
    }

    /// Who is told how the run goes.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// A flag that, once set (e.g. by a Ctrl-C handler), ends the run at the next safe place with a checkpoint.
    pub fn interrupt(mut self, flag: Arc<AtomicBool>) -> Self {
        self.interrupt = flag;
        self
    }

    /// Number of threads; without it, the process-wide pool is used. Draws do not depend on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The target as the run reports it: with its own quantities, and with those that the settings and [`Sampler::derived`] add.
    ///
    /// # Errors
    /// When a quantity cannot be read or named.
    pub fn reporting_target(&self) -> Result<Arc<dyn Target>, ConfigError> {
        let config: &RunConfig = match &self.settings {
            Settings::Checked(config) => config,
            Settings::Unchecked(config) => config,
        };
        let target = with_symmetries(self.target.clone(), &config.symmetries)?;
        with_derived(target, &config.derived, self.derived.clone())
    }

    fn config(&mut self) -> &mut RunConfig {
        self.settings.change()
    }
}

/// Settings that may be changed until the run begins.
pub(super) enum Settings {
    Checked(Checked<RunConfig>),
    Unchecked(RunConfig),
}

impl Settings {
    fn change(&mut self) -> &mut RunConfig {
        if let Self::Checked(config) = self {
            *self = Self::Unchecked(config.clone().into_inner());
        }
        match self {
            Self::Unchecked(config) => config,
            Self::Checked(_) => unreachable!("opened above"),
        }
    }

    /// The settings as they are now.
    pub fn checked(self) -> Result<Checked<RunConfig>, ConfigError> {
        match self {
            Self::Checked(config) => Ok(config),
            Self::Unchecked(config) => config.checked(),
        }
    }
}
