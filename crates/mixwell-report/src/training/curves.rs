//! The curve of a training: a panel for each group of columns, rows averaged to so many points.

use mixwell::io::{RunFolder, read_curve};
use mixwell::training_run::{CurvePanel, TrainingRunError, TrainingSummary};
use mixwell_figures::{Axis, Lines, LinesPanel, Point, Scale, Series};

use crate::ReportError;
use crate::page::{Page, figure, side_by_side};

/// Points of a line, at most.
const MOST_POINTS: usize = 60;

/// The curve of a finished training as one figure, a panel for each group of columns.
///
/// # Errors
/// When the curve cannot be read.
pub fn training_curve(folder: &RunFolder, summary: &TrainingSummary) -> Result<Lines, TrainingRunError> {
    let title = format!("Training of a {}", summary.kind);
    Ok(Lines { title, panels: panels(folder, summary)? })
}

/// The panels of the curve.
fn panels(folder: &RunFolder, summary: &TrainingSummary) -> Result<Vec<LinesPanel>, TrainingRunError> {
    let (names, rows) = read_curve(&folder.curve())?;
    let panel = |panel: &CurvePanel| LinesPanel {
        title: panel.title.clone(),
        x: Axis::new("updates"),
        y: Axis { scale: scale(&rows, &names, &panel.columns), ..Axis::default() },
        series: panel.columns.iter().filter_map(|name| series(name, &names, &rows)).collect(),
    };
    Ok(summary.panels.iter().map(panel).collect())
}

/// The section: a figure for each panel in which anything was measured.
pub(super) fn section(
    folder: &RunFolder,
    summary: &TrainingSummary,
    page: &mut Page,
) -> Result<String, ReportError> {
    let mut figures = vec![];
    for panel in panels(folder, summary)? {
        if panel.series.iter().all(|s| s.measured.is_empty()) {
            continue;
        }
        let title = panel.title.clone();
        let y = Axis { label: title.clone(), ..panel.y.clone() };
        let drawing = page.tile(&Lines {
            title: format!("{title} against updates"),
            panels: vec![LinesPanel { title: String::new(), y, ..panel }],
        });
        let mut heading = title.clone();
        if let Some(first) = heading.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        figures.push(figure(&heading, sentence(&title), &[drawing]));
    }
    Ok(side_by_side(&figures))
}

/// What to look for in a panel.
fn sentence(title: &str) -> &'static str {
    let has = |word: &str| title.contains(word);
    if has("acceptance") {
        "Look for rates that stay away from zero: negatives that do not move teach nothing."
    } else if has("energy gap") {
        "Look for a gap near zero: one that runs away says that negatives no longer follow the model."
    } else if has("energy") {
        "Look for energies of data and of negatives that stay near each other."
    } else if has("learning rate") {
        "The size of the steps, as the schedule has it; nothing to look for but that it is the one meant."
    } else if has("gradient") || has("norm") {
        "Look for norms without sudden peaks, which say that steps are too large."
    } else if has("effective") || has("ESS") {
        "Look for numbers well above one: where a single point carries all weight, an estimate rests on it alone."
    } else if has("R-hat") {
        "Look for values that come down to one: above it the chains do not agree."
    } else if has("accuracy") {
        "Look for curves that rise together: held-out accuracy that falls behind says that images are learned by heart."
    } else if has("stuck") {
        "Look for none or few: a stuck chain repeats one point as a negative."
    } else if has("weights of modes") {
        "Look for weights that come near those of the data, and for none that stays at zero."
    } else if has("log Z") {
        "Look for a value that settles."
    } else if has("flow") {
        "Look for a curve that has fallen and is level at the end."
    } else if has("loss") {
        "Look for a curve that falls and then is level, without jumps."
    } else {
        "Look for a curve that has settled at the end."
    }
}

/// Logarithmic where all is positive and spans more than a factor of twenty.
fn scale(rows: &[Vec<f64>], names: &[String], columns: &[String]) -> Scale {
    let places: Vec<usize> = columns.iter().filter_map(|c| names.iter().position(|n| n == c)).collect();
    let values = || rows.iter().flat_map(|row| places.iter().map(|p| row[*p])).filter(|v| v.is_finite());
    let (low, high) = values().fold((f64::INFINITY, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
    if low > 0.0 && high > 20.0 * low { Scale::Log } else { Scale::Linear }
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
