//! The symmetries of a lattice of sites: shifts around its ends, mirror images of its axes, exchanges of axes of the same length.
//!
//! Sites are numbered with the last axis running fastest. The three kinds together are a group: every map is an exchange, then mirrors, then a shift.

use serde::{Deserialize, Serialize};

use super::Symmetry;
use crate::{ConfigError, Stream, range};

/// Most axes, so that places fit into an array and exchanges can be listed.
const MOST_AXES: usize = 5;

/// Settings of [`Lattice`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LatticeConfig {
    /// Sites along every axis; their product is the number of coordinates.
    pub shape: Vec<usize>,
    /// Shifts along every axis; the lattice has no ends.
    pub translations: bool,
    /// Mirror images of every axis.
    pub reflections: bool,
    /// Exchanges of axes of the same length.
    pub exchanges: bool,
}

impl Default for LatticeConfig {
    fn default() -> Self {
        Self { shape: vec![12, 12], translations: true, reflections: true, exchanges: true }
    }
}

impl LatticeConfig {
    /// Checks every range that does not depend on the dimension.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("shape", self.shape.len(), 1, MOST_AXES)?;
        self.shape.iter().try_for_each(|n| range::at_least("shape", *n, 1))
    }

    /// The symmetry in `dim` dimensions.
    ///
    /// # Errors
    /// When the lattice has another number of sites.
    pub fn build(&self, dim: usize) -> Result<Lattice, ConfigError> {
        self.check()?;
        let sites = self.shape.iter().fold(1usize, |all, n| all.saturating_mul(*n));
        if sites != dim {
            let reason = format!("it has {sites} sites, the target {dim} coordinates");
            return Err(ConfigError::new("shape", format!("{:?}", self.shape), reason));
        }
        let axes = self.shape.len();
        let mut exchanges = vec![(0..axes).collect::<Vec<usize>>()];
        if self.exchanges {
            exchanges = orders(axes);
            exchanges.retain(|order| order.iter().zip(&self.shape).all(|(from, n)| self.shape[*from] == *n));
        }
        let LatticeConfig { translations, reflections, .. } = *self;
        Ok(Lattice { shape: self.shape.clone(), translations, reflections, exchanges })
    }
}

/// All orders of `n` things, the natural one first.
fn orders(n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for _ in 0..n {
        all = all
            .into_iter()
            .flat_map(|start: Vec<usize>| {
                let rest: Vec<usize> = (0..n).filter(|i| !start.contains(i)).collect();
                rest.into_iter().map(move |next| start.iter().copied().chain([next]).collect())
            })
            .collect();
    }
    all
}

/// The symmetries of a lattice.
#[derive(Clone, Debug, PartialEq)]
pub struct Lattice {
    shape: Vec<usize>,
    translations: bool,
    reflections: bool,
    /// Which axis each axis is read from.
    exchanges: Vec<Vec<usize>>,
}

impl Symmetry for Lattice {
    fn name(&self) -> String {
        "symmetries of the lattice".into()
    }

    fn element_len(&self) -> usize {
        1 + 2 * self.shape.len()
    }

    fn draw(&self, stream: &mut Stream, element: &mut [f64]) {
        let axes = self.shape.len();
        element.fill(0.0);
        element[0] = stream.index(self.exchanges.len()) as f64;
        for (axis, n) in self.shape.iter().enumerate() {
            if self.reflections {
                element[1 + axis] = stream.index(2) as f64;
            }
            if self.translations {
                element[1 + axes + axis] = stream.index(*n) as f64;
            }
        }
    }

    fn apply(&self, element: &[f64], x: &[f64], out: &mut [f64]) {
        let axes = self.shape.len();
        let from = &self.exchanges[element[0] as usize];
        let mut stride = [1; MOST_AXES];
        for axis in (1..axes).rev() {
            stride[axis - 1] = stride[axis] * self.shape[axis];
        }
        let mut place = [0; MOST_AXES];
        for out in out.iter_mut() {
            let mut source = 0;
            for axis in 0..axes {
                let n = self.shape[axis];
                let shifted = (place[axis] + element[1 + axes + axis] as usize) % n;
                let at = if element[1 + axis] > 0.0 { n - 1 - shifted } else { shifted };
                source += at * stride[from[axis]];
            }
            *out = x[source];
            for axis in (0..axes).rev() {
                place[axis] += 1;
                if place[axis] < self.shape[axis] {
                    break;
                }
                place[axis] = 0;
            }
        }
    }

    fn order(&self) -> Option<u64> {
        let shifts = if self.translations { self.shape.iter().map(|n| *n as u64).product() } else { 1 };
        let mirrors = if self.reflections { 1 << self.shape.len() } else { 1 };
        Some(shifts * mirrors * self.exchanges.len() as u64)
    }

    fn element(&self, index: u64, element: &mut [f64]) {
        let mut rest = index;
        let mut digit = |n: usize| {
            let digit = (rest % n as u64) as usize;
            rest /= n as u64;
            digit
        };
        let axes = self.shape.len();
        element.fill(0.0);
        element[0] = digit(self.exchanges.len()) as f64;
        if self.reflections {
            element[1..=axes].fill_with(|| digit(2) as f64);
        }
        if self.translations {
            element[1 + axes..].iter_mut().zip(&self.shape).for_each(|(shift, n)| *shift = digit(*n) as f64);
        }
    }
}
