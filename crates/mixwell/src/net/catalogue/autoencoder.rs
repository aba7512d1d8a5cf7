//! The two halves of a variational autoencoder.

use crate::net::activation::Activation::Relu;
use crate::net::layer::Dense;
use crate::net::network_spec::NetworkSpec;

/// Two dense layers by their names.
pub(super) fn vae(names: [&str; 2], [n_in, hidden, n_out]: [usize; 3]) -> NetworkSpec {
    let [first, last] = [(hidden, names[0]), (n_out, names[1])]
        .map(|(units, name)| Dense { name: Some(name.into()), ..Dense::new(units) });
    NetworkSpec::new(&[n_in]).with(first).with(Relu).with(last)
}
