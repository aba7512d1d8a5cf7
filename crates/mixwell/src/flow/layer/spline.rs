//! Monotone rational-quadratic spline on vectors of rows: value, log-derivative, inverse and all partial derivatives.
//!
//! `K` bins on `[-B, B]`: widths `softmax(u) (2B - K m) + m`, heights likewise, slopes at the `K + 1` knots
//! `softplus(u + c) + m`, with `m = 1e-4` and `c` such that `u = 0` is the identity. In bin `k`, with `xi = (x - x_k)/w`,
//! `s = h/w`, `t = xi (1 - xi)`, `D = s + (d1 + d0 - 2s) t`:
//!   `y = y_k + h (s xi^2 + d0 t)/D`,   `dy/dx = s^2 (d1 xi^2 + 2 s t + d0 (1 - xi)^2)/D^2`.
//! Outside `[-B, B]` it goes on as a line with the slope of the last knot. Points are clipped to the interval before the
//! algebra of the bin, so that no lane computes with numbers it will not use. Reference: [durkan2019neural], equations 4-8.
//! Differs: the outer slopes are free (there they are 1), so tails are lines but not the identity.

use mixwell_vector::Real;
use mixwell_vector::elementary::{exp, sigmoid, softplus};
use mixwell_vector::simd::Vector;

/// Smallest width, height (in units of `x`) and slope.
pub(in crate::flow) const SMALLEST: f64 = 1e-4;

/// Number of bins and half-width of the interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<T> {
    pub n_bins: usize,
    pub range: T,
}

/// The bin that each lane falls into.
#[derive(Clone, Copy)]
pub(super) struct Bin<V> {
    /// Its number.
    pub index: V,
    /// Left knot and width.
    x: V,
    width: V,
    /// Lower knot and height.
    y: V,
    height: V,
    /// Slopes at both knots.
    slope: [V; 2],
    /// Their arguments `u + c`.
    argument: [V; 2],
}

/// The knot coordinate that a bin is looked up by.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum By {
    X,
    Y,
}

impl<T: Real> Shape<T> {
    /// Numbers that describe one spline: widths, heights, slopes.
    pub fn n_numbers(&self) -> usize {
        3 * self.n_bins + 1
    }

    /// `2B - K m`: what the softmax shares out.
    pub fn share(&self) -> T {
        let m = T::from_f64(SMALLEST * self.n_bins as f64);
        self.range + self.range - m
    }

    /// `c = ln(exp(1 - m) - 1)`.
    fn offset() -> T {
        T::from_f64(((1.0 - SMALLEST).exp() - 1.0).ln())
    }

    /// Softmax of one group of `K` numbers (number `j` of this vector is `u[j * stride..]`), to `p` (same places).
    #[inline(always)]
    pub fn softmax<V: Vector<T>>(&self, u: &[T], stride: usize, p: &mut [T]) {
        let mut max = V::of(u);
        for j in 1..self.n_bins {
            max = max.max(V::of(&u[j * stride..]));
        }
        let mut sum = V::splat(T::ZERO);
        for j in 0..self.n_bins {
            let e = exp(V::of(&u[j * stride..]) - max);
            e.put(&mut p[j * stride..]);
            sum = sum + e;
        }
        let share = V::splat(T::ONE) / sum;
        for j in 0..self.n_bins {
            (V::of(&p[j * stride..]) * share).put(&mut p[j * stride..]);
        }
    }

    /// Finds the bin of each lane, given softmax probabilities of widths and heights and the raw slopes.
    #[inline(always)]
    pub fn find<V: Vector<T>>(&self, by: By, v: V, p: [&[T]; 2], slopes: &[T], stride: usize) -> Bin<V> {
        let (share, smallest) = (V::splat(self.share()), V::splat(T::from_f64(SMALLEST)));
        let size = |group: usize, j: usize| V::of(&p[group][j * stride..]).mul_add(share, smallest);
        let low = V::splat(-self.range);
        let mut bin = Bin {
            index: V::splat(T::ZERO),
            x: low,
            width: size(0, 0),
            y: low,
            height: size(1, 0),
            slope: [low; 2],
            argument: [V::of(slopes), V::of(&slopes[stride..])],
        };
        let (mut x, mut y) = (low + bin.width, low + bin.height);
        for j in 1..self.n_bins {
            let last = j + 1 == self.n_bins;
            // The last bin ends at B exactly.
            let (w, h) = if last {
                (V::splat(self.range) - x, V::splat(self.range) - y)
            } else {
                (size(0, j), size(1, j))
            };
            let before = v.lt(if by == By::X { x } else { y });
            bin.index = V::select(before, bin.index, V::splat(T::from_f64(j as f64)));
            bin.x = V::select(before, bin.x, x);
            bin.width = V::select(before, bin.width, w);
            bin.y = V::select(before, bin.y, y);
            bin.height = V::select(before, bin.height, h);
            bin.argument[0] = V::select(before, bin.argument[0], V::of(&slopes[j * stride..]));
            bin.argument[1] = V::select(before, bin.argument[1], V::of(&slopes[(j + 1) * stride..]));
            x = x + w;
            y = y + h;
        }
        for i in 0..2 {
            bin.argument[i] = bin.argument[i] + V::splat(Self::offset());
            bin.slope[i] = softplus(bin.argument[i]) + smallest;
        }
        bin
    }

    #[inline(always)]
    fn clip<V: Vector<T>>(&self, v: V) -> V {
        V::splat(-self.range).max(V::splat(self.range).min(v))
    }

    /// Chooses between the left tail, the interval and the right tail.
    #[inline(always)]
    fn choose<V: Vector<T>>(&self, v: V, left: V, inside: V, right: V) -> V {
        let rest = V::select(V::splat(self.range).lt(v), right, inside);
        V::select(v.lt(V::splat(-self.range)), left, rest)
    }

    /// `y` and `dy/dx`.
    #[inline(always)]
    pub fn value<V: Vector<T>>(&self, x: V, bin: &Bin<V>) -> (V, V) {
        let range = V::splat(self.range);
        let f = Fraction::at(unit((self.clip(x) - bin.x) / bin.width), bin);
        let [d0, d1] = bin.slope;
        let y = self.choose(
            x,
            (x + range) * d0 - range,
            bin.y + bin.height * f.n / f.d,
            (x - range) * d1 + range,
        );
        (y, self.choose(x, d0, f.derivative(), d1))
    }

    /// `x` and `dy/dx` there.
    #[inline(always)]
    pub fn inverse<V: Vector<T>>(&self, y: V, bin: &Bin<V>) -> (V, V) {
        let (zero, range) = (V::splat(T::ZERO), V::splat(self.range));
        let [d0, d1] = bin.slope;
        let s = bin.height / bin.width;
        let v = unit((self.clip(y) - bin.y) / bin.height);
        // a xi^2 + b xi + c = 0, by whichever form does not cancel.
        let b = d0 - (d1 + d0 - s - s) * v;
        let a = s - b;
        let c = -(s * v);
        let four = V::splat(T::from_f64(4.0));
        let root = zero.max(b * b - four * a * c).sqrt();
        let tiny = V::splat(T::LIFT.0);
        let small = (c + c) / (-tiny).min(-(b + root));
        let large = (root - b) / tiny.max(a + a);
        let mut xi = unit(V::select(b.lt(zero), large, small));
        // One step of Newton's method takes back what the discriminant lost to rounding.
        let f = Fraction::at(xi, bin);
        xi = unit(xi - (s * f.n / f.d - s * v) / f.derivative());
        let f = Fraction::at(xi, bin);
        let inside = bin.x + bin.width * xi;
        let x = self.choose(y, (y + range) / d0 - range, inside, (y - range) / d1 + range);
        (x, self.choose(y, d0, f.derivative(), d1))
    }

    /// Partial derivatives at `x`; see [`Partial`].
    #[inline(always)]
    pub fn partial<V: Vector<T>>(&self, x: V, bin: &Bin<V>) -> Partial<V> {
        let (zero, one, range) = (V::splat(T::ZERO), V::splat(T::ONE), V::splat(self.range));
        let two = one + one;
        let f = Fraction::at(unit((self.clip(x) - bin.x) / bin.width), bin);
        let [d0, d1] = bin.slope;
        let Fraction { xi, t, s, d, n, m } = f;
        let (inv_d, inv_m, inv_w) = (one / d, one / m, one / bin.width);
        let h_d = bin.height * inv_d * inv_d;
        let bend = d1 + d0 - s - s;
        let turn = one - xi - xi;
        let (l_xi, y_s, l_s) = (
            two * (d1 * xi + s * turn - d0 * (one - xi)) * inv_m - two * bend * turn * inv_d,
            h_d * (xi * xi * d - n * (one - t - t)),
            two / s + two * t * inv_m - two * (one - t - t) * inv_d,
        );
        let derivative = f.derivative();
        let inner = |v: V| self.choose(x, zero, v, zero);
        let l_x = l_xi * inv_w;
        Partial {
            y_x: self.choose(x, d0, derivative, d1),
            l_x: inner(l_x),
            // xi = (x - x_k)/w and s = h/w carry the rest.
            y_knot_x: inner(-derivative),
            l_knot_x: inner(-l_x),
            y_width: inner(-(derivative * xi) - y_s * s * inv_w),
            l_width: inner(-(l_x * xi) - l_s * s * inv_w),
            y_knot_y: inner(one),
            y_height: inner(n * inv_d + y_s * inv_w),
            l_height: inner(l_s * inv_w),
            y_slope: [
                self.choose(x, x + range, h_d * t * (d - n), zero),
                self.choose(x, zero, -(h_d * n * t), x - range),
            ],
            l_slope: [
                self.choose(x, one / d0, (one - xi) * (one - xi) * inv_m - two * t * inv_d, zero),
                self.choose(x, zero, xi * xi * inv_m - two * t * inv_d, one / d1),
            ],
            argument_slope: [sigmoid(bin.argument[0]), sigmoid(bin.argument[1])],
        }
    }
}

/// Derivatives of `y` and of `l = ln dy/dx` in `x`, in the bin's knots, sizes and slopes.
#[derive(Clone, Copy)]
pub(super) struct Partial<V> {
    pub y_x: V,
    pub l_x: V,
    pub y_knot_x: V,
    pub l_knot_x: V,
    pub y_width: V,
    pub l_width: V,
    pub y_knot_y: V,
    pub y_height: V,
    pub l_height: V,
    pub y_slope: [V; 2],
    pub l_slope: [V; 2],
    /// Derivative of each slope in its own number.
    pub argument_slope: [V; 2],
}

/// The pieces of the formula at one place of a bin.
struct Fraction<V> {
    xi: V,
    t: V,
    s: V,
    /// Denominator.
    d: V,
    /// Numerator of the value.
    n: V,
    /// Numerator of the derivative.
    m: V,
}

impl<V> Fraction<V> {
    #[inline(always)]
    fn at<T: Real>(xi: V, bin: &Bin<V>) -> Self
    where
        V: Vector<T>,
    {
        let one = V::splat(T::ONE);
        let [d0, d1] = bin.slope;
        let s = bin.height / bin.width;
        let rest = one - xi;
        let t = xi * rest;
        let d = s + (d1 + d0 - s - s) * t;
        let n = s * xi * xi + d0 * t;
        let m = d1 * xi * xi + (s + s) * t + d0 * rest * rest;
        Self { xi, t, s, d, n, m }
    }

    #[inline(always)]
    fn derivative<T: Real>(&self) -> V
    where
        V: Vector<T>,
    {
        let q = self.s / self.d;
        q * q * self.m
    }
}

/// Clips to `[0, 1]`.
#[inline(always)]
fn unit<T: Real, V: Vector<T>>(v: V) -> V {
    V::splat(T::ZERO).max(V::splat(T::ONE).min(v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell_vector::simd::{self, Isa, Job, Lanes};

    #[derive(Clone)]
    struct At(f64);

    impl Job for At {
        /// Value, derivative, inverse of the value.
        type Output = [f64; 3];
        #[inline(always)]
        fn call<I: Isa>(self) -> [f64; 3] {
            let s = Lanes::<f64, I>::splat;
            // Second bin of knots x (-1, .2, 1), y (-1, -.1, 1), slopes (.5, 1.5, .8).
            let bin = Bin {
                index: s(1.0),
                x: s(0.2),
                width: s(0.8),
                y: s(-0.1),
                height: s(1.1),
                slope: [s(1.5), s(0.8)],
                argument: [s(0.0); 2],
            };
            let shape = Shape { n_bins: 2, range: 1.0 };
            let (y, d) = shape.value(s(self.0), &bin);
            let (x, _) = shape.inverse(y, &bin);
            let mut out = [[0.0; 16]; 3];
            for (v, o) in [y, d, x].into_iter().zip(&mut out) {
                v.put(o);
            }
            out.map(|o| o[0])
        }
    }

    #[test]
    fn a_spline_worked_by_hand() {
        // x = .6: xi = .5, s = 1.375, D = 1.375 + (2.3 - 2.75)/4 = 1.2625, N = (1.375 + 1.5)/4 = .71875,
        // y = -.1 + 1.1 * .71875/1.2625 = .5262376238; ln dy/dx = 2 ln s + ln((.8 + 2.75 + 1.5)/4) - 2 ln D = .4038136.
        simd::run_all(&At(0.6), |isa, [y, d, x]| {
            assert!((y - 0.526_237_623_8).abs() < 1e-10, "{isa}: {y}");
            assert!((d.ln() - 0.403_813_6).abs() < 1e-7, "{isa}: {}", d.ln());
            assert!((x - 0.6).abs() < 1e-15, "{isa}: {x}");
        });
        // Past the end a line with the slope of the last knot: 1 + .8 * 4.
        simd::run_all(&At(5.0), |isa, [y, d, x]| {
            assert!((y - 4.2).abs() < 1e-15 && d == 0.8 && (x - 5.0).abs() < 1e-14, "{isa}: {y} {d} {x}");
        });
    }
}
