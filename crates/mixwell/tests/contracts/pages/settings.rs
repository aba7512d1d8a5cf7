//! Every config on the pages can be read, and its settings can be used. Kernels and flows have tests of their own beside this one.

use mixwell::config::parse;
use mixwell::estimate::EvidenceConfig;
use mixwell::net::NetworkSpec;
use mixwell::sampler::RunConfig;
use mixwell::training_run::TrainConfig;

use super::{all_pages, blocks};

/// Reads a block as what it is, and checks it; gives what was wrong.
fn read(block: &str) -> Result<(), String> {
    let table: toml::Table = block.parse().map_err(|e| format!("{e}"))?;
    if table.contains_key("kind") {
        let file = parse::<TrainConfig>(block).map_err(|e| e.to_string())?;
        return file.settings.check().map_err(|e| e.to_string());
    }
    if table.contains_key("estimators") {
        let file = parse::<EvidenceConfig>(block).map_err(|e| e.to_string())?;
        return file.settings.check().map_err(|e| e.to_string());
    }
    if table.contains_key("layers") {
        let spec: NetworkSpec = toml::from_str(block).map_err(|e| e.to_string())?;
        return spec.output().map(|_| ()).map_err(|e| e.to_string());
    }
    if table.contains_key("optimiser") {
        // A part of a training.
        let whole = format!(
            "kind = \"classifier\"\n{block}\n[data]\ntrain = \"train\"\n[network]\ninput = [1]\nlayers = []\n"
        );
        return parse::<TrainConfig>(&whole).map(|_| ()).map_err(|e| e.to_string());
    }
    let file = parse::<RunConfig>(block).map_err(|e| e.to_string())?;
    file.settings.check().map_err(|e| e.to_string())
}

#[test]
fn configs_on_the_pages_can_be_used() {
    let pages = all_pages();
    let mut found = 0;
    for (path, text) in &pages {
        if path.starts_with("kernels") || path.starts_with("flows") {
            continue;
        }
        for block in blocks(text, "toml") {
            read(block).unwrap_or_else(|e| panic!("docs/{}: {e}\n{block}", path.display()));
            found += 1;
        }
    }
    assert!(pages.is_empty() || found >= 15, "only {found} configs found");
}

#[test]
fn a_wrong_key_is_found() {
    assert!(read("chians = 3").unwrap_err().contains("chians"));
    assert!(read("kind = \"gan\"\nupdate = 3").unwrap_err().contains("update"));
    assert!(read("[target]\nkind = \"funnel\"\ndim = 0").is_err());
}
