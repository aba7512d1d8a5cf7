"""Compiled functions, called by their address without the interpreter."""

from __future__ import annotations

import ctypes

from ._density import Variables
from ._errors import ConfigError
from ._mixwell import Density

# What makes the types of functions in ctypes.
_FUNCTIONS = type(ctypes.CFUNCTYPE(None))


class Native:
    """A compiled function of one point; see :func:`native`."""

    def __init__(self, code: object, dim: int | None, gradient: bool) -> None:
        self.code = code
        self.dim = dim
        self.gradient = gradient
        self.address = _address(code)

    def __mixwell_density__(self, variables: Variables) -> Density:
        return Density.native(self.address, self.gradient, self.code, variables)


def native(code: object, dim: int | None = None, *, gradient: bool = True) -> Native:
    """A density from compiled code, called without the interpreter's lock and from several threads at once.

    Parameters
    ----------
    code
        ``double f(const double *x, int64_t dim, double *grad)``: a Numba ``cfunc``, a ``ctypes`` function, or the address as a number. It returns the
        log-density at ``x`` (``dim`` numbers) and writes its gradient to ``grad`` (``dim`` numbers). Where it has no value it returns NaN.
    dim
        Number of coordinates; may be left to :func:`mixwell.sample`.
    gradient
        Whether it writes the gradient. Without one, ``grad`` is null.

    Notes
    -----
    Nothing about an address can be checked: code of another signature, that writes outside ``grad``, or that is not safe to call from several threads at once, ends the
    process or worse. ``code`` is kept alive; where it is a number, whoever made the code keeps it in memory.

    Examples
    --------
    >>> import numba
    >>> from numba import types
    >>> @numba.cfunc(types.double(types.CPointer(types.double), types.int64, types.CPointer(types.double)))  # doctest: +SKIP
    ... def normal(x, dim, grad):
    ...     total = 0.0
    ...     for i in range(dim):
    ...         total -= 0.5 * x[i] * x[i]
    ...         grad[i] = -x[i]
    ...     return total
    >>> run = mixwell.sample(mixwell.native(normal), dim=3, method="nuts")  # doctest: +SKIP
    """
    return Native(code, dim, gradient)


def _address(code: object) -> int:
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    address = getattr(code, "address", None)
    if isinstance(address, int):
        return address
    # `cast` would take a text for a pointer, too.
    if isinstance(type(code), _FUNCTIONS):
        return ctypes.cast(code, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
    raise ConfigError(f"`code` is of the type {type(code).__name__}, but it must be a Numba cfunc, a ctypes function or an address")
