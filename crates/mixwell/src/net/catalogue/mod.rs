//! Networks by name: those of the sources and of the files that people have. Every one is a [`NetworkSpec`], to be changed at will.

mod autoencoder;
mod classifiers;
mod energies;
mod gans;
mod points;

use super::activation::Activation::{LeakyRelu, LipSwish, Relu, Sigmoid, Tanh};
use super::layer::Reduction;
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
        energies::energy(&[3, 32, 32], 32, &[64, 128, 256], LeakyRelu(0.05)),
    "nt_ebm_32", "energy of 32 x 32 colour images [nijkamp2022mcmc]" => energies::energy(&[3, 32, 32], 32, &[64, 128, 128], LipSwish),
    "nt_ebm_64", "energy of 64 x 64 colour images [nijkamp2022mcmc]" => energies::energy(&[3, 64, 64], 32, &[64, 128, 256, 256], LipSwish),
    "coopflow_32", "residual energy of 32 x 32 colour images, 18 million parameters [xie2022coopflow]" => energies::residual_energy(128),
    "residual_energy_32", "the same with half as many channels, 4.7 million parameters" => energies::residual_energy(64),
    "mnist_vae_mean", "encoder of 28 x 28 digits: mean of 20 latents" => autoencoder::vae(["fc1", "fc21"], [784, 400, 20]),
    "mnist_vae_log_variance", "encoder of 28 x 28 digits: logarithm of the variance of 20 latents" => autoencoder::vae(["fc1", "fc22"], [784, 400, 20]),
    "mnist_vae_decoder", "decoder of 28 x 28 digits from 20 latents: probability of ink" => autoencoder::vae(["fc3", "fc4"], [20, 400, 784]).with(Sigmoid),
    "mnist_energy", "convolutional energy of 28 x 28 digits, minus its output" => energies::mnist_energy(),
    "dcgan_28_generator", "generator of 28 x 28 grey images from 100 latents" => gans::fashion_generator(),
    "dcgan_28_critic", "critic of 28 x 28 grey images" => gans::fashion_critic(),
    "wgan_28_generator", "generator of 28 x 28 grey images from 64 latents, transposed convolutions" => gans::wgan_generator(),
    "wgan_28_critic", "critic of 28 x 28 grey images, no padding" => gans::wgan_critic(),
    "dcgan_32_generator", "generator of 32 x 32 colour images from 100 latents [radford2016dcgan]" => gans::dcgan_generator(&[256, 128, 64]),
    "dcgan_32_critic", "critic of 32 x 32 colour images [radford2016dcgan]" => gans::dcgan_critic(32, &[64, 128, 256]),
    "dcgan_64_generator", "generator of 64 x 64 colour images from 100 latents [radford2016dcgan]" => gans::dcgan_generator(&[512, 256, 128, 64]),
    "dcgan_64_critic", "critic of 64 x 64 colour images [radford2016dcgan]" => gans::dcgan_critic(64, &[64, 128, 256, 512]),
    "sngan_32_generator", "residual generator of 32 x 32 colour images from 128 latents [miyato2018spectral]" => gans::sngan_generator(),
    "sngan_32_critic", "residual critic of 32 x 32 colour images, sum over pixels [miyato2018spectral]" => gans::sngan_critic(Reduction::Sum),
    "wgan_gp_32_critic", "residual critic of 32 x 32 colour images, mean over pixels" => gans::sngan_critic(Reduction::Mean),
    "ex2_mnist_generator", "generator of 28 x 28 digits from 2 latents [samsonov2022local]" => gans::ex2_generator(),
    "ex2_mnist_critic", "its critic" => gans::ex2_critic(true),
    "ex2_mnist_wgan_critic", "its Wasserstein critic, whose weights lie within 0.06 of zero" => gans::ex2_critic(false),
    "mnist_mlp_generator", "dense generator of 28 x 28 grey images from 64 latents" =>
        NetworkSpec::dense(64, &[256, 256], 784, Relu).with(Tanh),
    "mnist_mlp_critic", "dense critic of 28 x 28 grey images, before its sigmoid" =>
        NetworkSpec::dense(784, &[256, 256], 1, LeakyRelu(0.2)),
    "gaussians25_js_generator", "generator of 25 Gaussians in the plane, cross-entropy [samsonov2022local]" => points::relu(2, &[100; 4], 2),
    "gaussians25_js_critic", "its critic" => points::relu(2, &[100; 4], 1),
    "gaussians25_wgan_generator", "generator of 25 Gaussians or a Swiss roll, Wasserstein [samsonov2022local]" => points::relu(2, &[128; 3], 2),
    "gaussians25_wgan_critic", "its critic" => points::relu(2, &[256; 3], 1),
    "gaussians243_js_generator", "generator of 243 Gaussians in five dimensions, cross-entropy [samsonov2022local]" => points::relu(5, &[256; 3], 5),
    "gaussians243_js_critic", "its critic" => points::relu(5, &[512; 3], 1),
    "dot_25gaussians_generator", "generator of 25 Gaussians from two uniform latents" => points::named(256, 2, ["l0", "l1", "l2", "l4"]),
    "dot_25gaussians_critic", "its Wasserstein critic" => points::named(512, 1, ["l1", "l2", "l3", "l4"]),
    "lenet5", "classifier of 32 x 32 digits: logarithms of probabilities up to a constant [lecun1998gradient]" => classifiers::lenet(),
    "resnet20", "classifier of 32 x 32 colour images [he2016deep], shortcuts without weights" => classifiers::resnet(3),
    "resnet56", "classifier of 32 x 32 colour images [he2016deep], shortcuts without weights" => classifiers::resnet(9),
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
        assert_eq!(size("ex2_mnist_generator"), 1_039_553);
        assert_eq!(size("ex2_mnist_critic"), size("ex2_mnist_wgan_critic") + 1);
        assert_eq!((size("gaussians25_js_generator"), size("gaussians25_js_critic")), (30_802, 30_701));
        assert_eq!((size("gaussians25_wgan_generator"), size("gaussians25_wgan_critic")), (33_666, 132_609));
        assert_eq!((size("gaussians243_js_generator"), size("gaussians243_js_critic")), (134_405, 528_897));
        assert_eq!((size("dot_25gaussians_generator"), size("dot_25gaussians_critic")), (132_866, 527_361));
        assert_eq!(named_network("no such network"), None);
    }
}
