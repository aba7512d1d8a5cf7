//! Every number times a factor.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Settings, Shape};
use crate::net::sequential::Scratch;
use mixwell_vector::Real;
use mixwell_vector::block::buffer_len;
use mixwell_vector::matmul::Finish;

/// Every number times a factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Multiply {
    /// The factor.
    pub factor: f64,
}

impl Settings for Multiply {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        if self.factor.is_finite() { Ok(input) } else { Err(format!("`factor` is {}", self.factor)) }
    }

    fn build<T: Real>(&self, input: Shape, _: Shape, _: usize) -> Box<dyn Layer<T>> {
        Box::new(Times { n: input.len(), factor: T::from_f64(self.factor) })
    }
}

#[derive(Clone, Debug)]
struct Times<T> {
    n: usize,
    factor: T,
}

impl<T: Real> Layer<T> for Times<T> {
    fn n_in(&self) -> usize {
        self.n
    }

    fn n_out(&self) -> usize {
        self.n
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], _: Finish<'_, T>, rows: usize) {
        self.tangent(x, y, rows); // linear without a constant
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        for (y, x) in y[..buffer_len(rows, self.n)].iter_mut().zip(x) {
            *y = self.factor * *x;
        }
    }

    fn backward(&self, pass: Backward<'_, T>, _: &mut Scratch<T>) {
        if let Backward { dy, dx: Some((dx, _)), rows, .. } = pass {
            self.tangent(dy, dx, rows);
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
