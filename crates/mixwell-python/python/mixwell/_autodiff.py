"""Densities of one point in JAX or PyTorch, with gradients by these, for all points at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ._density import Array
from ._errors import ConfigError


def padded_rows(rows: int) -> int:
    """The next of 1, 2, 3, 4, 6, 8, 12, 16, ..: few sizes, so that little is compiled, and no more than half too much.

    It depends on ``rows`` alone, so that the same run makes the same calls.
    """
    power = 1 << max(rows - 1, 0).bit_length()
    return 3 * power // 4 if power >= 4 and rows <= 3 * power // 4 else power


class Jax:
    """A density in JAX; see :func:`jax`."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        import jax

        self.function = function
        # Without another device there is nothing to say, which saves most of the time of a small call.
        self._device: Any = contextlib.nullcontext
        if jax.default_backend() != "cpu":
            cpu = jax.devices("cpu")[0]
            self._device = lambda: jax.default_device(cpu)
        self._doubles = double_precision()
        self._values = jax.jit(jax.vmap(function))
        self._both = jax.jit(jax.vmap(jax.value_and_grad(function)))

    def _call(self, compiled: Any, points: Array) -> Any:
        rows = len(points)
        more = padded_rows(rows) - rows
        if more:
            points = np.concatenate([points, np.broadcast_to(points[-1], (more, points.shape[1]))])
        with self._doubles(True), self._device():
            return compiled(points)

    def log_prob(self, points: Array) -> Array:
        """Log-densities (``rows``) of points (``rows x dim``)."""
        return np.asarray(self._call(self._values, points))[: len(points)]

    def __call__(self, points: Array) -> tuple[Array, Array]:
        """Log-densities (``rows``) and gradients (``rows x dim``) of points (``rows x dim``)."""
        values, gradients = self._call(self._both, points)
        return np.asarray(values)[: len(points)], np.asarray(gradients)[: len(points)]


def double_precision() -> Any:
    """What makes JAX compute in double precision for the length of a ``with`` block."""
    import jax

    # Before it left the experimental part.
    return jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64


class Torch:
    """A density in PyTorch; see :func:`torch`."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        import torch

        self.function = function
        self._torch = torch
        self._values = torch.func.vmap(function)
        self._both = torch.func.vmap(torch.func.grad_and_value(function))

    def log_prob(self, points: Array) -> Array:
        """Log-densities (``rows``) of points (``rows x dim``)."""
        with self._torch.no_grad():
            found: Array = self._values(self._torch.from_numpy(points)).detach().numpy()
        return found

    def __call__(self, points: Array) -> tuple[Array, Array]:
        """Log-densities (``rows``) and gradients (``rows x dim``) of points (``rows x dim``)."""
        gradients, values = self._both(self._torch.from_numpy(points))
        return values.detach().numpy(), gradients.detach().numpy()


def jax(function: Callable[[Any], Any]) -> Jax:
    """A density from a JAX function of one point, ``f(x) -> log-density`` with ``x`` of shape ``(dim,)``.

    Values and gradients of all points at once (``vmap``, ``value_and_grad``), compiled once for a few numbers of points, in double precision on the CPU. The settings of JAX
    stay as they are. Arrays that ``f`` brings along in single precision stay so: make them with ``jax_enable_x64`` or of NumPy's.
    """
    with needed("jax", "jax"):
        return Jax(function)


def torch(function: Callable[[Any], Any]) -> Torch:
    """A density from a PyTorch function of one point, ``f(x) -> log-density`` with ``x`` a tensor of shape ``(dim,)`` in double precision.

    Values and gradients of all points at once (``torch.func.vmap``), on the CPU, without copies. ``f`` must be one that ``vmap`` takes: no branches on values, no
    changes in place. Tensors that it brings along are best in double precision.
    """
    with needed("torch", "torch"):
        return Torch(function)


@contextlib.contextmanager
def needed(name: str, function: str) -> Any:
    """Says which package a function of ours needs, where it is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ConfigError(f"mixwell.{function} needs the package {name}: pip install {name}") from error
