//! Everything that can fail before the first step: settings, the target with its variables and starts, sizes, the folder.

use std::path::{Path, PathBuf};

use super::{Access, Session};
use crate::config::{Checked, ConfigFileError, parse};
use crate::density::{Target, Variable, check_symmetries, with_derived, with_symmetries};
use crate::flow::Flow;
use crate::io::{ConfigHash, RunFolder, atomic_write, available_bytes, load_checkpoint};
use crate::proposal::Proposal;
use crate::rng::{FLOW_INIT_STREAM, SYMMETRY_STREAM};
use crate::sampler::choose::{choose, largest_choice};
use crate::sampler::config::RunConfig;
use crate::sampler::cost::{Sizes, held_so_far};
use crate::sampler::error::RunError;
use crate::sampler::method::Method;
use crate::sampler::observer::Event;
use crate::sampler::plan::Plan;
use crate::sampler::record::Recorder;
use crate::sampler::reported::{check_reported, check_variables};
use crate::sampler::run::Sampler;
use crate::sampler::state::Spent;
use crate::symmetry::Orbit;
use crate::{ConfigError, Stream};

impl Session {
    /// Checks settings and starts, opens the folder, and reads the checkpoint where there may be one.
    ///
    /// Everything that a user may have to change is found before a new folder is made, so that it can be run again.
    pub(super) fn open(sampler: Sampler, access: Access) -> Result<Self, RunError> {
        let Sampler {
            target,
            settings,
            own_plan,
            flow: given,
            derived,
            folder,
            mut observer,
            interrupt,
            threads: _,
        } = sampler;
        let mut config = settings.checked()?;
        let target = with_symmetries(target, &config.symmetries)?;
        let dim = target.dim();
        if dim == 0 {
            return Err(ConfigError::new("target", "of 0 coordinates", "at least 1 is needed").into());
        }
        check_variables(&*target)?;
        let target = with_derived(target, &config.derived, derived)?;
        let reported = check_variables(&*target)?;
        let mut looking = Spent::default();
        if let (Method::Auto(auto), None) = (&config.method, &own_plan) {
            let chosen = match (access, &folder) {
                // The choice was made when the run began.
                (Access::Resume | Access::View, Some(path)) => chosen_before(path, &config)?,
                _ => {
                    // What may be chosen has to fit, so that nobody looks in vain.
                    let plan = largest_choice(dim).plan(dim)?;
                    let recorder = Recorder::new(&*target, plan.leaves());
                    let mut sizes = sizes_of(&config, &plan, &*target, &recorder, folder.is_some());
                    sizes.flow_params = flow_size(&config, &plan, given.as_ref(), dim)?;
                    sizes.footprint().check()?;
                    let text = "a few chains look at the target, to choose the method";
                    observer.event(&Event::Choice(text.into()));
                    let chosen = choose(&*target, &config, auto, &interrupt)?;
                    looking = chosen.spent;
                    chosen.config
                }
            };
            config = chosen.checked()?;
        }
        let plan = match own_plan {
            Some((kernels, schedule)) => Plan::new(kernels, schedule)?,
            None => config.method.plan(dim)?,
        };
        if plan.uses_gradient() && !target.has_gradient() {
            let why = target.why_no_gradient().unwrap_or_else(|| "give one".into());
            let reason = format!(
                "this method needs gradients: {why}, or use a gradient-free local kernel (random_walk)"
            );
            return Err(ConfigError::new("target", "a density without gradient", reason).into());
        }
        if plan.uses_base() && target.base().is_none() {
            let reason = "this method proposes `base`, the law that a target gives other weights to, such as a prior of latents; \
                          propose `gaussian` or `flow` instead";
            return Err(ConfigError::new("target", "a density without a base", reason).into());
        }
        if plan.uses_symmetries() && target.symmetries().is_empty() {
            let reason = "this method moves by symmetries of the target; state them under `symmetries`, or do without the kernel `symmetry`";
            return Err(ConfigError::new("target", "a density that states no symmetries", reason).into());
        }
        if plan.uses_images() && Orbit::of_folding(target.symmetries(), Orbit::MOST).is_none() {
            let reason = format!(
                "none of the symmetries that it states parts modes, or there are more than {} images to sum over; propose `flow`, and move by `symmetry`",
                Orbit::MOST
            );
            return Err(
                ConfigError::new("target", "a density whose images cannot be summed over", reason).into()
            );
        }
        let recorder = Recorder::new(&*target, plan.leaves());
        let mut sizes = sizes_of(&config, &plan, &*target, &recorder, folder.is_some());
        sizes.flow_params = flow_size(&config, &plan, given.as_ref(), dim)?;
        // A look at a run holds less than the run.
        if access != Access::View {
            sizes.footprint().check()?;
        }
        let flow = match given {
            _ if !plan.uses_flow => None,
            Some(flow) => Some(flow),
            None => {
                let mut stream = Stream::new(config.seed, FLOW_INIT_STREAM);
                Some(Flow::new(&config.flow, dim, &mut stream).map_err(|e| e.under("flow"))?)
            }
        };
        sizes.flow_params = flow.as_ref().map_or(0, Flow::n_params);
        let warning = match (access, &folder) {
            (Access::New, Some(folder)) => match available_bytes(folder) {
                Ok(free) => sizes.check_disk(free)?,
                Err(_) => None,
            },
            _ => None,
        };
        let cost = sizes.cost();
        let text = crate::config::commented(&*config)
            .map_err(|e| ConfigError::new("config", "not writable as TOML", e.to_string()))?;
        let names: Vec<String> = plan.leaves().into_iter().map(|l| l.name).collect();
        let hash = ConfigHash::of(format!("{text}\n{}\n{dim}", names.join(" ")).as_bytes());
        let evaluate = || config.start.evaluate(&*target, config.chains, config.seed, plan.uses_gradient());
        let mut starts = if access == Access::New { Some(evaluate()?) } else { None };
        if let Some(starts) = &mut starts {
            starts.spent.add(&looking);
        }
        if let Some(starts) = &starts {
            check_reported(&*target, starts.first(), reported)?;
            if plan.uses_symmetries() {
                let mut stream = Stream::new(config.seed, SYMMETRY_STREAM);
                if let Some(broken) = check_symmetries(&*target, starts.points(), &mut stream)? {
                    return Err(ConfigError::new("symmetries", &broken.name, broken.to_string()).into());
                }
            }
        }
        let folder = folder.map(|path| open_folder(path, access, &text)).transpose()?;
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
            target,
            config,
            plan,
            flow,
            recorder,
            starts,
            folder,
            hash,
            saved,
            cost,
            warning,
            observer,
            interrupt,
        })
    }
}

/// What a run without a flow takes.
fn sizes_of<'a>(
    config: &'a Checked<RunConfig>,
    plan: &'a Plan,
    target: &dyn Target,
    recorder: &'a Recorder,
    on_disk: bool,
) -> Sizes<'a> {
    let largest_variable = target.variables().iter().map(Variable::len).max().unwrap_or(0);
    let (dim, before) = (target.dim(), held_so_far());
    Sizes { config, plan, dim, recorder, largest_variable, flow_params: 0, on_disk, before }
}

/// Parameters of the flow, before it is made; a given one must fit the target.
fn flow_size(
    config: &RunConfig,
    plan: &Plan,
    given: Option<&Flow>,
    dim: usize,
) -> Result<usize, ConfigError> {
    match given {
        _ if !plan.uses_flow => Ok(0),
        Some(flow) if flow.dim() != dim => {
            let value = format!("of {} coordinates", flow.dim());
            Err(ConfigError::new("flow", value, format!("the target has {dim}")))
        }
        Some(flow) => Ok(flow.n_params()),
        None => {
            config.flow.check(dim).map_err(|e| e.under("flow"))?;
            Ok(config.flow.size_estimate(dim) as usize)
        }
    }
}

/// The config with what `auto` chose for the run in this folder.
fn chosen_before(path: &Path, config: &RunConfig) -> Result<RunConfig, RunError> {
    let folder = RunFolder::view(path)?;
    let text = folder.read_text(&folder.config())?;
    let unreadable =
        |e: ConfigFileError| ConfigError::new("config", "damaged in the run folder", e.to_string());
    let kept = parse::<RunConfig>(&text).map_err(unreadable)?.settings;
    Ok(RunConfig { method: kept.method, start: kept.start, chosen: kept.chosen, ..config.clone() })
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
