//! What is sampled: a log-density on R^d, with whatever is known about it.
//!
//! [`Target`] evaluates a batch of points, the value alone or with its gradient. Closures become targets through
//! [`from_fn`] and [`from_fn_with_grad`]; [`auto`] takes the gradient of a function by itself; [`PointTarget`] is a function of one point with names and reported values, and
//! [`Pointwise`] makes a `Target` of it.
//!
//! Conventions: log-densities may be unnormalised; `-inf` means outside the support; NaN means that this point could not be
//! evaluated (kernels reject such a proposal and count it); what ends the run is an [`EvaluationError`] (`evaluation.rs`).
//! Gradients are with respect to the point.
//!
//! Built-in targets are described by config structs, one per distribution; [`TargetConfig`] holds any of them and
//! [`catalogue`] lists them. Models in their natural scale go through [`Constrained`]. To add a target: one file here, one
//! row in the list of `config.rs`, one row in `tests/contracts/target.rs`.

// Lanes and matrix columns are indexed together; such loops become vector instructions.
#![allow(clippy::needless_range_loop)]

mod along_curve;
pub mod auto;
pub mod banana;
mod base_law;
mod blended_gaussian;
pub mod checkerboard;
mod cholesky;
mod config;
mod consistency;
pub mod constrained;
mod counted;
mod derived;
mod diagonal_mixture;
pub mod dual_moon;
pub mod eight_schools;
mod energy;
mod error;
mod evaluation;
mod fn_target;
mod formula;
pub mod funnel;
mod gan;
pub mod gaussian;
pub mod gaussians;
mod geometric_path;
mod gradient_check;
mod helmert;
pub mod inference_gym;
mod labels;
mod lanes;
mod logistic_config;
pub mod logistic_likelihood;
mod logistic_regression;
pub mod mixture;
mod mixture_of;
pub mod mixtures;
mod particle_orders;
pub mod particles;
mod parts;
pub mod phi4;
pub mod phi4_lattice;
pub mod pinwheel;
mod pointer;
mod pointwise;
pub mod posteriordb;
pub mod prior;
mod product;
mod pulled_back;
pub mod rings;
mod scratch;
mod swiss_roll;
mod symmetry_check;
mod table;
mod target_check;
mod tempered;
mod transfer;
pub mod transform;
pub mod two_moons;
pub mod two_spirals;
mod with_symmetries;

pub use along_curve::AlongCurve;
pub use banana::{Banana, BananaConfig};
pub use base_law::BaseLaw;
pub use blended_gaussian::BlendedGaussianConfig;
pub use checkerboard::{Checkerboard, CheckerboardConfig};
pub use config::{TargetConfig, TargetEntry, catalogue};
pub(crate) use consistency::contradiction;
pub use constrained::{Constrained, Model, Parameter};
pub use counted::Counted;
pub use derived::{Derived, DerivedFunction};
pub(crate) use derived::{check_name, with_derived};
pub use dual_moon::{DualMoon, DualMoonConfig};
pub use eight_schools::{EightSchools, EightSchoolsConfig};
pub use energy::{EnergyTargetConfig, TrainedLaw};
pub use error::TargetError;
pub use evaluation::{EvaluationError, Failure, Guarded, PointError, PointValue};
pub use fn_target::{FnTarget, from_fn, from_fn_with_grad};
pub use funnel::{Funnel, Funnel101Config, FunnelConfig, Parametrisation};
pub use gan::{
    DescribedFiles, DiscriminatorLoss, Edges, GanTargetConfig, GeneratedImages, LatentPrior, NetworkFiles,
};
pub use gaussian::Gaussian;
pub use gaussians::{GaussianConfig, IllConditionedGaussianConfig, StandardGaussianConfig};
pub use geometric_path::GeometricPath;
pub use gradient_check::{Disagreement, GradientCheck, check_gradient};
pub use labels::code_labels;
pub use logistic_config::{Label, LogisticRegressionConfig, TextFeatures};
pub use logistic_regression::{Intercept, LogisticRegression, LogisticRegressionOptions};
pub use mixture::{ComponentConfig, GaussianMixture, GaussianMixtureConfig};
pub use mixture_of::{Mixture, MixtureComponentConfig, MixtureConfig};
pub use mixtures::{
    EightGaussiansConfig, FlexMixtureConfig, FourCornersConfig, FourOnALineConfig, Grid25Config,
    GridMixtureConfig, ThreeModesConfig, TwoModesConfig,
};
pub use particles::{CentreOfMass, DoubleWell4Config, LennardJones13Config, Particles};
pub use phi4::{Phi4, Phi4Config};
pub use phi4_lattice::{Phi4Lattice, Phi4LatticeConfig};
pub use pinwheel::{Pinwheel, PinwheelConfig};
pub use pointwise::{PointTarget, Pointwise};
pub use prior::Prior;
pub use product::{FactorConfig, Product, ProductConfig};
pub use pulled_back::PulledBack;
pub use rings::{Rings, RingsConfig};
pub(crate) use scratch::with_scratch;
pub use swiss_roll::SwissRollConfig;
pub use symmetry_check::{BrokenSymmetry, check_symmetries};
pub use table::{Column, DataLoader, NoData, Table};
pub use target_check::{Difference, TargetCheck, check_target};
pub use tempered::{Tempered, TemperedConfig};
pub use transfer::Transfer;
pub use transform::Constraint;
pub use two_moons::TwoMoonsConfig;
pub use two_spirals::TwoSpiralsConfig;
pub use with_symmetries::WithSymmetries;
pub(crate) use with_symmetries::with_symmetries;

use std::sync::Arc;

use crate::symmetry::Symmetry;
use crate::{Batch, BatchMut, Points, Stream};

/// A log-density on R^d, evaluated for many points at once.
pub trait Target: Send + Sync {
    /// Number of coordinates of a point.
    fn dim(&self) -> usize;

    /// Writes the log-density of each row of `x` (`rows x dim`) to `log_prob` (`rows`), and its gradient to `grad`
    /// (`rows x dim`) if it is wanted. A row that cannot be evaluated gets NaN.
    ///
    /// The log-density must be the same to the last bit with and without gradient, and whatever rows it is evaluated with,
    /// since chains mix moves of both kinds.
    ///
    /// # Errors
    /// When nothing can be evaluated any more: the run ends with a checkpoint to be resumed from, and with this error.
    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError>;

    /// [`Target::evaluate`] without gradient.
    ///
    /// # Errors
    /// As there.
    fn log_prob(&self, x: Batch<'_>, log_prob: &mut [f64]) -> Result<(), EvaluationError> {
        self.evaluate(x, log_prob, None)
    }

    /// [`Target::evaluate`] with gradient.
    ///
    /// # Errors
    /// As there.
    fn log_prob_and_grad(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: BatchMut<'_>,
    ) -> Result<(), EvaluationError> {
        self.evaluate(x, log_prob, Some(grad))
    }

    /// The log-density at one point.
    ///
    /// # Errors
    /// As [`Target::evaluate`].
    fn log_prob_at(&self, x: &[f64]) -> Result<f64, EvaluationError> {
        let mut value = [0.0];
        self.evaluate(Batch::new(x, x.len()), &mut value, None)?;
        Ok(value[0])
    }

    /// Whether gradients can be asked for. Kernels that need them refuse a target without.
    fn has_gradient(&self) -> bool {
        true
    }

    /// Why there is no gradient, and what to do; told where one is needed.
    fn why_no_gradient(&self) -> Option<String> {
        None
    }

    /// Names the density: it changes whenever the density does, so that whoever keeps a value can tell that it is old.
    fn version(&self) -> u64 {
        0
    }

    /// How many rows one call would like to have, where that matters (a simulator with a start-up cost, a device). A hint:
    /// calls may hold more rows or fewer, and draws do not depend on it.
    fn batch_rows(&self) -> Option<usize> {
        None
    }

    /// The first few reasons why rows could not be evaluated (and were NaN); told at the end of a run.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a draw is reported as: named arrays, whose sizes add up to the length [`Target::report`] fills.
    fn variables(&self) -> Vec<Variable> {
        vec![Variable::new("x", &[self.dim()])]
    }

    /// Writes the reported values of one point, e.g. constrained parameters on their natural scale.
    fn report(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
    }

    /// Quantities of a point that are worth a look beside its variables, such as an energy or a magnetisation: runs record, store and judge them
    /// like parameters. Named arrays, whose sizes add up to the length that [`Target::measure`] fills.
    fn quantities(&self) -> Vec<Variable> {
        Vec::new()
    }

    /// Writes the quantities of one point.
    fn measure(&self, x: &[f64], out: &mut [f64]) {
        let _ = (x, out);
    }

    /// What is known exactly. Empty unless the target has a closed form.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// Exact independent draws, where they can be made.
    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        None
    }

    /// The normalised law that the target gives other weights to, where it is made of one: a prior of latents, the base of an energy.
    /// Chains can start from it, and global moves can propose it.
    fn base(&self) -> Option<BaseLaw<'_>> {
        None
    }

    /// Maps that leave the density as it is, beyond the identity. Chains can be moved by them for nothing, and a flow that is averaged over them has less
    /// to learn. What is stated here is believed ([`check_symmetries`] looks at points).
    fn symmetries(&self) -> &[Arc<dyn Symmetry>] {
        &[]
    }

    /// Sentences a user should read before a run, e.g. which word of a table became which class.
    fn notes(&self) -> Vec<String> {
        vec![]
    }
}

/// A version made of a target's own and of what was done to it (its bits).
pub(crate) fn derived_version(version: u64, change: u64) -> u64 {
    crate::proposal::content_version([version, change])
}

/// Exact independent draws from a target.
pub trait ExactSampler: Send + Sync {
    /// Writes one draw to `x` (`dim` numbers).
    fn sample(&self, stream: &mut Stream, x: &mut [f64]);

    /// `rows` draws as rows.
    fn sample_rows(&self, stream: &mut Stream, rows: usize, dim: usize) -> Points {
        let mut points = Points::zeros(rows, dim);
        for row in points.as_batch_mut().iter_mut() {
            self.sample(stream, row);
        }
        points
    }
}

/// What is known exactly about a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Mean of every coordinate.
    pub mean: Option<Vec<f64>>,
    /// Variance of every coordinate.
    pub variance: Option<Vec<f64>>,
    /// Covariance of all coordinates, row after row (`dim x dim`).
    pub covariance: Option<Vec<f64>>,
    /// `ln` of the integral of `exp(log_prob)`.
    pub log_evidence: Option<f64>,
    /// Centres of the modes and their exact weights.
    pub modes: Option<Modes>,
    /// Curves that all points lie near, each a chain of straight pieces (one corner per row); none for most targets.
    pub curves: Vec<Points>,
}

/// Known modes: chains can start there, and a draw belongs to the mode whose centre is nearest.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// One centre per row.
    pub centres: Points,
    /// Probability of each mode, where known.
    pub weights: Option<Vec<f64>>,
    /// Standard deviation of each mode in every direction, where all modes are round Gaussians.
    pub deviations: Option<Vec<f64>>,
}

impl Modes {
    /// The mode whose centre is nearest to `x`; the first of several equally near ones.
    pub fn nearest(&self, x: &[f64]) -> usize {
        let distance = |c: &[f64]| c.iter().zip(x).map(|(c, x)| (c - x) * (c - x)).sum::<f64>();
        let mut best = (f64::INFINITY, 0);
        for (mode, centre) in self.centres.as_batch().iter().enumerate() {
            let d = distance(centre);
            if d < best.0 {
                best = (d, mode);
            }
        }
        best.1
    }
}

/// A named array of reported values.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Variable {
    /// The name, as it will appear in stores and tables.
    pub name: String,
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// What each of its numbers is called, where that is known; empty when they are counted. For one dimension only.
    pub elements: Vec<String>,
}

impl Variable {
    /// A variable of this name and shape (`&[]` for a scalar).
    pub fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), elements: vec![] }
    }

    /// A variable of one dimension whose numbers have names, e.g. `weights` of `age`, `income`.
    pub fn of_elements(name: impl Into<String>, elements: Vec<String>) -> Self {
        Self { name: name.into(), shape: vec![elements.len()], elements }
    }

    /// How many numbers it holds; a shape beyond all numbers counts as the largest.
    pub fn len(&self) -> usize {
        self.shape.iter().fold(1, |n: usize, side| n.saturating_mul(*side))
    }

    /// True when one of its dimensions is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of each of its numbers, e.g. `theta[0]`, `beta[1,2]`, `weights[age]`, or `tau` for a scalar.
    pub fn labels(&self) -> Vec<String> {
        if self.shape.is_empty() {
            return vec![self.name.clone()];
        }
        if self.elements.len() == self.len() {
            return self.elements.iter().map(|e| format!("{}[{e}]", self.name)).collect();
        }
        (0..self.len())
            .map(|flat| {
                let mut rest = flat;
                let mut index = vec![0; self.shape.len()];
                for (i, n) in self.shape.iter().enumerate().rev() {
                    index[i] = rest % n;
                    rest /= n;
                }
                let inside: Vec<String> = index.iter().map(usize::to_string).collect();
                format!("{}[{}]", self.name, inside.join(","))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_count_rows_first() {
        assert_eq!(Variable::new("tau", &[]).labels(), ["tau"]);
        assert_eq!(Variable::new("b", &[2, 2]).labels(), ["b[0,0]", "b[0,1]", "b[1,0]", "b[1,1]"]);
        let named = Variable::of_elements("w", vec!["age".into(), "sex".into()]);
        assert_eq!((named.labels(), named.len()), (vec!["w[age]".into(), "w[sex]".into()], 2));
    }
}
