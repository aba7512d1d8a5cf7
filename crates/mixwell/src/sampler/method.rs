//! Named methods: each is a handful of settings that expand into kernels and a schedule. None has a loop of its own.
//!
//! - `ex2`: i-SIR, then local steps (Ex2MCMC, Samsonov et al. 2022). The proposal is fixed, or a flow that is only fitted
//!   to mean and covariance of the warm-up draws.
//! - `flex2`: the same with a flow trained on the particles while sampling.
//! - `flowmc`: rounds of local steps, training on past draws, global steps (Gabrié et al. 2022).
//! - `neutra`: a local kernel in the latent space of a trained flow (Hoffman et al. 2019).
//! - `score_climbing`: i-SIR with a flow that climbs the score at the chains' states (Naesseth et al. 2020), see its file.
//! - `kernel`: one kernel with a warm-up. - `schedule`: kernels and stages of your own.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::NamedKernel;
use super::schedule::{Action, Move, Schedule, Stage};
use super::score_climbing::ScoreClimbing;
use crate::ConfigError;
use crate::kernel::{
    HmcConfig, IndependentMhConfig, IsirConfig, Kernel, KernelConfig, Leaf, MalaConfig, MetricKind,
    NeutraConfig, NutsConfig, ProposalChoice, RepeatConfig, SequenceConfig,
};
use crate::proposal::Proposal;
use crate::train::{MixSchedule, Objective, Tempering, TrainAction};

/// How chains move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Method {
    /// i-SIR followed by local steps; the proposal does not learn shapes, only mean and covariance.
    Ex2(Ex2),
    /// Ex2 with a flow trained on all particles while sampling, then frozen.
    Flex2(Flex2),
    /// Rounds of local steps, flow training and flow proposals; then the same with the flow frozen.
    Flowmc(FlowMc),
    /// A local kernel in the latent space of a flow trained beforehand. Does not cross between separate modes.
    Neutra(NeutraMethod),
    /// i-SIR with a flow that follows the gradient of its log-density at the chains' states.
    ScoreClimbing(ScoreClimbing),
    /// One kernel with a warm-up.
    Kernel(KernelMethod),
    /// Kernels and stages of your own.
    Schedule(ScheduleMethod),
}

impl Default for Method {
    fn default() -> Self {
        Method::Flex2(Flex2::default())
    }
}

/// Settings of Ex2MCMC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ex2 {
    /// The global move. With the proposal `flow`, mean and covariance are fitted to the warm-up draws.
    pub global: IsirConfig,
    /// The local kernel.
    pub local: Box<KernelConfig>,
    /// Local steps after each global move; one round is one draw.
    pub local_steps: usize,
    /// Rounds of warm-up.
    pub warmup: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for Ex2 {
    fn default() -> Self {
        Self {
            global: IsirConfig { n_particles: 32, ..IsirConfig::default() },
            local: Box::new(default_local()),
            local_steps: 5,
            warmup: 500,
            frozen: 50,
        }
    }
}

/// Settings of FlEx2MCMC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Flex2 {
    /// The global move.
    pub global: IsirConfig,
    /// The local kernel.
    pub local: Box<KernelConfig>,
    /// Local steps after each global move; one round is one draw.
    pub local_steps: usize,
    /// Rounds before training starts; the flow's whitening is set from their last half.
    pub burn_in: usize,
    /// Rounds with one training step each.
    pub train_iterations: usize,
    /// The weight of the forward part of the loss (the rest is reverse KL).
    pub mix: MixSchedule,
    /// Inverse temperature of the target that the flow learns, over the training.
    pub tempering: Tempering,
    /// Rounds after training in which only step sizes adapt.
    pub tune: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for Flex2 {
    fn default() -> Self {
        Self {
            global: IsirConfig { n_particles: 64, ..IsirConfig::default() },
            local: Box::new(default_local()),
            local_steps: 5,
            burn_in: 200,
            train_iterations: 1000,
            mix: MixSchedule::default(),
            tempering: Tempering::default(),
            tune: 100,
            frozen: 100,
        }
    }
}

/// Settings of the flowMC scheme.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlowMc {
    /// The local kernel.
    pub local: Box<KernelConfig>,
    /// Local steps per round.
    pub local_steps: usize,
    /// The global kernel: independent Metropolis-Hastings or i-SIR.
    pub global: Box<KernelConfig>,
    /// Global steps per round.
    pub global_steps: usize,
    /// Rounds with training.
    pub training_loops: usize,
    /// Passes over the replay buffer per round.
    pub epochs: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for FlowMc {
    fn default() -> Self {
        Self {
            local: Box::new(default_local()),
            local_steps: 100,
            global: Box::new(KernelConfig::IndependentMh(IndependentMhConfig::default())),
            global_steps: 10,
            training_loops: 20,
            epochs: 5,
            frozen: 110,
        }
    }
}

/// Settings of NeuTra.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NeutraMethod {
    /// The kernel that makes the flow's first training data.
    pub local: Box<KernelConfig>,
    /// The kernel that runs in latent space.
    pub inner: Box<KernelConfig>,
    /// Rounds of sampling and training.
    pub training_loops: usize,
    /// Local steps per round.
    pub local_steps: usize,
    /// Passes over the replay buffer per round.
    pub epochs: usize,
    /// Reverse-KL steps per round, after the passes.
    pub reverse_steps: usize,
    /// Inverse temperature of the target in the reverse-KL steps, over the training.
    pub tempering: Tempering,
    /// Latent steps in which the inner kernel adapts to the trained flow.
    pub tune: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for NeutraMethod {
    fn default() -> Self {
        Self {
            local: Box::new(default_local()),
            inner: Box::new(KernelConfig::Hmc(HmcConfig::default())),
            training_loops: 10,
            local_steps: 100,
            epochs: 5,
            reverse_steps: 0,
            tempering: Tempering::default(),
            tune: 300,
            frozen: 50,
        }
    }
}

/// Settings of a single kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KernelMethod {
    /// The kernel.
    pub kernel: Box<KernelConfig>,
    /// Steps in which it adapts.
    pub warmup: usize,
    /// Draws after freezing that are not production yet.
    pub frozen: usize,
}

impl Default for KernelMethod {
    fn default() -> Self {
        Self { kernel: Box::new(KernelConfig::Nuts(NutsConfig::default())), warmup: 1000, frozen: 0 }
    }
}

/// Kernels by name, and the schedule that uses them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleMethod {
    /// The kernels, by the names that moves use.
    pub kernels: BTreeMap<String, KernelConfig>,
    /// Stages of the warm-up.
    #[serde(default)]
    pub warmup: Vec<Stage>,
    /// Draws after freezing that are not production yet.
    #[serde(default)]
    pub frozen: usize,
    /// The cycle of production moves.
    pub production: Vec<Move>,
}

pub(super) fn default_local() -> KernelConfig {
    KernelConfig::Mala(MalaConfig { metric: MetricKind::Diagonal, ..MalaConfig::default() })
}

/// Kernels and the schedule that moves them: what a method expands to.
pub(super) struct Plan {
    pub kernels: Vec<NamedKernel>,
    pub schedule: Schedule,
    /// Whether some kernel or training call needs a flow.
    pub uses_flow: bool,
    /// The fixed proposal of the global kernel, when it is not the flow.
    pub proposal: Option<Arc<dyn Proposal>>,
    /// Whether some kernel does not keep the target's law.
    pub biased: bool,
}

impl Plan {
    /// A plan of kernels made in code.
    pub fn new(kernels: Vec<(String, Box<dyn Kernel>)>, schedule: Schedule) -> Result<Self, ConfigError> {
        let names: Vec<&str> = kernels.iter().map(|(n, _)| n.as_str()).collect();
        schedule.check(&names)?;
        let uses_flow = kernels.iter().any(|(_, k)| k.needs().flow) || schedule.training().next().is_some();
        let kernels = kernels.into_iter().map(|(name, kernel)| NamedKernel { name, kernel }).collect();
        Ok(Self { kernels, schedule, uses_flow, proposal: None, biased: false })
    }

    /// The leaves of all kernels, kernel after kernel.
    pub fn leaves(&self) -> Vec<Leaf> {
        self.kernels.iter().flat_map(|k| k.kernel.leaves()).collect()
    }

    /// Place of a kernel that the schedule names.
    pub fn kernel_index(&self, name: &str) -> usize {
        self.kernels.iter().position(|k| k.name == name).expect("checked with the schedule")
    }

    /// Place of the first leaf of kernel `index` among all leaves.
    pub fn first_leaf(&self, index: usize) -> usize {
        self.kernels[..index].iter().map(|k| k.kernel.leaves().len()).sum()
    }

    /// Whether some training call learns from the particles of i-SIR.
    pub fn trains_on_pool(&self) -> bool {
        self.schedule.training().any(TrainAction::needs_pool)
    }

    /// Whether gradients of the target are ever needed.
    pub fn uses_gradient(&self) -> bool {
        self.kernels.iter().any(|k| k.kernel.needs().gradient)
            || self.schedule.training().any(|t| t.objective.uses_target() && t.steps > 0)
    }
}

impl Method {
    /// The name in config files.
    pub fn name(&self) -> &'static str {
        match self {
            Method::Ex2(_) => "ex2",
            Method::Flex2(_) => "flex2",
            Method::Flowmc(_) => "flowmc",
            Method::Neutra(_) => "neutra",
            Method::ScoreClimbing(_) => "score_climbing",
            Method::Kernel(_) => "kernel",
            Method::Schedule(_) => "schedule",
        }
    }

    /// Checks everything that does not depend on the target.
    pub fn check(&self) -> Result<(), ConfigError> {
        let parts = self.parts();
        for (key, kernel) in &parts {
            kernel.check().map_err(|e| e.under(key))?;
        }
        if let Method::Schedule(s) = self {
            let names: Vec<&str> = s.kernels.keys().map(String::as_str).collect();
            return s.schedule().check(&names);
        }
        Ok(())
    }

    /// The kernels that the settings hold, with the key each is under.
    fn parts(&self) -> Vec<(String, KernelConfig)> {
        let one = |key: &str, kernel: &KernelConfig| (key.to_string(), kernel.clone());
        match self {
            Method::Ex2(m) => {
                vec![("global".into(), KernelConfig::Isir(m.global.clone())), one("local", &m.local)]
            }
            Method::Flex2(m) => {
                vec![("global".into(), KernelConfig::Isir(m.global.clone())), one("local", &m.local)]
            }
            Method::Flowmc(m) => vec![one("local", &m.local), one("global", &m.global)],
            Method::Neutra(m) => vec![one("local", &m.local), one("inner", &m.inner)],
            Method::ScoreClimbing(m) => {
                vec![("global".into(), KernelConfig::Isir(m.global.clone())), one("local", &m.local)]
            }
            Method::Kernel(m) => vec![one("kernel", &m.kernel)],
            Method::Schedule(m) => {
                m.kernels.iter().map(|(name, k)| (format!("kernels.{name}"), k.clone())).collect()
            }
        }
    }

    /// Expands into kernels and a schedule for a target of `dim` coordinates.
    ///
    /// # Errors
    /// When a kernel's settings cannot be used in this dimension, or the schedule names no such kernel.
    pub(super) fn plan(&self, dim: usize) -> Result<Plan, ConfigError> {
        self.check().map_err(|e| e.under("method"))?;
        let build = |kernel: &KernelConfig| kernel.build(dim).map_err(|e| e.under("method"));
        let kernels: Vec<(String, Box<dyn Kernel>)> = match self {
            Method::Ex2(m) => vec![("ex2".into(), build(&round(&m.global, &m.local, m.local_steps))?)],
            Method::Flex2(m) => vec![("flex2".into(), build(&round(&m.global, &m.local, m.local_steps))?)],
            Method::Flowmc(m) => {
                vec![("local".into(), build(&m.local)?), ("global".into(), build(&m.global)?)]
            }
            Method::Neutra(m) => {
                let latent =
                    KernelConfig::Neutra(NeutraConfig { kernel: m.inner.clone(), ..NeutraConfig::default() });
                vec![("local".into(), build(&m.local)?), ("neutra".into(), build(&latent)?)]
            }
            Method::ScoreClimbing(m) => vec![("score_climbing".into(), build(&m.kernel())?)],
            Method::Kernel(m) => vec![("kernel".into(), build(&m.kernel)?)],
            Method::Schedule(m) => {
                let built = m.kernels.iter().map(|(name, k)| Ok((name.clone(), build(k)?)));
                built.collect::<Result<_, ConfigError>>()?
            }
        };
        let mut plan = Plan::new(kernels, self.schedule()).map_err(|e| e.under("method"))?;
        if let Method::Ex2(m) = self
            && let ProposalChoice::Fixed(fixed) = m.global.proposal.build(dim)?
        {
            plan.proposal = Some(fixed);
        }
        plan.biased = self.parts().iter().any(|(_, kernel)| !kernel.is_exact());
        Ok(plan)
    }

    fn schedule(&self) -> Schedule {
        match self {
            Method::Ex2(m) => m.schedule(),
            Method::Flex2(m) => m.schedule(),
            Method::Flowmc(m) => m.schedule(),
            Method::Neutra(m) => m.schedule(),
            Method::ScoreClimbing(m) => m.schedule(),
            Method::Kernel(m) => Schedule {
                warmup: vec![Stage { repeat: 1, actions: vec![moves("kernel", m.warmup)] }],
                frozen: m.frozen,
                production: vec![Move::new("kernel", 1)],
            },
            Method::Schedule(m) => m.schedule(),
        }
    }
}

/// One round of Ex2: the global move, then local steps.
pub(super) fn round(global: &IsirConfig, local: &KernelConfig, local_steps: usize) -> KernelConfig {
    let global = KernelConfig::Isir(global.clone());
    let local = match local_steps {
        0 => return global,
        1 => local.clone(),
        n_steps => KernelConfig::Repeat(RepeatConfig { n_steps, kernel: Box::new(local.clone()) }),
    };
    KernelConfig::Sequence(SequenceConfig { parts: vec![global, local] })
}

pub(super) fn moves(kernel: &str, times: usize) -> Action {
    Action::Move(Move::new(kernel, times))
}

fn whiten(forget: bool) -> Action {
    Action::Train(TrainAction { whiten: true, forget, ..TrainAction::default() })
}

impl Ex2 {
    /// Rounds in which a fitted proposal is fitted again, each to the draws since the last fit.
    const FITS: usize = 5;

    fn schedule(&self) -> Schedule {
        let warmup = if self.global.proposal.needs_flow() {
            let fit = Stage {
                repeat: Self::FITS,
                actions: vec![moves("ex2", self.warmup / (Self::FITS + 1)), whiten(true)],
            };
            let rest = self.warmup - Self::FITS * (self.warmup / (Self::FITS + 1));
            vec![fit, Stage { repeat: 1, actions: vec![moves("ex2", rest)] }]
        } else {
            vec![Stage { repeat: 1, actions: vec![moves("ex2", self.warmup)] }]
        };
        Schedule { warmup, frozen: self.frozen, production: vec![Move::new("ex2", 1)] }
    }
}

impl Flex2 {
    fn schedule(&self) -> Schedule {
        let learn = TrainAction {
            objective: Objective::Pool { mix: self.mix },
            steps: 1,
            tempering: self.tempering,
            ..TrainAction::default()
        };
        let forget = Action::Train(TrainAction { forget: true, ..TrainAction::default() });
        let warmup = vec![
            Stage { repeat: 1, actions: vec![moves("flex2", self.burn_in / 2), forget] },
            Stage {
                repeat: 1,
                actions: vec![moves("flex2", self.burn_in - self.burn_in / 2), whiten(false)],
            },
            Stage { repeat: self.train_iterations, actions: vec![moves("flex2", 1), Action::Train(learn)] },
            Stage { repeat: 1, actions: vec![moves("flex2", self.tune)] },
        ];
        Schedule { warmup, frozen: self.frozen, production: vec![Move::new("flex2", 1)] }
    }
}

impl FlowMc {
    fn schedule(&self) -> Schedule {
        let train = TrainAction { epochs: self.epochs, whiten: true, ..TrainAction::default() };
        let actions =
            vec![moves("local", self.local_steps), Action::Train(train), moves("global", self.global_steps)];
        Schedule {
            warmup: vec![Stage { repeat: self.training_loops, actions }],
            frozen: self.frozen,
            production: vec![Move::new("local", self.local_steps), Move::new("global", self.global_steps)],
        }
    }
}

impl NeutraMethod {
    fn schedule(&self) -> Schedule {
        let passes = TrainAction { epochs: self.epochs, whiten: true, ..TrainAction::default() };
        let reverse = TrainAction {
            objective: Objective::Reverse,
            steps: self.reverse_steps,
            tempering: self.tempering,
            ..TrainAction::default()
        };
        let mut actions = vec![moves("local", self.local_steps), Action::Train(passes)];
        if self.reverse_steps > 0 {
            actions.push(Action::Train(reverse));
        }
        Schedule {
            warmup: vec![
                Stage { repeat: self.training_loops, actions },
                Stage { repeat: 1, actions: vec![moves("neutra", self.tune)] },
            ],
            frozen: self.frozen,
            production: vec![Move::new("neutra", 1)],
        }
    }
}

impl ScheduleMethod {
    fn schedule(&self) -> Schedule {
        Schedule { warmup: self.warmup.clone(), frozen: self.frozen, production: self.production.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_schedule_that_fits_its_kernels() {
        for method in [
            Method::Ex2(Ex2::default()),
            Method::Flex2(Flex2::default()),
            Method::Flowmc(FlowMc::default()),
            Method::Neutra(NeutraMethod::default()),
            Method::ScoreClimbing(ScoreClimbing::default()),
            Method::Kernel(KernelMethod::default()),
        ] {
            let plan = method.plan(3).unwrap();
            assert!(plan.schedule.adapting_draws() > 0, "{}", method.name());
        }
    }

    #[test]
    fn warmups_have_the_length_that_was_asked_for() {
        let ex2 = Ex2 { warmup: 503, ..Ex2::default() };
        assert_eq!(ex2.schedule().adapting_draws(), 503);
        let flex2 = Flex2 { burn_in: 7, train_iterations: 11, tune: 3, ..Flex2::default() };
        assert_eq!(flex2.schedule().adapting_draws(), 21);
        assert_eq!(FlowMc::default().schedule().adapting_draws(), 20 * 110);
    }
}
