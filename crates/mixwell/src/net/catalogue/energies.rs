//! Energies of images.

use crate::net::activation::Activation::{self, Swish};
use crate::net::layer::{AveragePool, Convolution, Dense, Flatten, GlobalPool, Reduction, Reshape, Residual};
use crate::net::network_spec::NetworkSpec;

/// Convolutions that halve the image down to 4 x 4, and one over what is left.
pub(super) fn energy(
    input: &[usize],
    first: usize,
    channels: &[usize],
    activation: Activation,
) -> NetworkSpec {
    let mut spec = NetworkSpec::new(input).with(Convolution::new(first, 3, 1, 1)).with(activation);
    for n in channels {
        spec = spec.with(Convolution::new(*n, 4, 2, 1)).with(activation);
    }
    spec.with(Convolution::new(1, 4, 1, 0))
}

/// Residual blocks that halve the image, and 100 outputs that are summed.
pub(super) fn residual_energy(first: usize) -> NetworkSpec {
    let conv = |n| Convolution::new(n, 3, 1, 1);
    let mut spec = NetworkSpec::new(&[3, 32, 32]).with(conv(first)).with(Swish);
    for n in [first, 2 * first, 4 * first] {
        spec = spec
            .with(Residual {
                main: vec![conv(n).into(), Swish.into(), conv(2 * n).into(), Swish.into()],
                skip: vec![conv(2 * n).into(), Swish.into()],
            })
            .with(AveragePool { size: 2, stride: None, reduction: Reduction::Mean });
    }
    spec.with(Convolution::new(100, 4, 1, 0))
        .with(Reshape { shape: vec![1, 10, 10] })
        .with(GlobalPool { reduction: Reduction::Sum })
}

pub(super) fn mnist_energy() -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[1, 28, 28]).with(Convolution::new(16, 5, 2, 4)).with(Swish);
    for n in [32, 64, 64] {
        spec = spec.with(Convolution::new(n, 3, 2, 1)).with(Swish);
    }
    spec.with(Flatten {}).with(Dense::new(64)).with(Swish).with(Dense::new(1))
}
