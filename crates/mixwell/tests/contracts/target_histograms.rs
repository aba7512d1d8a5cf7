//! Exact draws against the density they are drawn from: counts in the cells of a grid, for every target in the plane.
//!
//! Means and identities can miss a wrong shape; counts cannot. A cell's probability is a midpoint rule on a fine grid inside it.

use mixwell::Stream;
use mixwell::density::Target;

use crate::target::targets;

/// Cells on a side, and points of the rule on a side of a cell.
const CELLS: usize = 10;
const FINE: usize = 60;
const DRAWS: usize = 60_000;

/// The largest distance of a count from its expectation, in standard errors, over cells that expect 50 or more, and how many
/// these are. `truth` says how likely, `drawn` what was drawn.
fn worst_cell(truth: &dyn Target, drawn: &dyn Target) -> (f64, usize) {
    let facts = truth.facts();
    let (mean, variance) = (facts.mean.unwrap(), facts.variance.unwrap());
    let low = [0, 1].map(|j| mean[j] - 3.0 * variance[j].sqrt());
    let width = [0, 1].map(|j| 6.0 * variance[j].sqrt() / CELLS as f64);
    let mut counts = [[0u32; CELLS]; CELLS];
    let x = drawn.exact_sampler().unwrap().sample_rows(&mut Stream::new(8, 0), DRAWS, 2);
    for x in x.as_batch().iter() {
        let place = [0, 1].map(|j| ((x[j] - low[j]) / width[j]).floor());
        if place.iter().all(|p| *p >= 0.0 && *p < CELLS as f64) {
            counts[place[0] as usize][place[1] as usize] += 1;
        }
    }
    let (mut worst, mut compared) = (0.0f64, 0);
    let mut points = vec![0.0; 2 * FINE * FINE];
    let mut log_prob = vec![0.0; FINE * FINE];
    for (i, row) in counts.iter().enumerate() {
        for (j, count) in row.iter().enumerate() {
            for (k, point) in points.chunks_exact_mut(2).enumerate() {
                let inside = |k: usize| (k as f64 + 0.5) / FINE as f64;
                point[0] = low[0] + width[0] * (i as f64 + inside(k / FINE));
                point[1] = low[1] + width[1] * (j as f64 + inside(k % FINE));
            }
            truth.log_prob(mixwell::Batch::new(&points, 2), &mut log_prob).unwrap();
            let mass = log_prob.iter().map(|p| p.exp()).sum::<f64>();
            let evidence = facts.log_evidence.unwrap().exp();
            let p = mass * width[0] * width[1] / (FINE * FINE) as f64 / evidence;
            let expected = p * DRAWS as f64;
            if expected >= 50.0 {
                worst = worst.max((f64::from(*count) - expected).abs() / (expected * (1.0 - p)).sqrt());
                compared += 1;
            }
        }
    }
    (worst, compared)
}

#[test]
fn draws_fill_the_cells_as_the_density_says() {
    let mut tested = 0;
    for case in targets() {
        let facts = case.target.facts();
        let known = facts.variance.is_some() && facts.log_evidence.is_some();
        // A funnel's neck is finer than the grid.
        let is_fine = case.name.starts_with("funnel");
        if case.target.dim() != 2 || case.target.exact_sampler().is_none() || !known || is_fine {
            continue;
        }
        tested += 1;
        let (worst, compared) = worst_cell(&*case.target, &*case.target);
        assert!(worst < 5.0 && compared >= 4, "{}: {worst} standard errors in one of {compared}", case.name);
    }
    assert!(tested >= 12, "{tested}");
}

/// A pinwheel turning the other way has the same moments.
#[test]
fn draws_of_another_law_with_the_same_moments_are_found() {
    let bent = |twist: f64| mixwell::density::PinwheelConfig { twist, ..Default::default() }.build().unwrap();
    assert!(worst_cell(&bent(0.25), &bent(-0.25)).0 > 20.0);
}
