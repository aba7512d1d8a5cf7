//! Gradients that `density::auto` takes, beside those written by hand: German credit and the eight schools, one point at a time as NUTS asks, and 64.

use anyhow::Context;
use mixwell::density::auto::{self, Density, Number};
use mixwell::density::{Constraint, EightSchoolsConfig, Parameter, Pointwise, Target};
use mixwell::{Points, Stream};

use crate::timing::{Measurement, sample};
use crate::{Request, Task, kernels};

/// The posterior of [`kernels::german_credit`], written once: `-sum_i ln(1 + exp(-s_i x_i . w)) - |w|^2 / 2`, without its constant.
pub struct GermanCredit {
    /// `-s_i x_i`, row after row.
    rows: Vec<f64>,
    dim: usize,
}

impl GermanCredit {
    /// From the repository's table: standardised features and an intercept, signs folded in.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn read(request: &Request) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(request.data.join("german.data-numeric"))?;
        let numbers = |line: &str| line.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>();
        let table =
            text.lines().filter(|l| !l.trim().is_empty()).map(numbers).collect::<Result<Vec<_>, _>>()?;
        let dim = table.first().context("the table is empty")?.len();
        let (n, mut rows) = (table.len() as f64, Vec::new());
        let column = |j: usize| table.iter().map(move |row| row[j]);
        let moments: Vec<(f64, f64)> = (0..dim - 1)
            .map(|j| {
                let mean = column(j).sum::<f64>() / n;
                (mean, (column(j).map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
            })
            .collect();
        for row in &table {
            let sign = if row[dim - 1] == 2.0 { -1.0 } else { 1.0 };
            rows.extend(row.iter().zip(&moments).map(|(v, (mean, sd))| sign * ((v - mean) / sd)));
            rows.push(sign);
        }
        Ok(Self { rows, dim })
    }
}

impl Density for GermanCredit {
    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter::new("weights", &[self.dim], Constraint::Real)]
    }

    #[inline(always)]
    fn log_density<N: Number>(&self, w: &[N]) -> N {
        let mut sum = N::from(0.0);
        for row in self.rows.chunks_exact(self.dim) {
            sum -= N::dot(row, w).softplus();
        }
        for w in w {
            sum -= *w * *w * 0.5;
        }
        sum
    }
}

const EFFECTS: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const ERRORS: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

/// The eight schools, not centred, as the built-in target has them.
pub struct EightSchools;

impl Density for EightSchools {
    fn parameters(&self) -> Vec<Parameter> {
        vec![
            Parameter::new("eta", &[8], Constraint::Real),
            Parameter::new("mu", &[], Constraint::Real),
            Parameter::new("tau", &[], Constraint::Positive),
        ]
    }

    #[inline(always)]
    fn log_density<N: Number>(&self, x: &[N]) -> N {
        let (mu, tau) = (x[8], x[9]);
        let mut squares = mu * mu / 25.0;
        for ((eta, effect), error) in x.iter().zip(EFFECTS).zip(ERRORS) {
            let z = (mu + tau * *eta - effect) / error;
            squares += z * z + *eta * *eta;
        }
        squares * -0.5 - (tau * tau / 25.0).ln_1p()
    }
}

/// Two targets of one density: by `density::auto`, and by hand.
pub struct Pair {
    /// Derivatives taken.
    pub auto: Box<dyn Target>,
    /// Derivatives written.
    pub by_hand: Box<dyn Target>,
}

/// German credit both ways.
///
/// # Errors
/// When the table cannot be read.
pub fn german_credit(request: &Request) -> anyhow::Result<Pair> {
    let auto = auto::target(GermanCredit::read(request)?)?;
    Ok(Pair { auto: Box::new(auto), by_hand: Box::new(kernels::german_credit(request)?) })
}

/// The eight schools both ways.
///
/// # Errors
/// None in fact.
pub fn eight_schools(_: &Request) -> anyhow::Result<Pair> {
    let by_hand = Pointwise::new(EightSchoolsConfig::default().build()?);
    Ok(Pair { auto: Box::new(auto::target(EightSchools)?), by_hand: Box::new(by_hand) })
}

fn points(rows: usize, dim: usize) -> Points {
    let mut points = Points::zeros(rows, dim);
    Stream::new(2, 0).fill_normal(points.data_mut());
    points
}

fn seconds(request: &Request, target: &dyn Target, rows: usize) -> Vec<f64> {
    let (x, mut grad, mut value) = (points(rows, target.dim()), points(rows, target.dim()), vec![0.0; rows]);
    sample(request.sampling / 2, || {
        target.evaluate(x.as_batch(), &mut value, Some(grad.as_batch_mut())).is_ok()
    })
}

fn measure(request: &Request, pair: &Pair, rows: usize) -> Measurement {
    let by_hand = Measurement::new(seconds(request, &*pair.by_hand, rows), "");
    let auto =
        Measurement::new(seconds(request, &*pair.auto, rows), format!("gradient of {rows} points, f64"));
    let ratio = auto.minimum() / by_hand.minimum();
    auto.with("by_hand", by_hand.minimum()).with("ratio", ratio)
}

pub(crate) fn tasks() -> Vec<Task> {
    let mut all = vec![];
    for rows in [1, 64] {
        all.push(Task::steady(format!("auto-german-{rows}"), move |request: &Request| {
            Ok(measure(request, &german_credit(request)?, rows))
        }));
        all.push(Task::steady(format!("auto-eight_schools-{rows}"), move |request: &Request| {
            Ok(measure(request, &eight_schools(request)?, rows))
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    /// Gradients to 1e-12 of their size, values up to one constant.
    fn agree(pair: &Pair) {
        let (rows, dim) = (20, pair.auto.dim());
        let x = points(rows, dim);
        let evaluate = |target: &dyn Target| {
            let (mut value, mut grad) = (vec![0.0; rows], Points::zeros(rows, dim));
            target.evaluate(x.as_batch(), &mut value, Some(grad.as_batch_mut())).unwrap();
            let mut alone = vec![0.0; rows];
            target.evaluate(x.as_batch(), &mut alone, None).unwrap();
            assert_eq!(alone, value);
            (value, grad)
        };
        let ((a, grad_a), (b, grad_b)) = (evaluate(&*pair.auto), evaluate(&*pair.by_hand));
        let norm = |g: &[f64]| g.iter().map(|g| g * g).sum::<f64>().sqrt();
        for row in 0..rows {
            let shift = a[row] - b[row] - (a[0] - b[0]);
            assert!(shift.abs() < 1e-12 * a[row].abs(), "{row}: {shift}");
            for (p, q) in grad_a.row(row).iter().zip(grad_b.row(row)) {
                assert!((p - q).abs() < 1e-12 * norm(grad_b.row(row)), "{row}: {p} {q}");
            }
        }
    }

    #[test]
    fn gradients_agree_with_those_by_hand() {
        let data = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data"));
        let request = Request { sampling: Duration::from_millis(1), data };
        agree(&german_credit(&request).unwrap());
        agree(&eight_schools(&request).unwrap());
    }
}
