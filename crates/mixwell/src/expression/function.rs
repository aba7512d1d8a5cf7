//! The functions that an expression may name.

use crate::math::{logistic, softplus};

/// A function of numbers.
#[derive(Clone, Copy)]
pub(super) enum Function {
    /// Element by element.
    One(fn(f64) -> f64),
    /// Of two, element by element.
    Two(fn(f64, f64) -> f64),
    /// Of one array, to one number; `true` where truths may be counted.
    Whole(Reduction, bool),
    /// Of two numbers, or of one array.
    TwoOrWhole(fn(f64, f64) -> f64, Reduction),
    /// `if(truth, a, b)`.
    Choice,
}

/// What becomes of an array.
pub(super) type Reduction = fn(&mut dyn Iterator<Item = f64>) -> f64;

/// Every function by its name.
pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("exp", Function::One(f64::exp)),
    ("ln", Function::One(f64::ln)),
    ("log", Function::One(f64::ln)),
    ("log10", Function::One(f64::log10)),
    ("log1p", Function::One(f64::ln_1p)),
    ("expm1", Function::One(f64::exp_m1)),
    ("sqrt", Function::One(f64::sqrt)),
    ("abs", Function::One(f64::abs)),
    ("sin", Function::One(f64::sin)),
    ("cos", Function::One(f64::cos)),
    ("tan", Function::One(f64::tan)),
    ("tanh", Function::One(f64::tanh)),
    ("atan", Function::One(f64::atan)),
    ("floor", Function::One(f64::floor)),
    ("logistic", Function::One(logistic)),
    ("softplus", Function::One(softplus)),
    ("min", Function::TwoOrWhole(smaller, |v| v.reduce(smaller).unwrap_or(f64::NAN))),
    ("max", Function::TwoOrWhole(larger, |v| v.reduce(larger).unwrap_or(f64::NAN))),
    ("atan2", Function::Two(f64::atan2)),
    ("sum", Function::Whole(|v| v.sum(), true)),
    ("mean", Function::Whole(mean, true)),
    ("prod", Function::Whole(|v| v.product(), false)),
    ("norm", Function::Whole(|v| v.map(|x| x * x).sum::<f64>().sqrt(), false)),
    ("sd", Function::Whole(sd, false)),
    ("if", Function::Choice),
];

/// NaN where one of them is.
fn smaller(a: f64, b: f64) -> f64 {
    if a < b || a.is_nan() { a } else { b }
}

fn larger(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

fn mean(values: &mut dyn Iterator<Item = f64>) -> f64 {
    let (mut n, mut sum) = (0.0, 0.0);
    for v in values {
        n += 1.0;
        sum += v;
    }
    sum / n
}

/// The sample standard deviation, by one pass (Welford).
fn sd(values: &mut dyn Iterator<Item = f64>) -> f64 {
    let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for v in values {
        n += 1.0;
        let off = v - mean;
        mean += off / n;
        squares += off * (v - mean);
    }
    (squares / (n - 1.0)).sqrt()
}
