//! Hamiltonian Monte Carlo (HMC) with a fixed number of leapfrog steps.
//!
//! Momenta are drawn anew, `L` leapfrog steps of size `epsilon` are taken (exactly `L` drifts; `L` gradients, since the one
//! at the start travels with the chain), and the end is accepted with `min(1, exp(H_start - H_end))`. Momenta are whitened by
//! the metric, see `leapfrog.rs`, so drawing them and weighing them cannot disagree. All chains of a block advance together.
//! A trajectory whose energy is off by more than 1000, or that meets a value that is not finite, is a divergence and rejected.
//! `jitter` draws each trajectory's step from `epsilon (1 +- jitter)`, `random_length` its length from `1..=n_leapfrog`;
//! both break resonances and neither depends on the state, so the target's law is kept.
//! Reference: Duane et al., Phys. Lett. B 195 (1987); target acceptance 0.651, Beskos et al., Bernoulli 19 (2013).

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::accept::{accept, usable};
use super::adapt::{MetricKind, StepRule, Tuner, TunerConfig};
use super::extent::{check_work, metric_bytes};
use super::leapfrog::{MAX_ENERGY_ERROR, drift, energy, kick};
use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Needs, Role, StepSize, TallySheet};
use crate::density::Guarded;
use crate::proposal::Scale;
use crate::range::{at_least, below_one, positive};
use crate::scratch::scratch;
use crate::{Batch, BatchMut, ConfigError};

const NAME: &str = "hmc";

/// Settings of [`Hmc`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HmcConfig {
    /// Leapfrog step `epsilon`.
    pub step_size: f64,
    /// Leapfrog steps per trajectory.
    pub n_leapfrog: usize,
    /// Relative half width of the random step size of a trajectory; 0 for none.
    pub jitter: f64,
    /// Whether a trajectory's length is uniform on `1..=n_leapfrog` instead of `n_leapfrog`.
    pub random_length: bool,
    /// How the step size is adapted during warm-up.
    pub adapt: StepRule,
    /// Acceptance that adaptation aims at.
    pub target_accept: f64,
    /// Metric learnt during warm-up: `unit`, `diagonal` or `dense`.
    pub metric: MetricKind,
}

impl Default for HmcConfig {
    fn default() -> Self {
        Self {
            step_size: 0.1,
            n_leapfrog: 10,
            jitter: 0.0,
            random_length: false,
            adapt: StepRule::default(),
            target_accept: 0.651,
            metric: MetricKind::Diagonal,
        }
    }
}

impl HmcConfig {
    const LAW: Law = Law::reversible();

    fn tuner(&self) -> TunerConfig {
        TunerConfig {
            step: self.step_size,
            power: 1,
            rule: self.adapt,
            target_accept: self.target_accept,
            acceptance: self.adapt.acceptance_of_chains(),
            metric: self.metric,
        }
    }

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        positive("step_size", self.step_size)?;
        at_least("n_leapfrog", self.n_leapfrog, 1)?;
        check_work("n_leapfrog", self.n_leapfrog, self.n_leapfrog as f64)?;
        below_one("jitter", self.jitter)?;
        self.tuner().check()
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Hmc, ConfigError> {
        self.check()?;
        Ok(Hmc {
            tuner: Tuner::new(&self.tuner(), dim),
            n_leapfrog: self.n_leapfrog,
            jitter: self.jitter,
            random_length: self.random_length,
        })
    }
}

impl Settings for HmcConfig {
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

    fn evaluations(&self) -> f64 {
        self.n_leapfrog as f64
    }

    fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        metric_bytes(self.metric, chains, dim)
    }
}

/// Hamiltonian Monte Carlo.
pub struct Hmc {
    tuner: Tuner,
    n_leapfrog: usize,
    jitter: f64,
    random_length: bool,
}

/// One trajectory among those that advance together; `slot` is where its numbers lie now.
#[derive(Clone, Copy, Debug)]
struct Trajectory {
    row: usize,
    eps: f64,
    left: usize,
    done: u32,
    start_energy: f64,
}

thread_local! {
    /// Trajectories of a step, kept by the thread.
    static TRAJECTORIES: RefCell<Vec<Trajectory>> = const { RefCell::new(Vec::new()) };
}

/// The numbers of all trajectories: slot `i` belongs to `trajectories[i]`.
struct Bundle<'a> {
    trajectories: &'a mut [Trajectory],
    x: &'a mut [f64],
    r: &'a mut [f64],
    grad: &'a mut [f64],
    log_prob: &'a mut [f64],
}

impl Bundle<'_> {
    /// Runs every trajectory to its end, or to the first point that is not finite.
    ///
    /// Those that are done are moved behind those that are not, so that every batch is full.
    fn run(&mut self, target: Guarded<'_>, scale: &Scale) {
        let dim = scale.dim();
        let mut active = self.trajectories.len();
        for slot in 0..active {
            let (t, at) = (self.trajectories[slot], slot * dim..(slot + 1) * dim);
            kick(scale, 0.5 * t.eps, &self.grad[at.clone()], &mut self.r[at]);
        }
        while active > 0 {
            for slot in 0..active {
                let (t, at) = (self.trajectories[slot], slot * dim..(slot + 1) * dim);
                drift(scale, t.eps, &self.r[at.clone()], &mut self.x[at]);
            }
            target.log_prob_and_grad(
                Batch::new(&self.x[..active * dim], dim),
                &mut self.log_prob[..active],
                BatchMut::new(&mut self.grad[..active * dim], dim),
            );
            for slot in (0..active).rev() {
                let at = slot * dim..(slot + 1) * dim;
                let t = &mut self.trajectories[slot];
                t.left -= 1;
                t.done += 1;
                let finite =
                    self.log_prob[slot].is_finite() && self.grad[at.clone()].iter().all(|g| g.is_finite());
                let last = t.left == 0 || !finite;
                let eps = if last { 0.5 * t.eps } else { t.eps };
                kick(scale, eps, &self.grad[at.clone()], &mut self.r[at]);
                if last {
                    active -= 1;
                    self.swap(slot, active, dim);
                }
            }
        }
    }

    fn swap(&mut self, i: usize, j: usize, dim: usize) {
        if i == j {
            return;
        }
        self.trajectories.swap(i, j);
        self.log_prob.swap(i, j);
        for numbers in [&mut self.x, &mut self.r, &mut self.grad] {
            for k in 0..dim {
                numbers.swap(i * dim + k, j * dim + k);
            }
        }
    }
}

impl Kernel for Hmc {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf { step_size: Some(self.tuner.step()), hamiltonian: true, ..Leaf::new(NAME, Role::Local) }]
    }

    fn law(&self) -> Law {
        HmcConfig::LAW
    }

    fn needs(&self) -> Needs {
        Needs { gradient: true, ..Needs::default() }
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let (n, dim) = (block.rows(), block.dim());
        block.gradients(context.target);
        let (mut x, mut r, mut grad) = (scratch(n * dim), scratch(n * dim), scratch(n * dim));
        let mut log_prob = scratch(n);
        let parts = block.parts();
        x.copy_from_slice(parts.x.data());
        grad.copy_from_slice(parts.grad.data());
        let mut trajectories = TRAJECTORIES.take();
        trajectories.clear();
        trajectories.extend(r.chunks_exact_mut(dim).zip(parts.streams).enumerate().map(
            |(row, (r, stream))| {
                stream.fill_normal(r);
                let mut eps = self.tuner.step();
                if self.jitter > 0.0 {
                    eps *= 1.0 + self.jitter * (2.0 * stream.uniform() - 1.0);
                }
                let left =
                    if self.random_length { 1 + stream.index(self.n_leapfrog) } else { self.n_leapfrog };
                Trajectory { row, eps, left, done: 0, start_energy: energy(parts.log_prob[row], r) }
            },
        ));
        let mut bundle = Bundle {
            trajectories: &mut trajectories,
            x: &mut x,
            r: &mut r,
            grad: &mut grad,
            log_prob: &mut log_prob,
        };
        bundle.run(context.target, self.tuner.scale());
        for (slot, t) in trajectories.iter().enumerate() {
            let at = slot * dim..(slot + 1) * dim;
            let tally = sheet.tally(t.row);
            let end_energy = energy(log_prob[slot], &r[at.clone()]);
            let error = end_energy - t.start_energy;
            let fine = usable(log_prob[slot], &grad[at.clone()], tally) && error.abs() <= MAX_ENERGY_ERROR;
            tally.divergences += u32::from(!fine);
            tally.leapfrogs += t.done;
            let ratio = if fine { -error } else { f64::NEG_INFINITY };
            tally.energy = t.start_energy;
            if accept(ratio, block.stream(t.row), tally) {
                tally.energy = end_energy;
                block.move_to(t.row, &x[at.clone()], log_prob[slot], Some(&grad[at]));
            }
        }
        TRAJECTORIES.set(trajectories);
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
    use crate::density::{Failure, Target};
    use crate::kernel::tests::{Gumbel, StandardNormal};

    /// One trajectory: end position, end momentum, energies at both ends.
    fn fly(
        target: &dyn Target,
        scale: &Scale,
        eps: f64,
        steps: usize,
        x: &[f64],
        r: &[f64],
    ) -> (Vec<f64>, Vec<f64>, f64, f64) {
        let dim = x.len();
        let (mut x, mut r, mut grad, mut lp) = (x.to_vec(), r.to_vec(), vec![0.0; dim], [0.0]);
        target.log_prob_and_grad(Batch::new(&x, dim), &mut lp, BatchMut::new(&mut grad, dim)).unwrap();
        let start_energy = energy(lp[0], &r);
        let mut t = [Trajectory { row: 0, eps, left: steps, done: 0, start_energy }];
        Bundle { trajectories: &mut t, x: &mut x, r: &mut r, grad: &mut grad, log_prob: &mut lp }
            .run(Guarded::new(target, &Failure::default()), scale);
        assert_eq!(t[0].done as usize, steps, "exactly as many drifts as asked");
        let end = energy(lp[0], &r);
        (x, r, start_energy, end)
    }

    fn metric() -> Scale {
        Scale::from_covariance(&[1.0, 0.4, 0.4, 0.5], 2).unwrap()
    }

    #[test]
    fn trajectories_are_reversible() {
        let (x0, r0) = ([0.3, -0.2], [0.7, -1.1]);
        let (x1, r1, ..) = fly(&Gumbel(2), &metric(), 0.1, 25, &x0, &r0);
        let back: Vec<f64> = r1.iter().map(|v| -v).collect();
        let (x2, r2, ..) = fly(&Gumbel(2), &metric(), 0.1, 25, &x1, &back);
        for i in 0..2 {
            assert!((x2[i] - x0[i]).abs() < 1e-10 && (r2[i] + r0[i]).abs() < 1e-10);
        }
    }

    #[test]
    fn energy_error_is_of_second_order() {
        // The same time with half the step: the error shrinks by about 4.
        let error = |eps: f64, steps| {
            let (.., h0, h1) = fly(&Gumbel(2), &metric(), eps, steps, &[0.3, -0.2], &[0.7, -1.1]);
            (h1 - h0).abs()
        };
        let ratio = error(0.1, 10) / error(0.05, 20);
        assert!((3.5..4.5).contains(&ratio), "{ratio}");
    }

    #[test]
    fn volume_is_kept() {
        // Central differences of (x, r) -> (x', r') give a 4 x 4 Jacobian of determinant 1.
        let base = [0.3, -0.2, 0.7, -1.1];
        let flow = |v: &[f64]| {
            let (x, r, ..) = fly(&Gumbel(2), &metric(), 0.2, 7, &v[..2], &v[2..]);
            [x, r].concat()
        };
        let h = 1e-5;
        let jacobian = nalgebra::Matrix4::from_fn(|i, j| {
            let (mut up, mut down) = (base, base);
            up[j] += h;
            down[j] -= h;
            (flow(&up)[i] - flow(&down)[i]) / (2.0 * h)
        });
        assert!((jacobian.determinant() - 1.0).abs() < 1e-7, "{}", jacobian.determinant());
    }

    #[test]
    fn shadow_energy_on_the_standard_normal_is_exact() {
        // r^2/2 + x^2 (1 - eps^2/4)/2 does not change.
        let eps: f64 = 0.9;
        let shadow = |x: f64, r: f64| 0.5 * r * r + 0.5 * x * x * (1.0 - eps * eps / 4.0);
        let (x, r, ..) = fly(&StandardNormal(1), &Scale::Unit(1), eps, 50, &[1.2], &[-0.4]);
        assert!((shadow(x[0], r[0]) - shadow(1.2, -0.4)).abs() < 1e-12);
        // Unstable above 2: the energy error explodes.
        let (.., h0, h1) = fly(&StandardNormal(1), &Scale::Unit(1), 2.1, 50, &[1.2], &[-0.4]);
        assert!(h1 - h0 > MAX_ENERGY_ERROR);
    }

    #[test]
    fn trajectories_of_different_length_do_not_disturb_each_other() {
        let starts = [[0.3, -0.2], [1.0, 0.5], [-0.4, 0.9]];
        let target = Gumbel(2);
        let (mut x, mut r) = (starts.concat(), starts.concat());
        let (mut grad, mut lp) = (vec![0.0; 6], [0.0; 3]);
        target.log_prob_and_grad(Batch::new(&x, 2), &mut lp, BatchMut::new(&mut grad, 2)).unwrap();
        let mut t = [(0, 4), (1, 1), (2, 3)].map(|(row, left)| Trajectory {
            row,
            eps: 0.1,
            left,
            done: 0,
            start_energy: 0.0,
        });
        Bundle { trajectories: &mut t, x: &mut x, r: &mut r, grad: &mut grad, log_prob: &mut lp }
            .run(Guarded::new(&target, &Failure::default()), &Scale::Unit(2));
        for (slot, t) in t.iter().enumerate() {
            let start = &starts[t.row];
            let (alone, ..) = fly(&target, &Scale::Unit(2), 0.1, [4, 1, 3][t.row], start, start);
            assert_eq!(&x[2 * slot..2 * slot + 2], &alone[..], "row {}", t.row);
        }
    }

    #[test]
    fn unusable_settings_are_refused() {
        let bad = |c: HmcConfig| c.check().unwrap_err().key;
        assert_eq!(bad(HmcConfig { step_size: -0.1, ..Default::default() }), "step_size");
        assert_eq!(bad(HmcConfig { n_leapfrog: 0, ..Default::default() }), "n_leapfrog");
        assert_eq!(bad(HmcConfig { jitter: f64::NAN, ..Default::default() }), "jitter");
    }
}
