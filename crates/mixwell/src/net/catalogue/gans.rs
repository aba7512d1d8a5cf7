//! Generators and critics of images.

use crate::net::activation::Activation::{LeakyRelu, Relu, Tanh};
use crate::net::layer::{
    AveragePool, BatchNorm, Convolution, Dense, Flatten, GlobalPool, Reduction, Reshape, Residual,
    TransposedConvolution, Upsample, Upsampling,
};
use crate::net::network_spec::NetworkSpec;

pub(super) fn fashion_generator() -> NetworkSpec {
    NetworkSpec::new(&[100])
        .with(Dense::new(6272))
        .with(BatchNorm::default())
        .with(Relu)
        .with(Reshape { shape: vec![128, 7, 7] })
        .with(TransposedConvolution::new(64, 4, 2, 1))
        .with(BatchNorm::default())
        .with(Relu)
        .with(TransposedConvolution::new(1, 4, 2, 1))
        .with(Tanh)
}

pub(super) fn fashion_critic() -> NetworkSpec {
    NetworkSpec::new(&[1, 28, 28])
        .with(Convolution::new(64, 4, 2, 1))
        .with(LeakyRelu(0.2))
        .with(Convolution::new(128, 4, 2, 1))
        .with(BatchNorm::default())
        .with(LeakyRelu(0.2))
        .with(Flatten {})
        .with(Dense::new(1))
}

pub(super) fn wgan_generator() -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[64, 1, 1]);
    for (channels, kernel, stride) in [(256, 3, 2), (128, 4, 1), (64, 3, 2)] {
        let layer = TransposedConvolution::new(channels, kernel, stride, 0);
        spec = spec.with(layer).with(BatchNorm::default()).with(Relu);
    }
    spec.with(TransposedConvolution::new(1, 4, 2, 0)).with(Tanh)
}

pub(super) fn wgan_critic() -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[1, 28, 28]);
    for channels in [64, 128] {
        let layer = Convolution::new(channels, 4, 2, 0);
        spec = spec.with(layer).with(BatchNorm::default()).with(LeakyRelu(0.2));
    }
    spec.with(Convolution::new(1, 4, 2, 0))
}

/// From 100 latents to 4 x 4 pixels, then twice as many with every layer.
pub(super) fn dcgan_generator(channels: &[usize]) -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[100, 1, 1]);
    for (i, n) in channels.iter().enumerate() {
        let (stride, padding) = if i == 0 { (1, 0) } else { (2, 1) };
        let layer = TransposedConvolution::new(*n, 4, stride, padding).without_bias();
        spec = spec.with(layer).with(BatchNorm::default()).with(Relu);
    }
    spec.with(TransposedConvolution::new(3, 4, 2, 1).without_bias()).with(Tanh)
}

pub(super) fn dcgan_critic(size: usize, channels: &[usize]) -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[3, size, size]);
    for (i, n) in channels.iter().enumerate() {
        spec = spec.with(Convolution::new(*n, 4, 2, 1).without_bias());
        if i > 0 {
            spec = spec.with(BatchNorm::default());
        }
        spec = spec.with(LeakyRelu(0.2));
    }
    spec.with(Convolution::new(1, 4, 1, 0).without_bias())
}

pub(super) fn sngan_generator() -> NetworkSpec {
    let twice = || Upsample { factor: 2, mode: Upsampling::Bilinear };
    let mut spec = NetworkSpec::new(&[128]).with(Dense::new(4096)).with(Reshape { shape: vec![256, 4, 4] });
    for _ in 0..3 {
        spec = spec.with(Residual {
            main: vec![
                BatchNorm::default().into(),
                Relu.into(),
                twice().into(),
                Convolution::new(256, 3, 1, 1).into(),
                BatchNorm::default().into(),
                Relu.into(),
                Convolution::new(256, 3, 1, 1).into(),
            ],
            skip: vec![twice().into(), Convolution::new(256, 1, 1, 0).into()],
        });
    }
    spec.with(BatchNorm::default()).with(Relu).with(Convolution::new(3, 3, 1, 1)).with(Tanh)
}

pub(super) fn sngan_critic(reduction: Reduction) -> NetworkSpec {
    let half = || AveragePool { size: 2, stride: None, reduction: Reduction::Mean };
    let conv = || Convolution::new(128, 3, 1, 1);
    let around = || Convolution::new(128, 1, 1, 0);
    let mut spec = NetworkSpec::new(&[3, 32, 32])
        .with(Residual {
            main: vec![conv().into(), Relu.into(), conv().into(), half().into()],
            skip: vec![half().into(), around().into()],
        })
        .with(Residual {
            main: vec![Relu.into(), conv().into(), Relu.into(), conv().into(), half().into()],
            skip: vec![around().into(), half().into()],
        });
    for _ in 0..2 {
        let main = vec![Relu.into(), conv().into(), Relu.into(), conv().into()];
        spec = spec.with(Residual { main, skip: vec![] });
    }
    spec.with(Relu).with(GlobalPool { reduction }).with(Dense::new(1))
}

/// From 2 latents over 7 x 7 pixels, twice as many with every upsampling.
pub(super) fn ex2_generator() -> NetworkSpec {
    let twice = || Upsample { factor: 2, mode: Upsampling::Nearest };
    NetworkSpec::new(&[2])
        .with(Dense::new(64))
        .with(LeakyRelu(0.2))
        .with(Dense::new(128))
        .with(LeakyRelu(0.2))
        .with(Dense::new(6272))
        .with(Reshape { shape: vec![128, 7, 7] })
        .with(twice())
        .with(Convolution::new(128, 3, 1, 1))
        .with(LeakyRelu(0.2))
        .with(twice())
        .with(Convolution::new(64, 3, 1, 1))
        .with(LeakyRelu(0.2))
        .with(Convolution::new(1, 3, 1, 1))
        .with(Tanh)
}

/// Four convolutions that halve the image, and a sum over what is left.
pub(super) fn ex2_critic(bias: bool) -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[1, 28, 28]);
    for channels in [16, 32, 64, 128] {
        spec = spec.with(Convolution::new(channels, 3, 2, 1)).with(LeakyRelu(0.2));
    }
    spec.with(Flatten {}).with(Dense { bias, ..Dense::new(1) })
}
