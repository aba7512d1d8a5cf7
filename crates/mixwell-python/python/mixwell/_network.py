"""Networks as NumPy functions: classifiers, generators, discriminators, energies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from . import _mixwell
from ._density import Array
from ._points import rows


class Network:
    """A network from its files, as a function: ``network(x)`` gives the outputs of rows of inputs, in evaluation mode.

    What a training leaves describes itself: ``Network("runs/gan/generator.safetensors")``; so do ONNX files. Images are rows, channel after channel, line after line.

    Parameters
    ----------
    weights
        A file of arrays: safetensors, ONNX, PyTorch (read without running what is in it), ``.npz``.
    description
        Where the file has none: a TOML or JSON file, or a name (``mixwell list networks``).
    key
        Take the arrays below this key only, e.g. ``"state_dict"``.
    strip
        Take these prefixes from names that all have them, e.g. ``["module."]``.

    Raises
    ------
    ConfigError
        When a file cannot be read, or its arrays are not those of the description.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str],
        description: str | os.PathLike[str] | None = None,
        *,
        key: str | None = None,
        strip: Sequence[str] = (),
    ) -> None:
        self._files = (os.fspath(weights), None if description is None else os.fspath(description), key, list(strip))
        self._network = _mixwell.Network(*self._files)

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self._network.n_in

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return self._network.n_out

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return self._network.n_params

    @property
    def description(self) -> str:
        """What it is made of, as TOML."""
        return self._network.description

    def __call__(self, x: ArrayLike) -> Array:
        """Outputs (``rows x n_out``) of rows of inputs (``rows x n_in``), computed in the precision of the file."""
        return self._network.values(rows(x, "x", self.n_in, finite=False))

    def pullback(self, x: ArrayLike, dy: ArrayLike) -> Array:
        """The gradient in the inputs (``rows x n_in``) of ``(dy * network(x)).sum()``, with ``dy`` of ``rows x n_out``: a vector-Jacobian product for each row."""
        return self._network.pullback(rows(x, "x", self.n_in, finite=False), rows(dy, "dy", self.n_out, finite=False))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_reopen, self._files)

    def __repr__(self) -> str:
        kind = "double" if self._network.is_double else "single"
        return f"<mixwell.Network: {self.n_in} -> {self.n_out}, {self.n_params} parameters in {kind} precision>"


def _reopen(weights: str, description: str | None, key: str | None, strip: Sequence[str]) -> Network:
    return Network(weights, description, key=key, strip=strip)
