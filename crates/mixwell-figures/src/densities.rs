//! Densities of one number, a curve for every chain.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::colour::Colour;
use crate::layout::{Columns, Panel, page};
use crate::marks::polyline;
use crate::medium::{Figure, Medium};
use crate::smooth::{PLACES, density, range};
use crate::svg::Stroke;

/// What the middle of the draws is that is shown where the axis has no range: a few strays do not decide what is seen.
const SHOWN: f64 = 0.995;

/// Smoothed densities of chains over one another, and that of all draws together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Densities {
    /// Stands above everything.
    pub title: String,
    /// The horizontal axis: the number. Without a range, where 99.5 % of the draws lie.
    pub x: Axis,
    /// The draws of each chain.
    pub chains: Vec<Vec<f64>>,
    /// Draws of further chains, which are part of the density of all and have no curve.
    pub others: Vec<f64>,
}

impl Densities {
    /// The figure as a file of its own.
    pub fn svg(&self) -> String {
        self.draw(&Medium::File)
    }
}

impl Figure for Densities {
    fn draw(&self, medium: &Medium) -> String {
        let ends = self
            .x
            .range
            .or_else(|| range(self.chains.iter().flatten().chain(&self.others), SHOWN))
            .unwrap_or([0.0, 1.0]);
        let curve = |draws: &[f64]| density(draws, ends).unwrap_or_default();
        let chains: Vec<Vec<f64>> = self.chains.iter().map(|chain| curve(chain)).collect();
        let all = curve(&[self.chains.concat(), self.others.clone()].concat());
        let x = self.x.clone().range(ends[0], ends[1]);
        // The highest curve that is drawn; a chain that hardly moves would else flatten all others.
        let highest = |curve: &Vec<f64>| curve.iter().fold(0.0f64, |a, v| a.max(*v));
        let top =
            chains.iter().map(highest).fold(highest(&all), f64::max).min(4.0 * highest(&all).max(1e-300));
        let y = Axis::new("density").range(0.0, 1.06 * top);
        let panel = Panel { title: "", x: x.fit([].into_iter()), y: y.fit([].into_iter()) };
        let columns = Columns { most: 1, width: 340.0, height: 200.0 };
        let (mut svg, frames) = page(&self.title, &[], vec![panel], columns, medium);
        svg.clip(0, frames[0].area);
        let at = |k: usize| ends[0] + (ends[1] - ends[0]) * k as f64 / (PLACES - 1) as f64;
        let curves =
            chains.iter().enumerate().map(|(i, c)| (c, Stroke::new(Colour::Series(i), 1.1).opacity(0.75)));
        for (curve, stroke) in curves.chain([(&all, Stroke::new(Colour::Ink, 1.8).dashed(true))]) {
            polyline(&mut svg, &frames[0], curve.iter().enumerate().map(|(k, v)| (at(k), *v)), stroke);
        }
        svg.unclip();
        svg.finish()
    }
}
