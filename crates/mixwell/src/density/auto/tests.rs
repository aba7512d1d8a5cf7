//! Derivatives against closed forms and differences, values against plain numbers to the bit, for every number of passes.

use std::f64::consts::PI;

use mixwell_vector::simd::under_each;

use super::*;
use crate::density::{Constraint, PointTarget, Target, check_gradient};
use crate::{Batch, Points, Stream};

fn value_and_gradient(density: &impl Density, x: &[f64]) -> (f64, Vec<f64>) {
    let mut grad = vec![f64::NAN; x.len()];
    let value = gradient::evaluate(density, x, &mut grad);
    assert_eq!(value.to_bits(), density.log_density(x).to_bits(), "{x:?}");
    (value, grad)
}

/// `-sum_j a_j (x_j - x_{j-1})^2 / 2 - (sum_j x_j / (j + 1))^2 / 2`, `a_j = j + 1`, `x_{-1} = 0`.
struct Chain(usize);

impl Density for Chain {
    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter::new("x", &[self.0], Constraint::Real)]
    }

    #[inline(always)]
    fn log_density<N: Number>(&self, x: &[N]) -> N {
        let weights: Vec<f64> = (0..self.0).map(|j| 1.0 / (j + 1) as f64).collect();
        let all = N::dot(&weights, x);
        let mut sum = -(all * all);
        let mut before = N::from(0.0);
        for (j, x) in x.iter().enumerate() {
            let step = *x - before;
            sum -= step * step * (j + 1) as f64;
            before = *x;
        }
        sum * 0.5
    }
}

#[test]
fn every_number_of_parameters_has_its_gradient() {
    under_each(|| {
        for n in [1, 2, 4, 5, 8, 9, 12, 13, 31, 32, 33, 64, 65, 100] {
            let x: Vec<f64> = (0..n).map(|j| (1.7 * j as f64).sin() + 0.3).collect();
            let (_, grad) = value_and_gradient(&Chain(n), &x);
            let all: f64 = x.iter().enumerate().map(|(j, x)| x / (j + 1) as f64).sum();
            for j in 0..n {
                let (a, before) = ((j + 1) as f64, if j == 0 { 0.0 } else { x[j - 1] });
                let after = x.get(j + 1).map_or(0.0, |next| (a + 1.0) * (next - x[j]));
                let expected = -a * (x[j] - before) + after - all / a;
                let scale = 1.0 + a * 4.0;
                assert!((grad[j] - expected).abs() < 1e-14 * scale, "{n}, {j}: {} {expected}", grad[j]);
            }
        }
    });
}

/// Every function once, each of a coordinate of its own, and what it is at 0.7 (1.3 for what needs it): value and derivative.
struct Functions;

/// Values and derivatives of the functions, in the same order, by formula.
fn by_formula(x: &[f64]) -> (f64, Vec<f64>) {
    let e = f64::exp;
    let logistic = |x: f64| 1.0 / (1.0 + e(-x));
    let rows = [
        (e(x[0]), e(x[0])),
        (e(x[1]) - 1.0, e(x[1])),
        (x[2].ln(), 1.0 / x[2]),
        ((1.0 + x[3]).ln(), 1.0 / (1.0 + x[3])),
        (x[4].sqrt(), 0.5 / x[4].sqrt()),
        (1.0 / x[5], -1.0 / (x[5] * x[5])),
        (x[6] * x[6] * x[6] * x[6] * x[6], 5.0 * x[6].powi(4)),
        (1.0 / (x[7] * x[7]), -2.0 / (x[7] * x[7] * x[7])),
        (e(1.7 * x[8].ln()), 1.7 * e(0.7 * x[8].ln())),
        (x[9].sin(), x[9].cos()),
        (x[10].cos(), -x[10].sin()),
        (x[11].tanh(), 1.0 - x[11].tanh().powi(2)),
        (x[12].atan(), 1.0 / (1.0 + x[12] * x[12])),
        (x[13].abs(), x[13].signum()),
        (x[14].max(0.2), if x[14] > 0.2 { 1.0 } else { 0.0 }),
        (x[15].min(0.2), if x[15] < 0.2 { 1.0 } else { 0.0 }),
        ((1.0 + e(x[16])).ln(), logistic(x[16])),
        (logistic(x[17]), logistic(x[17]) * (1.0 - logistic(x[17]))),
        (crate::math::normal_cdf(x[18]), e(-0.5 * x[18] * x[18]) / (2.0 * PI).sqrt()),
        ((3.0 - x[19]) / (x[19] + 2.0), -5.0 / (x[19] + 2.0).powi(2)),
        (x[20] * 2.0 / 7.0 - 1.0, 2.0 / 7.0),
    ];
    let lse = (e(x[21]) + e(x[22])).ln();
    let mut slopes: Vec<f64> = rows.iter().map(|r| r.1).collect();
    slopes.extend([e(x[21] - lse), e(x[22] - lse)]);
    (rows.iter().map(|r| r.0).sum::<f64>() + lse, slopes)
}

impl Density for Functions {
    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter::new("x", &[23], Constraint::Real)]
    }

    fn log_density<N: Number>(&self, x: &[N]) -> N {
        let limit = N::from(0.2);
        let mut all = [
            x[0].exp(),
            x[1].exp_m1(),
            x[2].ln(),
            x[3].ln_1p(),
            x[4].sqrt(),
            x[5].recip(),
            x[6].powi(5),
            x[7].powi(-2),
            x[8].powf(1.7),
            x[9].sin(),
            x[10].cos(),
            x[11].tanh(),
            x[12].atan(),
            x[13].abs(),
            x[14].max(limit),
            x[15].min(limit),
            x[16].softplus(),
            x[17].logistic(),
            x[18].normal_cdf(),
            (N::from(3.0) - x[19]) / (x[19] + 2.0),
            x[20],
        ];
        // The forms that assign.
        let last = &mut all[20];
        *last *= 2.0;
        *last /= 7.0;
        *last -= 1.0;
        *last += 0.0;
        *last *= N::from(1.0);
        *last /= N::from(1.0);
        all.into_iter().sum::<N>() + N::log_sum_exp(&x[21..23])
    }
}

#[test]
fn functions_have_their_derivatives() {
    for start in [0.7, 1.3, 0.055] {
        let x: Vec<f64> = (0..23).map(|j| start + 0.01 * f64::from(j)).collect();
        let (value, grad) = value_and_gradient(&Functions, &x);
        let (expected, slopes) = by_formula(&x);
        assert!((value - expected).abs() < 1e-12 * expected.abs(), "{value} {expected}");
        for (j, (found, expected)) in grad.iter().zip(slopes).enumerate() {
            assert!((found - expected).abs() < 1e-13 * (1.0 + expected.abs()), "{j}: {found} {expected}");
        }
    }
}

#[test]
fn a_dot_of_coordinates_is_a_dot() {
    // The same sum of coordinates and of numbers that are none; across the border of two passes, and of a part of the point.
    struct Dots(bool);
    impl Density for Dots {
        fn parameters(&self) -> Vec<Parameter> {
            vec![Parameter::new("x", &[70], Constraint::Real)]
        }
        fn log_density<N: Number>(&self, x: &[N]) -> N {
            let a: Vec<f64> = (0..40).map(|j| f64::from(j) - 7.5).collect();
            let own: Vec<N> = x.iter().map(|x| if self.0 { *x } else { *x + 0.0 }).collect();
            let reversed: Vec<N> = own.iter().rev().copied().collect();
            N::dot(&a, &own[20..])
                + N::dot(&a, &own[..11]) * 3.0
                + N::dot(&a[..5], &reversed)
                + N::dot(&a, &[])
        }
    }
    let x: Vec<f64> = (0..70).map(|j| f64::from(j).cos()).collect();
    let (one, other) = (value_and_gradient(&Dots(true), &x), value_and_gradient(&Dots(false), &x));
    assert_eq!(one, other);
    assert_eq!((one.1[20], one.1[0], one.1[69], one.1[40]), (-7.5, -22.5, -7.5, 12.5));
}

#[test]
fn softplus_keeps_its_digits_in_both_tails() {
    for x in [-700.0, -40.0, -20.0, -1.0, 0.0, 1e-9, 3.0, 40.0, 800.0] {
        let (found, expected) = (Number::softplus(x), crate::math::softplus(x));
        assert!((found - expected).abs() <= 4.0 * f64::EPSILON * expected, "{x}: {found} {expected}");
    }
}

/// Exponential waits of an unknown mean, in the natural scale.
struct Wait;

impl Density for Wait {
    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter::new("mean", &[], Constraint::Positive)]
    }

    fn log_density<N: Number>(&self, x: &[N]) -> N {
        -x[0].ln() * 3.0 - x[0].recip() * 4.5
    }
}

#[test]
fn constrained_parameters_are_sampled_on_the_line() {
    let target = target(Wait).unwrap();
    assert_eq!(target.variables(), [Variable::new("mean", &[])]);
    // At u: -3 u - 4.5 exp(-u) + u, whose slope is -2 + 4.5 exp(-u).
    let mut grad = [0.0];
    let value = target.inner().evaluate(&[0.4], Some(&mut grad)).unwrap();
    let expected = -2.0 * 0.4 - 4.5 * (-0.4f64).exp();
    assert!((value - expected).abs() < 1e-14, "{value} {expected}");
    assert!((grad[0] - (-2.0 + 4.5 * (-0.4f64).exp())).abs() < 1e-14);
    assert_eq!(value, target.log_prob_at(&[0.4]).unwrap());
}

#[test]
fn a_wrong_derivative_of_an_own_function_is_found() {
    struct Own(f64);
    impl Density for Own {
        fn parameters(&self) -> Vec<Parameter> {
            vec![Parameter::new("x", &[2], Constraint::Real)]
        }
        fn log_density<N: Number>(&self, x: &[N]) -> N {
            // arsinh, whose derivative is 1 / sqrt(1 + x^2).
            let v = x[0].value();
            x[0].chain(v.asinh(), self.0 / v.hypot(1.0)) - x[1] * x[1]
        }
    }
    let mut points = Points::zeros(5, 2);
    Stream::new(1, 0).fill_normal(points.data_mut());
    let check = |factor: f64| check_gradient(&target(Own(factor)).unwrap(), points.as_batch()).unwrap();
    assert!(check(1.0).passed(), "{}", check(1.0));
    let wrong = check(1.01);
    assert!(!wrong.passed() && wrong.worst().unwrap().coordinate == Some(0), "{wrong}");
}

#[test]
fn a_density_inside_a_density_has_its_own_buffer() {
    struct Outer;
    impl Density for Outer {
        fn parameters(&self) -> Vec<Parameter> {
            vec![Parameter::new("x", &[40], Constraint::Real)]
        }
        fn log_density<N: Number>(&self, x: &[N]) -> N {
            let point: Vec<f64> = x.iter().map(|x| x.value()).collect();
            let inner = target(Chain(40)).unwrap();
            let mut grad = Points::zeros(1, 40);
            let mut value = [0.0];
            inner.log_prob_and_grad(Batch::new(&point, 40), &mut value, grad.as_batch_mut()).unwrap();
            let mut sum = N::from(value[0]);
            for (x, g) in x.iter().zip(grad.row(0)) {
                sum += (*x - x.value()) * *g;
            }
            sum
        }
    }
    let x: Vec<f64> = (0..40).map(|j| (0.3 * f64::from(j)).cos()).collect();
    assert_eq!(value_and_gradient(&Outer, &x), value_and_gradient(&Chain(40), &x));
}
