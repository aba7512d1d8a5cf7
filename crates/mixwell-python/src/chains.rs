//! Chains that a loop in Python moves: a step, a warm-up, positions from outside, another kernel or flow between steps.
//!
//! They are the library's `Chains`, with the streams that a run of the same seed gives its chains. What moves them lies behind a lock, which a call holds while it works; whoever
//! asks meanwhile, such as the density itself, is told so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use mixwell::density::{EvaluationError, Failure, Guarded, Target};
use mixwell::kernel::{Chains as Moved, Context, Kernel, KernelConfig, Needs, Tally, Warmup};
use mixwell::sampler::{Method, RunConfig};
use mixwell::symmetry::Orbit;
use mixwell::{ConfigError, Points, on_threads};
use numpy::{PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{matrix, points, vector};
use crate::density::Density;
use crate::flow::Flow;
use crate::run::built_in;
use crate::supervise::supervise;
use crate::{errors, settings};

/// Chains and what moves them. Made by the package's `Chains`.
#[pyclass(frozen, module = "mixwell._mixwell")]
pub struct Chains {
    state: Arc<Mutex<State>>,
    interrupt: Arc<AtomicBool>,
    threads: Option<usize>,
}

struct State {
    chains: Moved,
    target: Arc<dyn Target>,
    flow: Option<mixwell::flow::Flow>,
    /// Rows that a kernel evaluates in one batch at most, as in a run.
    max_rows: usize,
    /// By their settings: a kernel that was used before has kept what it learnt.
    kernels: HashMap<String, Box<dyn Kernel>>,
    kernel: String,
}

/// What steps made: positions, log-densities, and for each leaf the acceptance probability and the share of divergent
/// trajectories, step after step.
type Made<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
);

/// Why a call could not be carried out.
enum Problem {
    Config(ConfigError),
    Evaluation(EvaluationError),
    Interrupted,
}

impl From<ConfigError> for Problem {
    fn from(e: ConfigError) -> Self {
        Self::Config(e)
    }
}

impl From<EvaluationError> for Problem {
    fn from(e: EvaluationError) -> Self {
        Self::Evaluation(e)
    }
}

#[pymethods]
impl Chains {
    /// Chains at the rows of `starts`, of a density or of the settings' table `target`, moved by the settings' kernel, under their seed.
    #[new]
    #[pyo3(signature = (density, settings, starts, flow, threads))]
    fn new(
        py: Python<'_>,
        density: Option<&Bound<'_, Density>>,
        settings: &Bound<'_, PyDict>,
        starts: PyReadonlyArray2<'_, f64>,
        flow: Option<&Bound<'_, Flow>>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let mut config = settings::run_config(settings)?;
        let interrupt = Arc::new(AtomicBool::new(false));
        let target = match density {
            Some(density) => density.get().target(py, interrupt.clone()),
            None => built_in(&mut config).map_err(|e| errors::run(py, &e, None))?,
        };
        let starts = points(&starts);
        if starts.dim() != target.dim() || starts.rows() == 0 {
            let message = format!(
                "`starts` has the shape ({}, {}), but the density has {} coordinates and there must be a chain",
                starts.rows(),
                starts.dim(),
                target.dim()
            );
            return Err(errors::config(py, message));
        }
        let flow = flow.map(|flow| flow.get().inner().clone());
        let made = supervised(py, &interrupt, threads, move || {
            let (kernel, built) = kernel_of(&config, &*target, flow.as_ref())?;
            let chains = Moved::new(&*target, starts, config.seed)?;
            check_values(&chains, "starts")?;
            let kernels = HashMap::from([(kernel.clone(), built)]);
            Ok(State { chains, target, flow, max_rows: config.max_batch_rows, kernels, kernel })
        })?;
        Ok(Self { state: Arc::new(Mutex::new(made)), interrupt, threads })
    }

    /// Moves every chain so many times.
    fn step<'py>(&self, py: Python<'py>, steps: usize) -> PyResult<Made<'py>> {
        let made = self.work(py, move |state, interrupt| state.steps(steps, interrupt))?;
        let [x, log_prob, acceptance, diverging] = made;
        Ok((vector(py, x), vector(py, log_prob), vector(py, acceptance), vector(py, diverging)))
    }

    /// So many steps in which the kernel adapts; then it is frozen.
    fn warm_up(&self, py: Python<'_>, steps: usize) -> PyResult<()> {
        self.work(py, move |state, interrupt| state.warm_up(steps, interrupt))
    }

    /// Moves the chains to the rows of `x`.
    fn move_to(&self, py: Python<'_>, x: PyReadonlyArray2<'_, f64>) -> PyResult<()> {
        let x = points(&x);
        self.work(py, move |state, _| {
            let before = state.chains.clone();
            let moved = state.chains.move_to(x, &*state.target).map_err(Problem::from);
            let checked = moved.and_then(|()| Ok(check_values(&state.chains, "positions")?));
            if checked.is_err() {
                state.chains = before;
            }
            checked
        })
    }

    /// Moves them by the settings' kernel from here on.
    fn set_kernel(&self, py: Python<'_>, settings: &Bound<'_, PyDict>) -> PyResult<()> {
        let config = settings::run_config(settings)?;
        let mut state = self.lock(py)?;
        let (key, kernel) =
            kernel_of(&config, &*state.target, state.flow.as_ref()).map_err(|e| errors::config(py, e))?;
        state.kernels.entry(key.clone()).or_insert(kernel);
        state.kernel = key;
        Ok(())
    }

    /// Gives kernels that propose from a flow this one from here on.
    fn set_flow(&self, py: Python<'_>, flow: Option<&Bound<'_, Flow>>) -> PyResult<()> {
        let mut state = self.lock(py)?;
        let flow = flow.map(|flow| flow.get().inner().clone());
        let needs = state.kernels[&state.kernel].needs();
        check_needs(needs, &*state.target, flow.as_ref()).map_err(|e| errors::config(py, e))?;
        state.flow = flow;
        state.chains.ensemble_mut().forget_proposal();
        Ok(())
    }

    /// The settings of the kernel, as JSON.
    #[getter]
    fn kernel(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.lock(py)?.kernel.clone())
    }

    /// Name, role and step size of each leaf of the kernel.
    #[getter]
    fn leaves(&self, py: Python<'_>) -> PyResult<Vec<(String, &'static str, Option<f64>)>> {
        let state = self.lock(py)?;
        let leaves = state.kernels[&state.kernel].leaves();
        Ok(leaves.into_iter().map(|leaf| (leaf.name, leaf.role.name(), leaf.step_size)).collect())
    }

    /// Positions, `chains x dim`.
    #[getter]
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let x = {
            let state = self.lock(py)?;
            Points::from_vec(state.chains.x().data().to_vec(), state.chains.x().dim())
        };
        matrix(py, x)
    }

    /// Log-density of every chain's position.
    #[getter]
    fn log_prob<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let values = self.lock(py)?.chains.log_prob().to_vec();
        Ok(vector(py, values))
    }
}

impl Chains {
    /// The state, unless a call is at work on it.
    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Ok(state),
            Err(TryLockError::Poisoned(state)) => Ok(state.into_inner()),
            Err(TryLockError::WouldBlock) => Err(errors::config(py, BUSY)),
        }
    }

    /// Works on the state on a thread of its own; Ctrl-C is heard meanwhile.
    fn work<R: Send + 'static>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut State, &AtomicBool) -> Result<R, Problem> + Send + 'static,
    ) -> PyResult<R> {
        drop(self.lock(py)?);
        self.interrupt.store(false, Ordering::Relaxed);
        let (state, interrupt) = (self.state.clone(), self.interrupt.clone());
        supervised(py, &self.interrupt, self.threads, move || {
            let mut state = match state.try_lock() {
                Ok(state) => state,
                Err(TryLockError::Poisoned(state)) => state.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    return Err(ConfigError::new("chains", "in use", BUSY).into());
                }
            };
            f(&mut state, &interrupt)
        })
    }
}

/// What is said to whoever asks chains that are being moved.
const BUSY: &str = "these chains are being moved; ask them between steps";

/// The result of `work` on a thread of its own, which is asked to end early by a signal.
fn supervised<R: Send + 'static>(
    py: Python<'_>,
    interrupt: &Arc<AtomicBool>,
    threads: Option<usize>,
    work: impl FnOnce() -> Result<R, Problem> + Send + 'static,
) -> PyResult<R> {
    let work = move || on_threads(threads, work).map_err(Problem::from).and_then(|result| result);
    let (result, stopped) = supervise(py, interrupt, &|_| Ok(()), work)?;
    if let Some(stopped) = stopped {
        return Err(stopped);
    }
    result.map_err(|problem| match problem {
        Problem::Config(e) => errors::config(py, e),
        Problem::Evaluation(e) => {
            errors::evaluation(py, &e, "the chains stand where they stood before the call")
        }
        Problem::Interrupted => {
            PyKeyboardInterrupt::new_err("the chains stand where they stood before the call")
        }
    })
}

impl State {
    /// Steps with what they made, `steps x ..`. Where one fails, the chains are those from before the call.
    fn steps(&mut self, steps: usize, interrupt: &AtomicBool) -> Result<[Vec<f64>; 4], Problem> {
        let n_leaves = self.kernels[&self.kernel].leaves().len();
        let (chains, dim) = (self.chains.x().rows(), self.chains.x().dim());
        let mut made = [vec![], vec![], vec![], vec![]];
        for (column, width) in made.iter_mut().zip([chains * dim, chains, chains * n_leaves, chains]) {
            let wanted = steps.checked_mul(width).is_some_and(|n| column.try_reserve_exact(n).is_ok());
            if !wanted {
                let reason = "what so many steps make fits no memory; step in parts";
                return Err(ConfigError::new("n", steps, reason).into());
            }
        }
        let before = self.chains.clone();
        for _ in 0..steps {
            if let Err(problem) = self.step(interrupt) {
                self.chains = before;
                return Err(problem);
            }
            let [x, log_prob, acceptance, diverging] = &mut made;
            x.extend_from_slice(self.chains.x().data());
            log_prob.extend_from_slice(self.chains.log_prob());
            let divergences = diverging.len();
            diverging.resize(divergences + chains, 0.0);
            for leaf in 0..n_leaves {
                let of_leaf = self.chains.tallies().part(leaf);
                acceptance.extend(of_leaf.iter().map(mean_acceptance));
                for (sum, tally) in diverging[divergences..].iter_mut().zip(of_leaf.iter()) {
                    *sum += f64::from(tally.divergences);
                }
            }
        }
        Ok(made)
    }

    fn step(&mut self, interrupt: &AtomicBool) -> Result<(), Problem> {
        if interrupt.load(Ordering::Relaxed) {
            return Err(Problem::Interrupted);
        }
        let failure = Failure::default();
        let flow = self.flow.as_ref().map(|flow| flow as _);
        let context =
            Context { target: Guarded::new(&*self.target, &failure), flow, max_rows: self.max_rows };
        self.chains.step_in(&*self.kernels[&self.kernel], &context);
        Ok(failure.check()?)
    }

    /// A warm-up. Where a step fails, chains and kernel are those from before the call.
    fn warm_up(&mut self, total: usize, interrupt: &AtomicBool) -> Result<(), Problem> {
        let (before, learnt) = (self.chains.clone(), self.kernels[&self.kernel].save());
        for step in 0..total {
            let moved = self.step(interrupt);
            let kernel = self.kernels.get_mut(&self.kernel).expect("the kernel in use");
            if let Err(problem) = moved {
                self.chains = before;
                kernel.load(&learnt).map_err(|e| ConfigError::new("kernel", "unreadable", e.to_string()))?;
                return Err(problem);
            }
            self.chains.teach(&mut **kernel, Warmup { step, total });
        }
        self.kernels.get_mut(&self.kernel).expect("the kernel in use").freeze();
        Ok(())
    }
}

/// NaN where nothing was proposed.
fn mean_acceptance(tally: &Tally) -> f64 {
    tally.accept_prob / f64::from(tally.tries)
}

/// The kernel of the settings, by the text of its own ones, and built.
fn kernel_of(
    config: &RunConfig,
    target: &dyn Target,
    flow: Option<&mixwell::flow::Flow>,
) -> Result<(String, Box<dyn Kernel>), ConfigError> {
    let Method::Kernel(method) = &config.method else {
        return Err(ConfigError::new("kernel", config.method.name(), "it must be a kernel, not a method"));
    };
    let settings: &KernelConfig = &method.kernel;
    settings.check().map_err(|e| e.under("kernel"))?;
    let kernel = settings.build(target.dim()).map_err(|e| e.under("kernel"))?;
    check_needs(kernel.needs(), target, flow)?;
    let text = serde_json::to_string(settings);
    let text = text.map_err(|e| ConfigError::new("kernel", settings.kind(), e.to_string()))?;
    Ok((text, kernel))
}

/// Refuses a kernel that needs what there is not.
fn check_needs(
    needs: Needs,
    target: &dyn Target,
    flow: Option<&mixwell::flow::Flow>,
) -> Result<(), ConfigError> {
    let refused = |value: &str, reason: String| Err(ConfigError::new("kernel", value, reason));
    if needs.gradient && !target.has_gradient() {
        let why = target.why_no_gradient().unwrap_or_else(|| "give one".into());
        return refused(
            "one that needs gradients",
            format!("the density has none: {why}, or use `random_walk`"),
        );
    }
    if needs.base && target.base().is_none() {
        return refused(
            "one that proposes `base`",
            "the density has none; propose `gaussian` or `flow`".into(),
        );
    }
    if needs.symmetry && target.symmetries().is_empty() {
        return refused("one that moves by symmetries", "the density states none".into());
    }
    if needs.images && Orbit::of_folding(target.symmetries(), Orbit::MOST).is_none() {
        return refused(
            "one that averages over symmetries",
            "the density has none to sum over; propose `flow`".into(),
        );
    }
    match flow {
        None if needs.flow => {
            let reason = "there is none: give flow=.., e.g. of mixwell.Flow.fit, or propose `gaussian`";
            refused("one that proposes from a flow", reason.into())
        }
        Some(flow) if mixwell::proposal::Proposal::dim(flow) != target.dim() => {
            let value = format!("of {} coordinates", mixwell::proposal::Proposal::dim(flow));
            Err(ConfigError::new("flow", value, format!("the density has {}", target.dim())))
        }
        _ => Ok(()),
    }
}

/// Refuses chains that stand where the density has no value.
fn check_values(chains: &Moved, what: &str) -> Result<(), ConfigError> {
    match chains.log_prob().iter().position(|p| !p.is_finite()) {
        None => Ok(()),
        Some(row) => {
            let value = format!("of log-density {} in row {row}", chains.log_prob()[row]);
            Err(ConfigError::new(what, value, "a chain must stand where the log-density is finite"))
        }
    }
}
