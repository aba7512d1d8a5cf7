//! Weights of modes while an energy is trained: columns of the curve, where data are draws of a law whose modes are known.

use crate::density::{Modes, Target};
use crate::ebm::{Energy, Grid, Training, TrainingData, shares};
use crate::training_run::Column;

/// Cells on a side of the grid: weights of modes need fewer than a divergence.
const CELLS: usize = 100;

/// Looks at the weights of modes every so many updates.
pub(super) struct ModeWatch {
    modes: Modes,
    every: u64,
    /// For energies in the plane.
    grid: Option<Grid>,
}

impl ModeWatch {
    /// `None` where nothing was asked for, or no modes are known.
    pub fn new(data: &TrainingData, truth: Option<&dyn Target>, every: u64) -> Option<Self> {
        let modes = truth?.facts().modes.filter(|_| every > 0)?;
        Some(Self { modes, every, grid: Grid::around(data.points(), 0.5, CELLS).ok() })
    }

    pub fn columns(&self) -> Vec<Column> {
        let of = |name: &'static str, panel: &'static str| {
            (1..=self.modes.centres.rows()).map(move |k| Column::drawn(format!("{name}_{k}"), panel))
        };
        let law = self.grid.iter().flat_map(|_| of("mode", "weights of modes"));
        law.chain(of("negatives", "weights of modes among negatives")).collect()
    }

    pub fn is_due(&self, updates: u64) -> bool {
        updates.is_multiple_of(self.every)
    }

    /// A number for each column; NaN where the energy does not learn yet, it is not the time, or the law cannot be evaluated.
    pub fn row<E: Energy>(&self, training: Option<&Training<E>>) -> Vec<f64> {
        let n = self.modes.centres.rows();
        let unknown = || vec![f64::NAN; n];
        let Some(training) = training.filter(|t| self.is_due(t.updates())) else {
            return vec![f64::NAN; n * (1 + usize::from(self.grid.is_some()))];
        };
        let (x, weights) = training.last_negatives();
        let law = self.grid.map(|grid| {
            grid.density(training.model()).map_or_else(|_| unknown(), |d| d.mode_shares(&self.modes))
        });
        let negatives = if x.rows() == 0 { unknown() } else { shares(x, weights, &self.modes) };
        law.unwrap_or_default().into_iter().chain(negatives).collect()
    }
}
