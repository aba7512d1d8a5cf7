//! Compiled code by its address: called without the interpreter's lock, from all threads.
//!
//! The only `unsafe` of this crate: an address that a user hands over cannot be checked. It is taken once ([`Native::at`]) and called in one place.
#![allow(unsafe_code)]

use std::cell::RefCell;

use mixwell::ConfigError;
use mixwell::density::{PointError, PointTarget, Variable};
use pyo3::prelude::*;

/// `double f(const double *x, int64_t dim, double *grad)`: the log-density at `x`; writes its gradient. `grad` is null for code without one.
type Code = unsafe extern "C" fn(*const f64, i64, *mut f64) -> f64;

/// Such code, and what keeps it in memory.
pub struct Native {
    code: Code,
    dim: usize,
    gradient: bool,
    owner: Py<PyAny>,
}

impl Native {
    /// The code at `address`.
    pub fn at(address: usize, dim: usize, gradient: bool, owner: Py<PyAny>) -> Result<Self, ConfigError> {
        if address == 0 {
            return Err(ConfigError::new("address", 0, "it must be that of a function"));
        }
        // SAFETY: a function pointer is as wide as `usize` on every platform that Python and Rust share, and not null, as looked at above. That
        // code of this signature lies there is what the caller of `mixwell.native` promises.
        let code = unsafe { std::mem::transmute::<usize, Code>(address) };
        Ok(Self { code, dim, gradient, owner })
    }

    /// Whether it writes gradients.
    pub fn has_gradient(&self) -> bool {
        self.gradient
    }

    /// The same code.
    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { code: self.code, dim: self.dim, gradient: self.gradient, owner: self.owner.clone_ref(py) }
    }
}

/// The code as the target of one run.
pub struct NativeTarget {
    native: Native,
    variables: Vec<Variable>,
}

impl NativeTarget {
    /// The target with these variables.
    pub fn new(native: Native, variables: Vec<Variable>) -> Self {
        Self { native, variables }
    }
}

impl PointTarget for NativeTarget {
    fn dim(&self) -> usize {
        self.native.dim
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        match grad {
            Some(grad) => Ok(self.call(x, Some(grad))),
            None if !self.native.gradient => Ok(self.call(x, None)),
            // Code is spared the question whether a gradient is wanted.
            None => SPARE.with_borrow_mut(|spare| {
                spare.resize(x.len(), 0.0);
                Ok(self.call(x, Some(spare)))
            }),
        }
    }

    fn has_gradient(&self) -> bool {
        self.native.gradient
    }

    fn variables(&self) -> Vec<Variable> {
        self.variables.clone()
    }
}

thread_local! {
    /// A gradient that nobody wants.
    static SPARE: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

impl NativeTarget {
    fn call(&self, x: &[f64], grad: Option<&mut [f64]>) -> f64 {
        assert_eq!(x.len(), self.native.dim, "a point of another length");
        let grad = match grad {
            Some(grad) => {
                assert_eq!(grad.len(), self.native.dim, "a gradient of another length");
                grad.as_mut_ptr()
            }
            None => std::ptr::null_mut(),
        };
        // SAFETY: `x` and `grad` (or null) are valid for `dim` numbers while the call lasts, and nothing else has `grad`. The code is in memory since
        // `owner` is. That it keeps to its signature and can be called from several threads is what the caller of `mixwell.native` promises.
        unsafe { (self.native.code)(x.as_ptr(), self.native.dim as i64, grad) }
    }
}
