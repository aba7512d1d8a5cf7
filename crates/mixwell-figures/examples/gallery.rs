//! Writes one figure of each kind to a folder: `cargo run -p mixwell-figures --example gallery -- FOLDER`.

#[path = "../tests/samples/mod.rs"]
mod samples;

fn main() -> std::io::Result<()> {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "gallery".into()));
    std::fs::create_dir_all(&folder)?;
    for (name, svg) in samples::all() {
        std::fs::write(folder.join(name).with_extension("svg"), svg)?;
    }
    Ok(())
}
