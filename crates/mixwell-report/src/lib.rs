//! A run as a page: `mixwell report RUN`, of a run that samples or of a training. One HTML file that fetches nothing, with the verdict in words, a table that sorts, and figures.
//!
//! ```no_run
//! let written = mixwell_report::write("runs/german_credit".as_ref(), None)?;
//! assert!(written.ends_with("report.html"));
//! # Ok::<(), mixwell_report::ReportError>(())
//! ```
//!
//! [`page()`] reads the folder of a finished run through the library, as `mixwell summary` does, so lost or exchanged draws are refused. The same folder gives the
//! same bytes. Numbers are those of the summary; what is computed here is what figures need and no summary holds: autocorrelations, ranks, densities, effective
//! sample sizes of the first draws. A figure looks at the parameters that mixed worst, and its size does not grow with the draws.

#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod error;
mod gan;
mod html;
mod page;
mod sampling;
mod training;

use std::path::{Path, PathBuf};

use mixwell::io::{RunFolder, atomic_write};
use mixwell::training_run::is_training;

pub use error::ReportError;
pub use gan::{
    GanRun, before_after_images, before_after_points, landscape, trajectory_curves, trajectory_images,
};
pub use html::number;
pub use training::training_curve;

/// The name of the file in a run folder.
const FILE: &str = "report.html";

/// The report of a finished run, sampling or training, as HTML.
///
/// # Errors
/// When the folder holds no run, the run is not finished, or a file of it is missing or damaged.
pub fn page(folder: &Path) -> Result<String, ReportError> {
    let folder = RunFolder::view(folder)?;
    let config = folder.read_text(&folder.config())?;
    if is_training(&config) {
        return training::page(&folder, &config);
    }
    sampling::page(&folder, &config)
}

/// Writes the report of a finished run to a file, by default `report.html` in its folder, and gives the file's path.
///
/// # Errors
/// As [`page()`], and when the file cannot be written.
pub fn write(folder: &Path, out: Option<&Path>) -> Result<PathBuf, ReportError> {
    let html = page(folder)?;
    let out = out.map_or_else(|| folder.join(FILE), Path::to_path_buf);
    atomic_write(&out, html.as_bytes())?;
    Ok(out)
}
