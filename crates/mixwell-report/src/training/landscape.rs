//! A trained energy in the plane: its log-density as a map, beside the law that it should be where that is known.

use mixwell::Batch;
use mixwell::density::Target;
use mixwell::ebm::{Grid, energies};
use mixwell::io::RunFolder;
use mixwell::training_run::{TrainedEnergy, TrainingSummary};
use mixwell_figures::{Axis, DensityMaps, MapPanel, Surface};

use crate::page::{Page, figure};

/// Places of the map on a side.
const PLACES: usize = 101;

/// The figure; empty where the energy is not one of the plane, or cannot be opened where it is looked at.
pub(super) fn figures(folder: &RunFolder, summary: &TrainingSummary, page: &mut Page) -> String {
    if summary.kind != "energy" {
        return String::new();
    }
    let Ok(law) = TrainedEnergy::open(folder.path()) else { return String::new() };
    if Target::dim(law.model()) != 2 {
        return String::new();
    }
    let Some(grid) = around(&law) else { return String::new() };
    let mut drawings = vec![];
    let truth = law.truth().ok().flatten().filter(|truth| truth.dim() == 2);
    let laws = [
        ("The law that was learned", Some(law.model() as &dyn Target)),
        ("The law that it should be", truth.as_deref()),
    ];
    for (title, target) in laws {
        let Some(log_density) = target.and_then(|target| surface(target, grid)) else { continue };
        drawings.push(page.square(&DensityMaps {
            title: format!("{title}: its log-density"),
            x: Axis::new("x[0]"),
            y: Axis::new("x[1]"),
            panels: vec![MapPanel { title: title.into(), log_density }],
        }));
    }
    figure(
        "The energy as a landscape",
        "Look for islands where the data are and nowhere else: a law of its own making has ridges between them, or mass far out.",
        &drawings,
    )
}

/// A box around the data, or else around where the chains of the training stood at the end.
fn around(law: &TrainedEnergy) -> Option<Grid> {
    if let Ok(Some(data)) = law.data() {
        return Grid::around(data.points(), 0.25, PLACES).ok();
    }
    let bank = law.bank().ok()??;
    Grid::around(bank.as_batch(), 0.25, PLACES).ok()
}

fn surface(target: &dyn Target, grid: Grid) -> Option<Surface> {
    let of = |axis: usize| [grid.low()[axis], grid.high()[axis]];
    let mut surface = Surface { x: of(0), y: of(1), columns: PLACES, values: vec![0.0; PLACES * PLACES] };
    let at: Vec<f64> = surface.places().into_iter().flatten().collect();
    surface.values = energies(target, Batch::new(&at, 2)).ok()?.into_iter().map(|e| -e).collect();
    Some(surface.normalised())
}
