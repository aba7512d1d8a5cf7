//! Every kernel has a page, and every config on a page can be read, built, and is what it says it is.

use super::{configs, pages};
use mixwell::kernel::{KernelConfig, catalogue};

#[derive(serde::Deserialize)]
struct File {
    kernel: KernelConfig,
}

#[test]
fn configs_on_the_pages_work() {
    let Some(pages) = pages("kernels") else { return };
    let files = configs::<File>(&pages);
    for (name, file) in &files {
        file.kernel.build(2).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let read = files.len();
    assert!(read >= catalogue().len() - 1, "only {read} configs found");
}

#[test]
fn every_kernel_has_a_page() {
    let Some(pages) = pages("kernels") else { return };
    for entry in catalogue() {
        let page = match entry.name {
            "sequence" | "repeat" | "mixture" => "compose",
            name => name,
        };
        assert!(pages.iter().any(|(name, _)| name == page), "no page for {}", entry.name);
    }
}
