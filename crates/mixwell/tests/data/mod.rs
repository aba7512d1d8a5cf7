//! Reference data that is too large for the repository, and is found beside it.

use std::path::{Path, PathBuf};

use mixwell::Points;
use mixwell::io::read_npy;

/// The data folder that has `part`: `MIXWELL_DATA`, or a folder `shared/data` beside the checkout. `None`, with a word, where
/// there is none.
pub fn folder_with(part: &str) -> Option<PathBuf> {
    let beside = ["../../../shared/data", "../../../../shared/data"]
        .map(|p| Path::new(env!("CARGO_MANIFEST_DIR")).join(p));
    let named = std::env::var_os("MIXWELL_DATA").map(PathBuf::from);
    let found = named.into_iter().chain(beside).find(|p| p.join(part).exists());
    if found.is_none() {
        eprintln!("skipped: no {part}; set MIXWELL_DATA to the folder that has it");
    }
    found
}

/// A matrix in a numpy file.
pub fn matrix(path: &Path) -> Points {
    let array = read_npy(path).unwrap();
    let dim = array.shape[1];
    Points::from_vec(array.data.into_f64(), dim)
}
