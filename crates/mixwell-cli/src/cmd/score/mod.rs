//! `score`: images beside a reference, by what a network sees in them; points beside a law whose modes or curves are known.

mod images;
mod points;

use crate::cli::ScoreArgs;
use crate::exit::{Status, bad_input};

/// Runs the subcommand.
pub fn run(args: &ScoreArgs) -> anyhow::Result<Status> {
    match (&args.reference, &args.weights) {
        (Some(reference), Some(weights)) => images::run(args, reference, weights),
        (None, None) => points::run(args),
        (None, Some(_)) => Err(bad_input("images are scored beside others; give a reference after them")),
        (Some(_), None) => Err(bad_input(
            "give the weights of a classifier with --weights to score images, or no reference to score points beside a law (--truth)",
        )),
    }
}
