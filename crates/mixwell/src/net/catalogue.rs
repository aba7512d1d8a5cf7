//! Networks by name: those of the sources and of the files that people have. Every one is a [`NetworkSpec`], to be changed at will.

use super::activation::Activation::{self, LeakyRelu, LipSwish, Relu, Sigmoid, Swish, Tanh};
use super::layer::{
    AveragePool, BatchNorm, Convolution, Dense, Flatten, GlobalPool, MaxPool, Reduction, Reshape, Residual,
    Subsample, TransposedConvolution, Upsample, Upsampling,
};
use super::network_spec::NetworkSpec;

/// A row of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct NamedNetwork {
    /// Its name.
    pub name: &'static str,
    /// What it is and where it comes from.
    pub description: &'static str,
    build: fn() -> NetworkSpec,
}

impl NamedNetwork {
    /// The network.
    pub fn spec(&self) -> NetworkSpec {
        (self.build)()
    }
}

/// Every named network.
pub fn named_networks() -> &'static [NamedNetwork] {
    NETWORKS
}

/// The network of this name.
pub fn named_network(name: &str) -> Option<NetworkSpec> {
    NETWORKS.iter().find(|n| n.name == name).map(NamedNetwork::spec)
}

macro_rules! networks {
    ($($name:literal, $description:literal => $build:expr,)*) => {
        const NETWORKS: &[NamedNetwork] = &[$(NamedNetwork { name: $name, description: $description, build: || $build },)*];
    };
}

networks! {
    "toy", "energy of points in the plane, 2-32-64-64-64-1 [nijkamp2020anatomy]" =>
        NetworkSpec::dense(2, &[32, 64, 64, 64], 1, LeakyRelu(0.05)),
    "anatomy_32", "convolutional energy of 32 x 32 colour images [nijkamp2020anatomy]" =>
        energy(&[3, 32, 32], 32, &[64, 128, 256], LeakyRelu(0.05)),
    "nt_ebm_32", "energy of 32 x 32 colour images [nijkamp2022mcmc]" => energy(&[3, 32, 32], 32, &[64, 128, 128], LipSwish),
    "nt_ebm_64", "energy of 64 x 64 colour images [nijkamp2022mcmc]" => energy(&[3, 64, 64], 32, &[64, 128, 256, 256], LipSwish),
    "coopflow_32", "residual energy of 32 x 32 colour images, 18 million parameters [xie2022coopflow]" => residual_energy(128),
    "residual_energy_32", "the same with half as many channels, 4.7 million parameters" => residual_energy(64),
    "mnist_vae_mean", "encoder of 28 x 28 digits: mean of 20 latents" => vae(["fc1", "fc21"], [784, 400, 20]),
    "mnist_vae_log_variance", "encoder of 28 x 28 digits: logarithm of the variance of 20 latents" => vae(["fc1", "fc22"], [784, 400, 20]),
    "mnist_vae_decoder", "decoder of 28 x 28 digits from 20 latents: probability of ink" => vae(["fc3", "fc4"], [20, 400, 784]).with(Sigmoid),
    "mnist_energy", "convolutional energy of 28 x 28 digits, minus its output" => mnist_energy(),
    "dcgan_28_generator", "generator of 28 x 28 grey images from 100 latents" => fashion_generator(),
    "dcgan_28_critic", "critic of 28 x 28 grey images" => fashion_critic(),
    "wgan_28_generator", "generator of 28 x 28 grey images from 64 latents, transposed convolutions" => wgan_generator(),
    "wgan_28_critic", "critic of 28 x 28 grey images, no padding" => wgan_critic(),
    "dcgan_32_generator", "generator of 32 x 32 colour images from 100 latents [radford2016dcgan]" => dcgan_generator(&[256, 128, 64]),
    "dcgan_32_critic", "critic of 32 x 32 colour images [radford2016dcgan]" => dcgan_critic(32, &[64, 128, 256]),
    "dcgan_64_generator", "generator of 64 x 64 colour images from 100 latents [radford2016dcgan]" => dcgan_generator(&[512, 256, 128, 64]),
    "dcgan_64_critic", "critic of 64 x 64 colour images [radford2016dcgan]" => dcgan_critic(64, &[64, 128, 256, 512]),
    "sngan_32_generator", "residual generator of 32 x 32 colour images from 128 latents [miyato2018spectral]" => sngan_generator(),
    "sngan_32_critic", "residual critic of 32 x 32 colour images, sum over pixels [miyato2018spectral]" => sngan_critic(Reduction::Sum),
    "wgan_gp_32_critic", "residual critic of 32 x 32 colour images, mean over pixels" => sngan_critic(Reduction::Mean),
    "mnist_mlp_generator", "dense generator of 28 x 28 grey images from 64 latents" =>
        NetworkSpec::dense(64, &[256, 256], 784, Relu).with(Tanh),
    "mnist_mlp_critic", "dense critic of 28 x 28 grey images, before its sigmoid" =>
        NetworkSpec::dense(784, &[256, 256], 1, LeakyRelu(0.2)),
    "lenet5", "classifier of 32 x 32 digits: logarithms of probabilities up to a constant [lecun1998gradient]" => lenet(),
    "resnet20", "classifier of 32 x 32 colour images [he2016deep], shortcuts without weights" => resnet(3),
    "resnet56", "classifier of 32 x 32 colour images [he2016deep], shortcuts without weights" => resnet(9),
}

/// Convolutions that halve the image down to 4 x 4, and one over what is left.
fn energy(input: &[usize], first: usize, channels: &[usize], activation: Activation) -> NetworkSpec {
    let mut spec = NetworkSpec::new(input).with(Convolution::new(first, 3, 1, 1)).with(activation);
    for n in channels {
        spec = spec.with(Convolution::new(*n, 4, 2, 1)).with(activation);
    }
    spec.with(Convolution::new(1, 4, 1, 0))
}

/// Residual blocks that halve the image, and 100 outputs that are summed.
fn residual_energy(first: usize) -> NetworkSpec {
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

/// Two dense layers by their names.
fn vae(names: [&str; 2], [n_in, hidden, n_out]: [usize; 3]) -> NetworkSpec {
    let [first, last] = [(hidden, names[0]), (n_out, names[1])]
        .map(|(units, name)| Dense { name: Some(name.into()), ..Dense::new(units) });
    NetworkSpec::new(&[n_in]).with(first).with(Relu).with(last)
}

fn mnist_energy() -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[1, 28, 28]).with(Convolution::new(16, 5, 2, 4)).with(Swish);
    for n in [32, 64, 64] {
        spec = spec.with(Convolution::new(n, 3, 2, 1)).with(Swish);
    }
    spec.with(Flatten {}).with(Dense::new(64)).with(Swish).with(Dense::new(1))
}

fn fashion_generator() -> NetworkSpec {
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

fn fashion_critic() -> NetworkSpec {
    NetworkSpec::new(&[1, 28, 28])
        .with(Convolution::new(64, 4, 2, 1))
        .with(LeakyRelu(0.2))
        .with(Convolution::new(128, 4, 2, 1))
        .with(BatchNorm::default())
        .with(LeakyRelu(0.2))
        .with(Flatten {})
        .with(Dense::new(1))
}

fn wgan_generator() -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[64, 1, 1]);
    for (channels, kernel, stride) in [(256, 3, 2), (128, 4, 1), (64, 3, 2)] {
        let layer = TransposedConvolution::new(channels, kernel, stride, 0);
        spec = spec.with(layer).with(BatchNorm::default()).with(Relu);
    }
    spec.with(TransposedConvolution::new(1, 4, 2, 0)).with(Tanh)
}

fn wgan_critic() -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[1, 28, 28]);
    for channels in [64, 128] {
        let layer = Convolution::new(channels, 4, 2, 0);
        spec = spec.with(layer).with(BatchNorm::default()).with(LeakyRelu(0.2));
    }
    spec.with(Convolution::new(1, 4, 2, 0))
}

/// From 100 latents to 4 x 4 pixels, then twice as many with every layer.
fn dcgan_generator(channels: &[usize]) -> NetworkSpec {
    let mut spec = NetworkSpec::new(&[100, 1, 1]);
    for (i, n) in channels.iter().enumerate() {
        let (stride, padding) = if i == 0 { (1, 0) } else { (2, 1) };
        let layer = TransposedConvolution::new(*n, 4, stride, padding).without_bias();
        spec = spec.with(layer).with(BatchNorm::default()).with(Relu);
    }
    spec.with(TransposedConvolution::new(3, 4, 2, 1).without_bias()).with(Tanh)
}

fn dcgan_critic(size: usize, channels: &[usize]) -> NetworkSpec {
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

fn sngan_generator() -> NetworkSpec {
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

fn sngan_critic(reduction: Reduction) -> NetworkSpec {
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

fn lenet() -> NetworkSpec {
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
fn resnet(n: usize) -> NetworkSpec {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Sequential;

    #[test]
    fn networks_fit_and_have_the_published_sizes() {
        let sizes: Vec<(&str, usize)> = named_networks()
            .iter()
            .map(|n| {
                let spec = n.spec();
                spec.output().unwrap_or_else(|e| panic!("{}: {e}", n.name));
                let text = toml::to_string(&spec).unwrap();
                assert_eq!(toml::from_str::<NetworkSpec>(&text).unwrap(), spec, "{}", n.name);
                (n.name, Sequential::<f32>::new(&spec, 0).n_params())
            })
            .collect();
        let size = |name| sizes.iter().find(|(n, _)| *n == name).unwrap().1;
        assert_eq!(size("toy"), 10_593);
        // Without the two running statistics of every channel.
        let statistics = |n: usize| 2 * (16 + 2 * n * (16 + 32 + 64));
        assert_eq!(size("resnet20") - statistics(3), 269_722);
        assert_eq!(size("resnet56") - statistics(9), 853_018);
        assert_eq!(size("lenet5"), 61_706);
        assert_eq!(size("residual_energy_32"), 4_694_052);
        assert_eq!(named_network("no such network"), None);
    }
}
