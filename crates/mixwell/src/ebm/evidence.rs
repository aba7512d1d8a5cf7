//! `ln Z` of a trained law in several ways, side by side: what all of them agree on can be believed.
//!
//! In the plane, quadrature. Importance sampling from a flow, or from the base where there is none; annealed importance sampling and
//! sequential Monte Carlo from the base. They fail in different ways: importance sampling where the flow never draws, annealing where the path is
//! too steep, quadrature where the law leaves the box.

use super::GridDensity;
use crate::ConfigError;
use crate::density::Target;
use crate::estimate::{
    AnnealedConfig, Basis, EstimateError, Evaluations, LogEvidence, Options, SequentialConfig, importance,
};
use crate::proposal::{Differentiable, Proposal};
use crate::range;

/// One way to `ln Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceWay {
    /// Cells of a grid, in the plane.
    Quadrature,
    /// Weighted draws of the flow.
    Flow,
    /// Weighted draws of the base.
    Base,
    /// Annealed importance sampling from the base.
    Annealed,
    /// Sequential Monte Carlo from the base.
    Sequential,
}

impl EvidenceWay {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quadrature => "quadrature",
            Self::Flow => "flow",
            Self::Base => "base",
            Self::Annealed => "annealed",
            Self::Sequential => "sequential",
        }
    }
}

/// `ln Z` by one way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EvidenceFound {
    /// The estimate. The error of quadrature is the difference of two rules.
    pub log_evidence: LogEvidence,
    /// Effective share of the weights, where there are any.
    pub ess_share: Option<f64>,
    /// Pareto k of the weights, where there are any.
    pub pareto_k: Option<f64>,
    /// Evaluations of the law.
    pub cost: Evaluations,
}

/// A law and what its `ln Z` is estimated with.
///
/// ```
/// use mixwell::density::from_fn_with_grad;
/// use mixwell::ebm::{EvidenceOf, EvidenceWay, Grid};
/// use mixwell::estimate::Options;
/// use mixwell::proposal::Gaussian;
/// // exp(3 - |x|^2) integrates to exp(3) pi.
/// let law = from_fn_with_grad(2, |x: &[f64], grad: &mut [f64]| {
///     (grad[0], grad[1]) = (-2.0 * x[0], -2.0 * x[1]);
///     3.0 - x[0] * x[0] - x[1] * x[1]
/// });
/// let base = Gaussian::standard(2);
/// let density = Grid::new([-6.0; 2], [6.0; 2], 100)?.density(&law)?;
/// let of = EvidenceOf { target: &law, base: Some(&base), flow: None, density: Some(&density), draws: 1000 };
/// for way in of.ways() {
///     let z = of.estimate(way, &Options::default())?.log_evidence;
///     assert!((z.value - 3.0 - std::f64::consts::PI.ln()).abs() < 6.0 * z.standard_error + 1e-9);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct EvidenceOf<'a> {
    /// The law.
    pub target: &'a dyn Target,
    /// Where annealing starts.
    pub base: Option<&'a dyn Differentiable>,
    /// A flow whose draws are weighed.
    pub flow: Option<&'a dyn Proposal>,
    /// The law on a grid, where it is in the plane: [`Grid::density`](super::Grid::density).
    pub density: Option<&'a GridDensity>,
    /// Weighted draws; annealing has a tenth as many chains, sequential Monte Carlo a fortieth as many particles in each of eight
    /// populations.
    pub draws: usize,
}

impl EvidenceOf<'_> {
    /// The ways that can be gone.
    pub fn ways(&self) -> Vec<EvidenceWay> {
        let with_base = |way| self.base.map(|_| way);
        let draws = if self.flow.is_some() { Some(EvidenceWay::Flow) } else { with_base(EvidenceWay::Base) };
        let annealed = self.target.has_gradient();
        let quadrature = self.density.map(|_| EvidenceWay::Quadrature);
        let along =
            [EvidenceWay::Annealed, EvidenceWay::Sequential].map(|way| with_base(way).filter(|_| annealed));
        quadrature.into_iter().chain(draws).chain(along.into_iter().flatten()).collect()
    }

    /// `ln Z` by one of [`EvidenceOf::ways`].
    ///
    /// # Errors
    /// When it is none of them, the law cannot be evaluated, or annealing does not arrive.
    pub fn estimate(&self, way: EvidenceWay, options: &Options) -> Result<EvidenceFound, EstimateError> {
        range::at_least("draws", self.draws, 100)?;
        let missing = |what: &str| ConfigError::new(what, "missing", format!("{} needs it", way.name()));
        let base = || self.base.ok_or_else(|| missing("base"));
        let estimate = match way {
            EvidenceWay::Quadrature => {
                return Ok(quadrature(self.density.ok_or_else(|| missing("density"))?));
            }
            EvidenceWay::Flow => {
                let flow = self.flow.ok_or_else(|| missing("flow"))?;
                importance(self.target, flow, self.draws, false, options)?
            }
            EvidenceWay::Base => importance(self.target, base()?, self.draws, false, options)?,
            EvidenceWay::Annealed => {
                let annealed = AnnealedConfig { chains: self.draws / 10, ..AnnealedConfig::default() };
                annealed.estimate_from(base()?, self.target, options)?
            }
            EvidenceWay::Sequential => {
                let particles = (self.draws / 40).max(2);
                let populations =
                    SequentialConfig { particles, replicates: 8, ..SequentialConfig::default() };
                populations.estimate_from(base()?, self.target, options)?
            }
        };
        Ok(EvidenceFound {
            log_evidence: estimate.log_evidence,
            ess_share: Some(estimate.ess_share),
            pareto_k: Some(estimate.pareto_k),
            cost: estimate.cost,
        })
    }
}

fn quadrature(density: &GridDensity) -> EvidenceFound {
    let log_evidence = LogEvidence {
        value: density.log_evidence(),
        standard_error: density.error(),
        degrees_of_freedom: f64::INFINITY,
        skewness: 0.0,
        basis: Basis::Replicates,
    };
    // Of the grid and of one twice as fine.
    let densities = 5 * (density.grid().cells() * density.grid().cells()) as u64;
    let cost = Evaluations { densities, gradients: 0 };
    EvidenceFound { log_evidence, ess_share: None, pareto_k: None, cost }
}
