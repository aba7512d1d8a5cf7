//! A Stan model of BridgeStan as a target: sampled in its unconstrained parameters, reported in its own.

use std::sync::{Arc, Mutex, PoisonError};

use mixwell::density::{PointError, PointTarget, Variable};

use super::native::StanCode;

/// A model, and how its parameters are reported.
pub struct Stan {
    code: StanCode,
    dim: usize,
    variables: Vec<Variable>,
    /// For each reported number its place among the model's.
    order: Vec<usize>,
    /// Held during a call, where the model was not built for several threads.
    one_thread: Option<Mutex<()>>,
}

impl Stan {
    /// The model of `code` with `dim` unconstrained parameters; `order` has as many numbers as the model's parameters.
    pub fn new(
        code: StanCode,
        dim: usize,
        threads: bool,
        variables: Vec<Variable>,
        order: Vec<usize>,
    ) -> Self {
        Self { code, dim, variables, order, one_thread: (!threads).then(Mutex::default) }
    }

    /// Number of unconstrained parameters.
    pub fn dim(&self) -> usize {
        self.dim
    }

    fn alone<R>(&self, call: impl FnOnce(&StanCode) -> R) -> R {
        let _held = self.one_thread.as_ref().map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        call(&self.code)
    }
}

/// The model as the target of one run.
pub struct StanTarget(pub Arc<Stan>);

impl PointTarget for StanTarget {
    fn dim(&self) -> usize {
        self.0.dim
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        let found = match grad {
            Some(grad) => self.0.alone(|code| code.log_density_gradient(x, grad)),
            // The same function for both, so that values agree to the last bit.
            None => self.0.alone(|code| code.log_density_gradient(x, &mut vec![0.0; x.len()])),
        };
        found.map_err(PointError::recoverable)
    }

    fn variables(&self) -> Vec<Variable> {
        self.0.variables.clone()
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        let mut own = vec![f64::NAN; self.0.order.len()];
        if self.0.alone(|code| code.constrain(x, &mut own)).is_err() {
            own.fill(f64::NAN);
        }
        for (out, place) in out.iter_mut().zip(&self.0.order) {
            *out = own[*place];
        }
    }
}
