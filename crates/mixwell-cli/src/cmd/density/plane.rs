//! A law in the plane: a map as numbers and as a picture, the shares of modes; log-densities of given points, in any dimension.

use std::time::Instant;

use mixwell::density::Target;
use mixwell::ebm::{Grid, GridDensity, energies};
use mixwell_figures::{Axis, DensityMaps, MapPanel, Surface};
use serde_json::json;

use super::inputs::Inputs;
use super::report::{Report, coordinates, csv};

/// Places of the picture on a side, at most.
const PLACES: usize = 150;

/// A law in the plane.
pub struct PlaneMap {
    pub density: GridDensity,
    /// Seconds that it took.
    pub seconds: f64,
    /// Its normalised log-density, to be drawn.
    pub surface: Surface,
}

/// The law on the grid, where it is in the plane.
pub fn look(inputs: &Inputs<'_>, report: &mut Report) -> anyhow::Result<Option<PlaneMap>> {
    let Some(grid) = inputs.grid else { return Ok(None) };
    let begun = Instant::now();
    let density = grid.density(inputs.model)?;
    let seconds = begun.elapsed().as_secs_f64();
    let log_evidence = density.log_evidence();
    let names = ["x0", "x1", "log_density", "mass"].map(String::from);
    let log_cell = grid.log_cell();
    let rows = density.log_prob().iter().enumerate().map(|(k, log_prob)| {
        let [x, y] = grid.middle(k / grid.cells(), k % grid.cells());
        vec![x, y, log_prob - log_evidence, (log_prob - log_evidence + log_cell).exp()]
    });
    report.file("grid.csv", csv(&names, rows));
    let law = panel("the law", inputs.model, grid)?;
    let surface = law.log_density.clone();
    let mut panels = vec![law];
    if let Some(truth) = &inputs.truth {
        panels.push(panel("what it should be", &**truth, grid)?);
    }
    let maps = DensityMaps { title: "Log-density".into(), x: Axis::new("x0"), y: Axis::new("x1"), panels };
    report.file("density.svg", maps.svg());
    let edge = density.edge_share();
    let mut plane = json!({
        "low": grid.low(), "high": grid.high(), "cells": grid.cells(),
        "log_evidence": log_evidence, "log_evidence_error": density.error(), "edge_share": edge,
    });
    report.line(format!(
        "on {0} x {0} cells of [{1:.4}, {2:.4}] x [{3:.4}, {4:.4}]: log Z {log_evidence:.5} (error {5:.1e})",
        grid.cells(),
        grid.low()[0],
        grid.high()[0],
        grid.low()[1],
        grid.high()[1],
        density.error()
    ));
    if !density.fits() {
        report.problem(format!(
            "{:.2} % of the mass lies at the edge of the box: the law does not end there; give a wider one with --low and --high",
            100.0 * edge
        ));
    }
    if let Some(modes) = inputs.truth.as_ref().and_then(|truth| truth.facts().modes) {
        let shares = density.mode_shares(&modes);
        let words = |shares: &[f64]| shares.iter().map(|s| format!("{s:.4}")).collect::<Vec<_>>().join(" ");
        report.line(format!("weights of modes {}", words(&shares)));
        plane["mode_shares"] = json!(shares);
        if let Some(exact) = &modes.weights {
            report.line(format!("           exact {}", words(exact)));
            plane["exact_mode_shares"] = json!(exact);
        }
    }
    report.put("plane", plane);
    Ok(Some(PlaneMap { density, seconds, surface }))
}

fn panel(title: &str, target: &dyn Target, grid: Grid) -> anyhow::Result<MapPanel> {
    let places = grid.cells().clamp(2, PLACES);
    let of = |axis: usize| [grid.low()[axis], grid.high()[axis]];
    let mut surface = Surface { x: of(0), y: of(1), columns: places, values: vec![0.0; places * places] };
    let at: Vec<f64> = surface.places().into_iter().flatten().collect();
    surface.values = energies(target, mixwell::Batch::new(&at, 2))?.into_iter().map(|e| -e).collect();
    Ok(MapPanel { title: title.into(), log_density: surface.normalised() })
}

/// Writes the log-density of every given point.
pub fn points(inputs: &Inputs<'_>, report: &mut Report) -> anyhow::Result<()> {
    let Some(points) = &inputs.points else { return Ok(()) };
    // By the best estimate there is; without one, not normalised, which the name says.
    let log_evidence = report.results.get("log_evidence").and_then(serde_json::Value::as_f64);
    let found = energies(inputs.model, points.as_batch())?;
    let last = if log_evidence.is_some() { "log_density" } else { "log_density_unnormalised" };
    let names: Vec<String> = coordinates(points.dim()).chain([last.to_string()]).collect();
    let rows = points
        .as_batch()
        .iter()
        .zip(&found)
        .map(|(x, energy)| x.iter().copied().chain([-energy - log_evidence.unwrap_or(0.0)]).collect());
    let text = csv(&names, rows);
    report.file("points.csv", text);
    report.line(format!("{} of {} points in points.csv", last.replace('_', " "), points.rows()));
    Ok(())
}
