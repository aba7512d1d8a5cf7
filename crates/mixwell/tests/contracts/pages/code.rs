//! Every page with Rust code is among the doc tests of the crate.

use super::{all_pages, blocks};

#[test]
fn no_page_with_code_is_left_out_of_the_doc_tests() {
    let source = include_str!("../../../src/lib.rs");
    for (path, text) in all_pages() {
        let tested = source.contains(&format!("docs/{}\")]", path.display()));
        assert!(tested || blocks(&text, "rust").is_empty(), "docs/{} is not in src/lib.rs", path.display());
    }
}
