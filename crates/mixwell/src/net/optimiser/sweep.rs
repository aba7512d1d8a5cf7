//! One pass over all trained parameters: vectors under the best instruction set, the same arithmetic for the last few.
//!
//! What all rules share is here: the gradient is scaled (clipping) and takes the coupled weight decay, `g <- scale g + decay p`;
//! the rule's formula makes a step of it; the parameter moves, `p <- keep p - step`, where `keep` is below one for decoupled decay.

use std::ops::Range;

use super::config::Decay;
use crate::net::values::{Stored, Values};
use mixwell_vector::Real;
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// A step to be made on a range of the flat vector.
pub(super) struct Step<'a, T> {
    /// The parameters of the range.
    pub params: &'a mut [T],
    /// Their gradient.
    pub gradient: &'a [T],
    /// What the rule remembers, of the whole flat vector.
    pub moments: &'a mut [Values],
    /// The range.
    pub range: Range<usize>,
    /// Steps made, this one included.
    pub count: f64,
    /// The learning rate.
    pub learning_rate: f64,
    /// Factor on the gradient.
    pub scale: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// How it enters.
    pub decay: Decay,
}

/// What a rule does to one vector of parameters with `N` moments.
pub(super) trait Formula<T: Real, const N: usize> {
    /// What is taken away from the parameters with gradient `g`; changes the moments.
    fn step<I: Isa>(&self, g: Lanes<T, I>, moments: &mut [Lanes<T, I>; N]) -> Lanes<T, I>;
}

impl<T: Stored> Step<'_, T> {
    /// Makes the step by this formula.
    pub fn by<const N: usize>(self, formula: impl Formula<T, N>) {
        let mut moments = self.moments.iter_mut();
        let moments = std::array::from_fn(|_| {
            let whole = moments.next().expect("as many moments as the rule has");
            &mut T::slice_mut(whole).expect("moments of this precision")[self.range.clone()]
        });
        let (coupled, keep) = match self.decay {
            Decay::Coupled => (self.weight_decay, 1.0),
            Decay::Decoupled => (0.0, 1.0 - self.learning_rate * self.weight_decay),
        };
        simd::run(Sweep {
            params: self.params,
            gradient: self.gradient,
            moments,
            scale: T::from_f64(self.scale),
            coupled: T::from_f64(coupled),
            keep: T::from_f64(keep),
            formula,
        });
    }
}

struct Sweep<'a, T, F, const N: usize> {
    params: &'a mut [T],
    gradient: &'a [T],
    moments: [&'a mut [T]; N],
    scale: T,
    coupled: T,
    keep: T,
    formula: F,
}

impl<T: Real, F: Formula<T, N>, const N: usize> Sweep<'_, T, F, N> {
    /// One vector of parameters.
    #[inline(always)]
    fn vector<I: Isa>(&self, params: &mut [T], gradient: &[T], moments: &mut [&mut [T]; N]) {
        let s = Lanes::<T, I>::splat;
        let p = Lanes::<T, I>::of(params);
        let g = p.mul_add(s(self.coupled), Lanes::<T, I>::of(gradient) * s(self.scale));
        let mut lanes: [_; N] = std::array::from_fn(|k| Lanes::<T, I>::of(moments[k]));
        let step = self.formula.step::<I>(g, &mut lanes);
        for (to, lanes) in moments.iter_mut().zip(lanes) {
            lanes.put(to);
        }
        (p * s(self.keep) - step).put(params);
    }
}

impl<T: Real, F: Formula<T, N>, const N: usize> Job for Sweep<'_, T, F, N> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(mut self) {
        let lanes = Lanes::<T, I>::LANES;
        let params = std::mem::take(&mut self.params);
        let mut moments = std::mem::replace(&mut self.moments, std::array::from_fn(|_| &mut [] as &mut [T]));
        let whole = params.len() / lanes * lanes;
        for i in (0..whole).step_by(lanes) {
            let mut at = moments.each_mut().map(|m| &mut m[i..]);
            self.vector::<I>(&mut params[i..], &self.gradient[i..], &mut at);
        }
        if whole < params.len() {
            // The last few through padded copies: the same arithmetic as the rest.
            let n = params.len() - whole;
            let pad = |from: &[T]| {
                let mut to = [T::ZERO; 16];
                to[..n].copy_from_slice(&from[whole..]);
                to
            };
            let (mut p, g) = (pad(params), pad(self.gradient));
            let mut m = moments.each_ref().map(|m| pad(m));
            self.vector::<I>(&mut p, &g, &mut m.each_mut().map(|m| m.as_mut_slice()));
            params[whole..].copy_from_slice(&p[..n]);
            for (to, from) in moments.iter_mut().zip(&m) {
                to[whole..].copy_from_slice(&from[..n]);
            }
        }
    }
}
