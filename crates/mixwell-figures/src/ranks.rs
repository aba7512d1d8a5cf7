//! Ranks of each chain's draws among all draws, as the difference of their distribution from the uniform one.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::colour::Colour;
use crate::layout::{Columns, Panel, page};
use crate::marks::polyline;
use crate::medium::{Figure, Medium};
use crate::svg::{Path, Stroke};

/// Shares of the ranks at which the distributions are compared.
const PLACES: usize = 100;

/// A curve for every chain: how much larger the share of its draws below a rank is than it should be. Chains that agree stay near zero (Säilynoja, Bürkner and
/// Vehtari 2022).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ranks {
    /// Stands above everything.
    pub title: String,
    /// The draws of each chain; numbers that are NaN or infinite have no rank.
    pub chains: Vec<Vec<f64>>,
    /// Draws of further chains, which take part in the ranking and have no curve.
    pub others: Vec<f64>,
    /// How many independent draws a chain is worth: then a band shows where nearly all curves of chains that agree stay everywhere (99 % of them).
    pub effective: Option<f64>,
}

impl Ranks {
    /// The figure as a file of its own.
    pub fn svg(&self) -> String {
        self.draw(&Medium::File)
    }

    /// For each chain the differences at `1/100, 2/100, ..`; none for a chain without finite draws.
    fn differences(&self) -> Vec<Vec<f64>> {
        let mut all: Vec<f64> =
            self.chains.iter().flatten().chain(&self.others).copied().filter(|v| v.is_finite()).collect();
        all.sort_unstable_by(f64::total_cmp);
        // Equal draws share the middle of their ranks.
        let share = |v: f64| {
            let (below, up_to) = (all.partition_point(|a| *a < v), all.partition_point(|a| *a <= v));
            0.5 * (below + up_to) as f64 / all.len() as f64
        };
        let of_chain = |chain: &Vec<f64>| {
            let mut counts = vec![0.0; PLACES];
            for v in chain.iter().filter(|v| v.is_finite()) {
                counts[((share(*v) * PLACES as f64) as usize).min(PLACES - 1)] += 1.0;
            }
            let n: f64 = counts.iter().sum();
            let mut below = 0.0;
            let difference = |(k, count): (usize, f64)| {
                below += count;
                below / n - (k + 1) as f64 / PLACES as f64
            };
            if n > 0.0 { counts.into_iter().enumerate().map(difference).collect() } else { vec![] }
        };
        self.chains.iter().map(of_chain).collect()
    }

    /// Half the height of the band: 1.63 is the 99 % quantile of Kolmogorov's distribution, and a chain is a part of the draws that it is compared with.
    fn band(&self) -> Option<f64> {
        let among: usize = self.chains.iter().map(Vec::len).sum::<usize>() + self.others.len();
        let own = self.chains.first().map_or(0, Vec::len);
        let part = 1.0 - own as f64 / among.max(1) as f64;
        self.effective.filter(|n| *n > 0.0 && n.is_finite()).map(|n| 1.63 * (part / n).sqrt())
    }
}

impl Figure for Ranks {
    fn draw(&self, medium: &Medium) -> String {
        let differences = self.differences();
        let band = self.band();
        let largest = differences.iter().flatten().fold(0.02f64, |a, v| a.max(v.abs()));
        let top = 1.1 * largest.max(band.unwrap_or(0.0)).min(1.0);
        let (x, y) = (
            Axis::new("rank among all draws, as a share").range(0.0, 1.0),
            Axis::new("difference").range(-top, top),
        );
        let panel = Panel { title: "", x: x.fit([].into_iter()), y: y.fit([].into_iter()) };
        let columns = Columns { most: 1, width: 340.0, height: 200.0 };
        let (mut svg, frames) = page(&self.title, &[], vec![panel], columns, medium);
        let frame = &frames[0];
        svg.clip(0, frame.area);
        if let Some(band) = band {
            let mut path = Path::default();
            for (i, corner) in [(0.0, band), (1.0, band), (1.0, -band), (0.0, -band)].into_iter().enumerate()
            {
                if let Some([x, y]) = frame.at(corner.0, corner.1) {
                    if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
                }
            }
            path.close();
            svg.fill(&path, Colour::Frame, 0.14);
        }
        polyline(
            &mut svg,
            frame,
            [(0.0, 0.0), (1.0, 0.0)].into_iter(),
            Stroke::new(Colour::Frame, 1.2).dashed(true),
        );
        for (number, curve) in differences.iter().enumerate().filter(|(_, c)| !c.is_empty()) {
            let points = curve.iter().enumerate().map(|(k, v)| ((k + 1) as f64 / PLACES as f64, *v));
            let stroke = Stroke::new(Colour::Series(number), 1.2).opacity(0.8);
            polyline(&mut svg, frame, [(0.0, 0.0)].into_iter().chain(points), stroke);
        }
        svg.unclip();
        svg.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_by_hand() {
        // All draws of the first chain lie below those of the second.
        let apart =
            Ranks { chains: vec![vec![1.0, 2.0], vec![3.0, 4.0, f64::NAN], vec![]], ..Ranks::default() };
        let found = apart.differences();
        assert!((found[0][49] - 0.5).abs() < 1e-12 && (found[1][49] + 0.5).abs() < 1e-12);
        assert!(found[0][99].abs() < 1e-12 && found[2].is_empty());
        // Chains of the same draws agree.
        let same: Vec<f64> = (0..100).map(f64::from).collect();
        let agree = Ranks { chains: vec![same.clone(), same], ..Ranks::default() };
        assert!(agree.differences().iter().flatten().all(|d| d.abs() < 0.011));
    }
}
