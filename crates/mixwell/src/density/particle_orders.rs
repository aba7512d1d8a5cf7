//! All orders of particles whose centre of mass has been taken out: positions are put in another order, and free coordinates follow.

use super::helmert::Helmert;
use crate::Stream;
use crate::scratch::scratch;
use crate::symmetry::{Permutations, Symmetry};

/// [`Permutations`] of positions, as maps of free coordinates.
#[derive(Clone, Debug)]
pub(super) struct ParticleOrders {
    basis: Helmert,
    orders: Permutations,
}

impl ParticleOrders {
    pub fn new(basis: Helmert) -> Self {
        Self { basis, orders: Permutations::of_blocks(basis.particles, basis.space) }
    }

    /// What `change` does to positions.
    fn through(&self, y: &[f64], out: &mut [f64], change: impl FnOnce(&mut [f64])) {
        let mut x = scratch(self.basis.particles * self.basis.space);
        self.basis.positions(y.as_chunks::<1>().0, x.as_chunks_mut::<1>().0);
        change(&mut x);
        self.basis.free(x.as_chunks::<1>().0, out.as_chunks_mut::<1>().0);
    }
}

impl Symmetry for ParticleOrders {
    fn name(&self) -> String {
        self.orders.name()
    }

    fn element_len(&self) -> usize {
        self.orders.element_len()
    }

    fn draw(&self, stream: &mut Stream, element: &mut [f64]) {
        self.orders.draw(stream, element);
    }

    fn apply(&self, element: &[f64], y: &[f64], out: &mut [f64]) {
        self.through(y, out, |x| {
            let mut before = scratch(x.len());
            before.copy_from_slice(x);
            self.orders.apply(element, &before, x);
        });
    }

    fn order(&self) -> Option<u64> {
        self.orders.order()
    }

    fn element(&self, index: u64, element: &mut [f64]) {
        self.orders.element(index, element);
    }

    fn fold(&self, y: &mut [f64]) {
        let mut before = scratch(y.len());
        before.copy_from_slice(y);
        self.through(&before, y, |x| self.orders.fold(x));
    }

    fn folds(&self) -> bool {
        true
    }
}
