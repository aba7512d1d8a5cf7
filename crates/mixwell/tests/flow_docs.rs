//! Every flow has a page, and every config on a page can be read and built.

use std::fs;
use std::path::Path;

use mixwell::Stream;
use mixwell::flow::{Flow, FlowConfig, catalogue};

#[derive(serde::Deserialize)]
struct File {
    flow: FlowConfig,
}

fn pages() -> Option<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/flows");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("skipped: this copy of the crate comes without docs/flows");
        return None;
    };
    let page = |path: &Path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_string();
        (name, fs::read_to_string(path).unwrap())
    };
    Some(entries.map(|e| page(&e.unwrap().path())).collect())
}

#[test]
fn configs_on_the_pages_work() {
    let Some(pages) = pages() else { return };
    for (name, text) in &pages {
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let file: File = toml::from_str(block).unwrap_or_else(|e| panic!("{name}: {e}"));
            Flow::new(&file.flow, 2, &mut Stream::new(0, 0)).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
}

#[test]
fn every_flow_has_a_page_with_all_its_settings() {
    let Some(pages) = pages() else { return };
    for entry in catalogue() {
        // The Gaussian has a paragraph on the overview.
        let page = if entry.name == "gaussian" { "README" } else { entry.name };
        let (_, text) = pages
            .iter()
            .find(|(name, _)| name == page)
            .unwrap_or_else(|| panic!("no page for {}", entry.name));
        let settings = toml::Table::try_from(&entry.default).unwrap();
        for key in settings.keys().filter(|k| *k != "kind" && page != "README") {
            assert!(text.contains(&format!("| `{key}` |")), "{page}: no row for `{key}`");
        }
    }
}
