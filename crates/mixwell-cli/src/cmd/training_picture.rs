//! The curve of a training as a picture, `curve.svg`: a panel for each group of columns, rows averaged to so many points.

use mixwell::io::{RunFolder, atomic_write, read_curve};
use mixwell::training_run::{TrainingRunError, TrainingSummary};
use mixwell_figures::{Axis, Lines, LinesPanel, Point, Series};

/// Points of a line, at most.
const MOST_POINTS: usize = 60;

/// Draws the curve beside it.
pub fn draw(folder: &RunFolder, summary: &TrainingSummary) -> Result<(), TrainingRunError> {
    let (names, rows) = read_curve(&folder.curve())?;
    let panels = summary.panels.iter().map(|panel| LinesPanel {
        title: panel.title.clone(),
        x: Axis::new("updates"),
        y: Axis { scale: scale(&rows, &names, &panel.columns), ..Axis::default() },
        series: panel.columns.iter().filter_map(|name| series(name, &names, &rows)).collect(),
    });
    let title = format!("Training of a {}", summary.kind);
    let svg = Lines { title, panels: panels.collect() }.svg();
    Ok(atomic_write(&folder.path().join("curve.svg"), svg.as_bytes())?)
}

/// Logarithmic where all is positive and spans more than a factor of twenty.
fn scale(rows: &[Vec<f64>], names: &[String], columns: &[String]) -> mixwell_figures::Scale {
    let places: Vec<usize> = columns.iter().filter_map(|c| names.iter().position(|n| n == c)).collect();
    let values = || rows.iter().flat_map(|row| places.iter().map(|p| row[*p])).filter(|v| v.is_finite());
    let (low, high) = values().fold((f64::INFINITY, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
    if low > 0.0 && high > 20.0 * low { mixwell_figures::Scale::Log } else { mixwell_figures::Scale::Linear }
}

fn series(name: &str, names: &[String], rows: &[Vec<f64>]) -> Option<Series> {
    let at = names.iter().position(|n| n == name)?;
    let points: Vec<(f64, f64)> =
        rows.iter().map(|row| (row[0], row[at])).filter(|p| p.1.is_finite()).collect();
    let each = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |some: &[(f64, f64)]| {
        let n = some.len() as f64;
        Point::new(some.iter().map(|p| p.0).sum::<f64>() / n, some.iter().map(|p| p.1).sum::<f64>() / n)
    };
    Some(Series::new(name.replace('_', " "), points.chunks(each).map(mean).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_curves_become_means() {
        let names = ["step".to_string(), "loss".to_string()];
        let rows: Vec<Vec<f64>> = (0..150).map(|i| vec![f64::from(i), f64::from(i % 3)]).collect();
        let line = series("loss", &names, &rows).unwrap();
        assert_eq!(line.measured.len(), 50);
        assert!(line.measured.iter().all(|p| p.y == 1.0));
        assert!(series("nothing", &names, &rows).is_none());
    }
}
