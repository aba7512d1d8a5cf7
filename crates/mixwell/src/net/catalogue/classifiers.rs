//! Classifiers of images.

use crate::net::activation::Activation::Relu;
use crate::net::layer::{BatchNorm, Convolution, Dense, Flatten, GlobalPool, MaxPool, Residual, Subsample};
use crate::net::network_spec::NetworkSpec;

pub(super) fn lenet() -> NetworkSpec {
    let half = || MaxPool { size: 2, stride: None };
    NetworkSpec::new(&[1, 32, 32])
        .with(Convolution::new(6, 5, 1, 0))
        .with(Relu)
        .with(half())
        .with(Convolution::new(16, 5, 1, 0))
        .with(Relu)
        .with(half())
        .with(Convolution::new(120, 5, 1, 0))
        .with(Relu)
        .with(Flatten {})
        .with(Dense::new(84))
        .with(Relu)
        .with(Dense::new(10))
}

/// Three stages of `n` blocks.
pub(super) fn resnet(n: usize) -> NetworkSpec {
    let conv = |channels, stride| Convolution::new(channels, 3, stride, 1).without_bias();
    let mut spec = NetworkSpec::new(&[3, 32, 32]).with(conv(16, 1)).with(BatchNorm::default()).with(Relu);
    let mut before = 16;
    for channels in [16, 32, 64] {
        for block in 0..n {
            let stride = if block == 0 && channels > 16 { 2 } else { 1 };
            let main = vec![
                conv(channels, stride).into(),
                BatchNorm::default().into(),
                Relu.into(),
                conv(channels, 1).into(),
                BatchNorm::default().into(),
            ];
            let padding = (channels - before) / 2;
            let skip = if stride > 1 { vec![Subsample { stride, padding }.into()] } else { vec![] };
            spec = spec.with(Residual { main, skip }).with(Relu);
            before = channels;
        }
    }
    spec.with(GlobalPool::default()).with(Dense::new(10))
}
