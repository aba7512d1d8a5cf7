//! Which proposal a global kernel draws from: the run's flow, a fixed density, or one of them mixed with a wide Gaussian.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Context, Needs};
use crate::ConfigError;
use crate::density::BlendedGaussianConfig;
use crate::proposal::{Averaged, Defensive, Gaussian, GaussianProposalConfig, Proposal};
use crate::range::open_share;
use crate::symmetry::Orbit;

/// The proposal of a global kernel.
#[derive(Clone)]
pub enum ProposalChoice {
    /// The flow of the run.
    Flow,
    /// The law that the target gives other weights to ([`Target::base`](crate::density::Target::base)).
    Base,
    /// The flow of the run, averaged over the symmetries that the target states.
    Averaged,
    /// A density that does not change.
    Fixed(Arc<dyn Proposal>),
    /// `(1 - weight) base + weight wide`.
    Defensive {
        /// The proposal whose tails may be too light.
        base: Box<ProposalChoice>,
        /// The Gaussian that bounds the importance weights.
        wide: Arc<Gaussian>,
        /// Share of the Gaussian.
        weight: f64,
    },
}

impl ProposalChoice {
    /// Whether the run must provide a flow.
    pub fn needs_flow(&self) -> bool {
        match self {
            Self::Flow | Self::Averaged => true,
            Self::Base | Self::Fixed(_) => false,
            Self::Defensive { base, .. } => base.needs_flow(),
        }
    }

    /// What the run must provide for it.
    pub(super) fn needs(&self) -> Needs {
        let averaged = matches!(self, Self::Averaged);
        let base = matches!(self, Self::Base);
        Needs { flow: self.needs_flow(), base, symmetry: averaged, images: averaged, ..Needs::default() }
    }

    /// Whether the proposal is an invertible map of standard normal latents.
    pub fn is_transport(&self) -> bool {
        match self {
            Self::Flow => true,
            Self::Fixed(p) => p.as_transport().is_some(),
            Self::Base | Self::Averaged | Self::Defensive { .. } => false,
        }
    }

    /// Calls `f` with the proposal.
    ///
    /// # Panics
    /// When it is the flow or the target's base and there is none, although the kernel's needs say so.
    pub fn with<R>(&self, context: &Context<'_>, f: impl FnOnce(&dyn Proposal) -> R) -> R {
        let mut f = Some(f);
        let result = self.visit(context, &mut |p| f.take().map(|f| f(p)));
        result.expect("every choice ends in one call")
    }

    /// [`ProposalChoice::with`] without a type parameter per level, so that choices can be nested.
    fn visit<R>(&self, context: &Context<'_>, f: &mut dyn FnMut(&dyn Proposal) -> Option<R>) -> Option<R> {
        match self {
            Self::Flow => f(context.flow.expect("this kernel's needs ask for a flow")),
            Self::Base => f(context.target.base().expect("this kernel's needs ask for a base").law),
            Self::Averaged => {
                let orbit = Orbit::of_folding(context.target.target().symmetries(), Orbit::MOST);
                let orbit = orbit.expect("this kernel's needs ask for images");
                f(&Averaged::new(context.flow.expect("this kernel's needs ask for a flow"), orbit))
            }
            Self::Fixed(p) => f(&**p),
            Self::Defensive { base, wide, weight } => {
                base.visit(context, &mut |p| f(&Defensive::new(p, wide, *weight)))
            }
        }
    }
}

/// How a config file names the proposal of a global kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ProposalConfig {
    /// The flow of the run.
    #[default]
    Flow,
    /// The law that the target gives other weights to: the prior of a GAN's latents, the base of an energy.
    Base,
    /// The flow of the run, averaged over the symmetries that the target states: it learns one image of each mode.
    Averaged,
    /// A fixed Gaussian.
    Gaussian(GaussianProposalConfig),
    /// A fixed Gaussian between the shape of an ill-conditioned one and a ball.
    BlendedGaussian(BlendedGaussianConfig),
    /// The flow mixed with a wide Gaussian.
    Defensive {
        /// Share of the Gaussian, between 0 and 1.
        #[serde(default = "default_weight")]
        weight: f64,
        /// The wide Gaussian.
        #[serde(default)]
        wide: GaussianProposalConfig,
    },
}

fn default_weight() -> f64 {
    0.1
}

impl ProposalConfig {
    /// Whether the run must provide a flow.
    pub fn needs_flow(&self) -> bool {
        matches!(self, Self::Flow | Self::Averaged | Self::Defensive { .. })
    }

    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Flow | Self::Averaged | Self::Base => Ok(()),
            Self::Gaussian(gaussian) => gaussian.check(),
            Self::BlendedGaussian(blended) => blended.check(),
            Self::Defensive { weight, wide } => {
                open_share("weight", *weight).and_then(|()| wide.check().map_err(|e| e.under("wide")))
            }
        }
        .map_err(|e| e.under("proposal"))
    }

    /// The choice in `dim` dimensions.
    pub fn build(&self, dim: usize) -> Result<ProposalChoice, ConfigError> {
        self.check()?;
        let under = |e: ConfigError| e.under("proposal");
        Ok(match self {
            Self::Flow => ProposalChoice::Flow,
            Self::Base => ProposalChoice::Base,
            Self::Averaged => ProposalChoice::Averaged,
            Self::Gaussian(g) => ProposalChoice::Fixed(Arc::new(g.build(dim).map_err(under)?)),
            Self::BlendedGaussian(b) => ProposalChoice::Fixed(Arc::new(b.build(dim).map_err(under)?)),
            Self::Defensive { weight, wide } => ProposalChoice::Defensive {
                base: Box::new(ProposalChoice::Flow),
                wide: Arc::new(wide.build(dim).map_err(|e| under(e.under("wide")))?),
                weight: *weight,
            },
        })
    }
}
