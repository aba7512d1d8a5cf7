//! What a store of draws says of the run that they are from.

use serde_json::{Map, Value, json};

use super::config::RunConfig;
use crate::density::Variable;
use crate::io::{MANIFEST, MANIFEST_ATTRIBUTE};

/// The attributes of the store that holds the draws of these variables: who made them and how, and the names of their elements.
pub fn draw_attributes(config: &RunConfig, variables: &[Variable]) -> Map<String, Value> {
    let version = env!("CARGO_PKG_VERSION");
    let attributes = json!({
        "creation_library": "mixwell",
        "creation_library_version": version,
        "creation_library_language": "Rust",
        "inference_library": "mixwell",
        "inference_library_version": version,
        "method": config.method.name(),
        "seed": config.seed,
        MANIFEST_ATTRIBUTE: MANIFEST,
    });
    let mut map = match attributes {
        Value::Object(map) => map,
        _ => unreachable!("an object was written above"),
    };
    for variable in variables.iter().filter(|v| !v.elements.is_empty()) {
        map.insert(format!("{}_dim_0_names", variable.name), variable.elements.clone().into());
    }
    map
}
