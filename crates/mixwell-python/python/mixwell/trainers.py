"""Trainers of energies.

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar

from . import kernels, tables, training_tables
from ._table import Table

__all__ = [
    "Coopflow",
    "Flowmc",
    "Jarzynski",
    "Nce",
    "Nt",
    "Score",
    "TrainerSettings",
    "Ula",
]


class TrainerSettings(Table):
    """How an energy is trained."""


@dataclass(frozen=True, kw_only=True)
class Ula(TrainerSettings):
    """Chains of any kernel from a bank, Langevin unless said otherwise: CD, PCD, short-run.

    Attributes
    ----------
    bank
        The persistent points.
    kernel
        How chains move; without flow.
    negatives
        Which states are negatives.
    start
        Where chains begin, and begin anew.
    steps
        Steps of an update.
    """

    kind: ClassVar[str] = "ula"
    bank: training_tables.Bank | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Bank())
    kernel: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Ula())
    negatives: training_tables.LastSelection | training_tables.AllSelection | training_tables.SpacedSelection | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.LastSelection())
    start: training_tables.MomentsStartLaw | training_tables.UniformStartLaw | training_tables.DataStartLaw | training_tables.BaseStartLaw | training_tables.FlowStartLaw | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.MomentsStartLaw())
    steps: int = 60


@dataclass(frozen=True, kw_only=True)
class Flowmc(TrainerSettings):
    """Chains that also jump by a flow, which learns from them: weights of modes can be believed.

    Attributes
    ----------
    bank
        The persistent points.
    jumps
        Jumps of a cycle.
    local
        How chains move locally.
    local_after
        Local steps after the jumps of a cycle.
    local_before
        Local steps before the jumps of a cycle.
    negatives
        Which states are negatives.
    particles
        Particles of a jump, the current point included.
    start
        Where chains begin, and begin anew.
    steps
        Steps of an update; a cycle that does not fit is cut.
    train_flow
        Whether the flow learns; one that does not must fit the data already.
    whole_cycles
        Whether a whole cycle counts as one step.
    """

    kind: ClassVar[str] = "flowmc"
    bank: training_tables.Bank | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Bank())
    jumps: int = 1
    local: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Mala(adapt=tables.SimpleStepRule()))
    local_after: int = 24
    local_before: int = 0
    negatives: training_tables.LastSelection | training_tables.AllSelection | training_tables.SpacedSelection | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.AllSelection())
    particles: int = 64
    start: training_tables.MomentsStartLaw | training_tables.UniformStartLaw | training_tables.DataStartLaw | training_tables.BaseStartLaw | training_tables.FlowStartLaw | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.FlowStartLaw())
    steps: int = 50
    train_flow: bool = True
    whole_cycles: bool = False


@dataclass(frozen=True, kw_only=True)
class Nt(TrainerSettings):
    """Chains in the latent space of a fixed flow, which the energy corrects.

    Attributes
    ----------
    bank
        The persistent latents.
    chains
        Chains that move at an update.
    kernel
        How latents move.
    negatives
        Which states are negatives.
    steps
        Steps of an update.
    """

    kind: ClassVar[str] = "nt"
    bank: training_tables.Bank | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Bank(size=0))
    chains: int = 64
    kernel: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Hmc(adapt=tables.SimpleStepRule(), metric="unit", n_leapfrog=3, step_size=0.15))
    negatives: training_tables.LastSelection | training_tables.AllSelection | training_tables.SpacedSelection | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.LastSelection())
    steps: int = 20


@dataclass(frozen=True, kw_only=True)
class Nce(TrainerSettings):
    """Tell data from draws of a flow; no chains.

    Attributes
    ----------
    oppose
        Whether the flow is trained against the energy.
    share
        Share of data in the loss.
    """

    kind: ClassVar[str] = "nce"
    oppose: bool = False
    share: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Jarzynski(TrainerSettings):
    """Walkers with weights that follow the energy: exact weights of modes.

    Attributes
    ----------
    resample_below
        Effective share of walkers below which they are resampled.
    step_size
        Langevin step: a number is ``eta`` (noise variance ``2 eta``); ``{ tau = .. }`` and ``{ dt = .. }`` are converted.
    steps
        Steps of an update.
    walkers
        Number of walkers, all of which are negatives.
    """

    kind: ClassVar[str] = "jarzynski"
    resample_below: float = 0.5
    step_size: float | abc.Mapping[str, Any] = 0.01
    steps: int = 4
    walkers: int = 1024


@dataclass(frozen=True, kw_only=True)
class Score(TrainerSettings):
    """Fit the gradient of the log-density; cheap, and blind to weights of modes.

    Attributes
    ----------
    method
        Denoising or sliced.
    """

    kind: ClassVar[str] = "score"
    method: training_tables.DenoisingScoreMethod | training_tables.SlicedScoreMethod | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.DenoisingScoreMethod(sigma=0.1))


@dataclass(frozen=True, kw_only=True)
class Coopflow(TrainerSettings):
    """A flow starts short runs without noise and learns from their ends; biased.

    Attributes
    ----------
    kernel
        How points move from the flow's draws.
    steps
        Steps of an update.
    """

    kind: ClassVar[str] = "coopflow"
    kernel: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Ula(max_drift=0.1, step_size=0.00045, temperature=0.0))
    steps: int = 30
