//! Pages of the documentation, and the configs on them.

mod flows;
mod kernels;

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

/// Name and text of every page in a folder of `docs`; `None`, with a word, where the crate comes without it.
pub fn pages(folder: &str) -> Option<Vec<(String, String)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(folder);
    let Ok(entries) = fs::read_dir(&path) else {
        eprintln!("skipped: this copy of the crate comes without docs/{folder}");
        return None;
    };
    let page = |path: &Path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_string();
        (name, fs::read_to_string(path).unwrap())
    };
    Some(entries.map(|e| page(&e.unwrap().path())).collect())
}

/// Every config on the pages, with the name of its page.
pub fn configs<T: DeserializeOwned>(pages: &[(String, String)]) -> Vec<(&str, T)> {
    let mut found = Vec::new();
    for (name, text) in pages {
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            found.push((name.as_str(), toml::from_str(block).unwrap_or_else(|e| panic!("{name}: {e}"))));
        }
    }
    found
}
