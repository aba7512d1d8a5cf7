//! Every flow has a page, and every config on a page can be read and built.

use super::{configs, pages};
use mixwell::Stream;
use mixwell::flow::{Flow, FlowConfig, catalogue};

#[derive(serde::Deserialize)]
struct File {
    flow: FlowConfig,
}

#[test]
fn configs_on_the_pages_work() {
    let Some(pages) = pages("flows") else { return };
    for (name, file) in configs::<File>(&pages) {
        Flow::new(&file.flow, file.flow.dim().unwrap_or(2), &mut Stream::new(0, 0))
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn every_flow_has_a_page_with_all_its_settings() {
    let Some(pages) = pages("flows") else { return };
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
