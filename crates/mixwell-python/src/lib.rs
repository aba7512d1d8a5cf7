//! The extension module `mixwell._mixwell`: what the Python package needs of the library, in terms of NumPy arrays and dictionaries.
//!
//! Nothing is decided here that the library decides: settings are read by its own reader, and its errors are raised word for word. The package's
//! interface, with docstrings, is the Python code in `python/mixwell`.

#![warn(missing_docs)]
// Calling a function by its address is the only `unsafe`; see `density/native.rs`.
#![deny(unsafe_code)]

mod arrays;
mod catalogue;
mod chains;
mod density;
mod errors;
mod flow;
mod folder;
mod network;
mod progress;
mod report;
mod results;
mod run;
mod save;
mod settings;
mod supervise;
mod target;
mod training;

use pyo3::prelude::*;

/// What the package `mixwell` is made of. Use the package.
#[pymodule]
mod _mixwell {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::catalogue::{catalogue, schema};
    #[pymodule_export]
    use crate::chains::Chains;
    #[pymodule_export]
    use crate::density::Density;
    #[pymodule_export]
    use crate::flow::Flow;
    #[pymodule_export]
    use crate::folder::{read_run, read_variable};
    #[pymodule_export]
    use crate::network::Network;
    #[pymodule_export]
    use crate::report::report;
    #[pymodule_export]
    use crate::run::run;
    #[pymodule_export]
    use crate::save::save;
    #[pymodule_export]
    use crate::settings::complete;
    #[pymodule_export]
    use crate::target::Target;
    #[pymodule_export]
    use crate::training::{holds_training, read_training, train};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
