//! The oracle energy `E = theta |x|^2 / 2`, one parameter, in one dimension unless told otherwise.

use crate::ebm::Energy;
use crate::net::{ArraySpec, Gradient, Model, Params, ParamsMut};
use crate::{Batch, BatchMut};

#[derive(Clone, Debug)]
pub(in crate::ebm) struct Quadratic {
    theta: [f64; 1],
    layout: [ArraySpec; 1],
    dim: usize,
}

impl Quadratic {
    pub fn new(theta: f64) -> Self {
        let layout = [ArraySpec { name: "theta".into(), shape: vec![1], offset: 0, is_statistic: false }];
        Self { theta: [theta], layout, dim: 1 }
    }

    pub fn theta(&self) -> f64 {
        self.theta[0]
    }
}

impl Model for Quadratic {
    fn layout(&self) -> &[ArraySpec] {
        &self.layout
    }

    fn params(&self) -> Params<'_> {
        Params::F64(&self.theta)
    }

    fn change_params(&mut self, change: &mut dyn FnMut(ParamsMut<'_>) -> bool) {
        change(ParamsMut::F64(&mut self.theta));
    }
}

impl Energy for Quadratic {
    fn dim(&self) -> usize {
        self.dim
    }

    fn evaluate(&self, x: Batch<'_>, energy: &mut [f64], grad: Option<BatchMut<'_>>) {
        for (e, x) in energy.iter_mut().zip(x.iter()) {
            *e = 0.5 * self.theta[0] * x.iter().map(|v| v * v).sum::<f64>();
        }
        if let Some(mut grad) = grad {
            grad.data_mut().iter_mut().zip(x.data()).for_each(|(g, x)| *g = self.theta[0] * x);
        }
    }

    fn weighted(&self, x: Batch<'_>, weights: &[f64], gradient: &mut Gradient) -> f64 {
        let half = |x: &[f64]| 0.5 * x.iter().map(|v| v * v).sum::<f64>();
        let sum: f64 = x.iter().zip(weights).map(|(x, w)| w * half(x)).sum();
        gradient.slice_mut::<f64>().expect("double precision")[0] += sum;
        self.theta[0] * sum
    }

    fn difference_width(&self) -> f64 {
        1e-4
    }
}
