//! Samples that are points, and two latents over their density.

use mixwell::Batch;
use mixwell::density::Target;
use mixwell::ebm::energies;
use mixwell_figures::{Axis, Scatter, ScatterPanel, Surface, Traces, TracesPanel};

use super::GanRun;
use super::run::Generated;
use crate::ReportError;

/// Places of the landscape on a side.
const PLACES: usize = 121;
/// From where to where two latents are shown, where draws go no farther.
const AROUND: f64 = 3.0;

/// Draws of the prior beside the last states of as many chains; of more than two coordinates the first two.
pub fn before_after_points(run: &GanRun, samples: usize, seed: u64) -> Scatter {
    let dim = run.point(0, 0).len().max(1);
    let n = samples.min(run.n_chains());
    let panel = |title: &str, generated: Generated| ScatterPanel {
        title: title.into(),
        // A point of one coordinate lies on the axis.
        points: generated.points.chunks(dim).map(|x| [x[0], x.get(1).copied().unwrap_or(0.0)]).collect(),
    };
    let panels = vec![panel("draws of the prior", run.prior(n, seed)), panel("last states", run.last(n))];
    let (x, y) = (Axis::new("x[0]"), Axis::new("x[1]"));
    Scatter { title: "Before and after".into(), x, y, target: None, panels }
}

/// The first two coordinates of so many chains against the draw.
pub fn trajectory_curves(run: &GanRun, chains: usize) -> Traces {
    let chains = chains.min(run.n_chains());
    let dim = run.point(0, 0).len();
    let way = |chain: usize, k: usize| (0..run.n_draws()).map(|draw| run.point(chain, draw)[k]).collect();
    let panels = (0..dim.min(2)).map(|k| TracesPanel {
        title: format!("x[{k}]"),
        chains: (0..chains).map(|chain| way(chain, k)).collect(),
        every: 1,
    });
    let (x, y) = (Axis::new("draw"), Axis::new(""));
    Traces { title: "Single chains".into(), x, y, panels: panels.collect() }
}

/// Two latents over the logarithm of their density; nothing where there are more, or chains move other coordinates than the generator's.
///
/// # Errors
/// When the density cannot be evaluated.
pub fn landscape(run: &GanRun, samples: usize, seed: u64) -> Result<Option<Scatter>, ReportError> {
    if run.target.dim() != 2 || !moves_latents(run) {
        return Ok(None);
    }
    let n = samples.min(run.n_chains());
    let rows = |latents: &[f64]| latents.chunks(2).map(|z| [z[0], z[1]]).collect::<Vec<_>>();
    let panels = vec![
        ScatterPanel { title: "draws of the prior".into(), points: rows(&run.prior(n, seed).latents) },
        ScatterPanel { title: "last states".into(), points: rows(&run.last(n).latents) },
    ];
    let reach = panels[1].points.iter().flatten().fold(AROUND, |most: f64, z| most.max(z.abs().min(10.0)));
    let mut surface = Surface {
        x: [-reach, reach],
        y: [-reach, reach],
        columns: PLACES,
        values: vec![0.0; PLACES * PLACES],
    };
    let places: Vec<f64> = surface.places().into_iter().flatten().collect();
    let found = energies(&run.target, Batch::new(&places, 2)).map_err(ReportError::picture)?;
    surface.values = found.into_iter().map(|e| -e).collect();
    let axis = |k: usize| Axis::new(format!("z[{k}]")).range(-reach, reach);
    let title = "Latents over the logarithm of their density".into();
    Ok(Some(Scatter { title, x: axis(0), y: axis(1), target: Some(surface), panels }))
}

/// Whether what chains move is what the generator takes: not where a uniform law is moved as a normal one.
fn moves_latents(run: &GanRun) -> bool {
    let variables: usize = run.target.variables().iter().map(mixwell::density::Variable::len).sum();
    let (x, mut reported) = ([0.5, -1.25], vec![0.0; variables]);
    run.target.report(&x, &mut reported);
    reported[..2] == x
}
