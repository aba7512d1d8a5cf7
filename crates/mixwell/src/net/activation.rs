//! Activation functions, with their derivatives.
//!
//! Piecewise linear ones are fused into the matrix product and differentiated from their output; the others are a pass of
//! their own. `swish` and its like keep their argument, because their output does not determine the derivative.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use mixwell_vector::Real;
use mixwell_vector::block::BLOCK;
use mixwell_vector::elementary::{exp, normal_cdf, normal_cdf_and_density, sigmoid, softplus, tanh};
use mixwell_vector::matmul::Finish;
use mixwell_vector::simd::{self, Isa, Job, Lanes, Vector};

/// What is applied to every output of a layer.
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
    /// `y = u / (1 + exp(-u))`, also known as SiLU.
    Swish,
    /// `swish / 1.1`, which has Lipschitz constant 1.
    LipSwish,
    /// `y = u` where `u > 0`, `scale (exp u - 1)` elsewhere.
    Elu(f64),
    /// `y = 1 / (1 + exp(-u))`.
    Sigmoid,
    /// `y = ln(1 + exp u)`.
    Softplus,
    /// `y = min(max(u, -1), 1)`.
    HardTanh,
    /// `y = u Phi(u)`, Phi the distribution function of the standard normal distribution.
    Gelu,
    /// `y = u (1 + tanh(sqrt(2 / pi) (u + 0.044715 u^3))) / 2`, which is nearly that.
    GeluTanh,
}

/// Numbers from which a pass is shared among threads.
const PARALLEL_LEN: usize = 1 << 18;

impl Activation {
    /// Whether the number that comes with it, if there is one, can be used.
    pub fn is_valid(self) -> bool {
        self.check().is_ok()
    }

    /// The same, with the reason.
    pub(super) fn check(self) -> Result<(), String> {
        match self {
            Self::LeakyRelu(slope) if !(0.0..1.0).contains(&slope) => {
                Err(format!("the slope of leaky_relu is {slope}, it must lie in [0, 1)"))
            }
            Self::Elu(scale) if !(0.0..=1e6).contains(&scale) => {
                Err(format!("the scale of elu is {scale}, it must lie in [0, 1e6]"))
            }
            _ => Ok(()),
        }
    }

    /// Slope on the negative side, for the ones that a product can apply.
    fn slope(self) -> Option<f64> {
        match self {
            Self::Relu => Some(0.0),
            Self::LeakyRelu(slope) => Some(slope),
            _ => None,
        }
    }

    /// Whether the derivative needs the argument `u` besides the output.
    pub(crate) fn needs_argument(self) -> bool {
        matches!(self, Self::Swish | Self::LipSwish | Self::Gelu | Self::GeluTanh)
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
    pub(crate) fn is_pass(self) -> bool {
        self != Self::Identity && self.slope().is_none()
    }

    /// What the layer has not done, in place; `argument` receives `u` where it is needed. `finished`: whether the layer has done
    /// what [`Activation::finish`] says.
    pub(crate) fn apply<T: Real>(self, values: &mut [T], argument: &mut [T], finished: bool) {
        if !self.is_pass() && (finished || self == Self::Identity) {
            return;
        }
        if self.needs_argument() {
            argument.copy_from_slice(values);
        }
        match piece(values.len()) {
            None => simd::run(Apply(self, values)),
            Some(piece) => values.par_chunks_mut(piece).for_each(|v| simd::run(Apply(self, v))),
        }
    }

    /// `d *= f'(u)` for every activation, given the output and (for swish) the argument.
    pub(crate) fn pull<T: Real>(self, d: &mut [T], output: &[T], argument: &[T]) {
        if self == Self::Identity {
            return;
        }
        let argument = if self.needs_argument() { argument } else { output };
        match piece(d.len()) {
            None => simd::run(Pull(self, d, output, argument)),
            Some(piece) => {
                let given = output.par_chunks(piece).zip(argument.par_chunks(piece));
                d.par_chunks_mut(piece).zip(given).for_each(|(d, (y, u))| simd::run(Pull(self, d, y, u)));
            }
        }
    }

    /// Whether it has a continuous second derivative.
    pub fn is_twice_differentiable(self) -> bool {
        !matches!(self, Self::Relu | Self::LeakyRelu(_) | Self::Elu(_) | Self::HardTanh)
    }

    /// Whether it has a second derivative other than zero somewhere; those made of straight pieces have zero almost everywhere.
    pub(crate) fn bends(self) -> bool {
        self != Self::Identity && self.slope().is_none() && self != Self::HardTanh
    }

    /// `d *= f''(u)`, almost everywhere, given the output and (for swish and its like) the argument.
    pub(crate) fn bend<T: Real>(self, d: &mut [T], output: &[T], argument: &[T]) {
        if self.bends() {
            simd::run(Bend(self, d, output, argument));
        } else {
            d.fill(T::ZERO);
        }
    }
}

/// Numbers of a piece where a pass is worth several threads.
fn piece(len: usize) -> Option<usize> {
    let threads = rayon::current_num_threads();
    (len >= PARALLEL_LEN && threads > 1).then(|| len.div_ceil(4 * threads).next_multiple_of(BLOCK))
}

/// `1 / 1.1` for LipSwish.
fn factor(activation: Activation) -> f64 {
    if activation == Activation::LipSwish { 1.0 / 1.1 } else { 1.0 }
}

/// `(1 + tanh v) / 2 = sigmoid(2 v)`: `2 v = a u + b u^3` for GELU with tanh.
const GELU_TANH: [f64; 2] = [1.595_769_121_605_731, 0.071_354_816_272_600_25];

struct Apply<'a, T>(Activation, &'a mut [T]);

impl<T: Real> Job for Apply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call<I: Isa>(self) {
        let Self(activation, values) = self;
        let lanes = Lanes::<T, I>::LANES;
        let splat = |v: f64| Lanes::<T, I>::splat(T::from_f64(v));
        let (zero, one) = (splat(0.0), splat(1.0));
        macro_rules! each {
            ($u:ident => $y:expr) => {
                for chunk in values.chunks_exact_mut(lanes) {
                    let $u = Lanes::<T, I>::of(chunk);
                    $y.put(chunk);
                }
            };
        }
        match activation {
            Activation::Identity => {}
            Activation::Relu | Activation::LeakyRelu(_) => {
                let slope = splat(activation.slope().unwrap_or(0.0));
                // NaN passes: the second operand is taken.
                each!(u => (slope * u).max(u));
            }
            Activation::Tanh => each!(u => tanh(u)),
            Activation::Swish | Activation::LipSwish => {
                let factor = splat(factor(activation));
                each!(u => (u * sigmoid(u) * factor));
            }
            Activation::Elu(scale) => {
                let scale = splat(scale);
                each!(u => Lanes::<T, I>::select(zero.lt(u), u, scale * (exp(u) - one)));
            }
            Activation::Sigmoid => each!(u => sigmoid(u)),
            Activation::Softplus => each!(u => softplus(u)),
            // NaN passes.
            Activation::HardTanh => each!(u => (-one).max(one.min(u))),
            Activation::Gelu => each!(u => (u * normal_cdf(u))),
            Activation::GeluTanh => {
                let [a, b] = GELU_TANH.map(splat);
                each!(u => (u * sigmoid(u * (b * u * u + a))));
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
        let splat = |v: f64| Lanes::<T, I>::splat(T::from_f64(v));
        let (zero, one) = (splat(0.0), splat(1.0));
        macro_rules! each {
            ($d:ident, $y:ident from $given:ident => $value:expr) => {
                for (d, y) in d.chunks_exact_mut(lanes).zip($given.chunks_exact(lanes)) {
                    let ($d, $y) = (Lanes::<T, I>::of(d), Lanes::<T, I>::of(y));
                    $value.put(d);
                }
            };
        }
        match activation {
            Activation::Identity => {}
            Activation::Relu | Activation::LeakyRelu(_) => {
                let slope = splat(activation.slope().unwrap_or(0.0));
                each!(d, y from output => Lanes::<T, I>::select(zero.lt(y), d, d * slope));
            }
            Activation::Tanh => each!(d, y from output => (d * (one - y * y))),
            Activation::Swish | Activation::LipSwish => {
                let factor = splat(factor(activation));
                each!(d, u from argument => {
                    let p = sigmoid(u);
                    d * (p * (one + u * (one - p))) * factor
                });
            }
            Activation::Elu(scale) => {
                let scale = splat(scale);
                each!(d, y from output => Lanes::<T, I>::select(zero.lt(y), d, d * (y + scale)));
            }
            Activation::Sigmoid => each!(d, y from output => (d * (y * (one - y)))),
            Activation::Softplus => each!(d, y from output => (d * (one - exp(-y)))),
            Activation::HardTanh => {
                each!(d, y from output => Lanes::<T, I>::select(y.abs().lt(one), d, zero));
            }
            Activation::Gelu => each!(d, u from argument => {
                let (phi, density) = normal_cdf_and_density(u);
                d * (phi + u * density)
            }),
            // p = sigmoid(w), w = a u + b u^3:  f' = p + u p (1 - p) w'
            Activation::GeluTanh => {
                let ([a, b], three) = (GELU_TANH.map(splat), splat(3.0));
                each!(d, u from argument => {
                    let (square, p) = (u * u, sigmoid(u * (b * u * u + a)));
                    d * (p + u * p * (one - p) * (three * b * square + a))
                });
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
        let splat = |v: f64| Lanes::<T, I>::splat(T::from_f64(v));
        let (zero, one, two) = (splat(0.0), splat(1.0), splat(2.0));
        let given = if activation.needs_argument() { argument } else { output };
        macro_rules! each {
            ($d:ident, $y:ident => $value:expr) => {
                for (d, y) in d.chunks_exact_mut(lanes).zip(given.chunks_exact(lanes)) {
                    let ($d, $y) = (Lanes::<T, I>::of(d), Lanes::<T, I>::of(y));
                    $value.put(d);
                }
            };
        }
        match activation {
            // f'' = -2 y (1 - y^2)
            Activation::Tanh => each!(d, y => (d * (two * y) * (y * y - one))),
            // f'' = y (1 - y) (1 - 2 y)
            Activation::Sigmoid => each!(d, y => (d * (y * (one - y) * (one - two * y)))),
            // p = 1 - e^-y:  f'' = p (1 - p)
            Activation::Softplus => each!(d, y => {
                let q = exp(-y);
                d * (q * (one - q))
            }),
            // Where u < 0, f'' = f' = y + scale.
            Activation::Elu(scale) => {
                let scale = splat(scale);
                each!(d, y => Lanes::<T, I>::select(zero.lt(y), zero, d * (y + scale)));
            }
            // f'' = density (2 - u^2)
            Activation::Gelu => each!(d, u => (d * normal_cdf_and_density(u).1 * (two - u * u))),
            // q = p (1 - p):  f'' = q (2 w' + u w'' + u w'^2 (1 - 2 p)),  u w'' = 6 b u^2
            Activation::GeluTanh => {
                let ([a, b], three) = (GELU_TANH.map(splat), splat(3.0));
                each!(d, u => {
                    let (bent, p) = (three * b * u * u, sigmoid(u * (b * u * u + a)));
                    let slope = bent + a;
                    d * (p * (one - p)) * (two * (slope + bent) + u * slope * slope * (one - two * p))
                });
            }
            // p = 1 / (1 + e^-u):  f'' = p (1 - p) (2 + u (1 - 2 p))
            _ => {
                let factor = splat(factor(activation));
                each!(d, u => {
                    let p = sigmoid(u);
                    d * (p * (one - p) * (two + u * (one - two * p))) * factor
                });
            }
        }
    }
}
