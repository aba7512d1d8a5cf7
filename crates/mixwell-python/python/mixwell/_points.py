"""What a user gives as points, as rows of doubles that the compiled module takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._density import Array
from ._errors import ConfigError


def rows(given: ArrayLike, name: str, dim: int | None = None, *, finite: bool = True) -> Array:
    """An array ``rows x dim`` of doubles, finite unless told, with at least one column; ``name`` is what an error calls it.

    Any real type and any strides are taken.
    """
    array = numbers(given, name, finite=finite)
    if array.ndim != 2 or array.shape[1] == 0 or dim not in (None, array.shape[1]):
        wanted = "dim" if dim is None else dim
        raise ConfigError(f"`{name}` has the shape {array.shape}, but it must be (rows, {wanted}); one point is x[None, :]")
    return array


def column(given: ArrayLike, name: str, length: int) -> Array:
    """An array of ``length`` finite doubles."""
    array = numbers(given, name)
    if array.shape != (length,):
        raise ConfigError(f"`{name}` has the shape {array.shape}, but it must be ({length},): a number for each point")
    return array


def numbers(given: ArrayLike, name: str, *, finite: bool = True) -> Array:
    """An array of doubles, finite unless told, of any shape."""
    try:
        array: Any = np.asarray(given)
    except ValueError as error:
        raise ConfigError(f"`{name}` is no array of numbers: {error}") from None
    if array.dtype.kind not in "fiu":
        raise ConfigError(f"`{name}` is of dtype {array.dtype}, but it must be real numbers, best float64")
    doubles: Array = np.ascontiguousarray(array, dtype=np.float64)
    usable = np.isfinite(doubles)
    if finite and not usable.all():
        place = ", ".join(str(int(i)) for i in np.argwhere(~usable)[0])
        raise ConfigError(f"`{name}[{place}]` is {doubles[~usable][0]}, but every number must be finite")
    return doubles if doubles.ndim == array.ndim else doubles.reshape(array.shape)


def whole(given: object, name: str, least: int = 0) -> int:
    """A whole number of at least ``least``."""
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or not least <= given < 1 << 63:
        raise ConfigError(f"`{name}` is {given!r}, but it must be a whole number of at least {least}")
    return int(given)
