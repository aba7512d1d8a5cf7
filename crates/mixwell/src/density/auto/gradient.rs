//! The passes that a gradient takes, and the coordinates they start from.
//!
//! A model of up to thirty-two parameters takes one pass of 4, 8, 12 or 32 lanes, whose coordinates lie on the stack: up to
//! twelve, the compiler keeps numbers in registers. More take passes of 32; their coordinates lie in a buffer that the thread keeps.

use std::any::Any;
use std::cell::RefCell;

use mixwell_vector::simd::{self, Isa, Job};

use super::dual::Dual;
use super::{Density, Number};

/// The widest pass.
const WIDEST: usize = 32;

/// The log-density of `density` at `x`; its gradient goes to `grad`.
#[inline]
pub(super) fn evaluate<D: Density>(density: &D, x: &[f64], grad: &mut [f64]) -> f64 {
    match x.len() {
        0..=4 => simd::run(OnePass::<D, 4> { density, x, grad }),
        5..=8 => simd::run(OnePass::<D, 8> { density, x, grad }),
        9..=12 => simd::run(OnePass::<D, 12> { density, x, grad }),
        13..=WIDEST => simd::run(OnePass::<D, WIDEST> { density, x, grad }),
        _ => simd::run(Passes { density, x, grad }),
    }
}

struct OnePass<'a, D, const L: usize> {
    density: &'a D,
    x: &'a [f64],
    grad: &'a mut [f64],
}

impl<D: Density, const L: usize> Job for OnePass<'_, D, L> {
    type Output = f64;
    #[inline(always)]
    fn call<I: Isa>(self) -> f64 {
        let n = self.x.len().min(L);
        let mut point = [Dual::<L, I>::from(0.0); L];
        for (lane, x) in self.x.iter().take(n).enumerate() {
            point[lane] = Dual::coordinate(*x, lane as isize);
        }
        let found = self.density.log_density(&point[..n]);
        self.grad[..n].copy_from_slice(&found.slopes()[..n]);
        found.value()
    }
}

struct Passes<'a, D> {
    density: &'a D,
    x: &'a [f64],
    grad: &'a mut [f64],
}

impl<D: Density> Job for Passes<'_, D> {
    type Output = f64;
    #[inline(always)]
    fn call<I: Isa>(self) -> f64 {
        let mut point = take::<Vec<Dual<WIDEST, I>>>();
        let mut value = f64::NAN;
        for (pass, grad) in self.grad.chunks_mut(WIDEST).enumerate() {
            let first = (pass * WIDEST) as isize;
            point.clear();
            point.extend(self.x.iter().zip(0..).map(|(x, j)| Dual::coordinate(*x, j - first)));
            let found = self.density.log_density(&point);
            grad.copy_from_slice(&found.slopes()[..grad.len()]);
            value = found.value();
        }
        give_back(point);
        value
    }
}

thread_local! {
    static FREE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of this type that the thread has kept, or a new one. A density may take derivatives of another: what is taken is out of the way.
fn take<T: Any + Default>() -> Box<T> {
    let kept = FREE.with_borrow_mut(|free| {
        let place = free.iter().position(|buffer| buffer.is::<T>());
        place.map(|place| free.swap_remove(place))
    });
    kept.and_then(|buffer| buffer.downcast().ok()).unwrap_or_default()
}

fn give_back<T: Any>(buffer: Box<T>) {
    // The thread's storage may be gone already while the thread ends.
    let _ = FREE.try_with(|free| free.borrow_mut().push(buffer));
}
