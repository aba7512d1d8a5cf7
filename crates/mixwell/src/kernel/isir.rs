//! Iterated sampling importance resampling (i-SIR), plain and correlated.
//!
//! The current point takes slot 0 of `n_particles`, the others are drawn from the proposal `q`; the next point is particle `i`
//! with probability `w_i / sum w`, `w = pi / q`. Keeps the target's law for any fixed `q`; with 2 particles it is Barker's rule.
//! "Moved" means that slot 0 was not chosen. A particle that cannot be weighed has weight zero and is counted; a current point
//! that the proposal cannot weigh stays. Weights never become NaN.
//!
//! Correlated form, for proposals that are maps of normal latents `z`: with coefficients `c = alpha * Bernoulli(p)` drawn anew
//! each time, a centre `eta = c_0 z + sqrt(1 - c_0^2) xi_0` and particles `z_j = c_j eta + sqrt(1 - c_j^2) xi_j`. Given
//! `z ~ N(0, I)` all slots are exchangeable, so the weights stay as they are.
//!
//! Cost: `n_particles - 1` log-densities and draws per chain and step, evaluated in batches of at most `max_rows`.
//! Reference: Andrieu, Lee and Vihola, Bernoulli 24 (2018); Samsonov et al., NeurIPS 2022 (Ex2MCMC), for both forms.
//! Differs from its published code, which gives NaN weights zero and an empty set of weights the uniform law, unseen.

use serde::{Deserialize, Serialize};

use super::accept::{current_weight, draw_weight};
use super::candidates::push_and_evaluate;
use super::choice::{ProposalChoice, ProposalConfig};
use super::extent::check_work;
use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Needs, Role, TallySheet};
use crate::proposal::Proposal;
use crate::scratch::scratch;
use crate::{ConfigError, Stream, range};

const NAME: &str = "isir";

/// Settings of [`Isir`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IsirConfig {
    /// Particles per chain and step, the current point included.
    pub n_particles: usize,
    /// What the others are drawn from: `flow`, `gaussian` or `defensive`.
    pub proposal: ProposalConfig,
    /// Correlation of the particles' latents with the current point's, at least 0 and below 1; 0 for independent particles.
    pub correlation: f64,
    /// Probability that a particle is correlated at all.
    pub correlation_prob: f64,
}

impl Default for IsirConfig {
    fn default() -> Self {
        Self { n_particles: 64, proposal: ProposalConfig::Flow, correlation: 0.0, correlation_prob: 1.0 }
    }
}

impl IsirConfig {
    const LAW: Law = Law::reversible();

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.n_particles < 2 {
            let reason = "at least 2 are needed (the current point counts as one)";
            return Err(ConfigError::new("n_particles", self.n_particles, reason));
        }
        check_work("n_particles", self.n_particles, self.n_particles as f64)?;
        range::below_one("correlation", self.correlation)?;
        range::share("correlation_prob", self.correlation_prob)?;
        self.proposal.check()
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Isir, ConfigError> {
        Isir::new(self, self.proposal.build(dim)?)
    }
}

impl Settings for IsirConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        Self::LAW
    }

    fn evaluations(&self) -> f64 {
        self.n_particles as f64
    }
}

/// Iterated sampling importance resampling.
pub struct Isir {
    n_particles: usize,
    proposal: ProposalChoice,
    correlation: f64,
    correlation_prob: f64,
}

impl Isir {
    /// The kernel that draws its particles from `proposal` (instead of the one the settings name).
    pub fn new(config: &IsirConfig, proposal: ProposalChoice) -> Result<Self, ConfigError> {
        config.check()?;
        if config.correlation > 0.0 && !proposal.is_transport() {
            let reason =
                "correlated particles need latents: a proposal that is an invertible map, not a mixture";
            return Err(ConfigError::new("correlation", config.correlation, reason));
        }
        Ok(Self {
            n_particles: config.n_particles,
            proposal,
            correlation: config.correlation,
            correlation_prob: config.correlation_prob,
        })
    }

    /// Rows that are drawn and weighed at a time by one thread.
    pub(crate) fn rows_at_once(n_particles: usize, dim: usize, max_rows: usize) -> usize {
        max_rows.min(CACHED / dim.max(1)).max(n_particles)
    }

    /// Fills the noise of one chain's fresh particles; `latent` is the current point's.
    fn fill_noise(&self, latent: &[f64], stream: &mut Stream, noise: &mut [f64]) {
        if self.correlation == 0.0 {
            return stream.fill_normal(noise);
        }
        let coefficient = |stream: &mut Stream| {
            if stream.uniform() < self.correlation_prob { self.correlation } else { 0.0 }
        };
        let mut centre = scratch(latent.len());
        let c = coefficient(stream);
        stream.fill_normal(&mut centre);
        blend(c, latent, &mut centre);
        for z in noise.chunks_exact_mut(latent.len()) {
            let c = coefficient(stream);
            stream.fill_normal(z);
            blend(c, &centre, z);
        }
    }

    fn step_with(
        &self,
        q: &dyn Proposal,
        context: &Context<'_>,
        block: &mut Block<'_>,
        sheet: &mut TallySheet<'_>,
    ) {
        let (n, dim, noise_dim, fresh) = (block.rows(), block.dim(), q.noise_dim(), self.n_particles - 1);
        block.log_q(q);
        // As many whole chains at a time as fit, at least one: into the cache, where noise and particles are read again.
        let most = context.max_rows.min(CACHED / dim.max(noise_dim));
        let group = (most / fresh).clamp(1, n);
        let (mut noise, mut y) = (scratch(group * fresh * noise_dim), scratch(group * fresh * dim));
        let (mut log_q, mut log_prob) = (scratch(group * fresh), scratch(group * fresh));
        let mut weights = scratch(self.n_particles);
        let mut probabilities = scratch(self.n_particles);
        for first in (0..n).step_by(group) {
            let chains = group.min(n - first);
            let parts = block.parts();
            for (i, noise) in noise.chunks_exact_mut(fresh * noise_dim).take(chains).enumerate() {
                self.fill_noise(parts.z.row(first + i), &mut parts.streams[first + i], noise);
            }
            let rows = chains * fresh;
            let (noise_of, y_of) = (&noise[..rows * noise_dim], &mut y[..rows * dim]);
            push_and_evaluate(q, context, noise_of, y_of, &mut log_q[..rows], &mut log_prob[..rows]);
            for i in 0..chains {
                let (row, at) = (first + i, i * fresh..(i + 1) * fresh);
                let particles = &y[at.start * dim..at.end * dim];
                let tally = sheet.tally(row);
                let parts = block.parts();
                weights[0] = current_weight(parts.log_prob[row], parts.log_q[row]);
                for ((w, p), q) in weights[1..].iter_mut().zip(&log_prob[at.clone()]).zip(&log_q[at.clone()])
                {
                    *w = draw_weight(*p, *q, tally);
                }
                if weights[0] == f64::INFINITY {
                    weights[0] = 0.0;
                    weights[1..].fill(f64::NEG_INFINITY);
                }
                let ess = normalise(&weights, &mut probabilities);
                let chosen = pick(&probabilities, parts.streams[row].uniform());
                tally.tries += 1;
                tally.moves += u32::from(chosen > 0);
                tally.accept_prob += 1.0 - probabilities[0];
                tally.isir_ess = ess;
                record(block, row, particles, &weights);
                if chosen > 0 {
                    let k = at.start + chosen - 1;
                    let latent = q.as_transport().map(|_| &noise[k * noise_dim..(k + 1) * noise_dim]);
                    let x = &y[k * dim..(k + 1) * dim];
                    block.move_to_proposed(row, x, log_prob[k], latent, log_q[k], q.version());
                }
            }
        }
    }
}

/// Coordinates of particles, and as many of noise, that stay in a core's cache.
const CACHED: usize = 1 << 15;

/// `xi <- c m + sqrt(1 - c^2) xi`.
fn blend(c: f64, m: &[f64], xi: &mut [f64]) {
    let s = (1.0 - c * c).sqrt();
    xi.iter_mut().zip(m).for_each(|(xi, m)| *xi = c * m + s * *xi);
}

/// Turns log-weights (none NaN or `+inf`) into probabilities and returns the effective number of particles
/// `1 / sum p^2`. When no weight is positive, slot 0 gets everything.
fn normalise(log_weights: &[f64], probabilities: &mut [f64]) -> f64 {
    let max = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        probabilities.fill(0.0);
        probabilities[0] = 1.0;
        return 1.0;
    }
    for (p, w) in probabilities.iter_mut().zip(log_weights) {
        *p = (w - max).exp();
    }
    let total: f64 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= total);
    1.0 / probabilities.iter().map(|p| p * p).sum::<f64>()
}

/// The index at which the cumulative probability passes `u`.
fn pick(probabilities: &[f64], u: f64) -> usize {
    let (mut left, mut last) = (u, 0);
    for (i, p) in probabilities.iter().enumerate() {
        if *p > 0.0 {
            last = i;
            if left < *p {
                break;
            }
            left -= p;
        }
    }
    last
}

/// Leaves the particles in the pool; slots it has beyond ours get weight zero.
fn record(block: &mut Block<'_>, row: usize, particles: &[f64], weights: &[f64]) {
    let (n, dim) = (weights.len(), block.dim());
    if block.pool().is_none_or(|pool| pool.n_particles() < n) {
        return;
    }
    let mut current = scratch(dim);
    current.copy_from_slice(block.x().row(row));
    let pool = block.pool().expect("seen above");
    let (mut x, log_weight) = pool.row_mut(row);
    let x = x.data_mut();
    x[..dim].copy_from_slice(&current);
    x[dim..n * dim].copy_from_slice(particles);
    for unused in x[n * dim..].chunks_exact_mut(dim) {
        unused.copy_from_slice(&current);
    }
    log_weight[..n].copy_from_slice(weights);
    log_weight[n..].fill(f64::NEG_INFINITY);
}

impl Kernel for Isir {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf::new(NAME, Role::Global)]
    }

    fn law(&self) -> Law {
        IsirConfig::LAW
    }

    fn needs(&self) -> Needs {
        Needs { pool: self.n_particles, ..self.proposal.needs() }
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        self.proposal.with(context, |q: &dyn Proposal| self.step_with(q, context, block, &mut sheet));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PI: [f64; 3] = [0.5, 0.3, 0.2];
    const LAMBDA: [f64; 3] = [0.2, 0.3, 0.5];

    /// The transition matrix on three states, by summing over every possible pool.
    fn transition_matrix(n_particles: usize) -> [[f64; 3]; 3] {
        let log_w = |s: usize| (PI[s] / LAMBDA[s]).ln();
        let mut matrix = [[0.0; 3]; 3];
        for (x, to) in matrix.iter_mut().enumerate() {
            for code in 0..3usize.pow(n_particles as u32 - 1) {
                let fresh: Vec<usize> =
                    (0..n_particles - 1).map(|k| code / 3usize.pow(k as u32) % 3).collect();
                let pool_prob: f64 = fresh.iter().map(|&s| LAMBDA[s]).product();
                let pool: Vec<usize> = [x].into_iter().chain(fresh).collect();
                let weights: Vec<f64> = pool.iter().map(|&s| log_w(s)).collect();
                let mut p = vec![0.0; n_particles];
                normalise(&weights, &mut p);
                for (s, p) in pool.iter().zip(p) {
                    to[*s] += pool_prob * p;
                }
            }
        }
        matrix
    }

    #[test]
    fn exact_transition_matrices_on_three_states() {
        let two = [
            [0.8453202, 0.08571429, 0.06896552],
            [0.14285714, 0.71428571, 0.14285714],
            [0.17241379, 0.21428571, 0.61330049],
        ];
        let three = [
            [0.75688682, 0.13692308, 0.10619011],
            [0.22820513, 0.59017094, 0.18162393],
            [0.26547527, 0.2724359, 0.46208884],
        ];
        for (n, expected) in [(2, two), (3, three)] {
            let matrix = transition_matrix(n);
            for x in 0..3 {
                for y in 0..3 {
                    assert!((matrix[x][y] - expected[x][y]).abs() < 1e-8, "N = {n}: {matrix:?}");
                    let (there, back) = (PI[x] * matrix[x][y], PI[y] * matrix[y][x]);
                    assert!((there - back).abs() < 1e-15, "not reversible");
                }
            }
        }
    }

    #[test]
    fn two_particles_are_barkers_rule() {
        // P(move) = w_y / (w_x + w_y) = e / (1 + e) for ln w = 0 and 1.
        let mut p = [0.0; 2];
        let ess = normalise(&[0.0, 1.0], &mut p);
        let e = 1f64.exp();
        assert!((p[1] - e / (1.0 + e)).abs() < 1e-15);
        assert!((ess - (1.0 + e).powi(2) / (1.0 + e * e)).abs() < 1e-14);
    }

    #[test]
    fn extreme_weights() {
        let mut p = [0.0; 3];
        assert_eq!(normalise(&[f64::NEG_INFINITY; 3], &mut p), 1.0);
        assert_eq!(p, [1.0, 0.0, 0.0]);
        assert_eq!(normalise(&[-1e6, 1e6, f64::NEG_INFINITY], &mut p), 1.0);
        assert_eq!(p, [0.0, 1.0, 0.0]);
        assert_eq!(pick(&p, 0.999), 1);
        assert_eq!(pick(&[0.25, 0.0, 0.75], 0.25), 2);
        assert_eq!(pick(&[0.25, 0.75, 0.0], 1.0), 1);
    }

    #[test]
    fn unusable_settings_are_refused() {
        let bad = |c: IsirConfig| c.build(2).err().unwrap().key;
        assert_eq!(bad(IsirConfig { n_particles: 1, ..Default::default() }), "n_particles");
        assert_eq!(bad(IsirConfig { correlation: 1.0, ..Default::default() }), "correlation");
        assert_eq!(bad(IsirConfig { correlation_prob: f64::NAN, ..Default::default() }), "correlation_prob");
        let proposal = ProposalConfig::Defensive { weight: 0.1, wide: Default::default() };
        assert_eq!(bad(IsirConfig { correlation: 0.5, proposal, ..Default::default() }), "correlation");
        let proposal = ProposalConfig::Defensive { weight: 0.0, wide: Default::default() };
        assert_eq!(bad(IsirConfig { proposal, ..Default::default() }), "proposal.weight");
    }
}
