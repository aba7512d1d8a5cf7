//! `network inspect`: what is in a file of a network, and a description of it, its own or a guess.

use std::io::{BufWriter, Write};

use mixwell::net::import::NamedArrays;
use serde_json::json;

use super::printable;
use super::source::import_error;
use crate::cli::InspectArgs;
use crate::exit::Status;

/// Runs the subcommand.
pub fn run(args: &InspectArgs) -> anyhow::Result<Status> {
    let arrays = NamedArrays::read(&args.file).map_err(import_error)?;
    if args.json {
        writeln!(std::io::stdout(), "{:#}", as_json(&arrays))?;
    } else {
        print(&arrays)?;
    }
    Ok(Status::Finished)
}

fn as_json(arrays: &NamedArrays) -> serde_json::Value {
    let one = |a: &mixwell::net::import::NamedArray| json!({ "name": a.name, "shape": a.shape, "type": a.element.to_string() });
    let skipped =
        |s: &mixwell::net::import::Skipped| json!({ "name": s.name, "what": s.what, "opaque": s.opaque });
    json!({
        "kind": arrays.kind().to_string(),
        "parameters": arrays.n_parameters(),
        "arrays": arrays.iter().map(one).collect::<Vec<_>>(),
        "skipped": arrays.skipped().iter().map(skipped).collect::<Vec<_>>(),
        "metadata": arrays.metadata(),
        "description": arrays.network(),
    })
}

fn print(arrays: &NamedArrays) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let names: Vec<String> = arrays.iter().map(|a| printable(&a.name)).collect();
    let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0).clamp(5, 60);
    writeln!(out, "{:width$}  {:4}  shape", "array", "type")?;
    for (array, name) in arrays.iter().zip(&names) {
        let shape: Vec<String> = array.shape.iter().map(usize::to_string).collect();
        let shape = if shape.is_empty() { "one number".into() } else { shape.join(" x ") };
        writeln!(out, "{name:width$}  {:4}  {shape}", array.element)?;
    }
    writeln!(out, "\n{}: {} arrays, {} parameters", arrays.kind(), arrays.len(), arrays.n_parameters())?;
    // The description is shown as a whole, below.
    for (key, value) in arrays.metadata().iter().filter(|(key, _)| *key != "mixwell.network") {
        writeln!(out, "metadata {} = {}", printable(key), printable(value))?;
    }
    for skipped in arrays.skipped() {
        let why = if skipped.opaque { " (a Python object; not made, as that would run code)" } else { "" };
        let name = if skipped.name.is_empty() { "the file" } else { &skipped.name };
        writeln!(out, "not read: {}, {}{why}", printable(name), printable(&skipped.what))?;
    }
    let what = if arrays.network().is_some() {
        "its description"
    } else {
        "a description, guessed; edit it and try `mixwell network check`"
    };
    writeln!(out, "\n# ---- {what}\n")?;
    // Names in it are quoted as TOML does, which writes out what would move a cursor.
    write!(out, "{}", arrays.guess_description())?;
    out.flush()
}
