//! Pictures of points and of two latents, as SVG.

use std::path::Path;

use mixwell::Batch;
use mixwell::density::Target;
use mixwell::ebm::energies;
use mixwell::io::atomic_write;
use mixwell_figures::{Axis, Scatter, ScatterPanel, Surface, Traces, TracesPanel};

use super::gan_run::{GanRun, Generated};
use crate::cli::PicturesArgs;
use crate::exit::bad_input;

/// Places of the landscape on a side.
const PLACES: usize = 121;
/// From where to where two latents are shown, where draws go no farther.
const AROUND: f64 = 3.0;

/// Draws of the prior beside the last states as points, and coordinates along the way of single chains; of more than two coordinates the first two.
pub fn points(run: &GanRun, args: &PicturesArgs, folder: &Path) -> anyhow::Result<Vec<String>> {
    let dim = run.point(0, 0).len();
    if dim == 0 {
        return Err(bad_input(
            "its generator makes no images, and points of so many coordinates that the run did not keep them: set `points_up_to` in [target]",
        ));
    }
    let n = args.samples.min(run.n_chains());
    let panel = |title: &str, generated: Generated| ScatterPanel {
        title: title.into(),
        // A point of one coordinate lies on the axis.
        points: generated.points.chunks(dim).map(|x| [x[0], x.get(1).copied().unwrap_or(0.0)]).collect(),
    };
    let panels =
        vec![panel("draws of the prior", run.prior(n, args.seed)), panel("last states", run.last(n))];
    let (x, y) = (Axis::new("x[0]"), Axis::new("x[1]"));
    let svg = Scatter { title: "Before and after".into(), x, y, target: None, panels }.svg();
    atomic_write(&folder.join("before_after.svg"), svg.as_bytes())?;
    let mut written =
        vec![format!("before_after.svg: {n} draws of the prior, the last states of {n} chains")];
    if run.n_draws() > 1 {
        let chains = args.chains.min(run.n_chains());
        let way = |chain: usize, k: usize| (0..run.n_draws()).map(|draw| run.point(chain, draw)[k]).collect();
        let panels = (0..dim.min(2)).map(|k| TracesPanel {
            title: format!("x[{k}]"),
            chains: (0..chains).map(|chain| way(chain, k)).collect(),
            every: 1,
        });
        let (x, y) = (Axis::new("draw"), Axis::new(""));
        let svg = Traces { title: "Single chains".into(), x, y, panels: panels.collect() }.svg();
        atomic_write(&folder.join("trajectories.svg"), svg.as_bytes())?;
        written.push(format!("trajectories.svg: coordinates of {chains} chains against the draw"));
    }
    Ok(written)
}

/// Two latents over the logarithm of their density; nothing where there are more, or chains move other coordinates than the generator's.
pub fn landscape(run: &GanRun, args: &PicturesArgs, folder: &Path) -> anyhow::Result<Option<String>> {
    if run.target.dim() != 2 || !moves_latents(run) {
        return Ok(None);
    }
    let n = args.samples.min(run.n_chains());
    let rows = |latents: &[f64]| latents.chunks(2).map(|z| [z[0], z[1]]).collect::<Vec<_>>();
    let panels = vec![
        ScatterPanel { title: "draws of the prior".into(), points: rows(&run.prior(n, args.seed).latents) },
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
    surface.values = energies(&run.target, Batch::new(&places, 2))?.into_iter().map(|e| -e).collect();
    let axis = |k: usize| Axis::new(format!("z[{k}]")).range(-reach, reach);
    let title = "Latents over the logarithm of their density".into();
    let svg = Scatter { title, x: axis(0), y: axis(1), target: Some(surface), panels }.svg();
    atomic_write(&folder.join("landscape.svg"), svg.as_bytes())?;
    Ok(Some(format!(
        "landscape.svg: {n} draws of the prior and the last states of {n} chains over contours of the density"
    )))
}

/// Whether what chains move is what the generator takes: not where a uniform law is moved as a normal one.
fn moves_latents(run: &GanRun) -> bool {
    let variables: usize = run.target.variables().iter().map(mixwell::density::Variable::len).sum();
    let (x, mut reported) = ([0.5, -1.25], vec![0.0; variables]);
    run.target.report(&x, &mut reported);
    reported[..2] == x
}
