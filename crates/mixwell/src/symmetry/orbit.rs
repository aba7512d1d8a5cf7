//! The images of a point under several finite symmetries, one after the other.

use std::sync::Arc;

use super::Symmetry;
use crate::scratch::{Scratch, scratch};

/// Products `g_1 g_2 .. g_k` of the maps of some finite symmetries.
///
/// They need not be a group: inverses of the products are the products in the opposite order, and images are given of both.
pub struct Orbit<'a> {
    symmetries: Vec<&'a dyn Symmetry>,
    orders: Vec<u64>,
    order: u64,
}

impl<'a> Orbit<'a> {
    /// Most images that a proposal is averaged over.
    pub const MOST: u64 = 1024;

    /// Of those that fold and whose maps can be counted; `None` if there are none, or more than `most` products.
    pub fn of_folding(symmetries: &'a [Arc<dyn Symmetry>], most: u64) -> Option<Self> {
        let symmetries: Vec<&dyn Symmetry> =
            symmetries.iter().map(|s| &**s).filter(|s| s.folds() && s.order().is_some()).collect();
        let orders: Vec<u64> = symmetries.iter().filter_map(|s| s.order()).collect();
        let order = orders.iter().fold(1u64, |product, n| product.saturating_mul(*n));
        (order > 1 && order <= most).then_some(Self { symmetries, orders, order })
    }

    /// How many products there are.
    pub fn order(&self) -> u64 {
        self.order
    }

    /// Puts `x` onto one of its images, by these symmetries and no others.
    pub fn fold(&self, x: &mut [f64]) {
        self.symmetries.iter().for_each(|symmetry| symmetry.fold(x));
    }

    /// `out = g_1 (g_2 (.. x))` for product number `index`.
    pub fn image(&self, index: u64, x: &[f64], out: &mut [f64]) {
        self.apply(index, x, out, (0..self.symmetries.len()).rev());
    }

    /// `out = g_k (.. (g_1 x))` for product number `index`: over all numbers, the images under all inverses of products.
    pub fn image_back(&self, index: u64, x: &[f64], out: &mut [f64]) {
        self.apply(index, x, out, 0..self.symmetries.len());
    }

    fn apply(&self, index: u64, x: &[f64], out: &mut [f64], places: impl Iterator<Item = usize>) {
        let mut image: Scratch = scratch(x.len());
        out.copy_from_slice(x);
        for place in places {
            let below: u64 = self.orders[..place].iter().product();
            let number = index / below % self.orders[place];
            if number == 0 {
                continue;
            }
            let symmetry = self.symmetries[place];
            let mut element = scratch(symmetry.element_len());
            symmetry.element(number, &mut element);
            image.copy_from_slice(out);
            symmetry.apply(&element, &image, out);
        }
    }
}
