//! The command `mixwell`: sample a target described by a file, go on after an interruption, read the results.

#![forbid(unsafe_code)]

mod cli;
mod cmd;
mod exit;
mod message;
mod progress;
mod signals;

use clap::Parser;

fn main() -> std::process::ExitCode {
    signals::survive_size_limits();
    let result = match cli::Cli::parse().command {
        cli::Command::Run(args) => cmd::run::run(&args),
        cli::Command::Train(args) => cmd::train::run(&args),
        cli::Command::Check(args) => cmd::check::run(&args),
        cli::Command::Resume(args) => cmd::resume::run(&args),
        cli::Command::Summary(args) => cmd::summary::run(&args),
        cli::Command::Report(args) => cmd::report::run(&args),
        cli::Command::Evidence(args) => cmd::evidence::run(&args),
        cli::Command::Density(args) => cmd::density::run(&args),
        cli::Command::Init(args) => cmd::init::run(&args),
        cli::Command::List(args) => cmd::list::run(&args),
        cli::Command::Reproduce(args) => cmd::reproduce::run(&args),
        cli::Command::Score(args) => cmd::score::run(&args),
        cli::Command::Pictures(args) => cmd::pictures::run(&args),
        cli::Command::Calibrate(args) => cmd::calibrate::run(&args),
        cli::Command::Network(args) => cmd::network::run(&args),
        cli::Command::Completions(args) => cmd::completions::run(&args),
    };
    exit::code(result)
}
