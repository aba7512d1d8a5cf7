//! `network check`: whether description and weights fit, and what comes out at a few points.

use std::io::Write;
use std::path::Path;

use mixwell::io::read_npy;
use mixwell::net::import::FoundNetwork;
use mixwell::net::{Network, Stored};
use mixwell::{Points, Stream};
use serde_json::json;

use super::printable;
use super::source::{import_error, read};
use crate::cli::CheckArgs;
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &CheckArgs) -> anyhow::Result<Status> {
    let (description, weights) = match &args.weights {
        Some(weights) => (Some(args.file.as_path()), weights),
        None => (None, &args.file),
    };
    let source = read(description, weights, &args.source)?;
    if source.is_double() {
        let (network, unused) = source.network::<f64>().map_err(import_error)?;
        report(&source, &network, &unused, args)
    } else {
        let (network, unused) = source.network::<f32>().map_err(import_error)?;
        report(&source, &network, &unused, args)
    }
}

/// What came out.
struct Outputs {
    smallest: f64,
    mean: f64,
    largest: f64,
    n: usize,
    finite: usize,
}

fn evaluate<T: Stored>(network: &Network<T>, x: &Points) -> Outputs {
    let mut y = Points::zeros(x.rows(), network.n_out());
    network.values(x.as_batch(), y.as_batch_mut());
    let finite: Vec<f64> = y.data().iter().copied().filter(|v| v.is_finite()).collect();
    Outputs {
        smallest: finite.iter().copied().fold(f64::INFINITY, f64::min),
        mean: finite.iter().sum::<f64>() / finite.len() as f64,
        largest: finite.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        n: y.data().len(),
        finite: finite.len(),
    }
}

fn report<T: Stored>(
    source: &FoundNetwork,
    network: &Network<T>,
    unused: &[String],
    args: &CheckArgs,
) -> anyhow::Result<Status> {
    let x = match &args.input {
        Some(path) => given(path, network.dim())?,
        None => {
            let mut x = Points::zeros(args.rows, network.dim());
            Stream::new(args.seed, 0).fill_normal(x.data_mut());
            x
        }
    };
    let found = evaluate(network, &x);
    let mut out = std::io::stdout().lock();
    let (input, output) = (source.spec.input_shape()?, source.spec.output()?);
    let precision = if source.is_double() { "f64" } else { "f32" };
    if args.json {
        let all = json!({
            "input": source.spec.input,
            "outputs": network.n_out(),
            "layers": source.spec.layers.len(),
            "parameters": network.params().len(),
            "precision": precision,
            "unused": unused,
            "rows": x.rows(),
            "finite": found.finite == found.n,
            "min": found.smallest,
            "mean": found.mean,
            "max": found.largest,
        });
        writeln!(out, "{all:#}")?;
    } else {
        writeln!(
            out,
            "they fit: {input} -> {output}, {} layers, {} parameters, {precision}",
            source.spec.layers.len(),
            network.params().len()
        )?;
        for name in unused {
            writeln!(out, "not asked for: {}", printable(name))?;
        }
        let rows = args
            .input
            .as_ref()
            .map_or("N(0, 1), seed ".to_owned() + &args.seed.to_string(), |p| p.display().to_string());
        writeln!(out, "{} rows ({rows}), {} outputs of {} finite", x.rows(), found.finite, found.n)?;
        writeln!(out, "min {:.6}  mean {:.6}  max {:.6}", found.smallest, found.mean, found.largest)?;
    }
    if found.finite == found.n {
        return Ok(Status::Finished);
    }
    Err(bad_input(format!("{} of {} outputs are not finite", found.n - found.finite, found.n)))
}

/// Points of a file: as many numbers in a row as the network takes.
fn given(path: &Path, dim: usize) -> anyhow::Result<Points> {
    let array = read_npy(path).map_err(bad_input)?;
    let rows = array.shape.first().copied().unwrap_or(1);
    let row: usize = array.shape.iter().skip(1).product();
    if row != dim || rows == 0 {
        let shown = path.display();
        return Err(bad_input(format!(
            "`{shown}` has the shape {:?}, the network takes rows of {dim} numbers",
            array.shape
        )));
    }
    Ok(Points::from_vec(array.data.into_f64(), dim))
}
