//! On macOS a module that finds Python's symbols when it is loaded must tell the linker so.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
