"""Stan models compiled for BridgeStan, by their C library."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Mapping
from typing import Any

from ._density import Variables
from ._errors import ConfigError
from ._mixwell import Density

_FUNCTIONS = ("bs_log_density_gradient", "bs_param_constrain", "bs_free_error_msg")


class Stan:
    """A Stan model with its data; see :func:`from_stan`.

    Attributes
    ----------
    dim
        Number of unconstrained parameters, which are sampled.
    """

    def __init__(self, library: str | os.PathLike[str], data: str) -> None:
        self._handle: int | None = None
        try:
            self._library = ctypes.CDLL(os.path.abspath(library))
            code = self._library
            code.bs_model_construct.restype = ctypes.c_void_p
            code.bs_model_construct.argtypes = [ctypes.c_char_p, ctypes.c_uint, ctypes.POINTER(ctypes.c_void_p)]
            code.bs_model_destruct.argtypes = [ctypes.c_void_p]
            code.bs_free_error_msg.argtypes = [ctypes.c_void_p]
            code.bs_param_names.restype = code.bs_model_info.restype = ctypes.c_char_p
            code.bs_param_names.argtypes = [ctypes.c_void_p, ctypes.c_bool, ctypes.c_bool]
            code.bs_model_info.argtypes = [ctypes.c_void_p]
            code.bs_param_unc_num.argtypes = [ctypes.c_void_p]
            self._addresses = [ctypes.cast(getattr(code, name), ctypes.c_void_p).value or 0 for name in _FUNCTIONS]
        except (OSError, AttributeError) as error:
            raise ConfigError(f"{os.fspath(library)!r} is no model compiled by BridgeStan: {error}") from error
        message = ctypes.c_void_p()
        self._handle = code.bs_model_construct(data.encode(), 1, ctypes.byref(message))
        if not self._handle:
            text = ctypes.string_at(message.value).decode() if message.value else "no reason is given"
            code.bs_free_error_msg(message)
            raise ConfigError(f"the model {os.fspath(library)!r} cannot be made with this data: {text}")
        self.dim: int = code.bs_param_unc_num(self._handle)
        names = code.bs_param_names(self._handle, True, False).decode()
        self._variables, self._order = layout(names.split(",") if names else [])
        self._threads = "STAN_THREADS=true" in code.bs_model_info(self._handle).decode()

    def __mixwell_density__(self, variables: Variables) -> Density:
        if self._handle is None:
            raise ConfigError("the model was not made")
        if variables not in (self._variables, [("x", [self.dim], [])]):
            raise ConfigError("`coords` or `dim` is given beside a Stan model, which has its own")
        return Density.stan(self._handle, self._addresses, self.dim, self._threads, self, self._variables, self._order)

    def __del__(self) -> None:
        if self._handle:
            self._library.bs_model_destruct(self._handle)


def from_stan(library: str | os.PathLike[str], data: str | os.PathLike[str] | Mapping[str, Any] | None = None) -> Stan:
    """A density from a Stan model that BridgeStan has compiled to a shared library.

    Parameters
    ----------
    library
        The library, ``model.so``.
    data
        The model's data: the name of a JSON file, JSON as text, or a dictionary.

    Returns
    -------
    Stan
        For :func:`mixwell.sample`, without ``dim``: parameters and transformed parameters are reported on their own scale, under the names and shapes of the model.

    Raises
    ------
    ConfigError
        When the library is none of BridgeStan's, or the data do not suit the model.

    Notes
    -----
    The library is called by its address, without the interpreter. It is called by one thread at a time unless it was built with ``STAN_THREADS=true``.
    """
    if data is None:
        text = ""
    elif isinstance(data, Mapping):
        text = json.dumps({name: value.tolist() if hasattr(value, "tolist") else value for name, value in data.items()})
    elif isinstance(data, str) and data.lstrip().startswith("{"):
        text = data
    else:
        with open(data, encoding="utf-8") as file:
            text = file.read()
    return Stan(library, text)


def layout(names: list[str]) -> tuple[Variables, list[int]]:
    """Variables of Stan's names (``mu``, ``L.2.1``), and for each number of these, rows first, its place among the names, which come columns first."""
    places: dict[str, dict[tuple[int, ...], int]] = {}
    for place, name in enumerate(names):
        parts = name.split(".")
        # Parts of tuples and complex numbers are variables of their own.
        plain = all(part.isdigit() for part in parts[1:])
        base, index = (parts[0], tuple(int(part) - 1 for part in parts[1:])) if plain else (name, ())
        places.setdefault(base, {})[index] = place
    variables: Variables = []
    order: list[int] = []
    for name, found in places.items():
        variables.append((name, [max(side) + 1 for side in zip(*found, strict=True)], []))
        order.extend(place for _, place in sorted(found.items()))
    return variables, order
