//! `list`: methods, kernels, targets, flows, networks and estimators with their parameters and defaults.

use std::io::{BufWriter, Write};

use mixwell::config::field_docs;

use crate::cli::{Catalogue, ListArgs};
use crate::exit::Status;

/// Runs the subcommand.
pub fn run(args: &ListArgs) -> anyhow::Result<Status> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match args.what {
        Catalogue::Methods => {
            for e in mixwell::sampler::catalogue() {
                entry(&mut out, e.name, e.summary, field_docs(&e.default)?)?;
            }
        }
        Catalogue::Kernels => {
            for e in mixwell::kernel::catalogue() {
                let exact = if e.exact { "" } else { " (biased)" };
                entry(&mut out, e.name, &format!("{}{exact}", e.summary), field_docs(&e.default)?)?;
            }
        }
        Catalogue::Targets => {
            for e in mixwell::density::catalogue() {
                entry(&mut out, e.kind, e.summary, field_docs(&e.config)?)?;
                for name in e.posteriors {
                    writeln!(out, "        {name}")?;
                }
            }
        }
        Catalogue::Flows => {
            for e in mixwell::flow::catalogue() {
                entry(&mut out, e.name, e.summary, field_docs(&e.default)?)?;
            }
        }
        Catalogue::Networks => {
            for network in mixwell::net::named_networks() {
                let spec = network.spec();
                let (input, output) = (spec.input_shape()?, spec.output()?);
                writeln!(out, "{}: {}", network.name, network.description)?;
                writeln!(out, "    {input} -> {output}, {} layers", spec.layers.len())?;
            }
        }
        Catalogue::Estimators => {
            for e in mixwell::estimate::catalogue() {
                entry(&mut out, e.default.kind(), e.summary, field_docs(&e.default)?)?;
            }
        }
    }
    out.flush()?;
    Ok(Status::Finished)
}

fn entry(
    out: &mut impl Write,
    name: &str,
    summary: &str,
    fields: Vec<(String, String, String)>,
) -> std::io::Result<()> {
    writeln!(out, "{name}: {summary}")?;
    for (field, default, doc) in fields {
        let default = if default.is_empty() { "unset".into() } else { default };
        writeln!(out, "    {field} = {default}    {}", doc.replace('\n', " "))?;
    }
    Ok(())
}
