//! Every kernel has a page, and every config on a page can be read, built, and is what it says it is.

use std::fs;
use std::path::Path;

use mixwell::kernel::{KernelConfig, catalogue};

#[derive(serde::Deserialize)]
struct File {
    kernel: KernelConfig,
}

fn pages() -> Option<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kernels");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("skipped: this copy of the crate comes without docs/kernels");
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
    let mut read = 0;
    for (name, text) in &pages {
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let file: File = toml::from_str(block).unwrap_or_else(|e| panic!("{name}: {e}"));
            file.kernel.build(2).unwrap_or_else(|e| panic!("{name}: {e}"));
            read += 1;
        }
    }
    assert!(read >= catalogue().len() - 1, "only {read} configs found");
}

#[test]
fn every_kernel_has_a_page() {
    let Some(pages) = pages() else { return };
    for entry in catalogue() {
        let page = match entry.name {
            "sequence" | "repeat" | "mixture" => "compose",
            name => name,
        };
        assert!(pages.iter().any(|(name, _)| name == page), "no page for {}", entry.name);
    }
}
