//! Networks derived from a [`Network`]: without their batch normalisations, which evaluation can do within the layer before, and
//! only up to some layer, whose outputs are features.
//!
//! A batch normalisation after a layer with weights multiplies output channel c by `s = weight / sqrt(variance + epsilon)`: weights
//! become `s W`, biases `s (bias - mean) + bias of the norm`.

use super::layer::LayerSpec;
use super::network::Network;
use super::network_spec::NetworkSpec;
use super::parameters::ArraySpec;
use super::sequential::Init;
use crate::{ConfigError, Stream};
use mixwell_vector::Real;

impl<T: Real> Network<T> {
    /// The same function with fewer layers: batch normalisations, with their running statistics, become part of the dense layer or
    /// convolution right before them. For evaluation; trained further, it is another model.
    pub fn folded(&self) -> Self {
        let layout = self.layers_layout();
        let mut walk = Walk { arrays: layout.iter(), params: self.params(), made: vec![] };
        let layers = walk.fold(&self.spec().layers);
        let spec = NetworkSpec { input: self.spec().input.clone(), layers };
        Self::with_params(&spec, &walk.made).expect("layers that fitted before")
    }

    /// The first `n_layers` layers, with their parameters: the features that a classifier looks at, say.
    ///
    /// # Errors
    /// See [`NetworkSpec::until`].
    pub fn until(&self, n_layers: usize) -> Result<Self, ConfigError> {
        let spec = self.spec().until(n_layers)?;
        let n_params = super::Sequential::<T>::new(&spec, 0).n_params();
        Self::with_params(&spec, &self.params()[..n_params])
    }

    /// The network of this description with these parameters, in the order of its layers.
    ///
    /// # Errors
    /// As [`Network::new`], and when there are more or fewer parameters than the network has.
    pub fn with_params(spec: &NetworkSpec, params: &[T]) -> Result<Self, ConfigError> {
        let mut network = Self::new(spec, Init::ZeroLast, &mut Stream::new(0, 0))?;
        if network.params().len() != params.len() {
            let reason = format!("the network has {}", network.params().len());
            return Err(ConfigError::new("params", format!("{} numbers", params.len()), reason));
        }
        network.update(|p| p.copy_from_slice(params));
        Ok(network)
    }
}

/// Goes through layers and their arrays in order.
struct Walk<'a, T> {
    arrays: std::slice::Iter<'a, ArraySpec>,
    params: &'a [T],
    made: Vec<T>,
}

impl<T: Real> Walk<'_, T> {
    /// The next array.
    fn take(&mut self) -> Vec<f64> {
        let array = self.arrays.next().expect("an array for every name");
        self.params[array.offset..array.end()].iter().map(|v| v.to_f64()).collect()
    }

    fn give(&mut self, values: &[f64]) {
        self.made.extend(values.iter().map(|v| T::from_f64(*v)));
    }

    fn fold(&mut self, layers: &[LayerSpec]) -> Vec<LayerSpec> {
        let (mut folded, mut rest) = (Vec::with_capacity(layers.len()), layers);
        while let Some((layer, after)) = rest.split_first() {
            rest = after;
            let norm = match after.first() {
                Some(LayerSpec::BatchNorm(norm)) => Some(norm),
                _ => None,
            };
            if let (Some((layer, has_bias, axis)), Some(norm)) = (with_bias(layer), norm) {
                rest = &after[1..];
                let shape = self.arrays.clone().next().map(|a| a.shape.clone()).unwrap_or_default();
                let mut weights = self.take();
                let n = shape[axis];
                let mut biases = if has_bias { self.take() } else { vec![0.0; n] };
                let (scale, shift) =
                    if norm.affine { (self.take(), self.take()) } else { (vec![1.0; n], vec![0.0; n]) };
                let (mean, variance) = (self.take(), self.take());
                let scale: Vec<f64> =
                    scale.iter().zip(&variance).map(|(w, v)| w / (v + norm.epsilon).sqrt()).collect();
                let inner: usize = shape[axis + 1..].iter().product();
                for (i, w) in weights.iter_mut().enumerate() {
                    *w *= scale[i / inner.max(1) % n.max(1)];
                }
                for c in 0..n {
                    biases[c] = (biases[c] - mean[c]) * scale[c] + shift[c];
                }
                self.give(&weights);
                self.give(&biases);
                folded.push(layer);
                continue;
            }
            folded.push(match layer {
                LayerSpec::Residual(block) => {
                    let mut block = block.clone();
                    block.main = self.fold(&block.main);
                    block.skip = self.fold(&block.skip);
                    LayerSpec::Residual(block)
                }
                other => {
                    for _ in other.arrays() {
                        let values = self.take();
                        self.give(&values);
                    }
                    other.clone()
                }
            });
        }
        folded
    }
}

/// A layer into which a norm can be folded, with biases; whether it had them, and the axis of its output channels.
fn with_bias(layer: &LayerSpec) -> Option<(LayerSpec, bool, usize)> {
    let mut layer = layer.clone();
    let (bias, axis, spectral_norm) = match &mut layer {
        LayerSpec::Dense(l) => (&mut l.bias, 0, l.spectral_norm),
        LayerSpec::Convolution(l) => (&mut l.bias, 0, l.spectral_norm),
        LayerSpec::TransposedConvolution(l) => (&mut l.bias, 1, l.spectral_norm),
        _ => return None,
    };
    let had = std::mem::replace(bias, true);
    (!spectral_norm).then_some((layer, had, axis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::net::named_network;

    /// A network with statistics that do something.
    fn network(spec: &NetworkSpec) -> Network<f64> {
        let mut stream = Stream::new(2, 0);
        let mut network = Network::new(spec, Init::Uniform, &mut stream).unwrap();
        network.update(|p: &mut [f64]| {
            p.iter_mut().for_each(|p| *p = (*p + 0.2 * stream.normal()).abs() + 0.01 * stream.uniform())
        });
        network
    }

    fn values(network: &Network<f64>, rows: usize) -> Points {
        let (mut x, mut y) = (Points::zeros(rows, network.dim()), Points::zeros(rows, network.n_out()));
        Stream::new(3, 0).fill_normal(x.data_mut());
        network.values(x.as_batch(), y.as_batch_mut());
        y
    }

    #[test]
    fn folded_networks_are_the_same_function() {
        for name in ["resnet20", "dcgan_28_generator", "wgan_28_critic"] {
            let network = network(&named_network(name).unwrap());
            let folded = network.folded();
            assert!(folded.spec().layers.len() < network.spec().layers.len(), "{name}");
            assert!(!format!("{:?}", folded.spec()).contains("BatchNorm"), "{name}");
            let (want, found) = (values(&network, 2), values(&folded, 2));
            let scale = want.data().iter().fold(0.0f64, |m, v| m.max(v.abs()));
            for (want, found) in want.data().iter().zip(found.data()) {
                assert!((want - found).abs() < 1e-10 * scale, "{name}: {found} instead of {want}");
            }
        }
    }

    #[test]
    fn the_first_layers_give_features() {
        let network = network(&named_network("resnet20").unwrap());
        let n_layers = network.spec().layers.len();
        let features = network.until(n_layers - 1).unwrap();
        assert_eq!(features.n_out(), 64);
        // The last layer, by hand.
        let (y, h) = (values(&network, 3), values(&features, 3));
        let last = &network.params()[features.params().len()..];
        for r in 0..3 {
            for (k, y) in y.row(r).iter().enumerate() {
                let dot: f64 = last[k * 64..][..64].iter().zip(h.row(r)).map(|(w, h)| w * h).sum();
                assert!((dot + last[640 + k] - y).abs() < 1e-9 * (1.0 + y.abs()));
            }
        }
        for n in [0, n_layers + 1] {
            let message = network.until(n).unwrap_err().to_string();
            assert!(message.contains(&format!("{n_layers} layers")), "{message}");
        }
    }
}
