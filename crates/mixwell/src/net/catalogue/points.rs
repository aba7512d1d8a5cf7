//! Generators and critics of points: those of the toy GANs whose weights were published [samsonov2022local].

use crate::net::activation::Activation::{LeakyRelu, Relu};
use crate::net::layer::LayerSpec;
use crate::net::network_spec::NetworkSpec;

pub(super) fn relu(input: usize, hidden: &[usize], output: usize) -> NetworkSpec {
    NetworkSpec::dense(input, hidden, output, Relu)
}

/// Dense layers whose arrays are found by their names: in such files they lie in no order.
pub(super) fn named(width: usize, output: usize, names: [&str; 4]) -> NetworkSpec {
    let mut spec = NetworkSpec::dense(2, &[width; 3], output, LeakyRelu(0.2));
    let dense = spec.layers.iter_mut().filter_map(|l| match l {
        LayerSpec::Dense(dense) => Some(dense),
        _ => None,
    });
    dense.zip(names).for_each(|(layer, name)| layer.name = Some(name.into()));
    spec
}
