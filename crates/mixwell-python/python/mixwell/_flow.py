"""Normalising flows on their own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from . import _mixwell
from ._density import Array
from ._errors import ConfigError
from ._points import column, rows, whole

if TYPE_CHECKING:
    from .flows import FlowSettings
    from .tables import Training


class Flow:
    """An invertible map ``x = T(z)`` of standard normal latents, whose density is known: ``log q(x) = log N(z; 0, I) - log|det dT/dz|``.

    ``Flow.fit`` gives one fitted to points, ``run.flow`` the one that a run has trained. A flow does not change, can be pickled, and is taken by
    ``mixwell.sample(.., flow=flow)`` and :class:`mixwell.Chains`. ``Flow(..)`` is one that has learnt nothing.

    Parameters
    ----------
    flow
        A name, ``"realnvp"``, ``"rq_spline"``, .. (``mixwell.catalogue()["flows"]``), or settings as in a config file: ``{"kind": "maf", "n_layers": 3}``.
    dim
        Number of coordinates.
    seed
        The same seed gives the same parameters.

    Raises
    ------
    ConfigError
        When a setting cannot be used.

    >>> import numpy as np, mixwell
    >>> x = np.random.default_rng(1).normal(size=(1000, 2)) * [1.0, 3.0]
    >>> flow = mixwell.Flow.fit(x, flow="realnvp", epochs=3)
    >>> flow.sample(5, seed=2).shape
    (5, 2)
    """

    _flow: _mixwell.Flow

    def __init__(self, flow: str | FlowSettings | Mapping[str, Any] = "realnvp", *, dim: int, seed: int = 1) -> None:
        self._flow = _mixwell.Flow.untrained({"flow": table(flow), "seed": seed}, whole(dim, "dim", 1))

    @classmethod
    def fit(
        cls,
        points: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        flow: str | FlowSettings | Mapping[str, Any] | Flow = "realnvp",
        epochs: int = 200,
        training: Training | Mapping[str, Any] | None = None,
        seed: int = 1,
        threads: int | None = None,
    ) -> Flow:
        """A flow fitted to points by maximum likelihood (``flow_matching``: by regression), with the parameters that did best on those held out.

        Parameters
        ----------
        points
            ``rows x dim``, at least two; every coordinate must vary.
        weights
            One for each point, not negative, of any sum, as of importance sampling; by default equal.
        flow
            A name or settings, as for ``Flow(..)``; or a flow, whose parameters are where the fit starts.
        epochs
            Passes over the points; 0 leaves a Gaussian of the points' mean and spread.
        training
            The table ``training`` of a config file: ``{"learning_rate": 1e-3, "batch": 1000, "validation": 0.1, "patience": 0}`` and more. With
            ``patience`` it stops after so many passes without a better validation.
        seed
            The same seed gives the same flow, whatever the threads.
        threads
            Number of threads; by default that of the machine.

        Raises
        ------
        ConfigError
            When a setting, a point or a weight cannot be used.
        KeyboardInterrupt
            After Ctrl-C.
        """
        x = rows(points, "points")
        w = None if weights is None else column(weights, "weights", len(x))
        start = flow._flow if isinstance(flow, Flow) else None
        settings = {"flow": None if isinstance(flow, Flow) else table(flow), "training": training, "seed": seed}
        return cls._of(_mixwell.Flow.fit(settings, start, x, w, whole(epochs, "epochs"), threads))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Flow:
        """Read a flow from a file of :meth:`save`, or the ``flow.safetensors`` of a run folder.

        Raises
        ------
        RunFolderError
            When there is no such file, or it holds no flow.
        """
        return cls._of(_mixwell.Flow.load(path))

    @classmethod
    def _of(cls, flow: _mixwell.Flow) -> Flow:
        made = cls.__new__(cls)
        made._flow = flow
        return made

    @classmethod
    def _from_bytes(cls, file: bytes) -> Flow:
        return cls._of(_mixwell.Flow.from_bytes(file))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the flow to a safetensors file, which holds its settings, too; ``load`` gives the same flow to the last bit.

        Raises
        ------
        RunFolderError
            When the file cannot be written.
        """
        self._flow.save(path)

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self._flow.dim

    @property
    def n_params(self) -> int:
        """Number of trained parameters; the whitening, which is set from the points, is not among them."""
        return self._flow.n_params

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings, defaults included."""
        found: dict[str, Any] = json.loads(self._flow.settings)
        return found

    @property
    def report(self) -> dict[str, Any] | None:
        """How ``fit`` went: ``epochs`` made, mean ``loss`` of the last (of a likelihood: minus the mean log-density, in nats), and the best ``validation_loss``, None
        where nothing is held out. None of a flow that comes from elsewhere."""
        if self._flow.report is None:
            return None
        epochs, loss, validation = self._flow.report
        return {"epochs": epochs, "loss": loss, "validation_loss": validation}

    def sample(self, n: int, *, seed: int = 1) -> Array:
        """``n`` independent draws, ``n x dim``. The same seed gives the same draws, of which fewer are the first."""
        return self.sample_and_log_prob(n, seed=seed)[0]

    def sample_and_log_prob(self, n: int, *, seed: int = 1) -> tuple[Array, Array]:
        """Draws (``n x dim``) with their log-densities (``n``), which cost nothing more."""
        return self._flow.sample(whole(n, "n"), whole(seed, "seed"))

    def log_prob(self, x: ArrayLike) -> Array:
        """Normalised log-densities (``rows``) of points (``rows x dim``)."""
        return self._flow.log_prob(self._rows(x, "x"))

    def log_prob_and_grad(self, x: ArrayLike) -> tuple[Array, Array]:
        """Log-densities (``rows``) of points (``rows x dim``), and their gradients in the points (``rows x dim``)."""
        grad, log_prob = self._flow.log_prob_and_grad(self._rows(x, "x"))
        return log_prob, grad

    def forward(self, z: ArrayLike) -> tuple[Array, Array]:
        """Points ``T(z)`` (``rows x dim``) of latents (``rows x dim``), and ``log|det dT/dz|`` (``rows``)."""
        return self._flow.forward(self._rows(z, "z"))

    def inverse(self, x: ArrayLike) -> tuple[Array, Array]:
        """Latents (``rows x dim``) of points (``rows x dim``), and the log-determinant of the map in this direction (``rows``)."""
        return self._flow.inverse(self._rows(x, "x"))

    def _rows(self, given: ArrayLike, name: str) -> Array:
        """As elsewhere in NumPy, what is NaN gives NaN."""
        return rows(given, name, self.dim, finite=False)

    def __call__(self, points: Array) -> tuple[Array, Array]:
        """Values and gradients, as of any density: a flow can be sampled itself."""
        return self.log_prob_and_grad(points)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self)._from_bytes, (self._flow.to_bytes(),))

    def __repr__(self) -> str:
        return f"<mixwell.Flow {self.settings['kind']}: {self.dim} coordinates, {self.n_params} parameters>"


def table(flow: object) -> object:
    """A flow's settings, where a name may stand for them."""
    if flow is None:
        raise ConfigError("`flow` is None, but it must be a name, e.g. \"realnvp\", or settings with a `kind`")
    return {"kind": flow} if isinstance(flow, str) else flow
