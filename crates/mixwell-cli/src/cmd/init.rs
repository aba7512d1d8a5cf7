//! `init`: a config for a target with every default written out and explained.

use std::io::Write;

use mixwell::config::commented;
use mixwell::density::catalogue;
use mixwell::estimate::EvidenceConfig;
use mixwell::sampler::RunConfig;

use crate::cli::InitArgs;
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &InitArgs) -> anyhow::Result<Status> {
    let entries = catalogue();
    let Some(entry) = entries.iter().find(|e| e.kind == args.target) else {
        let kinds: Vec<&str> = entries.iter().map(|e| e.kind).collect();
        return Err(bad_input(format!(
            "no target is called `{}`; there are {}",
            args.target,
            kinds.join(", ")
        )));
    };
    let methods = mixwell::sampler::catalogue();
    let Some(method) = methods.iter().find(|m| m.name == args.method) else {
        let names: Vec<&str> = methods.iter().map(|m| m.name).collect();
        return Err(bad_input(format!(
            "--method: no method is called `{}`; there are {}",
            args.method,
            names.join(", ")
        )));
    };
    let method = method.default.clone();
    let target = Some(entry.config.clone());
    let (command, text) = if args.evidence {
        ("evidence", commented(&EvidenceConfig { target, ..EvidenceConfig::default() })?)
    } else {
        ("run", commented(&RunConfig { target, method, ..RunConfig::default() })?)
    };
    let mut out = std::io::stdout().lock();
    write!(out, "# {}\n# Run it with: mixwell {command} FILE.toml\n{text}", entry.summary)?;
    Ok(Status::Finished)
}
