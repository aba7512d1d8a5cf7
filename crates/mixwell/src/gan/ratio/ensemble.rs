//! The mean of several networks of one output, as one network: a sum of branches, and a last layer that divides by their number.

use crate::ConfigError;
use crate::Stream;
use crate::net::{Dense, Flatten, Init, LayerSpec, Network, NetworkSpec, Residual, Stored};

/// The mean of networks of the same input and one output; a single one stays as it is.
///
/// # Errors
/// When the description of all of them together cannot be used.
pub(super) fn mean_of<T: Stored>(networks: &[Network<T>]) -> Result<Network<T>, ConfigError> {
    let [first, others @ ..] = networks else {
        return Err(ConfigError::new("network", "none", "at least one is needed"));
    };
    if others.is_empty() {
        return Ok(first.clone());
    }
    let branch = |network: &Network<T>| -> Vec<LayerSpec> {
        let mut layers = network.spec().layers.clone();
        layers.push(Flatten {}.into());
        layers
    };
    // From the last on: a branch, and around it those that come after.
    let (last, before) = networks.split_last().expect("at least two");
    let mut layers = branch(last);
    for network in before.iter().rev() {
        layers = vec![Residual { main: branch(network), skip: layers }.into()];
    }
    let spec = NetworkSpec { input: first.spec().input.clone(), layers };
    let spec = spec.with(Dense { bias: false, ..Dense::new(1) });
    let mut params: Vec<T> = networks.iter().flat_map(|network| network.params().iter().copied()).collect();
    params.push(T::from_f64(1.0 / networks.len() as f64));
    let mut mean = Network::new(&spec, Init::ZeroLast, &mut Stream::new(0, 0))?;
    mean.update(|p| p.copy_from_slice(&params));
    Ok(mean)
}
