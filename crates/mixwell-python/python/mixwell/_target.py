"""Built-in targets and trained laws as NumPy functions."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from . import _mixwell
from ._density import Array
from ._points import rows

if TYPE_CHECKING:
    from .targets import TargetSettings


class Target:
    """A built-in target, or a law that a training left, as a function of points.

    Parameters
    ----------
    settings
        As in a config file: ``{"kind": "dual_moon"}``, ``{"kind": "gan", "path": "runs/gan"}``, or the name alone. Its files are read.

    Raises
    ------
    ConfigError
        When a setting cannot be used, or a file cannot be read.

    >>> import numpy as np, mixwell
    >>> banana = mixwell.Target({"kind": "banana", "dim": 2})
    >>> values, gradients = banana(np.zeros((3, 2)))
    >>> values.shape, gradients.shape
    ((3,), (3, 2))
    """

    def __init__(self, settings: str | TargetSettings | Mapping[str, Any]) -> None:
        self._target = _mixwell.Target({"target": {"kind": settings} if isinstance(settings, str) else settings})

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self._target.dim

    @property
    def has_gradient(self) -> bool:
        """Whether it has a gradient."""
        return self._target.has_gradient

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings, defaults included, with the hashes of its files."""
        found: dict[str, Any] = json.loads(self._target.settings)
        return found

    @property
    def variables(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of what a run of it reports."""
        return {name: tuple(shape) for name, shape, _ in self._target.variables}

    def log_prob(self, x: ArrayLike) -> Array:
        """Log-densities (``rows``) of points (``rows x dim``), up to a constant; NaN or ``-inf`` where there is no value."""
        return self._target.log_prob(rows(x, "x", self.dim, finite=False))

    def log_prob_and_grad(self, x: ArrayLike) -> tuple[Array, Array]:
        """Log-densities (``rows``) and their gradients in the points (``rows x dim``).

        Raises
        ------
        ConfigError
            When it has no gradient.
        """
        return self._target.log_prob_and_grad(rows(x, "x", self.dim, finite=False))

    def __call__(self, points: Array) -> Array | tuple[Array, Array]:
        """As any density: values and gradients, or values alone where there are no gradients. So it can be changed in Python and sampled."""
        return self.log_prob_and_grad(points) if self.has_gradient else self.log_prob(points)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Target, (self.settings,))

    def __repr__(self) -> str:
        return f"<mixwell.Target {self.settings['kind']}: {self.dim} coordinates>"


class Energy(Target):
    """The law ``exp(-E)`` of a trained energy; see :meth:`load`."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Energy:
        """Read a law: the folder of a finished training of an energy (``mixwell train``, :func:`mixwell.train`), a folder with its ``law.json``, or a
        network of one output (``.safetensors``).

        Raises
        ------
        ConfigError
            When there is no such law, its training is not finished, or a file is damaged.
        """
        return cls({"kind": "energy", "path": os.fspath(path)})

    def energy(self, x: ArrayLike) -> Array:
        """Minus the log-densities (``rows``) of points (``rows x dim``), with base and temperature of the law."""
        return np.negative(self.log_prob(x))
