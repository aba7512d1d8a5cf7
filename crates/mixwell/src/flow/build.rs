//! From settings to layers.

use super::affine_coupling::AffineCoupling;
use super::autoregressive::MaskedAutoregressive;
use super::bijection::Bijection;
use super::config::FlowConfig;
use super::continuous::Continuous;
use super::elementwise::ElementwiseAffine;
use super::spline_coupling::SplineCoupling;
use super::stack::Stack;
use crate::Stream;
use mixwell_vector::Real;

impl<T: Real> Stack<T> {
    /// The stack that a checked config describes, at its starting parameters.
    pub fn build(config: &FlowConfig, dim: usize, stream: &mut Stream) -> Self {
        let mut layers: Vec<Box<dyn Bijection<T>>> = Vec::new();
        let mut offset = 0;
        match config {
            FlowConfig::Realnvp(c) => {
                let options = c.affine();
                for j in 0..2 * c.n_blocks {
                    let layer =
                        AffineCoupling::new(c.mask.split(dim, j), &options, offset, &format!("layers.{j}."));
                    offset += layer.n_params();
                    layers.push(Box::new(layer));
                }
            }
            FlowConfig::RqSpline(c) => {
                // Layers are numbered from the data end, where the first of them acts on points.
                for j in (0..c.n_layers).rev() {
                    let name = format!("layers.{j}.");
                    let split = c.mask.split(dim, j);
                    let layer =
                        SplineCoupling::new(split, &c.hidden, c.activation, c.n_bins, c.range, offset, &name);
                    offset += layer.n_params();
                    layers.push(Box::new(layer));
                    if c.elementwise_affine {
                        let layer = ElementwiseAffine::new(dim, offset, &name);
                        offset += layer.n_params();
                        layers.push(Box::new(layer));
                    }
                }
            }
            FlowConfig::Maf(c) => {
                for j in 0..c.n_layers {
                    let layer = MaskedAutoregressive::new(dim, c, j, offset);
                    offset += layer.n_params();
                    layers.push(Box::new(layer));
                }
            }
            FlowConfig::FlowMatching(c) => {
                let layer = Continuous::new(dim, c);
                offset = layer.n_params();
                layers.push(Box::new(layer));
            }
            // The whitening alone.
            FlowConfig::Gaussian(_) => {}
        }
        Self::new(dim, layers, offset, config.init(), stream)
    }
}
