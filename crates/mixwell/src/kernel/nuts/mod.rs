//! The No-U-Turn sampler (NUTS), multinomial form, one trajectory per chain.
//!
//! From the current point with fresh momentum, a trajectory is doubled in random directions until it turns back on itself
//! (`r_first . rho <= 0` or `r_last . rho <= 0`, `rho` the sum of whitened momenta over the stretch, also across the joint of
//! the two halves), diverges (`H - H_0 > 1000`), or reaches `max_depth` doublings. A point is drawn by weight
//! `exp(H_0 - H)`: uniformly inside subtrees, in favour of the new half at the top. The acceptance statistic is the mean of
//! `min(1, exp(H_0 - H))` over all new points; its target is 0.8.
//! Keeps the target's law. Cost: as many gradients as leaves, reported as `leapfrogs`. Step: leapfrog `epsilon`.
//! Reference: Hoffman and Gelman, JMLR 15 (2014); Betancourt, "A conceptual introduction to HMC" (2017), appendix A.
//!
//! Why not the nuts-rs crate: its chain keeps position, adaptation and random numbers inside an opaque object, which can
//! neither be checkpointed nor share its point with a global move between two trajectories. Here both are ours.
//! The published Ex2MCMC wrapper runs one trajectory in the product space of all chains; here every chain has its own.

mod tree;

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use self::tree::{Count, Course, State, Summary, add, grow, log_add, straight};
use super::adapt::{AcceptanceOver, MetricKind, StepRule, Tuner, TunerConfig};
use super::extent::metric_bytes;
use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Needs, Role, StepSize, TallySheet};
use crate::density::Guarded;
use crate::proposal::Scale;
use crate::range::{positive, within};
use crate::{ConfigError, Stream};

const NAME: &str = "nuts";

/// Settings of [`Nuts`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NutsConfig {
    /// Leapfrog step `epsilon` that warm-up starts from.
    pub step_size: f64,
    /// Doublings of a trajectory at most, 1 to 20.
    pub max_depth: u32,
    /// How the step size is adapted during warm-up.
    pub adapt: StepRule,
    /// Acceptance statistic that adaptation aims at.
    pub target_accept: f64,
    /// Metric learnt during warm-up: `unit`, `diagonal` or `dense`.
    pub metric: MetricKind,
}

impl Default for NutsConfig {
    fn default() -> Self {
        Self {
            step_size: 0.1,
            max_depth: 10,
            adapt: StepRule::default(),
            target_accept: 0.8,
            metric: MetricKind::Diagonal,
        }
    }
}

impl NutsConfig {
    const LAW: Law = Law::reversible();

    fn tuner(&self) -> TunerConfig {
        TunerConfig {
            step: self.step_size,
            power: 1,
            rule: self.adapt,
            target_accept: self.target_accept,
            acceptance: AcceptanceOver::Chains,
            metric: self.metric,
        }
    }

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        positive("step_size", self.step_size)?;
        within("max_depth", self.max_depth, 1, 20)?;
        self.tuner().check()
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Nuts, ConfigError> {
        self.check()?;
        Ok(Nuts { tuner: Tuner::new(&self.tuner(), dim), max_depth: self.max_depth })
    }
}

impl Settings for NutsConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        Self::LAW
    }

    fn set_step_size(&mut self, step: StepSize) {
        self.step_size = step.length();
    }

    fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        metric_bytes(self.metric, chains, dim)
    }
}

/// The No-U-Turn sampler.
pub struct Nuts {
    tuner: Tuner,
    max_depth: u32,
}

/// Buffers of one trajectory, kept by the thread.
#[derive(Default)]
struct Workspace {
    /// The two ends: `[backward, forward]`.
    ends: [State; 2],
    /// The whole trajectory so far; `first` is its backward end.
    whole: Summary,
    /// Momentum of the whole's end before a doubling moves on from it.
    border: Vec<f64>,
    stack: Vec<Summary>,
    momentum: Vec<f64>,
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// What came of one trajectory; its point lies in `Workspace::whole.chosen`.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    count: Count,
    depth: u32,
    moved: bool,
    energy: f64,
}

impl Workspace {
    /// Runs one trajectory from `x`.
    #[allow(clippy::too_many_arguments)]
    fn run(
        &mut self,
        target: Guarded<'_>,
        scale: &Scale,
        step: f64,
        max_depth: u32,
        x: &[f64],
        grad: &[f64],
        log_prob: f64,
        stream: &mut Stream,
    ) -> Outcome {
        let Self { ends, whole, border, stack, momentum } = self;
        momentum.resize(x.len(), 0.0);
        stream.fill_normal(momentum);
        ends[0].set(x, momentum, grad, log_prob);
        ends[1].set(x, momentum, grad, log_prob);
        let start_energy = ends[0].energy();
        whole.leaf(&ends[0], 0.0);
        let mut outcome = Outcome { count: Count::default(), depth: 0, moved: false, energy: start_energy };
        while outcome.depth < max_depth {
            let forward = stream.uniform() < 0.5;
            let end = &mut ends[usize::from(forward)];
            border.clone_from(&end.r);
            let eps = if forward { step } else { -step };
            let course = Course { target, scale, eps, start_energy };
            outcome.depth += 1;
            if !grow(&course, outcome.depth - 1, end, stack, stream, &mut outcome.count) {
                break;
            }
            let new = &mut stack[0];
            if stream.uniform() < (new.log_weight - whole.log_weight).min(0.0).exp() {
                std::mem::swap(&mut whole.chosen, &mut new.chosen);
                outcome.moved = true;
                outcome.energy = whole.chosen.energy();
            }
            // `border` is where the new stretch was joined; the test does not care about the direction of time.
            let far = if forward { &whole.first } else { &whole.last };
            let going_on = straight(far, border, &whole.rho, &new.first, &new.last, &new.rho);
            whole.log_weight = log_add(whole.log_weight, new.log_weight);
            add(&mut whole.rho, &new.rho);
            let near = if forward { &mut whole.last } else { &mut whole.first };
            std::mem::swap(near, &mut new.last);
            if !going_on {
                break;
            }
        }
        outcome
    }
}

impl Kernel for Nuts {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf { step_size: Some(self.tuner.step()), hamiltonian: true, ..Leaf::new(NAME, Role::Local) }]
    }

    fn law(&self) -> Law {
        NutsConfig::LAW
    }

    fn needs(&self) -> Needs {
        Needs { gradient: true, ..Needs::default() }
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        block.gradients(context.target);
        let mut work = WORKSPACE.take();
        for row in 0..block.rows() {
            let parts = block.parts();
            let outcome = work.run(
                context.target,
                self.tuner.scale(),
                self.tuner.step(),
                self.max_depth,
                parts.x.row(row),
                parts.grad.row(row),
                parts.log_prob[row],
                &mut parts.streams[row],
            );
            let tally = sheet.tally(row);
            tally.tries += 1;
            tally.moves += u32::from(outcome.moved);
            tally.accept_prob += outcome.count.accept_sum / f64::from(outcome.count.leaves.max(1));
            tally.leapfrogs += outcome.count.leaves;
            tally.divergences += u32::from(outcome.count.diverged);
            tally.non_finite += u32::from(outcome.count.non_finite);
            tally.tree_depth = outcome.depth;
            tally.energy = outcome.energy;
            if outcome.moved {
                let to = &work.whole.chosen;
                block.move_to(row, &to.x, to.log_prob, Some(&to.grad));
            }
        }
        WORKSPACE.set(work);
    }

    fn tuner(&self) -> Option<&Tuner> {
        Some(&self.tuner)
    }

    fn tuner_mut(&mut self) -> Option<&mut Tuner> {
        Some(&mut self.tuner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::{StandardNormal, adapt_run, long_run, mean_accept};

    #[test]
    fn gaussian_moments() {
        // 100 chains x 150 steps at a step that makes trees of 3 doublings: draws close to independent.
        let config = NutsConfig { step_size: 0.5, ..Default::default() };
        let run = long_run(&config.build(3).unwrap(), &StandardNormal(3), 100, 10, 150);
        let n = run.rows() as f64;
        for k in 0..3 {
            let column: Vec<f64> = run.as_batch().iter().map(|r| r[k]).collect();
            let mean = column.iter().sum::<f64>() / n;
            let square = column.iter().map(|v| v * v).sum::<f64>() / n;
            let fourth = column.iter().map(|v| v.powi(4)).sum::<f64>() / n;
            // Twice the variance of independent draws allows for what correlation is left.
            assert!(mean.abs() < 5.0 * (2.0 / n).sqrt(), "mean {mean}");
            assert!((square - 1.0).abs() < 5.0 * (4.0 / n).sqrt(), "square {square}");
            assert!((fourth - 3.0).abs() < 5.0 * (2.0 * 96.0 / n).sqrt(), "fourth {fourth}");
        }
    }

    #[test]
    fn a_trajectory_stops_at_half_a_period() {
        // On N(0, 1) half a period is pi / eps leapfrogs: about 31 at eps = .1, so trees stop at depth 4 to 6.
        let kernel = NutsConfig { step_size: 0.1, ..Default::default() }.build(1).unwrap();
        let (_, tally) = mean_accept(&kernel, &StandardNormal(1), 1, 50);
        assert!((4..=6).contains(&tally.tree_depth), "{}", tally.tree_depth);
    }

    #[test]
    fn depth_and_divergence_are_reported() {
        let kernel = NutsConfig { step_size: 1e-4, max_depth: 3, ..Default::default() }.build(2).unwrap();
        let (_, tally) = mean_accept(&kernel, &StandardNormal(2), 1, 1);
        assert_eq!((tally.tree_depth, tally.leapfrogs), (3, 7));
        let kernel = NutsConfig { step_size: 1e3, ..Default::default() }.build(2).unwrap();
        let (_, tally) = mean_accept(&kernel, &StandardNormal(2), 1, 1);
        assert_eq!((tally.divergences, tally.leapfrogs, tally.moves), (1, 1, 0));
    }

    #[test]
    fn warm_up_reaches_the_target_acceptance() {
        let mut kernel = NutsConfig { step_size: 5.0, ..Default::default() }.build(10).unwrap();
        adapt_run(&mut kernel, &StandardNormal(10), 20, 200);
        let (accept, _) = mean_accept(&kernel, &StandardNormal(10), 50, 40);
        assert!((accept - 0.8).abs() < 0.06, "{accept}");
    }

    #[test]
    fn unusable_settings_are_refused() {
        let bad = |c: NutsConfig| c.check().unwrap_err().key;
        assert_eq!(bad(NutsConfig { max_depth: 0, ..Default::default() }), "max_depth");
        assert_eq!(bad(NutsConfig { step_size: f64::INFINITY, ..Default::default() }), "step_size");
    }
}
