//! What every target does with a file: read its arrays, and where they are a network, build and evaluate it. Nothing of it may
//! panic, and what is held stays within the limits given here.

use mixwell::Points;
use mixwell::net::Network;
use mixwell::net::import::{ImportLimits, NamedArrays};

/// Limits that libFuzzer's own bound of memory does not meet.
fn limits(data: &[u8]) -> ImportLimits {
    let mut limits = ImportLimits::for_file(data.len() as u64);
    (limits.inflated, limits.arrays) = (1 << 20, 1 << 20);
    limits
}

/// Reads the arrays of a file; they fit their shapes.
pub fn arrays(data: &[u8]) -> Option<NamedArrays> {
    let arrays = NamedArrays::from_bytes_within(data, &limits(data)).ok()?;
    for array in &arrays {
        assert_eq!(array.values.len(), array.shape.iter().product::<usize>());
    }
    let _ = (arrays.select(""), arrays.fold_spectral_norm(|_| false), arrays.guess_description());
    Some(arrays)
}

/// Reads a network and evaluates it at one point.
pub fn network(data: &[u8]) {
    if let Ok(network) = Network::<f32>::from_bytes_within(data, &limits(data)) {
        let x = Points::from_vec(vec![0.5; network.dim()], network.dim());
        let mut y = Points::zeros(1, network.n_out());
        network.values(x.as_batch(), y.as_batch_mut());
    }
}
