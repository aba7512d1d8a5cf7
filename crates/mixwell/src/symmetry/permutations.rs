//! All orders of things that cannot be told apart: particles, components of a mixture.
//!
//! `arrays` arrays lie behind each other from coordinate `first` on, each of `count` blocks of `size` coordinates; block `k` of every array belongs
//! to thing `k`. Means and log-widths of three components, `mu[3], log_sigma[3]`, are `count = 3, arrays = 2`.

use serde::{Deserialize, Serialize};

use super::Symmetry;
use crate::{ConfigError, Stream, range};

/// Largest count whose number of orders can be counted.
const MOST_COUNTED: usize = 20;

/// Settings of [`Permutations`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PermutationsConfig {
    /// How many things there are; 0 for as many as there are coordinates for.
    pub count: usize,
    /// Coordinates of a thing, in each array.
    pub size: usize,
    /// Arrays behind each other in which the things stand in the same order.
    pub arrays: usize,
    /// The first coordinate of the first array.
    pub first: usize,
}

impl Default for PermutationsConfig {
    fn default() -> Self {
        Self { count: 0, size: 1, arrays: 1, first: 0 }
    }
}

impl PermutationsConfig {
    /// Checks every range that does not depend on the dimension.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::at_least("size", self.size, 1)?;
        range::at_least("arrays", self.arrays, 1)
    }

    /// The symmetry in `dim` dimensions.
    ///
    /// # Errors
    /// When the blocks do not fit into them.
    pub fn build(&self, dim: usize) -> Result<Permutations, ConfigError> {
        self.check()?;
        let room = dim.saturating_sub(self.first);
        let of_one = self.size.saturating_mul(self.arrays);
        let count = if self.count == 0 { room / of_one } else { self.count };
        if self.count == 0 && !room.is_multiple_of(of_one) {
            let reason = format!("{room} coordinates are no whole number of things of {of_one}; set `count`");
            return Err(ConfigError::new("size", self.size, reason));
        }
        if count < 2 || count.saturating_mul(of_one) > room {
            let reason =
                format!("at least 2, and {of_one} coordinates each, must fit into {room} from `first` on");
            return Err(ConfigError::new("count", count, reason));
        }
        Ok(Permutations { count, size: self.size, arrays: self.arrays, first: self.first })
    }
}

/// All orders of `count` things.
#[derive(Clone, Debug, PartialEq)]
pub struct Permutations {
    count: usize,
    size: usize,
    arrays: usize,
    first: usize,
}

impl Permutations {
    /// All orders of `count` blocks of `size` coordinates, the first of which begins the point.
    pub fn of_blocks(count: usize, size: usize) -> Self {
        Self { count, size, arrays: 1, first: 0 }
    }

    fn block(&self, array: usize, thing: usize) -> std::ops::Range<usize> {
        let start = self.first + (array * self.count + thing) * self.size;
        start..start + self.size
    }
}

impl Symmetry for Permutations {
    fn name(&self) -> String {
        format!("orders of {}", self.count)
    }

    fn element_len(&self) -> usize {
        self.count
    }

    fn draw(&self, stream: &mut Stream, element: &mut [f64]) {
        element.iter_mut().enumerate().for_each(|(i, e)| *e = i as f64);
        stream.shuffle(element);
    }

    fn apply(&self, element: &[f64], x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
        for array in 0..self.arrays {
            for (to, from) in element.iter().enumerate() {
                out[self.block(array, to)].copy_from_slice(&x[self.block(array, *from as usize)]);
            }
        }
    }

    fn order(&self) -> Option<u64> {
        (self.count <= MOST_COUNTED).then(|| (1..=self.count as u64).product())
    }

    /// By the digits of `index` in the number system of factorials.
    fn element(&self, index: u64, element: &mut [f64]) {
        element.iter_mut().enumerate().for_each(|(i, e)| *e = i as f64);
        let mut rest = index;
        for place in 0..self.count {
            let smaller: u64 = (1..(self.count - place) as u64).product();
            let digit = (rest / smaller) as usize;
            rest %= smaller;
            element[place..=place + digit].rotate_right(1);
        }
    }

    /// In ascending order of the first coordinate of the first array.
    fn fold(&self, x: &mut [f64]) {
        // Insertion sort: few things, often in order already.
        for end in 1..self.count {
            let mut place = end;
            while place > 0 && x[self.block(0, place)][0] < x[self.block(0, place - 1)][0] {
                for array in 0..self.arrays {
                    let before = self.block(array, place - 1);
                    x[before.start..before.end + self.size].rotate_left(self.size);
                }
                place -= 1;
            }
        }
    }

    fn folds(&self) -> bool {
        true
    }
}
