//! Activation functions of dense layers, with their derivatives.
//!
//! Piecewise linear ones are fused into the matrix product and differentiated from their output; the smooth ones are a
//! pass of their own. `swish` keeps its argument, because its output does not determine the derivative.

use serde::{Deserialize, Serialize};

use mixwell_vector::Real;
use mixwell_vector::elementary::{sigmoid, tanh};
use mixwell_vector::matmul::Finish;
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// What is applied to every output of a dense layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `y = u`.
    Identity,
    /// `y = max(u, 0)`.
    #[default]
    Relu,
    /// `y = max(u, slope u)` with `0 <= slope < 1`.
    LeakyRelu(f64),
    /// `y = tanh u`.
    Tanh,
    /// `y = u / (1 + exp(-u))`.
    Swish,
    /// `swish / 1.1`, which has Lipschitz constant 1.
    LipSwish,
}

impl Activation {
    /// Whether the slope, if there is one, can be used.
    pub fn is_valid(self) -> bool {
        match self {
            Self::LeakyRelu(slope) => (0.0..1.0).contains(&slope),
            _ => true,
        }
    }

    /// Slope on the negative side, for the piecewise linear ones.
    fn slope(self) -> Option<f64> {
        match self {
            Self::Relu => Some(0.0),
            Self::LeakyRelu(slope) => Some(slope),
            _ => None,
        }
    }

    /// Whether the derivative needs the argument `u` besides the output.
    pub(crate) fn needs_argument(self) -> bool {
        matches!(self, Self::Swish | Self::LipSwish)
    }

    /// What the matrix product does before it stores its result.
    pub(crate) fn finish<T: Real>(self) -> Finish<'static, T> {
        self.slope().map_or(Finish::Keep, |s| Finish::Leaky(T::from_f64(s)))
    }

    /// The derivative, where the product that leads back through this activation can apply it.
    pub(crate) fn gate<T: Real>(self, output: &[T]) -> Finish<'_, T> {
        self.slope().map_or(Finish::Keep, |s| Finish::Gate(T::from_f64(s), output))
    }

    /// Whether [`Activation::gate`] has not done the work already.
    pub(crate) fn is_smooth(self) -> bool {
        matches!(self, Self::Tanh | Self::Swish | Self::LipSwish)
    }

    /// What the product has not done: the smooth activations, in place; `argument` receives `u` where it is needed.
    pub(crate) fn apply<T: Real>(self, values: &mut [T], argument: &mut [T]) {
        if self.is_smooth() {
            if self.needs_argument() {
                argument.copy_from_slice(values);
            }
            simd::run(Apply(self, values));
        }
    }

    /// `d *= f'(u)` for every activation, given the output and (for swish) the argument.
    pub(crate) fn pull<T: Real>(self, d: &mut [T], output: &[T], argument: &[T]) {
        if self != Self::Identity {
            simd::run(Pull(self, d, output, argument));
        }
    }

    /// Whether it has a second derivative everywhere.
    pub fn is_twice_differentiable(self) -> bool {
        self.slope().is_none()
    }

    /// `d *= f''(u)` for the activations that have one, given the output and (for swish) the argument.
    pub(crate) fn bend<T: Real>(self, d: &mut [T], output: &[T], argument: &[T]) {
        match self {
            Self::Identity | Self::Relu | Self::LeakyRelu(_) => d.fill(T::ZERO),
            _ => simd::run(Bend(self, d, output, argument)),
        }
    }
}

struct Apply<'a, T>(Activation, &'a mut [T]);

impl<T: Real> Job for Apply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let lanes = Lanes::<T, I>::LANES;
        let factor =
            Lanes::<T, I>::splat(T::from_f64(if self.0 == Activation::LipSwish { 1.0 / 1.1 } else { 1.0 }));
        if self.0 == Activation::Tanh {
            for chunk in self.1.chunks_exact_mut(lanes) {
                tanh(Lanes::<T, I>::of(chunk)).put(chunk);
            }
        } else {
            for chunk in self.1.chunks_exact_mut(lanes) {
                let u = Lanes::<T, I>::of(chunk);
                (u * sigmoid(u) * factor).put(chunk);
            }
        }
    }
}

struct Pull<'a, T>(Activation, &'a mut [T], &'a [T], &'a [T]);

impl<T: Real> Job for Pull<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self(activation, d, output, argument) = self;
        let lanes = Lanes::<T, I>::LANES;
        let (zero, one) = (Lanes::<T, I>::splat(T::ZERO), Lanes::<T, I>::splat(T::ONE));
        match activation {
            Activation::Identity => {}
            Activation::Relu | Activation::LeakyRelu(_) => {
                let slope = Lanes::<T, I>::splat(T::from_f64(activation.slope().unwrap_or(0.0)));
                for (d, y) in d.chunks_exact_mut(lanes).zip(output.chunks_exact(lanes)) {
                    let v = Lanes::<T, I>::of(d);
                    Lanes::<T, I>::select(zero.lt(Lanes::<T, I>::of(y)), v, v * slope).put(d);
                }
            }
            Activation::Tanh => {
                for (d, y) in d.chunks_exact_mut(lanes).zip(output.chunks_exact(lanes)) {
                    let y = Lanes::<T, I>::of(y);
                    (Lanes::<T, I>::of(d) * (one - y * y)).put(d);
                }
            }
            Activation::Swish | Activation::LipSwish => {
                let factor = if activation == Activation::LipSwish { 1.0 / 1.1 } else { 1.0 };
                let factor = Lanes::<T, I>::splat(T::from_f64(factor));
                for (d, u) in d.chunks_exact_mut(lanes).zip(argument.chunks_exact(lanes)) {
                    let u = Lanes::<T, I>::of(u);
                    let p = sigmoid(u);
                    (Lanes::<T, I>::of(d) * (p * (one + u * (one - p))) * factor).put(d);
                }
            }
        }
    }
}

struct Bend<'a, T>(Activation, &'a mut [T], &'a [T], &'a [T]);

impl<T: Real> Job for Bend<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self(activation, d, output, argument) = self;
        let lanes = Lanes::<T, I>::LANES;
        let (one, two) = (Lanes::<T, I>::splat(T::ONE), Lanes::<T, I>::splat(T::from_f64(2.0)));
        if activation == Activation::Tanh {
            // f'' = -2 y (1 - y^2)
            for (d, y) in d.chunks_exact_mut(lanes).zip(output.chunks_exact(lanes)) {
                let y = Lanes::<T, I>::of(y);
                (Lanes::<T, I>::of(d) * (two * y) * (y * y - one)).put(d);
            }
        } else {
            // p = 1 / (1 + e^-u):  f'' = p (1 - p) (2 + u (1 - 2 p))
            let factor = if activation == Activation::LipSwish { 1.0 / 1.1 } else { 1.0 };
            let factor = Lanes::<T, I>::splat(T::from_f64(factor));
            for (d, u) in d.chunks_exact_mut(lanes).zip(argument.chunks_exact(lanes)) {
                let u = Lanes::<T, I>::of(u);
                let p = sigmoid(u);
                (Lanes::<T, I>::of(d) * (p * (one - p) * (two + u * (one - two * p))) * factor).put(d);
            }
        }
    }
}
