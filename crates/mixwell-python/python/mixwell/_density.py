"""What a user gives as a density, as what the compiled module samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Union, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ._errors import ConfigError
from ._mixwell import Density

Array = NDArray[np.float64]
#: Names, shapes and element names of all variables, in the order of the coordinates.
Variables = list[tuple[str, list[int], list[str]]]
#: A shape: ``()``, ``8``, ``(2, 3)``, or the names of the elements of a vector.
Shape = Union[int, Sequence[int], Sequence[str]]
#: A function of points (rows x dim) that gives values (rows), or values and gradients (rows x dim).
LogProb = Callable[[Array], Any]

# Rows of the probe: more than one, so that a function of a single point is found out, and not a usual number of coordinates.
_PROBE_ROWS = 3


@runtime_checkable
class SupportsDensity(Protocol):
    """A density that is more than a function of a batch, e.g. :func:`mixwell.native`."""

    def __mixwell_density__(self, variables: Variables) -> Density:
        """The compiled module's density with these variables."""
        ...


def variables_of(dim: int | None, coords: Mapping[str, Shape] | None) -> Variables:
    """The variables that ``dim`` and ``coords`` describe; one vector ``x`` where nothing is named."""
    if coords is None:
        if dim is None:
            raise ConfigError("`dim` is missing, but the number of coordinates is needed: give dim=.. or coords={'name': shape, ..}")
        if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)) or dim < 1:
            raise ConfigError(f"`dim` is {dim!r}, but it must be a whole number of at least 1")
        return [("x", [int(dim)], [])]
    variables = [_variable(name, shape) for name, shape in coords.items()]
    total = sum(math.prod(shape) for _, shape, _ in variables)
    if dim is not None and dim != total:
        raise ConfigError(f"`dim` is {dim}, but the shapes in `coords` hold {total} numbers in all")
    if total == 0:
        raise ConfigError("`coords` is empty, but at least one coordinate is needed")
    return variables


def _variable(name: str, shape: Shape) -> tuple[str, list[int], list[str]]:
    wrong = ConfigError(f"`coords[{name!r}]` is {shape!r}, but it must be a shape such as (), 8 or (2, 3), or a list of names")
    if not isinstance(name, str):
        raise ConfigError(f"`coords` has the key {name!r}, but names of variables are texts")
    if isinstance(shape, (bool, str)):
        raise wrong
    items: list[object]
    if isinstance(shape, (int, np.integer)):
        items = [shape]
    else:
        try:
            items = list(shape)
        except TypeError:
            raise wrong from None
    if items and all(isinstance(item, str) for item in items):
        return name, [len(items)], [str(item) for item in items]
    sides = [int(item) for item in items if isinstance(item, (int, np.integer)) and not isinstance(item, bool) and item > 0]
    if len(sides) < len(items):
        raise wrong
    return name, sides, []


def dim_of(log_prob: object, dim: int | None, coords: Mapping[str, Shape] | None) -> int | None:
    """``dim``, or where neither that nor ``coords`` is given what the density says of itself."""
    own = getattr(log_prob, "dim", None)
    return own if dim is None and coords is None and isinstance(own, int) else dim


def density(log_prob: LogProb | SupportsDensity, variables: Variables, start: object) -> Density:
    """The density of ``log_prob``, which is called once, near where the chains start."""
    if isinstance(log_prob, SupportsDensity):
        return log_prob.__mixwell_density__(variables)
    if not callable(log_prob):
        raise ConfigError(f"the density is of the type {type(log_prob).__name__}, but it must be a function of points or a dictionary with a `kind`")
    dim = sum(math.prod(shape) for _, shape, _ in variables)
    value = getattr(log_prob, "log_prob", None)
    return Density.function(log_prob, value if callable(value) else None, variables, _probe(dim, start))


def _probe(dim: int, start: object) -> Array:
    points = start.get("points") if isinstance(start, Mapping) else None
    if points is not None:
        given = np.asarray(points, dtype=np.float64)
        if given.ndim == 2 and given.shape[1] == dim and len(given) > 0:
            return np.ascontiguousarray(np.resize(given, (_PROBE_ROWS, dim)))
    # Inside the box in which chains start by default, no two coordinates alike.
    steps = np.arange(1, _PROBE_ROWS * dim + 1) * 0.6180339887498949
    return np.ascontiguousarray((steps % 1.0 - 0.5).reshape(_PROBE_ROWS, dim))
