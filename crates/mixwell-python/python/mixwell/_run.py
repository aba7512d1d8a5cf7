"""The result of a run: draws by name, summary, verdict, what ArviZ reads."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _arviz, _mixwell
from ._density import Array, Variables
from ._errors import ConfigError, RunFolderError
from ._flow import Flow
from ._labels import Labels
from ._summary import Summary, Verdict

_GROUPS = ("posterior", "sample_stats", "warmup_posterior", "warmup_sample_stats")


class Run:
    """What :func:`mixwell.sample` gives, and :func:`mixwell.open` reads from a run folder.

    ``run["theta"]`` is one variable, ``chains x draws x shape``; ``run.draws`` is all of them side by side. A run can be pickled; one with a folder keeps its
    draws there.

    Attributes
    ----------
    folder
        The run folder, or None when the draws are in memory.
    settings
        Every setting of the run, defaults included, as it would stand in a config file.
    variables
        ``{name: shape}`` in the order of ``draws``.
    """

    def __init__(self, left: dict[str, Any], labels: Labels | None = None) -> None:
        self.folder: str | None = None if left["folder"] is None else str(left["folder"])
        self.settings: dict[str, Any] = json.loads(left["settings"])
        self._named: Variables = left["variables"]
        self._chains: int = left["chains"]
        self._summary: dict[str, Any] | None = None if left["summary"] is None else json.loads(left["summary"])
        self._verdict: str | None = left["verdict"]
        self._flow: bytes | None = left["flow"]
        self._warnings: list[str] = left["warnings"]
        self._stats: list[tuple[str, str]] | None = left.get("stats")
        self._labels: Labels = labels or (Labels() if self.folder is None else Labels.read(self.folder))
        self._memory: dict[str, Array] = {group: left[group] for group in _GROUPS if group in left}

    @property
    def variables(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(shape) for name, shape, _ in self._named}

    @property
    def chains(self) -> int:
        """Number of chains."""
        return self._chains

    @property
    def finished(self) -> bool:
        """Whether all draws are made; False for the folder of a run that was interrupted or goes on."""
        return self._summary is not None

    @property
    def draws(self) -> Array:
        """All production draws, ``chains x draws x numbers``, variables side by side.

        Of draws in memory a view, not a copy.
        """
        return self._values("posterior")

    @property
    def warmup_draws(self) -> Array:
        """The draws of the warm-up, ``chains x draws x numbers``. They do not come from the target."""
        return self._values("warmup_posterior")

    def __getitem__(self, name: str) -> Array:
        """The production draws of one variable, ``chains x draws x shape``."""
        if name not in self.variables:
            raise KeyError(f"no variable is called {name!r}; there are {', '.join(self.variables)}")
        return self._arrays("posterior", name)[name]

    @property
    def stats(self) -> dict[str, NDArray[Any]]:
        """What the sampler did at each production draw, ``chains x draws`` each (``lp``, ``acceptance_rate``, ``diverging``, ..)."""
        return self._statistics("sample_stats")

    @property
    def posterior(self) -> Any:
        """Draws and statistics as ArviZ reads them.

        Dimensions and coordinates are those of a model of PyMC, plates those of NumPyro. ``arviz.InferenceData`` with ArviZ 0.x, an ``xarray.DataTree`` with ArviZ 1.x or xarray alone. The groups are ``posterior``, ``sample_stats`` and those of the
        warm-up.

        Raises
        ------
        ImportError
            When neither is installed.
        """
        groups: dict[str, dict[str, NDArray[Any]]] = {}
        for group in _GROUPS:
            arrays = self._statistics(group) if group.endswith("sample_stats") else self._arrays(group)
            if any(array.size for array in arrays.values()):
                groups[group] = arrays
        elements = {name: names for name, _, names in self._named if names}
        return _arviz.tree(groups, elements, {"inference_library": "mixwell", "inference_library_version": _mixwell.__version__}, self._labels)

    def summary(self) -> Summary:
        """The table of means, errors, effective sample sizes and R-hat, with the verdict.

        Raises
        ------
        ConfigError
            When the run is not finished.
        """
        return Summary(self._finished(), self.verdict)

    @property
    def chosen(self) -> list[str]:
        """Which method ``"auto"`` chose, and why, in words; empty where it was given."""
        return list(self._finished().get("chosen", []))

    @property
    def verdict(self) -> Verdict:
        """Whether the draws can be used, and why not; False in a condition when they cannot."""
        if self._summary is None or self._verdict is None:
            return Verdict("not finished: mixwell.resume goes on with the run", False, ["not all draws are made"], [])
        return Verdict(self._verdict, self._summary["converged"], self._summary["reasons"], self._summary["warnings"])

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the run to a new run folder, which :func:`mixwell.open` and the command ``mixwell summary`` read.

        Raises
        ------
        ConfigError
            When the run is not finished.
        RunFolderError
            When the folder cannot be made, or holds a run already.
        """
        summary = json.dumps(self._finished())
        if self.folder is None:
            groups = [self._memory[group] for group in _GROUPS]
            _mixwell.save(folder, json.dumps(self.settings), summary, self._flow, self._named, self._stats or [], groups)
            self._labels.write(folder)
            return
        if os.path.exists(os.path.join(folder, "config.toml")):
            raise RunFolderError(f"{os.fspath(folder)!r} holds a run already")
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".lock"))

    def report(self, path: str | os.PathLike[str] | None = None) -> str:
        """Write the run as one HTML page to look at, and give its path: verdict, table, traces, ranks, pairs, every setting; nothing in it is fetched from elsewhere.

        Parameters
        ----------
        path
            The file; by default ``report.html`` in the run folder. A run in memory needs one.

        Raises
        ------
        ConfigError
            When the run is not finished, or is in memory and no path is given.
        RunFolderError
            When the folder is damaged, or the file cannot be written.
        """
        self._finished()
        if self.folder is not None:
            return os.fspath(_mixwell.report(self.folder, path))
        if path is None:
            raise ConfigError("this run is in memory, so its report needs a path: run.report('report.html')")
        name = os.path.splitext(os.path.basename(os.fspath(path)))[0] or "run"
        with tempfile.TemporaryDirectory() as around:
            folder = os.path.join(around, name)
            self.save(folder)
            return os.fspath(_mixwell.report(folder, path))

    @property
    def flow(self) -> Flow | None:
        """The flow of a method that has one, as it was at the end; None of others, and of a folder whose run is not finished."""
        return None if self._flow is None else Flow._from_bytes(self._flow)

    def evidence(self) -> tuple[float, float]:
        """Log of the integral of the density, and its standard error, from the trained flow.

        Raises
        ------
        ConfigError
            When the method has no proposal to estimate it from.
        """
        found = self._finished().get("log_evidence")
        if found is None:
            raise ConfigError("this run has no evidence: use a method with a flow, such as flex2, and output={'evidence_draws': 4096}")
        error = self._finished().get("log_evidence_se")
        return found, math.nan if error is None else error

    def _finished(self) -> dict[str, Any]:
        if self._summary is None:
            raise ConfigError(f"the run in {self.folder!r} is not finished; mixwell.resume goes on with it")
        return self._summary

    def _values(self, group: str) -> Array:
        if self.folder is None:
            return self._memory[group].swapaxes(0, 1)
        arrays = self._arrays(group).values()
        flat = [array.reshape(*array.shape[:2], -1) for array in arrays]
        return np.concatenate(flat, axis=2) if flat else np.empty((self._chains, 0, sum(map(_size, self.variables.values()))))

    def _arrays(self, group: str, name: str | None = None) -> dict[str, Array]:
        if self.folder is not None:
            read = _mixwell.read_variable(self.folder, group, name)
            return {name: numbers.reshape(shape) for name, numbers, shape in read}
        arrays, first, values = {}, 0, self._values(group)
        for variable, shape in self.variables.items():
            part = values[:, :, first : first + _size(shape)]
            arrays[variable] = part.reshape(*values.shape[:2], *shape)
            first += _size(shape)
        return arrays

    def _statistics(self, group: str) -> dict[str, NDArray[Any]]:
        if self.folder is not None:
            return dict(self._arrays(group))
        table = self._values(group)
        kinds = self._stats or []
        return {name: table[:, :, i].astype(kind, copy=False) for i, (name, kind) in enumerate(kinds)}

    def __repr__(self) -> str:
        where = "in memory" if self.folder is None else f"in {self.folder!r}"
        shapes = ", ".join(f"{name}{list(shape)}" if shape else name for name, shape in self.variables.items())
        return f"<mixwell.Run {where}: {self._chains} chains of {shapes}; {self.verdict.line}>"


def _size(shape: tuple[int, ...]) -> int:
    return math.prod(shape)
