//! Convergence statistics of many draws.

use mixwell::Stream;
use mixwell::diagnostics::{Draws, summarise};

use crate::timing::{Measurement, sample};
use crate::{Request, Task};

/// `variables` autoregressive series (coefficient 0.5) of `chains x draws`, variable after variable.
pub fn autoregressive(chains: usize, draws: usize, variables: usize) -> Vec<Vec<f64>> {
    let mut stream = Stream::new(1, 0);
    (0..variables)
        .map(|_| {
            let mut series = Vec::with_capacity(chains * draws);
            for _ in 0..chains {
                let mut x = stream.normal();
                for _ in 0..draws {
                    x = 0.5 * x + 0.75f64.sqrt() * stream.normal();
                    series.push(x);
                }
            }
            series
        })
        .collect()
}

fn diagnostics(request: &Request) -> anyhow::Result<Measurement> {
    let series = autoregressive(4, 10_000, 100);
    let draws: Vec<Draws<'_>> = series.iter().map(|s| Draws::new(s, 4)).collect();
    let seconds = sample(request.sampling, || summarise(&draws));
    Ok(Measurement::new(seconds, "4 x 10 000 x 100: R-hat, bulk and tail ESS, and all else of a summary"))
}

pub(crate) fn tasks() -> Vec<Task> {
    vec![Task::steady("diagnostics", diagnostics)]
}
