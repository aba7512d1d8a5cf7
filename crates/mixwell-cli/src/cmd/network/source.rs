//! A network as the command line names it.

use std::path::Path;

use mixwell::net::import::{FoundNetwork, ImportError, NetworkSource};

use super::printable;
use crate::cli::WeightsArgs;
use crate::exit::bad_input;

/// An error of a file: its fault, or the machine's.
pub fn import_error(e: ImportError) -> anyhow::Error {
    if e.is_input() { bad_input(printable(&e.to_string())) } else { e.into() }
}

/// Reads the files.
pub fn read(description: Option<&Path>, weights: &Path, args: &WeightsArgs) -> anyhow::Result<FoundNetwork> {
    let source = NetworkSource {
        weights: weights.into(),
        description: description.map(Path::to_path_buf),
        key: args.key.clone(),
        strip: args.strip.clone(),
    };
    source.read().map_err(import_error)
}
