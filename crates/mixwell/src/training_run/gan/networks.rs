//! The networks of a GAN, described or by default, and whether they fit the data and each other.

use super::config::GanConfig;
use crate::ConfigError;
use crate::net::{Activation, LayerSpec, NetworkSpec};
use crate::training_run::TrainingRunError;
use crate::training_run::classifier::NetworkChoice;
use crate::training_run::energy::OpenImages;

/// Hidden layers where no network is given.
const HIDDEN: [usize; 4] = [100; 4];
/// Latents where no generator is given.
const LATENTS: usize = 2;

/// An error of a network, under the key where it stands.
pub(in crate::training_run) fn placed(error: TrainingRunError, key: &str) -> TrainingRunError {
    match error {
        TrainingRunError::Config(e) => {
            let rest = e.key.strip_prefix("network").map(|rest| format!("{key}{rest}"));
            let key = rest.unwrap_or_else(|| format!("{key}.{}", e.key));
            ConfigError { key, ..e }.into()
        }
        other => other,
    }
}

fn described(choice: &NetworkChoice, key: &str) -> Result<NetworkSpec, TrainingRunError> {
    choice.spec().map_err(|e| placed(e, key))
}

/// The descriptions of generator and discriminator for data of so many coordinates.
pub(super) fn networks(
    config: &GanConfig,
    dim: usize,
    images: Option<&OpenImages>,
) -> Result<[NetworkSpec; 2], TrainingRunError> {
    let generator = match &config.generator {
        Some(choice) => described(choice, "generator")?,
        None => NetworkSpec::dense(config.latent.unwrap_or(LATENTS), &HIDDEN, dim, Activation::Relu),
    };
    let discriminator = match &config.discriminator {
        Some(choice) => described(choice, "discriminator")?,
        None => NetworkSpec::dense(dim, &HIDDEN, 1, Activation::Relu),
    };
    let latents = generator.input_shape()?.len();
    if latents == 0 {
        return Err(ConfigError::new("generator.input", "[0]", "there is at least one latent").into());
    }
    if let Some(given) = config.latent.filter(|given| *given != latents) {
        return Err(
            ConfigError::new("latent", given, format!("the generator takes {latents} numbers")).into()
        );
    }
    images.map_or(Ok(()), |images| images.check_network("discriminator", &discriminator))?;
    let (made, taken) = (generator.output()?, discriminator.input_shape()?);
    if made.len() != taken.len() {
        let reason = format!("the discriminator takes {taken}");
        return Err(ConfigError::new("generator", format!("of outputs {made}"), reason).into());
    }
    if made.len() != dim {
        let reason = format!("the data have {dim} coordinates");
        return Err(ConfigError::new("generator", format!("of outputs {made}"), reason).into());
    }
    let scores = discriminator.output()?.len();
    if scores != 1 {
        let reason = "it has one output, the score";
        return Err(ConfigError::new("discriminator", format!("of {scores} outputs"), reason).into());
    }
    if let Some(LayerSpec::Activation(last)) = discriminator.layers.last()
        && last.function == Activation::Sigmoid
    {
        let reason = "the losses take the score before it; leave the last layer out";
        return Err(ConfigError::new("discriminator", "a network that ends with a sigmoid", reason).into());
    }
    Ok([generator, discriminator])
}
