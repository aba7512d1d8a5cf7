//! How quickly chains forget, and how the diagnostics came about as draws were added.

use mixwell::diagnostics::{Draws, autocorrelation, ess_bulk, ess_tail, rhat};
use mixwell_figures::{Autocorrelation, Axis, Lines, LinesPanel, Point, Series};

use super::Material;
use crate::ReportError;
use crate::page::{Page, figure};

/// Parameters that are looked at.
const MOST: usize = 3;
/// Stems of an autocorrelation, at most.
const LAGS: usize = 60;
/// How often the diagnostics are computed.
const STEPS: usize = 10;
/// Draws of one parameter that this is done with, at most: beyond it, every so many.
const MOST_DRAWS: usize = 400_000;

/// The section.
pub(super) fn section(run: &Material<'_>, page: &mut Page) -> Result<String, ReportError> {
    let draws = &run.draws;
    if draws.draws < 8 {
        return Ok(String::new());
    }
    let scalars = || draws.scalars.iter().take(MOST);
    let stems: Vec<String> = scalars()
        .map(|scalar| {
            let values = autocorrelation(Draws::new(&scalar.values, draws.chains));
            let (values, every) = lags(&values);
            let title = format!("Autocorrelation of {}", scalar.name);
            page.tile(&Autocorrelation { title, values, every: every * draws.thin })
        })
        .collect();
    let names: Vec<&str> = scalars().map(|s| s.name.as_str()).collect();
    let mut out = figure(
        &format!("Autocorrelation of {}", names.join(", ")),
        "Look for stems that fall to zero and stay there: until they do, a draw repeats what the draws before it said.",
        &stems,
    );
    let grown: Vec<(String, Vec<Grown>)> =
        scalars().map(|s| (s.name.clone(), grow(&s.values, draws.chains, draws.thin))).collect();
    let bars = &run.config.thresholds;
    let needed = bars.ess.min(bars.ess_per_chain * draws.chains as f64);
    let end = (draws.draws * draws.thin) as f64;
    let line = |name: &str, y: f64| {
        let points = vec![Point::new(0.0, y), Point::new(end, y)];
        Series::new(name, points).dashed()
    };
    let mut graph = |title: &str, y: Axis, of: fn(&Grown) -> f64, bar: f64| {
        let mut series: Vec<Series> = grown
            .iter()
            .map(|(name, steps)| {
                Series::new(name, steps.iter().map(|g| Point::new(g.draws, of(g))).collect::<Vec<_>>())
            })
            .collect();
        series.push(line("the bar", bar));
        // R-hat has no zero to begin at.
        let y = match y.label == "R-hat" {
            true => y.range(
                0.99,
                grown
                    .iter()
                    .flat_map(|(_, steps)| steps)
                    .map(of)
                    .filter(|v| v.is_finite())
                    .fold(1.02, f64::max)
                    * 1.02,
            ),
            false => y,
        };
        let panel = LinesPanel {
            title: String::new(),
            x: Axis::new("draws of a chain").range(0.0, 1.02 * end),
            y,
            series,
        };
        page.tile(&Lines { title: title.into(), panels: vec![panel] })
    };
    let drawings = vec![
        graph("Bulk ESS against draws", Axis::new("bulk ESS"), |g| g.bulk, needed),
        graph("Tail ESS against draws", Axis::new("tail ESS"), |g| g.tail, needed),
        graph("R-hat against draws", Axis::new("R-hat"), |g| g.rhat, bars.rhat),
    ];
    out.push_str(&figure(
        "ESS and R-hat as draws were added",
        "Look for effective sample sizes that grow in proportion to the draws and an R-hat that has come down to one: a bend says that chains found something new late.",
        &drawings,
    ));
    Ok(out)
}

/// The lags that are shown: to where the autocorrelation has stayed near zero, as many as there is room for.
fn lags(values: &[f64]) -> (Vec<f64>, usize) {
    let faded = values.iter().position(|v| v.abs() < 0.02).unwrap_or(values.len());
    let end = (2 * faded).clamp(20, (values.len() / 2).max(20)).min(values.len());
    let every = end.div_ceil(LAGS).max(1);
    (values[..end].iter().copied().step_by(every).collect(), every)
}

/// The diagnostics of the first draws.
struct Grown {
    /// Draws of a chain.
    draws: f64,
    bulk: f64,
    tail: f64,
    rhat: f64,
}

/// The diagnostics after every tenth of the draws.
fn grow(values: &[f64], chains: usize, thin: usize) -> Vec<Grown> {
    let every = values.len().div_ceil(MOST_DRAWS).max(1);
    let of_chain = values.len() / chains;
    let rows: Vec<Vec<f64>> = values
        .chunks_exact(of_chain.max(1))
        .map(|chain| chain.iter().copied().step_by(every).collect())
        .collect();
    let n = of_chain.div_ceil(every);
    (1..=STEPS)
        .map(|step| (step * n).div_ceil(STEPS))
        .filter(|n| *n >= 4)
        .map(|n| {
            let first: Vec<f64> = rows.iter().flat_map(|row| row[..n].iter().copied()).collect();
            let first = Draws::new(&first, chains);
            Grown {
                draws: (n * every * thin) as f64,
                bulk: ess_bulk(first),
                tail: ess_tail(first),
                rhat: rhat(first),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_end_where_nothing_is_left() {
        let slow: Vec<f64> = (0..1000).map(|t| 0.95f64.powi(t)).collect();
        let (values, every) = lags(&slow);
        assert!(values.len() <= LAGS && every == 3 && values[0] == 1.0, "{} {every}", values.len());
        assert_eq!(lags(&[1.0, 0.5]), (vec![1.0, 0.5], 1));
        assert_eq!(lags(&[f64::NAN; 30]).0.len(), 20);
    }

    #[test]
    fn the_last_step_is_the_whole() {
        let mut stream = mixwell::Stream::new(1, 0);
        let mut values = vec![0.0; 400];
        stream.fill_normal(&mut values);
        let grown = grow(&values, 4, 1);
        let whole = Draws::new(&values, 4);
        assert_eq!((grown.len(), grown[9].draws), (10, 100.0));
        assert_eq!((grown[9].bulk, grown[9].rhat), (ess_bulk(whole), rhat(whole)));
    }
}
