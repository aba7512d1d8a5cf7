"""Kernels: how a chain moves.

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from . import tables
from ._table import Table

__all__ = [
    "EllipticalSlice",
    "Hmc",
    "IndependentChain",
    "IndependentMh",
    "Isir",
    "KernelSettings",
    "Mala",
    "Mixture",
    "Neutra",
    "Nuts",
    "ParallelTempering",
    "RandomWalk",
    "Rejection",
    "Repeat",
    "Sequence",
    "Symmetry",
    "Ula",
]


class KernelSettings(Table):
    """How a chain moves."""


@dataclass(frozen=True, kw_only=True)
class RandomWalk(KernelSettings):
    """Random-walk Metropolis: no gradient needed.

    Attributes
    ----------
    adapt
        How the step size is adapted during warm-up.
    metric
        Metric learnt during warm-up: ``unit``, ``diagonal`` or ``dense``.
    step_size
        Standard deviation of a proposal in every coordinate.
    target_accept
        Acceptance that adaptation aims at.
    """

    kind: ClassVar[str] = "random_walk"
    adapt: tables.DualAveragingStepRule | tables.MultiplicativeStepRule | tables.SimpleStepRule | tables.FixedStepRule | abc.Mapping[str, Any] = field(default_factory=lambda: tables.DualAveragingStepRule())
    metric: Literal["unit", "diagonal", "dense"] = "unit"
    step_size: float = 0.1
    target_accept: float = 0.234


@dataclass(frozen=True, kw_only=True)
class Ula(KernelSettings):
    """Unadjusted Langevin: biased by its step size.

    Attributes
    ----------
    bounds
        Interval that every coordinate is clipped to after a step.
    max_drift
        Largest change of a coordinate by the gradient in one step.
    step_size
        Step: a number is ``eta`` (noise variance ``2 eta``); ``{ tau = .. }`` and ``{ dt = .. }`` are converted.
    temperature
        Temperature of the noise: its variance is ``2 eta temperature``; 0 switches the noise off.
    """

    kind: ClassVar[str] = "ula"
    bounds: abc.Sequence[float] | None = None
    max_drift: float | None = None
    step_size: float | abc.Mapping[str, Any] = 0.01
    temperature: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Mala(KernelSettings):
    """Langevin proposals with Metropolis correction.

    Attributes
    ----------
    adapt
        How the step size is adapted during warm-up.
    metric
        Metric learnt during warm-up: ``unit``, ``diagonal`` or ``dense``.
    step_size
        Step: a number is ``eta`` (proposal variance ``2 eta``); ``{ tau = .. }`` and ``{ dt = .. }`` are converted.
    target_accept
        Acceptance that adaptation aims at.
    """

    kind: ClassVar[str] = "mala"
    adapt: tables.DualAveragingStepRule | tables.MultiplicativeStepRule | tables.SimpleStepRule | tables.FixedStepRule | abc.Mapping[str, Any] = field(default_factory=lambda: tables.DualAveragingStepRule())
    metric: Literal["unit", "diagonal", "dense"] = "unit"
    step_size: float | abc.Mapping[str, Any] = 0.01
    target_accept: float = 0.574


@dataclass(frozen=True, kw_only=True)
class Hmc(KernelSettings):
    """Hamiltonian trajectories of fixed length.

    Attributes
    ----------
    adapt
        How the step size is adapted during warm-up.
    jitter
        Relative half width of the random step size of a trajectory; 0 for none.
    metric
        Metric learnt during warm-up: ``unit``, ``diagonal`` or ``dense``.
    n_leapfrog
        Leapfrog steps per trajectory.
    random_length
        Whether a trajectory's length is uniform on ``1..=n_leapfrog`` instead of ``n_leapfrog``.
    step_size
        Leapfrog step ``epsilon``.
    target_accept
        Acceptance that adaptation aims at.
    """

    kind: ClassVar[str] = "hmc"
    adapt: tables.DualAveragingStepRule | tables.MultiplicativeStepRule | tables.SimpleStepRule | tables.FixedStepRule | abc.Mapping[str, Any] = field(default_factory=lambda: tables.DualAveragingStepRule())
    jitter: float = 0.0
    metric: Literal["unit", "diagonal", "dense"] = "diagonal"
    n_leapfrog: int = 10
    random_length: bool = False
    step_size: float = 0.1
    target_accept: float = 0.651


@dataclass(frozen=True, kw_only=True)
class Nuts(KernelSettings):
    """Hamiltonian trajectories that stop before they turn back.

    Attributes
    ----------
    adapt
        How the step size is adapted during warm-up.
    max_depth
        Doublings of a trajectory at most, 1 to 20.
    metric
        Metric learnt during warm-up: ``unit``, ``diagonal`` or ``dense``.
    step_size
        Leapfrog step ``epsilon`` that warm-up starts from.
    target_accept
        Acceptance statistic that adaptation aims at.
    """

    kind: ClassVar[str] = "nuts"
    adapt: tables.DualAveragingStepRule | tables.MultiplicativeStepRule | tables.SimpleStepRule | tables.FixedStepRule | abc.Mapping[str, Any] = field(default_factory=lambda: tables.DualAveragingStepRule())
    max_depth: int = 10
    metric: Literal["unit", "diagonal", "dense"] = "diagonal"
    step_size: float = 0.1
    target_accept: float = 0.8


@dataclass(frozen=True, kw_only=True)
class EllipticalSlice(KernelSettings):
    """Slices on ellipses around a Gaussian: nothing to tune.

    Attributes
    ----------
    prior
        The Gaussian that is split off the target.
    """

    kind: ClassVar[str] = "elliptical_slice"
    _bare: ClassVar[frozenset[str]] = frozenset({"prior"})
    prior: tables.GaussianProposal | abc.Mapping[str, Any] = field(default_factory=lambda: tables.GaussianProposal())


@dataclass(frozen=True, kw_only=True)
class IndependentMh(KernelSettings):
    """Global moves: accept or reject one draw of the flow.

    Attributes
    ----------
    proposal
        What is proposed: ``flow``, ``gaussian`` or ``defensive``.
    """

    kind: ClassVar[str] = "independent_mh"
    proposal: tables.FlowProposal | tables.BaseProposal | tables.AveragedProposal | tables.GaussianProposal | tables.BlendedGaussianProposal | tables.DefensiveProposal | abc.Mapping[str, Any] = field(default_factory=lambda: tables.FlowProposal())


@dataclass(frozen=True, kw_only=True)
class Isir(KernelSettings):
    """Global moves: choose among many draws of the flow and the current point.

    Attributes
    ----------
    correlation
        Correlation of the particles' latents with the current point's, at least 0 and below 1; 0 for independent particles.
    correlation_prob
        Probability that a particle is correlated at all.
    n_particles
        Particles per chain and step, the current point included.
    proposal
        What the others are drawn from: ``flow``, ``gaussian`` or ``defensive``.
    """

    kind: ClassVar[str] = "isir"
    correlation: float = 0.0
    correlation_prob: float = 1.0
    n_particles: int = 64
    proposal: tables.FlowProposal | tables.BaseProposal | tables.AveragedProposal | tables.GaussianProposal | tables.BlendedGaussianProposal | tables.DefensiveProposal | abc.Mapping[str, Any] = field(default_factory=lambda: tables.FlowProposal())


@dataclass(frozen=True, kw_only=True)
class IndependentChain(KernelSettings):
    """A fresh chain of independent proposals per draw (MH-GAN): biased by its length.

    Attributes
    ----------
    proposal
        What is proposed: ``base`` (the prior of a GAN's latents), ``flow``, ``gaussian``.
    proposals
        Proposals of a chain.
    """

    kind: ClassVar[str] = "independent_chain"
    proposal: tables.FlowProposal | tables.BaseProposal | tables.AveragedProposal | tables.GaussianProposal | tables.BlendedGaussianProposal | tables.DefensiveProposal | abc.Mapping[str, Any] = field(default_factory=lambda: tables.BaseProposal())
    proposals: int = 640


@dataclass(frozen=True, kw_only=True)
class Rejection(KernelSettings):
    """Rejection sampling with a learned bound (DRS): biased where the bound is too small.

    Attributes
    ----------
    batch
        Candidates that are looked at together.
    candidates
        Candidates after which a step gives up and takes the best.
    gamma
        What is subtracted from the log-odds: ``{ fixed = 0.0 }`` for rejection sampling, ``{ percentile = 95.0 }`` as published for GANs.
    log_bound
        The bound ``M``, where it is known; else it is learned in the warm-up.
    proposal
        Where candidates come from: ``base`` (the prior of a GAN's latents), ``flow``, ``gaussian``.
    """

    kind: ClassVar[str] = "rejection"
    batch: int = 64
    candidates: int = 640
    gamma: abc.Mapping[str, Any] = field(default_factory=lambda: {"fixed": 0.0})
    log_bound: float | None = None
    proposal: tables.FlowProposal | tables.BaseProposal | tables.AveragedProposal | tables.GaussianProposal | tables.BlendedGaussianProposal | tables.DefensiveProposal | abc.Mapping[str, Any] = field(default_factory=lambda: tables.BaseProposal())


@dataclass(frozen=True, kw_only=True)
class Neutra(KernelSettings):
    """Another kernel in the flow's latent space.

    Attributes
    ----------
    kernel
        The kernel that moves the latents.
    proposal
        The transport: ``flow``, or ``gaussian`` for a fixed linear map.
    """

    kind: ClassVar[str] = "neutra"
    kernel: KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: Repeat())
    proposal: tables.FlowProposal | tables.BaseProposal | tables.AveragedProposal | tables.GaussianProposal | tables.BlendedGaussianProposal | tables.DefensiveProposal | abc.Mapping[str, Any] = field(default_factory=lambda: tables.FlowProposal())


@dataclass(frozen=True, kw_only=True)
class ParallelTempering(KernelSettings):
    """Replicas at higher temperatures that exchange points with the chain.

    Attributes
    ----------
    adapt
        How the temperatures between the ends are adapted during warm-up.
    kernel
        The kernel that moves the replicas, each at its temperature.
    max_temperature
        The hottest temperature; the chain's own is 1.
    n_steps
        Steps of that kernel at every temperature before a sweep of swaps.
    n_temperatures
        Number of temperatures, the chain's own included.
    reference
        A Gaussian that hot replicas are drawn to: ``log r + (log_prob - log r) / T``. Without one, ``log_prob / T``, which needs tails light enough to be
        tempered.
    spacing
        How temperatures are spaced at first: ``linear`` or ``geometric``.
    sweep
        Which pairs of neighbours a sweep tries: ``sequential`` (all) or ``even_odd`` (every second).
    """

    kind: ClassVar[str] = "parallel_tempering"
    _bare: ClassVar[frozenset[str]] = frozenset({"reference"})
    adapt: tables.EqualSwapsLadderRule | tables.FixedLadderRule | abc.Mapping[str, Any] = field(default_factory=lambda: tables.EqualSwapsLadderRule())
    kernel: KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: Mala())
    max_temperature: float = 5.0
    n_steps: int = 5
    n_temperatures: int = 5
    reference: tables.GaussianProposal | abc.Mapping[str, Any] | None = None
    spacing: Literal["linear", "geometric"] = "linear"
    sweep: Literal["sequential", "even_odd"] = "sequential"


@dataclass(frozen=True, kw_only=True)
class Symmetry(KernelSettings):
    """Images under the symmetries that the target states: exact and free."""

    kind: ClassVar[str] = "symmetry"


@dataclass(frozen=True, kw_only=True)
class Sequence(KernelSettings):
    """Kernels one after the other (default: Ex2MCMC).

    Attributes
    ----------
    parts
        The kernels, in order.
    """

    kind: ClassVar[str] = "sequence"
    parts: abc.Sequence[KernelSettings | abc.Mapping[str, Any]] = field(default_factory=lambda: (Isir(), Repeat()))


@dataclass(frozen=True, kw_only=True)
class Repeat(KernelSettings):
    """A kernel several times per step.

    Attributes
    ----------
    kernel
        The kernel.
    n_steps
        How many times.
    """

    kind: ClassVar[str] = "repeat"
    kernel: KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: Mala())
    n_steps: int = 5


@dataclass(frozen=True, kw_only=True)
class Mixture(KernelSettings):
    """One of several kernels at random, chain by chain.

    Attributes
    ----------
    parts
        The kernels to choose from.
    weights
        Their weights, which need not add up to 1; empty for equal ones.
    """

    kind: ClassVar[str] = "mixture"
    parts: abc.Sequence[KernelSettings | abc.Mapping[str, Any]] = field(default_factory=lambda: (IndependentMh(), Mala()))
    weights: abc.Sequence[float] = (0.1, 0.9)
