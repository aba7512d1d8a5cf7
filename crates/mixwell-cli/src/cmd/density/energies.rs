//! Energies of data, bank and other sets: histograms over common bins, and how well energies tell other sets from the data.

use mixwell::Batch;
use mixwell::ebm::energies;
use mixwell::metric::{Histograms, auroc};
use mixwell_figures::{Axis, Curve, Curves, CurvesPanel};
use serde_json::{Map, Value, json};

use super::inputs::Inputs;
use super::report::{Report, csv};

/// Bins of the histograms.
const BINS: usize = 60;
/// Points of a set that are looked at, the first ones.
const MOST: usize = 20_000;

/// Adds histograms and areas, where there are data.
pub fn look(inputs: &Inputs<'_>, report: &mut Report) -> anyhow::Result<()> {
    let Some(data) = &inputs.data else {
        if !inputs.others.is_empty() {
            report.line("there are no data to compare other sets with; give them with --data");
        }
        return Ok(());
    };
    let bank = inputs.bank.as_ref().map(|bank| ("bank", bank.as_batch()));
    let mut sets: Vec<(&str, Batch<'_>)> = vec![(&data.name, data.points.as_batch())];
    sets.extend(bank);
    sets.extend(inputs.others.iter().map(|set| (set.name.as_str(), set.points.as_batch())));
    let first = |points: Batch<'_>| points.rows().min(MOST);
    let found = sets
        .iter()
        .map(|(_, points)| energies(inputs.model, points.slice(0..first(*points))))
        .collect::<Result<Vec<_>, _>>()?;
    let slices: Vec<&[f64]> = found.iter().map(Vec::as_slice).collect();
    let Some(histograms) = Histograms::of(&slices, BINS) else {
        report.problem("energies of the data or of another set are not finite".into());
        return Ok(());
    };
    let mut json = Map::new();
    for (k, (name, _)) in sets.iter().enumerate() {
        let area = (k > 0).then(|| auroc(&found[0], &found[k]));
        let mean = found[k].iter().sum::<f64>() / found[k].len() as f64;
        let beside = area.map_or(String::new(), |a| {
            format!(
                "; overlap with the data {:.3}, distance {:.3}, AUROC {:.4} +- {:.4}",
                histograms.overlaps[k], histograms.distances[k], a.value, a.standard_error
            )
        });
        report.line(format!("mean energy of {} of {name}: {mean:.4}{beside}", found[k].len()));
        let entry: Value = json!({
            "n": found[k].len(), "mean": mean, "overlap": histograms.overlaps[k], "distance": histograms.distances[k], "auroc": area,
        });
        // Two files may have one name.
        let key = if json.contains_key(*name) { format!("{name}-{k}") } else { name.to_string() };
        json.insert(key, entry);
    }
    report.put("energies", json.into());
    let names: Vec<&str> = sets.iter().map(|(name, _)| *name).collect();
    write(&names, &histograms, report);
    Ok(())
}

fn write(names: &[&str], histograms: &Histograms, report: &mut Report) {
    let header: Vec<String> = ["from", "to"].iter().chain(names).map(|n| n.replace(',', "_")).collect();
    let rows =
        histograms.edges.windows(2).enumerate().map(|(bin, edges)| {
            edges.iter().copied().chain(histograms.shares.iter().map(|s| s[bin])).collect()
        });
    report.file("energies.csv", csv(&header, rows));
    let middles: Vec<f64> = histograms.edges.windows(2).map(|e| 0.5 * (e[0] + e[1])).collect();
    let curves = names.iter().zip(&histograms.shares).map(|(name, shares)| Curve {
        name: name.to_string(),
        x: middles.clone(),
        y: shares.clone(),
        ..Curve::default()
    });
    let figure = Curves {
        title: "Energies".into(),
        x: Axis::new("-log p, up to its constant"),
        y: Axis::new("share of the set"),
        panels: vec![CurvesPanel { title: String::new(), curves: curves.collect() }],
    };
    report.file("energies.svg", figure.svg());
}
