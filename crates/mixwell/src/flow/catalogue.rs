//! The flows that can be asked for by name, each with a line about it.

use super::config::{FlowConfig, GaussianConfig, RealNvpConfig, RqSplineConfig};
use super::flow_matching::FlowMatchingConfig;
use super::maf::MafConfig;

/// A flow as `list flows` shows it.
#[derive(Clone, Debug)]
pub struct FlowEntry {
    /// The `kind` in a config file.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// All its settings at their defaults.
    pub default: FlowConfig,
}

/// Every flow that can be asked for.
pub fn catalogue() -> Vec<FlowEntry> {
    vec![
        FlowEntry {
            name: "realnvp",
            summary: "affine couplings: fast in both directions, the default; smooth densities with connected modes",
            default: FlowConfig::Realnvp(RealNvpConfig::default()),
        },
        FlowEntry {
            name: "rq_spline",
            summary: "monotone spline couplings: more flexible per layer, several times the cost of realnvp",
            default: FlowConfig::RqSpline(RqSplineConfig::default()),
        },
        FlowEntry {
            name: "maf",
            summary: "masked autoregressive layers: density in one pass, sampling in as many passes as coordinates",
            default: FlowConfig::Maf(MafConfig::default()),
        },
        FlowEntry {
            name: "flow_matching",
            summary: "a velocity field learnt by regression: cheap to train, fits separate modes; slow to sample and evaluate",
            default: FlowConfig::FlowMatching(FlowMatchingConfig::default()),
        },
        FlowEntry {
            name: "gaussian",
            summary: "an affine map only, fitted to the draws of the warm-up in one go; for `ex2` on posteriors near a Gaussian",
            default: FlowConfig::Gaussian(GaussianConfig::default()),
        },
    ]
}
