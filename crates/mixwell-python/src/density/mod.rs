//! Log-densities from Python: a function of a batch of points, or compiled code by its address.

mod answer;
mod function;
mod native;
mod stan;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mixwell::density::{Pointwise, Target, Variable};
use numpy::PyReadonlyArray2;
use pyo3::prelude::*;

use self::function::{Function, FunctionTarget};
use self::native::{Native, NativeTarget, StanCode};
use self::stan::{Stan, StanTarget};
use crate::errors;

/// Names and shapes of a density's coordinates: `(name, shape, names of the elements)`.
pub type Named = Vec<(String, Vec<usize>, Vec<String>)>;

/// A log-density that runs can be made of. Made by the package from what the user gives.
#[pyclass(frozen, module = "mixwell._mixwell")]
pub struct Density {
    variables: Vec<Variable>,
    source: Source,
}

enum Source {
    Function(Arc<Function>),
    Native(Native),
    Stan(Arc<Stan>),
}

#[pymethods]
impl Density {
    /// A function of points (`rows x dim`): `function(points)` gives log-densities (`rows`), or a tuple of them and their gradients (`rows x dim`). It is
    /// called once at `probe` to see which. `value`, where given, is asked when no gradient is wanted. Where the variables are not the coordinates, `dim` is the number of
    /// these, and `report` gives the variables' numbers for a point (`dim`).
    #[staticmethod]
    #[pyo3(signature = (function, value, variables, probe, dim=None, report=None))]
    fn function(
        py: Python<'_>,
        function: Py<PyAny>,
        value: Option<Py<PyAny>>,
        variables: Named,
        probe: PyReadonlyArray2<'_, f64>,
        dim: Option<usize>,
        report: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let variables = named(variables);
        let dim = dim.unwrap_or_else(|| self::dim(&variables));
        let function = Function::probed(py, function, value, dim, probe.as_slice()?, report)?;
        Ok(Self { variables, source: Source::Function(Arc::new(function)) })
    }

    /// Compiled code, `double f(const double *x, int64_t dim, double *grad)`, at this address, callable from several threads at once. `owner` is what
    /// keeps the code in memory.
    #[staticmethod]
    fn native(
        py: Python<'_>,
        address: usize,
        gradient: bool,
        owner: Py<PyAny>,
        variables: Named,
    ) -> PyResult<Self> {
        let variables = named(variables);
        let native =
            Native::at(address, dim(&variables), gradient, owner).map_err(|e| errors::config(py, e))?;
        Ok(Self { variables, source: Source::Native(native) })
    }

    /// A model of BridgeStan: the addresses of the model and of three functions, the number of its unconstrained parameters, whether several threads may call it, its
    /// parameters, and for each number of these its place among those that the model gives.
    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn stan(
        py: Python<'_>,
        model: usize,
        addresses: [usize; 3],
        dim: usize,
        threads: bool,
        owner: Py<PyAny>,
        variables: Named,
        order: Vec<usize>,
    ) -> PyResult<Self> {
        let variables = named(variables);
        if self::dim(&variables) != order.len() || order.iter().any(|place| *place >= order.len()) {
            return Err(errors::config(py, "the names of the model's parameters do not form arrays"));
        }
        let code =
            StanCode::at(model, addresses, dim, order.len(), owner).map_err(|e| errors::config(py, e))?;
        let stan = Stan::new(code, dim, threads, variables.clone(), order);
        Ok(Self { variables, source: Source::Stan(Arc::new(stan)) })
    }

    /// Number of coordinates.
    #[getter]
    fn dim(&self) -> usize {
        match &self.source {
            Source::Stan(s) => s.dim(),
            Source::Function(f) => f.dim(),
            Source::Native(_) => dim(&self.variables),
        }
    }

    /// Whether it has a gradient.
    #[getter]
    fn has_gradient(&self) -> bool {
        match &self.source {
            Source::Function(f) => f.has_gradient(),
            Source::Native(n) => n.has_gradient(),
            Source::Stan(_) => true,
        }
    }
}

impl Density {
    /// The target of one run, which fails as soon as `interrupt` is set.
    pub fn target(&self, py: Python<'_>, interrupt: Arc<AtomicBool>) -> Arc<dyn Target> {
        let variables = self.variables.clone();
        match &self.source {
            Source::Function(f) => Arc::new(FunctionTarget::new(f.clone(), variables, interrupt)),
            Source::Native(n) => Arc::new(Pointwise::new(NativeTarget::new(n.clone_ref(py), variables))),
            Source::Stan(s) => Arc::new(Pointwise::new(StanTarget(s.clone()))),
        }
    }
}

/// The same as the library's variables.
pub fn named(variables: Named) -> Vec<Variable> {
    let one = |(name, shape, elements)| Variable { name, shape, elements };
    variables.into_iter().map(one).collect()
}

fn dim(variables: &[Variable]) -> usize {
    variables.iter().map(Variable::len).fold(0, usize::saturating_add)
}
