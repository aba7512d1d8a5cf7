//! `network convert`: the same network in another file.

use std::path::Path;

use mixwell::io::atomic_write;
use mixwell::net::{Network, Stored};

use super::printable;
use super::source::{import_error, read};
use crate::cli::ConvertArgs;
use crate::exit::{Status, bad_input};
use crate::message::tell;

/// Runs the subcommand.
pub fn run(args: &ConvertArgs) -> anyhow::Result<Status> {
    let ending = args.out.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    if !matches!(ending.as_str(), "safetensors" | "onnx") {
        let shown = args.out.display();
        return Err(bad_input(format!("`{shown}`: its ending says what to write, .safetensors or .onnx")));
    }
    let source = read(args.description.as_deref(), &args.file, &args.source)?;
    let unused = if source.is_double() {
        let (network, unused) = source.network::<f64>().map_err(import_error)?;
        write(&network, &args.out, ending == "onnx")?;
        unused
    } else {
        let (network, unused) = source.network::<f32>().map_err(import_error)?;
        write(&network, &args.out, ending == "onnx")?;
        unused
    };
    for name in unused {
        tell(&format!("not asked for, and left out: {}", printable(&name)));
    }
    Ok(Status::Finished)
}

fn write<T: Stored>(network: &Network<T>, path: &Path, is_onnx: bool) -> anyhow::Result<()> {
    let bytes = if is_onnx { network.to_onnx().map_err(bad_input)? } else { network.to_safetensors() };
    Ok(atomic_write(path, &bytes)?)
}
