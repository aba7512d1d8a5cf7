//! Pages of the documentation, and the configs on them.

mod code;
mod flows;
mod kernels;
mod settings;

use std::fs;
use std::path::{Path, PathBuf};

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

/// Path below `docs` and text of every page, those of its folders too; none, with a word, where the crate comes without them.
pub fn all_pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            eprintln!("skipped: this copy of the crate comes without docs");
            continue;
        };
        for path in entries.map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push((
                    path.strip_prefix(&root).unwrap().to_path_buf(),
                    fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    found
}

/// The fenced blocks of a language in a text.
pub fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("\n```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
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
