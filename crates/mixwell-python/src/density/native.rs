//! Compiled code by its address: called without the interpreter's lock, from all threads.
//!
//! The only `unsafe` of this crate: an address that a user hands over cannot be checked. Functions of one point are taken in [`Native::at`] and called in
//! `NativeTarget::call`; those of a Stan model in [`StanCode`].
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};

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

/// `int bs_log_density_gradient(model, propto, jacobian, theta_unc, value, grad, error)` of BridgeStan.
type LogDensityGradient = unsafe extern "C" fn(
    *const c_void,
    bool,
    bool,
    *const f64,
    *mut f64,
    *mut f64,
    *mut *mut c_char,
) -> c_int;
/// `int bs_param_constrain(model, include_tp, include_gq, theta_unc, theta, rng, error)`.
type Constrain = unsafe extern "C" fn(
    *const c_void,
    bool,
    bool,
    *const f64,
    *mut f64,
    *mut c_void,
    *mut *mut c_char,
) -> c_int;
/// `void bs_free_error_msg(error)`.
type FreeError = unsafe extern "C" fn(*mut c_char);

/// The functions of a model that BridgeStan has compiled, and the model.
pub struct StanCode {
    model: *const c_void,
    dim: usize,
    parameters: usize,
    log_density_gradient: LogDensityGradient,
    constrain: Constrain,
    free_error: FreeError,
    _owner: Py<PyAny>,
}

// SAFETY: BridgeStan's functions take the model by a pointer to const and keep no other state than Stan's tape, which `Stan` guards where it is not one for each
// thread.
unsafe impl Send for StanCode {}
// SAFETY: as above.
unsafe impl Sync for StanCode {}

impl StanCode {
    /// The functions at these addresses (gradient, constrain, free), for a `model` with `dim` unconstrained parameters and `parameters` of its own.
    pub fn at(
        model: usize,
        addresses: [usize; 3],
        dim: usize,
        parameters: usize,
        owner: Py<PyAny>,
    ) -> Result<Self, ConfigError> {
        if model == 0 || addresses.contains(&0) {
            return Err(ConfigError::new("address", 0, "it must be that of a model and its functions"));
        }
        let [log_density_gradient, constrain, free_error] = addresses;
        // SAFETY: not null, as looked at above. `mixwell.from_stan` takes them from the library by BridgeStan's names, whose signatures these are; it is in memory since
        // `owner` is.
        let (log_density_gradient, constrain, free_error) = unsafe {
            (
                std::mem::transmute::<usize, LogDensityGradient>(log_density_gradient),
                std::mem::transmute::<usize, Constrain>(constrain),
                std::mem::transmute::<usize, FreeError>(free_error),
            )
        };
        let model = std::ptr::with_exposed_provenance(model);
        Ok(Self { model, dim, parameters, log_density_gradient, constrain, free_error, _owner: owner })
    }

    /// The log-density with all terms that depend on `x`, the Jacobian's included; writes its gradient.
    pub fn log_density_gradient(&self, x: &[f64], grad: &mut [f64]) -> Result<f64, String> {
        assert_eq!((x.len(), grad.len()), (self.dim, self.dim), "a point of another length");
        let (mut value, mut error) = (f64::NAN, std::ptr::null_mut());
        // SAFETY: `x` and `grad` are valid for `dim` numbers, the two others for one.
        let status = unsafe {
            (self.log_density_gradient)(
                self.model,
                true,
                true,
                x.as_ptr(),
                &mut value,
                grad.as_mut_ptr(),
                &mut error,
            )
        };
        self.outcome(status, error).map(|()| value)
    }

    /// Writes the model's own parameters, the transformed ones included.
    pub fn constrain(&self, x: &[f64], out: &mut [f64]) -> Result<(), String> {
        assert_eq!((x.len(), out.len()), (self.dim, self.parameters), "a point of another length");
        let mut error = std::ptr::null_mut();
        // SAFETY: `x` is valid for `dim` and `out` for `parameters` numbers; without generated quantities no generator is needed.
        let status = unsafe {
            (self.constrain)(
                self.model,
                true,
                false,
                x.as_ptr(),
                out.as_mut_ptr(),
                std::ptr::null_mut(),
                &mut error,
            )
        };
        self.outcome(status, error)
    }

    fn outcome(&self, status: c_int, error: *mut c_char) -> Result<(), String> {
        let mut text = String::from("no reason is given");
        if !error.is_null() {
            // SAFETY: BridgeStan has set it to a text that ends with zero, to be freed by its own function, once.
            unsafe {
                text = CStr::from_ptr(error).to_string_lossy().trim().to_owned();
                (self.free_error)(error);
            }
        }
        if status == 0 { Ok(()) } else { Err(text) }
    }
}
