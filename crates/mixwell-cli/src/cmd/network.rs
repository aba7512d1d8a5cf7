//! `network`: what is in a file of a network.

use std::io::{BufWriter, Write};

use mixwell::net::import::NamedArrays;
use serde_json::json;

use crate::cli::{InspectArgs, NetworkArgs, NetworkCommand};
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &NetworkArgs) -> anyhow::Result<Status> {
    match &args.command {
        NetworkCommand::Inspect(args) => inspect(args),
    }
}

fn inspect(args: &InspectArgs) -> anyhow::Result<Status> {
    let arrays = NamedArrays::read(&args.file).map_err(|e| {
        if e.is_input() { bad_input(printable(&e.to_string())) } else { anyhow::Error::from(e) }
    })?;
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
    })
}

/// Names come from anybody's file: what would move the cursor of a terminal is written out.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
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
    for (key, value) in arrays.metadata() {
        writeln!(out, "metadata {} = {}", printable(key), printable(value))?;
    }
    for skipped in arrays.skipped() {
        let why = if skipped.opaque { " (a Python object; not made, as that would run code)" } else { "" };
        let name = if skipped.name.is_empty() { "the file" } else { &skipped.name };
        writeln!(out, "not read: {}, {}{why}", printable(name), printable(&skipped.what))?;
    }
    out.flush()
}
