//! NeuTra: runs another kernel on the latents `z` of a transport instead of on `x = T(z)`.
//!
//! The inner kernel sees `log pi_z(z) = log pi(T(z)) + ln|det dT/dz|` (see `pulled_back.rs`) and must keep that law; then this
//! kernel keeps the target's. Where the flow fits well, `pi_z` is nearly `N(0, I)` and any local kernel does well on it; it does
//! not join modes that the flow does not join.
//! A chain that moved gets position, log-density, latent and log q together, all from the same latent; a chain that did not keeps
//! every bit. The latents travel with the chain, their gradient does not: let the inner kernel repeat several steps.
//! A temperature `1/T` on the target multiplies `log pi` once, before it comes here; the log-determinant is never tempered.
//! Reference: Hoffman et al. (2019); with `elliptical_slice` inside: Cabezas and Nemeth, AISTATS 2023.

use serde::{Deserialize, Serialize};

use super::choice::{ProposalChoice, ProposalConfig};
use super::config::KernelConfig;
use super::settings::Settings;
use super::{
    Block, Context, Ensemble, Kernel, KernelState, Law, Leaf, Needs, StateError, StepSize, Tallies,
    TallySheet, Warmup,
};
use crate::density::PulledBack;
use crate::math::standard_normal_log_prob;
use crate::proposal::Proposal;
use crate::{ConfigError, Points};

const NAME: &str = "neutra";

/// Settings of [`Neutra`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NeutraConfig {
    /// The kernel that moves the latents.
    pub kernel: Box<KernelConfig>,
    /// The transport: `flow`, or `gaussian` for a fixed linear map.
    pub proposal: ProposalConfig,
}

impl Default for NeutraConfig {
    fn default() -> Self {
        Self { kernel: Box::new(super::config::mala().repeat(5)), proposal: ProposalConfig::Flow }
    }
}

impl NeutraConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refused = |value: &str, reason: &str| Err(ConfigError::new("proposal.kind", value, reason));
        match self.proposal {
            ProposalConfig::Defensive { .. } => {
                return refused("defensive", "a mixture has no latents: use `flow`");
            }
            ProposalConfig::Averaged => return refused("averaged", "a mixture has no latents: use `flow`"),
            ProposalConfig::Base => return refused("base", "its latents are not known: use `flow`"),
            _ => {}
        }
        self.proposal.check()?;
        self.kernel.check().map_err(|e| e.under("kernel"))
    }

    /// The kernel in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<Neutra, ConfigError> {
        self.check()?;
        let inner = self.kernel.build(dim).map_err(|e| e.under("kernel"))?;
        if inner.needs().base {
            let reason = "the base of the target lies in its own space, not in that of the latents";
            return Err(ConfigError::new("kernel", "a kernel that proposes `base`", reason));
        }
        if inner.needs().symmetry {
            let reason = "symmetries of the target are none of the law of latents; put `symmetry` behind `neutra` in a sequence";
            return Err(ConfigError::new("kernel", "a kernel that moves by symmetries", reason));
        }
        Ok(Neutra::new(self.proposal.build(dim)?, inner))
    }
}

impl Settings for NeutraConfig {
    fn check(&self) -> Result<(), ConfigError> {
        self.check()
    }

    fn kernel(&self, dim: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(self.build(dim)?))
    }

    fn law(&self) -> Law {
        self.kernel.law()
    }

    fn set_step_size(&mut self, step: StepSize) {
        self.kernel.set_step_size(step);
    }

    fn evaluations(&self) -> f64 {
        self.kernel.evaluations()
    }

    fn adaptation_bytes(&self, chains: usize, dim: usize) -> (u64, u64) {
        self.kernel.adaptation_bytes(chains, dim)
    }
}

/// Another kernel, run in latent space.
pub struct Neutra {
    transport: ProposalChoice,
    inner: Box<dyn Kernel>,
}

impl Neutra {
    /// Runs `inner` on the latents of `transport`.
    ///
    /// # Panics
    /// When `transport` is no invertible map, see [`ProposalChoice::is_transport`].
    pub fn new(transport: ProposalChoice, inner: Box<dyn Kernel>) -> Self {
        assert!(transport.is_transport(), "latents need an invertible map");
        Self { transport, inner }
    }
}

impl Kernel for Neutra {
    fn leaves(&self) -> Vec<Leaf> {
        let inside = |leaf: Leaf| Leaf { name: format!("{NAME}.{}", leaf.name), ..leaf };
        self.inner.leaves().into_iter().map(inside).collect()
    }

    fn law(&self) -> Law {
        self.inner.law()
    }

    fn needs(&self) -> Needs {
        let inner = self.inner.needs();
        Needs { flow: inner.flow || self.transport.needs_flow(), pool: 0, ..inner }
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, sheet: TallySheet<'_>) {
        self.transport.with(context, |q: &dyn Proposal| {
            let map = q.as_transport().expect("checked when the kernel was made");
            let dim = block.dim();
            block.log_q(q);
            let start = Points::from_vec(block.latents().data().to_vec(), dim);
            // log pi_z = log pi + ln|det dT/dz| = log pi + log rho(z) - log q(x).
            let parts = block.parts();
            let log_prob = (parts.z.iter().zip(parts.log_prob).zip(parts.log_q))
                .map(|((z, p), q)| p + standard_normal_log_prob(z) - q)
                .collect();
            let mut latents = Ensemble::bare(start.clone(), log_prob);
            let pulled_back = PulledBack::new(context.target.target(), map);
            let inside = Context { target: context.target.instead(&pulled_back), flow: None, ..*context };
            self.inner.step(&inside, &mut latents.inside(block), sheet);

            // A latent that is not finite can go nowhere; as NaN it would differ from itself.
            let moved: Vec<usize> = (0..block.rows())
                .filter(|&row| {
                    let (old, new) = (start.row(row), latents.x().row(row));
                    old != new && old.iter().all(|z| z.is_finite())
                })
                .collect();
            if moved.is_empty() {
                return;
            }
            let mut z = Points::zeros(moved.len(), dim);
            for (to, &row) in moved.iter().enumerate() {
                z.row_mut(to).copy_from_slice(latents.x().row(row));
            }
            let (mut x, mut log_det) = (Points::zeros(moved.len(), dim), vec![0.0; moved.len()]);
            let mut log_prob = vec![0.0; moved.len()];
            map.forward(z.as_batch(), x.as_batch_mut(), &mut log_det);
            context.target.log_prob(x.as_batch(), &mut log_prob);
            for (i, &row) in moved.iter().enumerate() {
                let log_q = standard_normal_log_prob(z.row(i)) - log_det[i];
                block.move_to_proposed(row, x.row(i), log_prob[i], Some(z.row(i)), log_q, q.version());
            }
        });
    }

    /// The inner kernel learns from the latents while all of them are known, and otherwise only its step size.
    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        let latents = match chains.latents() {
            Some(z) => Points::from_vec(z.data().to_vec(), z.dim()),
            None => Points::zeros(0, chains.dim()),
        };
        let log_prob = vec![0.0; latents.rows()];
        self.inner.adapt(warmup, &Ensemble::bare(latents, log_prob), tallies);
    }

    fn freeze(&mut self) {
        self.inner.freeze();
    }

    fn save(&self) -> KernelState {
        KernelState::of_parts(NAME, vec![self.inner.save()])
    }

    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        self.inner.load(&state.parts_of(NAME, 1)?[0])
    }
}
