//! Samples of a generator of points, beside its data where they are still to be had.

use std::path::Path;

use mixwell::io::{RunFolder, read_npy};
use mixwell_figures::{Axis, Cloud, Pair};

use crate::page::{self, Page};

/// Points that are shown, at most.
const MOST_POINTS: usize = 1500;

/// The figure; empty where the training left no samples of two coordinates or more.
pub(super) fn figure(folder: &RunFolder, page: &mut Page) -> String {
    let path = folder.path().join("samples.npy");
    if !path.symlink_metadata().is_ok_and(|m| m.is_file()) {
        return String::new();
    }
    let Some(rows) = rows(&path) else { return String::new() };
    let every = rows.len().div_ceil(MOST_POINTS).max(1);
    let drawing = page.square(&Pair {
        title: "Samples of the generator".into(),
        x: Axis::new("x[0]"),
        y: Axis::new("x[1]"),
        clouds: vec![Cloud {
            name: "samples".into(),
            points: rows.into_iter().step_by(every).collect(),
            ..Cloud::default()
        }],
    });
    page::figure(
        "Samples of the generator",
        "Look for modes that are missing and for bridges between them, of which the data have none.",
        &[drawing],
    )
}

/// The first two coordinates of every row.
fn rows(path: &Path) -> Option<Vec<[f64; 2]>> {
    let array = read_npy(path).ok()?;
    let [_, dim] = array.shape[..] else { return None };
    (dim >= 2).then(|| array.data.into_f64().chunks_exact(dim).map(|row| [row[0], row[1]]).collect())
}
