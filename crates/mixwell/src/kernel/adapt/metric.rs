//! The kinds of metric.

use serde::{Deserialize, Serialize};

/// Which metric a kernel learns during warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// None: all directions alike.
    Unit,
    /// A standard deviation per coordinate.
    Diagonal,
    /// A full covariance.
    Dense,
}

/// How many matrices of `dim x dim` a metric holds (sums of squares, factor), and how many more while it is computed
/// (covariance, its factor twice, the new metric).
pub(crate) fn matrices(metric: MetricKind) -> (usize, usize) {
    match metric {
        MetricKind::Unit | MetricKind::Diagonal => (0, 0),
        MetricKind::Dense => (2, 4),
    }
}
