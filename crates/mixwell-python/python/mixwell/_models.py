"""Models of NumPyro and PyMC: sampled where there are no bounds, reported under their own names, shapes and scales."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ._autodiff import Jax, double_precision, needed
from ._density import Array, Variables
from ._errors import ConfigError
from ._labels import Labels
from ._mixwell import Density


class _Model:
    """What both have in common: free numbers in, named arrays out.

    Attributes
    ----------
    dim
        Number of free numbers, which are sampled.
    labels
        Dimensions of the variables, and labels along them.
    """

    dim: int
    labels: Labels
    _variables: Variables
    _start: Array

    def __call__(self, points: Array) -> tuple[Array, Array]:
        """Log-densities (``rows``) and gradients (``rows x dim``) of points (``rows x dim``)."""
        raise NotImplementedError

    def log_prob(self, points: Array) -> Array:
        """Log-densities (``rows``) of points (``rows x dim``)."""
        raise NotImplementedError

    def _report(self, point: Array) -> Array:
        """The reported numbers of one point (``dim``)."""
        raise NotImplementedError

    def __mixwell_density__(self, variables: Variables) -> Density:
        if variables not in (self._variables, [("x", [self.dim], [])]):
            raise ConfigError("`coords` or `dim` is given beside a model, which has its own")
        probe = np.ascontiguousarray(np.tile(self._start, (3, 1)))
        return Density.function(self, self.log_prob, self._variables, probe, self.dim, self._report)


class NumPyro(_Model):
    """A model of NumPyro; see :func:`from_numpyro`."""

    def __init__(self, model: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        from numpyro.infer.util import initialize_model  # isort: skip (first, so that it is named where it is missing)
        import jax
        from jax.flatten_util import ravel_pytree

        doubles = double_precision()
        with doubles(True):
            found = initialize_model(jax.random.PRNGKey(0), model, model_args=args, model_kwargs=dict(kwargs))
            start, back = ravel_pytree(found.param_info.z)
            if start.size == 0:
                raise ConfigError("the model has no continuous parameters, but at least one is needed")
            potential, natural = found.potential_fn, found.postprocess_fn
            sites = natural(back(start))
            # Names as NumPyro has them; numbers of all kinds become floats.
            self._variables = [(name, [int(n) for n in np.shape(value)], []) for name, value in sites.items()]
            self.labels = Labels.of(self._variables, _plates(model, args, kwargs, self._variables), {})

            def report(point: Any) -> Any:
                values = natural(back(point))
                parts = [jax.numpy.ravel(values[name]).astype(float) for name, _, _ in self._variables]
                return jax.numpy.concatenate(parts)

            self._start = np.asarray(start, dtype=np.float64)
        self.dim = int(self._start.size)
        self._density = Jax(lambda point: -potential(back(point)))
        self._reported = jax.jit(report)
        self._doubles = doubles

    def __call__(self, points: Array) -> tuple[Array, Array]:
        return self._density(points)

    def log_prob(self, points: Array) -> Array:
        return self._density.log_prob(points)

    def _report(self, point: Array) -> Array:
        with self._doubles(True):
            return np.asarray(self._reported(point), dtype=np.float64)


def _plates(
    model: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], variables: Variables
) -> dict[str, list[str | None]]:
    """For each variable of a NumPyro model the plates along its dimensions; None where there is none."""
    import jax
    from numpyro import handlers

    trace = handlers.trace(handlers.seed(model, jax.random.PRNGKey(0))).get_trace(*args, **kwargs)
    plates: dict[str, list[str | None]] = {}
    for name, shape, _ in variables:
        site = trace.get(name, {})
        # A plate's place is counted from the end of the batch, after which come the dimensions of an event.
        event = site["fn"].event_dim if site.get("type") == "sample" else 0
        dims: list[str | None] = [None] * len(shape)
        for plate in site.get("cond_indep_stack", ()):
            axis = len(shape) - event + plate.dim
            if 0 <= axis < len(shape) and shape[axis] == plate.size:
                dims[axis] = plate.name
        plates[name] = dims
    return plates


class PyMC(_Model):
    """A model of PyMC; see :func:`from_pymc`."""

    def __init__(self, model: Any) -> None:
        import pymc
        import pytensor
        import pytensor.tensor as pt
        from pymc.pytensorf import join_nonshared_inputs

        model = pymc.modelcontext(model)
        discrete = [v.name for v in model.discrete_value_vars]
        if discrete:
            raise ConfigError(f"the model has discrete parameters ({', '.join(discrete)}), which have no gradient; sum them out")
        if not model.continuous_value_vars:
            raise ConfigError("the model has no continuous parameters, but at least one is needed")
        start = model.initial_point()
        reported = list(model.unobserved_RVs)
        natural = model.replace_rvs_by_values(reported)
        outputs, point = join_nonshared_inputs(
            point=start, outputs=[model.logp(), *natural], inputs=model.continuous_value_vars
        )
        value, parts = outputs[0], outputs[1:]
        compiled = {"on_unused_input": "ignore", "allow_input_downcast": True}
        self._both = pytensor.function([point], [value, pytensor.grad(value, point)], **compiled)
        self._value = pytensor.function([point], value, **compiled)
        flat = pt.concatenate([pt.flatten(part).astype("float64") for part in parts])
        values = [start[v.name] for v in model.continuous_value_vars]
        self._start = np.concatenate([np.ravel(v) for v in values]).astype(np.float64)
        self.dim = int(self._start.size)
        shapes = [np.shape(part) for part in pytensor.function([point], parts, **compiled)(self._start)]
        self._flat = pytensor.function([point], flat, **compiled)
        plain: Variables = [(v.name, [int(n) for n in shape], []) for v, shape in zip(reported, shapes, strict=True)]
        coords = {dim: values for dim, values in model.coords.items() if values is not None}
        self.labels = Labels.of(plain, model.named_vars_to_dims, coords)
        self._variables = self.labels.elements(plain)

    def __call__(self, points: Array) -> tuple[Array, Array]:
        values, gradients = np.empty(len(points)), np.empty_like(points)
        for row, point in enumerate(points):
            values[row], gradients[row] = self._both(point)
        return values, gradients

    def log_prob(self, points: Array) -> Array:
        return np.array([self._value(point) for point in points], dtype=np.float64)

    def _report(self, point: Array) -> Array:
        return np.asarray(self._flat(point), dtype=np.float64)


def from_numpyro(model: Callable[..., Any], *args: Any, **kwargs: Any) -> NumPyro:
    """A density from a model of NumPyro with its arguments, e.g. ``mixwell.from_numpyro(model, y, sigma=s)``.

    The model is sampled in double precision where there are no bounds, and reported under the names and shapes of its sites, deterministic ones included. Discrete sites that NumPyro
    enumerates are summed out by it.

    Returns
    -------
    NumPyro
        For :func:`mixwell.sample`, without ``dim``.
    """
    with needed("numpyro", "from_numpyro"):
        return NumPyro(model, args, kwargs)


def from_pymc(model: Any = None) -> PyMC:
    """A density from a model of PyMC; without an argument, that of the ``with`` block.

    The model is sampled where there are no bounds, and reported under the names and shapes of its variables on their own scale, deterministic ones included.

    Returns
    -------
    PyMC
        For :func:`mixwell.sample`, without ``dim``.

    Raises
    ------
    ConfigError
        When the model has discrete parameters, or none.
    """
    with needed("pymc", "from_pymc"):
        return PyMC(model)
