"""Trainings of classifiers, energies, GANs and density ratios, as ``mixwell train`` runs them."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _mixwell
from ._density import Array
from ._errors import ConfigError, MixwellWarning
from ._flow import Flow
from ._network import Network
from ._progress import Line, Report, reporter
from ._summary import Verdict
from ._table import Table
from ._target import Energy

if TYPE_CHECKING:
    from .trainings import TrainingSettings


class Training:
    """What :func:`train` gives, and ``Training.load`` reads from the folder of a training, also of one of the command ``mixwell train``.

    Attributes
    ----------
    folder
        The folder: config, weights, curve, checkpoint, summary.
    kind
        ``"energy"``, ``"classifier"``, ``"gan"``, ``"ratio"`` or ``"long_chains"``.
    settings
        Every setting, defaults included, as in a config file.
    curve
        What was measured on the way: ``{"step": .., "loss": .., ..}``, an array each; NaN where nothing was measured.
    """

    def __init__(self, left: dict[str, Any]) -> None:
        self.folder: str = str(left["folder"])
        self.kind: str = left["kind"]
        self.settings: dict[str, Any] = json.loads(left["settings"])
        self._summary: dict[str, Any] | None = None if left["summary"] is None else json.loads(left["summary"])
        self._verdict: str | None = left["verdict"]
        self._words: str | None = left["words"]
        table = np.array(left["rows"], dtype=np.float64).reshape(-1, max(1, len(left["columns"])))
        self.curve: dict[str, Array] = {name: table[:, i] for i, name in enumerate(left["columns"])}

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Training:
        """Read the training in ``folder``, finished or not.

        Raises
        ------
        RunFolderError
            When it holds no training, or something in it is damaged.
        """
        return cls(_mixwell.read_training(folder))

    @classmethod
    def resume(
        cls, folder: str | os.PathLike[str], *, threads: int | None = None, progress: bool | Report | None = None
    ) -> Training:
        """Go on with the training in ``folder``: weights and curve are those of one that was never interrupted. Arguments and errors are those of :func:`train`."""
        return _run(None, folder, threads, progress)

    @property
    def finished(self) -> bool:
        """Whether all updates are made; False for a training that was interrupted or goes on."""
        return self._summary is not None

    @property
    def results(self) -> dict[str, Any]:
        """Measured values by name; which, depends on the kind.

        Raises
        ------
        ConfigError
            When the training is not finished.
        """
        if self._summary is None:
            raise ConfigError(f"the training in {self.folder!r} is not finished; Training.resume goes on with it")
        found: dict[str, Any] = self._summary["results"]
        return found

    @property
    def verdict(self) -> Verdict:
        """Whether it went well, and what went badly; False in a condition where it did not."""
        if self._summary is None or self._verdict is None:
            return Verdict("not finished: Training.resume goes on with the training", False, ["not all updates are made"], [])
        return Verdict(self._verdict, self._summary["went_well"], self._summary["problems"], [])

    def summary(self) -> str:
        """What came out, in words."""
        return str(self.verdict) if self._words is None else self._words

    @property
    def energy(self) -> Energy:
        """The trained law of a training of an energy."""
        self._of("energy")
        return Energy.load(self.folder)

    @property
    def flow(self) -> Flow | None:
        """The flow beside the energy, or its base, where it has one."""
        self._of("energy")
        for name in ("flow.safetensors", "base.safetensors"):
            path = os.path.join(self.folder, name)
            if os.path.isfile(path):
                return Flow.load(path)
        return None

    @property
    def network(self) -> Network:
        """The trained network of a training of a classifier, energy or ratio, without base and temperature."""
        self._of("classifier", "energy", "ratio")
        names = {"classifier": "network", "energy": "energy", "ratio": "ratio"}
        return Network(os.path.join(self.folder, f"{names[self.kind]}.safetensors"))

    @property
    def generator(self) -> Network:
        """The generator of a training of a GAN: latents to points, in the unit that it was trained in."""
        self._of("gan")
        return Network(os.path.join(self.folder, "generator.safetensors"))

    @property
    def discriminator(self) -> Network:
        """The discriminator of a training of a GAN: points to its raw output."""
        self._of("gan")
        return Network(os.path.join(self.folder, "discriminator.safetensors"))

    def report(self, path: str | os.PathLike[str] | None = None) -> str:
        """Write the training as one HTML page, by default ``report.html`` in its folder, and give its path.

        Raises
        ------
        RunFolderError
            When the folder is damaged, or the file cannot be written.
        """
        return os.fspath(_mixwell.report(self.folder, path))

    def _of(self, *kinds: str) -> None:
        if self.kind not in kinds:
            raise ConfigError(f"the training in {self.folder!r} is of the kind {self.kind}, and this is left by {', '.join(kinds)}")
        if not self.finished:
            raise ConfigError(f"the training in {self.folder!r} is not finished; Training.resume goes on with it")

    def __repr__(self) -> str:
        return f"<mixwell.Training of kind {self.kind} in {self.folder!r}: {self.verdict.line}>"


def train(
    settings: TrainingSettings | Mapping[str, Any],
    out: str | os.PathLike[str],
    *,
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> Training:
    """Train what the settings describe, as the command ``mixwell train`` does.

    Parameters
    ----------
    settings
        As in a config file of a training, tables as dictionaries: ``{"kind": "energy", "data": {"law": {"kind": "rings"}}, ..}``. Paths are relative to the working directory.
    out
        The folder to be made. A training that ends early leaves a checkpoint there, from which :meth:`Training.resume` goes on.
    threads
        Number of threads; by default that of the machine. Weights do not depend on it.
    progress
        As in :func:`mixwell.sample`; a function gets ``{"updates": (made, planned), "words": .., "elapsed": seconds}``.

    Raises
    ------
    ConfigError
        When a setting or the data cannot be used.
    RunFolderError
        When the folder cannot be made, or holds a run already.
    KeyboardInterrupt
        After Ctrl-C; a checkpoint was written.
    """
    if isinstance(settings, Table):
        settings = settings.__mixwell_settings__()
    if not isinstance(settings, Mapping):
        raise ConfigError(f"the settings are of the type {type(settings).__name__}, but they must be a dictionary with a `kind`")
    return _run(dict(settings), out, threads, progress)


def _run(
    settings: dict[str, Any] | None,
    folder: str | os.PathLike[str],
    threads: int | None,
    progress: bool | Report | None,
) -> Training:
    """A training to its end: a new one, or without settings that of the folder."""
    report = reporter(progress)
    try:
        told = _mixwell.train(settings, folder, threads, report)
    finally:
        if isinstance(report, Line):
            report.close()
    for text in told:
        warnings.warn(text, MixwellWarning, stacklevel=4)
    return Training(_mixwell.read_training(folder))
