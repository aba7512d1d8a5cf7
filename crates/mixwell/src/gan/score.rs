//! `Score`: the discriminator after the generator, as one network from a latent to the log of a density ratio.

use crate::density::DiscriminatorLoss;
use crate::net::{Activation, LayerSpec, Network, Stored};
use crate::{Batch, BatchMut, ConfigError};

/// The output of a discriminator for what a generator makes of a latent.
pub struct Score<T: Stored> {
    joined: Network<T>,
}

impl<T: Stored> Score<T> {
    /// Puts a discriminator after a generator.
    ///
    /// # Errors
    /// When the points of the one do not fit the other, the discriminator has more than one output, it ends with a sigmoid and `loss` does
    /// not say so, or the other way round, or a weight is not finite.
    pub fn new(
        generator: &Network<T>,
        discriminator: &Network<T>,
        loss: DiscriminatorLoss,
    ) -> Result<Self, ConfigError> {
        for (key, network) in [("generator", generator), ("discriminator", discriminator)] {
            if !network.params().iter().all(|p| p.to_f64().is_finite()) {
                return Err(ConfigError::new(
                    key,
                    "a network with weights that are not finite",
                    "train it anew",
                ));
            }
        }
        if discriminator.n_out() != 1 {
            let value = format!("a network of {} outputs", discriminator.n_out());
            return Err(ConfigError::new("discriminator", value, "it must have one: its score"));
        }
        let before_sigmoid = without_sigmoid(discriminator, loss)?;
        let discriminator = before_sigmoid.as_ref().unwrap_or(discriminator);
        let (made, taken) = (generator.spec().output()?, discriminator.spec().input_shape()?);
        if made.len() != taken.len() {
            let reason = format!("the generator makes points of {made}");
            return Err(ConfigError::new(
                "discriminator",
                format!("a network for points of {taken}"),
                reason,
            ));
        }
        let spec =
            generator.spec().clone().then(discriminator.spec()).map_err(|e| e.under("discriminator"))?;
        let params = [generator.params(), discriminator.params()].concat();
        Ok(Self { joined: Network::with_params(&spec, &params)? })
    }

    /// Number of coordinates of a latent.
    pub fn dim(&self) -> usize {
        self.joined.dim()
    }

    /// Writes the score of each latent in `z` (`rows x dim`), and its gradient in the latent to `grad` (`rows x dim`) if it is wanted.
    pub fn evaluate(&self, z: Batch<'_>, score: &mut [f64], grad: Option<BatchMut<'_>>) {
        match grad {
            None => self.joined.energy(z, score),
            Some(grad) => self.joined.energy_and_grad(z, score, grad),
        }
    }
}

/// The network up to its last layer where that is a sigmoid and the loss says so.
pub(crate) fn without_sigmoid<T: Stored>(
    discriminator: &Network<T>,
    loss: DiscriminatorLoss,
) -> Result<Option<Network<T>>, ConfigError> {
    let layers = &discriminator.spec().layers;
    let ends_so =
        matches!(layers.last(), Some(LayerSpec::Activation(l)) if l.function == Activation::Sigmoid);
    let refused = |value: &str, reason: &str| Err(ConfigError::new("loss", value, reason));
    match (ends_so, loss) {
        (true, DiscriminatorLoss::JsSigmoid) => discriminator.until(layers.len() - 1).map(Some),
        (true, _) => refused(
            "for a score before the sigmoid",
            "the discriminator ends with one; use `js_sigmoid`, or a description without it",
        ),
        (false, DiscriminatorLoss::JsSigmoid) => {
            refused("js_sigmoid", "the discriminator does not end with a sigmoid; use `js`")
        }
        (false, _) => Ok(None),
    }
}
