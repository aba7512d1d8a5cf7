//! Configuration files: TOML read against the schema of a settings type, and commented templates made from it.
//!
//! One source of truth: field names, doc comments and defaults of the Rust types. From them come the check that names
//! the line and the nearest valid key, the templates of `mixwell init`, and a JSON schema for editors.

mod checked;
mod file;
mod paths;
mod schema;
mod template;

pub use checked::Checked;
pub(crate) use file::check_seed;
pub use file::{ConfigFileError, FileConfig, parse};
pub use paths::resolved_path;
pub use schema::schema_of;
pub use template::{commented, field_docs};
