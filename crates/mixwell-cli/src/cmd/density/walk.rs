//! A walk from one point to another through places where the law is high: a magnetised Langevin chain, in the latent space of the flow where the
//! training left one.

use mixwell::density::PulledBack;
use mixwell::flow::Flow;
use mixwell::image::Grid as ImageGrid;
use mixwell::interpolate::{MagnetisedConfig, MagnetisedPath, WalkError, magnetised};
use mixwell::proposal::Transport;
use mixwell::{Batch, Points, Stream};
use mixwell_figures::{Axis, Curve, Curves, CurvesPanel, Scatter, ScatterPanel};
use serde_json::json;

use super::inputs::Inputs;
use super::plane::PlaneMap;
use super::report::{Report, coordinates, csv};
use crate::cli::DensityArgs;
use crate::exit::bad_input;

/// States of a walk that are shown as images.
const PICTURES: usize = 16;
/// The random stream of the walk.
const STREAM: u64 = 0x7761_6c6b;

/// The two points of the walk that is asked for.
pub fn ends<'a>(inputs: &'a Inputs<'_>, args: &DensityArgs) -> anyhow::Result<Option<[&'a [f64]; 2]>> {
    let Some(ends) = &args.walk else { return Ok(None) };
    let from = inputs.points.as_ref().or(inputs.data.as_ref().map(|data| &data.points));
    let Some(from) = from else {
        return Err(bad_input(
            "`--walk` names rows of the data, and there are none; give them with --data or --points",
        ));
    };
    let &[start, goal] = &ends[..] else {
        return Err(bad_input("`--walk` takes two rows, from which and to which: 0,1"));
    };
    for row in [start, goal] {
        if row >= from.rows() {
            return Err(bad_input(format!(
                "`--walk`: there is no row {row}; the last is {}",
                from.rows() - 1
            )));
        }
    }
    Ok(Some([from.row(start), from.row(goal)]))
}

/// Adds the walk that is asked for.
pub fn look(
    inputs: &Inputs<'_>,
    map: Option<&PlaneMap>,
    args: &DensityArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some([start, goal]) = ends(inputs, args)? else { return Ok(()) };
    let config = MagnetisedConfig::default();
    let mut stream = Stream::new(args.seed, STREAM);
    let failed = |e: WalkError| match e {
        WalkError::Config(e) => bad_input(e),
        other => anyhow::anyhow!("{other}"),
    };
    let (path, x) = match &inputs.flow {
        Some(flow) => {
            let target = PulledBack::new(inputs.model, flow);
            let [z0, z1] = [start, goal].map(|x| latent(flow, x));
            let path = magnetised(&target, &z0, &z1, &config, &mut stream).map_err(failed)?;
            let x = path.through(flow);
            (path, x)
        }
        None => {
            let path = magnetised(inputs.model, start, goal, &config, &mut stream).map_err(failed)?;
            let x = path.z.clone();
            (path, x)
        }
    };
    tell(&path, inputs.flow.is_some(), report);
    write(inputs, map, &path, &x, report)
}

fn latent(flow: &Flow, x: &[f64]) -> Vec<f64> {
    let mut z = Points::zeros(1, x.len());
    flow.inverse(Batch::new(x, x.len()), z.as_batch_mut(), &mut [0.0]);
    z.into_vec()
}

fn tell(path: &MagnetisedPath, in_latents: bool, report: &mut Report) {
    let place = if in_latents { "the flow's latent space" } else { "the space of the data" };
    let n = path.log_prob.len() - 1;
    match path.reached {
        Some(step) => report.line(format!(
            "a walk in {place} reaches its goal after {step} of {n} steps with a magnet of {}",
            path.strength
        )),
        None => report.problem(format!(
            "a walk in {place} of {n} steps does not reach its goal with a magnet of {}",
            path.strength
        )),
    }
    let lowest = path.log_prob.iter().copied().fold(f64::INFINITY, f64::min);
    report.put(
        "walk",
        json!({
            "space": if in_latents { "latent" } else { "data" }, "strength": path.strength, "reached": path.reached,
            "lowest_log_prob": lowest, "first_log_prob": path.log_prob[0], "last_log_prob": path.log_prob[n],
            "non_finite": path.non_finite,
        }),
    );
}

fn write(
    inputs: &Inputs<'_>,
    map: Option<&PlaneMap>,
    path: &MagnetisedPath,
    x: &Points,
    report: &mut Report,
) -> anyhow::Result<()> {
    let names = ["step", "log_prob", "distance"].map(String::from).into_iter().chain(coordinates(x.dim()));
    let rows = x.as_batch().iter().enumerate().map(|(i, x)| {
        [i as f64, path.log_prob[i], path.distance[i]].into_iter().chain(x.iter().copied()).collect()
    });
    let text = csv(&names.collect::<Vec<_>>(), rows);
    report.file("walk.csv", text);
    let steps: Vec<f64> = (0..x.rows()).map(|i| i as f64).collect();
    let panel = |title: &str, y: &[f64]| CurvesPanel {
        title: title.into(),
        curves: vec![Curve { name: title.into(), x: steps.clone(), y: y.to_vec(), ..Curve::default() }],
    };
    let trace = Curves {
        title: "A magnetised walk".into(),
        x: Axis::new("step"),
        y: Axis::default(),
        panels: vec![
            panel("log-density, up to its constant", &path.log_prob),
            panel("distance to the goal", &path.distance),
        ],
    };
    report.file("walk-trace.svg", trace.svg());
    if let Some(encoding) = &inputs.encoding {
        // From the first state to the last one, evenly.
        let last = x.rows() - 1;
        let shown = (0..PICTURES).flat_map(|i| x.row(i * last / (PICTURES - 1)).to_vec()).collect();
        let shown = Points::from_vec(shown, x.dim());
        let grid = ImageGrid { columns: Some(PICTURES), ..ImageGrid::default() };
        let png = encoding.images(shown.as_batch()).and_then(|images| grid.png(&images));
        report.file("walk.png", png.map_err(bad_input)?);
    }
    if let Some(map) = map {
        let picture = Scatter {
            title: "A magnetised walk".into(),
            x: Axis::new("x0"),
            y: Axis::new("x1"),
            target: Some(map.surface.clone()),
            panels: vec![ScatterPanel {
                title: String::new(),
                points: x.as_batch().iter().map(|x| [x[0], x[1]]).collect(),
            }],
        };
        report.file("walk.svg", picture.svg());
    }
    Ok(())
}
