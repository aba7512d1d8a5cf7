//! The parameters that mixed worst against each other, with divergences and draws of the flow.

use mixwell_figures::{Axis, Cloud, Pair};

use super::Material;
use super::chains::name_on_axis;
use super::flow::reported_draws;
use crate::page::{Page, figure};

/// Points of a cloud, at most.
const MOST_POINTS: usize = 1200;
/// Divergences that are shown, at most.
const MOST_DIVERGENCES: usize = 600;

/// The section.
pub(super) fn section(run: &Material<'_>, page: &mut Page) -> String {
    let draws = &run.draws;
    // Draws of infinite or missing parameters show nothing.
    let usable: Vec<usize> = (0..draws.scalars.len())
        .filter(|i| draws.scalars[*i].values.iter().filter(|v| v.is_finite()).count() > 1)
        .collect();
    let pairs: Vec<[usize; 2]> = match usable[..] {
        [a, b, c, ..] => vec![[a, b], [a, c], [b, c]],
        [a, b] => vec![[a, b]],
        _ => return String::new(),
    };
    let n = draws.draws * draws.chains;
    let every = n.div_ceil(MOST_POINTS).max(1);
    // Coprime steps would be needed for draws that repeat with a period; chains do not.
    let kept: Vec<usize> = (0..n).step_by(every).collect();
    let diverging = draws.statistic("sample_stats", "diverging").ok().flatten().unwrap_or_default();
    let mut divergent: Vec<usize> = (0..diverging.len().min(n)).filter(|i| diverging[*i] != 0.0).collect();
    let divergences = divergent.len();
    divergent = divergent.iter().copied().step_by(divergences.div_ceil(MOST_DIVERGENCES).max(1)).collect();
    let flow = reported_draws(run, MOST_POINTS / 2);
    let drawings: Vec<String> = pairs
        .iter()
        .map(|[a, b]| {
            let (x, y) = (&draws.scalars[*a], &draws.scalars[*b]);
            let points =
                |places: &[usize]| places.iter().map(|i| [x.values[*i], y.values[*i]]).collect::<Vec<_>>();
            let mut clouds = vec![];
            if let Some(flow) = &flow {
                let points = flow.iter().map(|row| [row[x.place], row[y.place]]).collect();
                clouds.push(Cloud { name: "flow".into(), points, series: Some(4), prominent: false });
            }
            clouds.push(Cloud {
                name: "draws".into(),
                points: points(&kept),
                series: Some(0),
                prominent: false,
            });
            if !divergent.is_empty() {
                clouds.push(Cloud {
                    name: "divergent".into(),
                    points: points(&divergent),
                    series: Some(1),
                    prominent: true,
                });
            }
            page.square(&Pair {
                title: format!("{} against {}", y.name, x.name),
                x: Axis::new(name_on_axis(&x.name)),
                y: Axis::new(name_on_axis(&y.name)),
                clouds,
            })
        })
        .collect();
    let mut sentence =
        String::from("Look for narrow necks, separate clouds and sharp edges, where chains have a hard time");
    if divergences > 0 {
        sentence.push_str("; where divergent draws gather, the steps are too long for the shape");
    }
    if flow.is_some() {
        sentence.push_str("; a flow that fits covers the draws and little else");
    }
    sentence.push('.');
    figure("Those that mixed worst, against each other", &sentence, &drawings)
}
