"""Methods: kernels, and when they adapt and a flow is trained.

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from . import kernels, tables
from ._table import Table

__all__ = [
    "Auto",
    "Ddls",
    "DiscriminatorRejection",
    "Ex2",
    "Flex2",
    "Flowmc",
    "Kernel",
    "MethodSettings",
    "MhGan",
    "Neutra",
    "Repgan",
    "Schedule",
    "ScoreClimbing",
]


class MethodSettings(Table):
    """How a run goes: kernels, and when they adapt and a flow is trained."""


@dataclass(frozen=True, kw_only=True)
class Auto(MethodSettings):
    """Looks at the target first and chooses: NUTS alone, or a flow with local steps.

    Attributes
    ----------
    share
        Most that the look may cost, as a share of the gradients that 1000 steps of warm-up and the draws would take by NUTS with trajectories of 1024
        steps. What it takes where NUTS is right is less: 400 steps of up to 18 chains.
    wide
        How much further out the second group of chains starts, in units of the starts' spread; 1 for no second group.
    """

    kind: ClassVar[str] = "auto"
    share: float = 0.2
    wide: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Ex2(MethodSettings):
    """I-SIR followed by local steps; the proposal does not learn shapes, only mean and covariance.

    Attributes
    ----------
    frozen
        Draws after freezing that are not production yet.
    global_
        The global move. With the proposal ``flow``, mean and covariance are fitted to the warm-up draws.
    local
        The local kernel.
    local_steps
        Local steps after each global move; one round is one draw.
    warmup
        Rounds of warm-up.
    """

    kind: ClassVar[str] = "ex2"
    _bare: ClassVar[frozenset[str]] = frozenset({"global_"})
    frozen: int = 50
    global_: kernels.Isir | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Isir(n_particles=32))
    local: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Mala(metric="diagonal"))
    local_steps: int = 5
    warmup: int = 500


@dataclass(frozen=True, kw_only=True)
class Flex2(MethodSettings):
    """Ex2 with a flow trained on all particles while sampling, then frozen.

    Attributes
    ----------
    apart
        Rounds of one local step before the first jump. From the last half of them the flow learns every mode that chains start in, and goes on to learn
        from past draws beside the particles; without them, jumps of a flow that knows nothing empty the light modes before it can. With ``history =
        "reservoir"`` these draws are never all forgotten. Zero for none, as published.
    apart_epochs
        Passes over the states of these rounds, of which the best by those held out is kept.
    burn_in
        Rounds before training starts; without ``apart``, the flow's whitening is set from their last half.
    frozen
        Draws after freezing that are not production yet.
    global_
        The global move.
    local
        The local kernel.
    local_steps
        Local steps after each global move; one round is one draw.
    mix
        The weight of the forward part of the loss (the rest is reverse KL).
    tempering
        Inverse temperature of the target that the flow learns, over the training.
    train_iterations
        Rounds with one training step each.
    tune
        Rounds after training in which only step sizes adapt.
    """

    kind: ClassVar[str] = "flex2"
    _bare: ClassVar[frozenset[str]] = frozenset({"global_"})
    apart: int = 0
    apart_epochs: int = 30
    burn_in: int = 200
    frozen: int = 100
    global_: kernels.Isir | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Isir())
    local: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Mala(metric="diagonal"))
    local_steps: int = 5
    mix: tables.ConstantMixSchedule | tables.RampMixSchedule | abc.Mapping[str, Any] = field(default_factory=lambda: tables.RampMixSchedule(cap=0.5, slope=3.0))
    tempering: tables.ConstantTempering | tables.RampTempering | abc.Mapping[str, Any] = field(default_factory=lambda: tables.ConstantTempering(beta=1.0))
    train_iterations: int = 1000
    tune: int = 100


@dataclass(frozen=True, kw_only=True)
class Flowmc(MethodSettings):
    """Rounds of local steps, flow training and flow proposals; then the same with the flow frozen.

    Attributes
    ----------
    epochs
        Passes over the replay buffer per round.
    frozen
        Draws after freezing that are not production yet.
    global_
        The global kernel: independent Metropolis-Hastings or i-SIR.
    global_steps
        Global steps per round.
    local
        The local kernel.
    local_steps
        Local steps per round.
    training_loops
        Rounds with training.
    """

    kind: ClassVar[str] = "flowmc"
    epochs: int = 5
    frozen: int = 110
    global_: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.IndependentMh())
    global_steps: int = 10
    local: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Mala(metric="diagonal"))
    local_steps: int = 100
    training_loops: int = 20


@dataclass(frozen=True, kw_only=True)
class Neutra(MethodSettings):
    """A local kernel in the latent space of a flow trained beforehand. Does not cross between separate modes.

    Attributes
    ----------
    epochs
        Passes over the replay buffer per round.
    frozen
        Draws after freezing that are not production yet.
    inner
        The kernel that runs in latent space.
    local
        The kernel that makes the flow's first training data.
    local_steps
        Local steps per round.
    reverse_steps
        Reverse-KL steps per round, after the passes.
    tempering
        Inverse temperature of the target in the reverse-KL steps, over the training.
    training_loops
        Rounds of sampling and training.
    tune
        Latent steps in which the inner kernel adapts to the trained flow.
    """

    kind: ClassVar[str] = "neutra"
    epochs: int = 5
    frozen: int = 50
    inner: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Hmc())
    local: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Mala(metric="diagonal"))
    local_steps: int = 100
    reverse_steps: int = 0
    tempering: tables.ConstantTempering | tables.RampTempering | abc.Mapping[str, Any] = field(default_factory=lambda: tables.ConstantTempering(beta=1.0))
    training_loops: int = 10
    tune: int = 300


@dataclass(frozen=True, kw_only=True)
class ScoreClimbing(MethodSettings):
    """I-SIR with a flow that follows the gradient of its log-density at the chains' states.

    Attributes
    ----------
    frozen
        Draws after freezing that are not production yet.
    global_
        The global move, a conditional importance sampler.
    local
        The local kernel.
    local_steps
        Local steps after each global move; 0 for the method as published.
    train_iterations
        Rounds with one training step each.
    tune
        Rounds after training in which only step sizes adapt.
    """

    kind: ClassVar[str] = "score_climbing"
    _bare: ClassVar[frozenset[str]] = frozenset({"global_"})
    frozen: int = 100
    global_: kernels.Isir | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Isir(n_particles=10))
    local: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Mala(metric="diagonal"))
    local_steps: int = 0
    train_iterations: int = 2000
    tune: int = 0


@dataclass(frozen=True, kw_only=True)
class DiscriminatorRejection(MethodSettings):
    """Draws of a GAN's prior, refused by what its discriminator says of them.

    Attributes
    ----------
    candidates
        Candidates after which the best is taken.
    gamma
        What is subtracted from the log-odds: ``{ percentile = 95.0 }`` as published, ``{ fixed = 0.0 }`` for plain rejection sampling.
    pilot
        Steps of the pilot, each of at least 64 candidates a chain.
    """

    kind: ClassVar[str] = "discriminator_rejection"
    candidates: int = 640
    gamma: abc.Mapping[str, Any] = field(default_factory=lambda: {"percentile": 95.0})
    pilot: int = 156


@dataclass(frozen=True, kw_only=True)
class MhGan(MethodSettings):
    """A fresh chain of a GAN's draws for every draw, accepted by the ratios of its discriminator.

    Attributes
    ----------
    chain_length
        Proposals of a chain.
    proposal
        What is proposed: the prior of the latents (``base``), or another law.
    """

    kind: ClassVar[str] = "mh_gan"
    chain_length: int = 640
    proposal: tables.FlowProposal | tables.BaseProposal | tables.AveragedProposal | tables.GaussianProposal | tables.BlendedGaussianProposal | tables.DefensiveProposal | abc.Mapping[str, Any] = field(default_factory=lambda: tables.BaseProposal())


@dataclass(frozen=True, kw_only=True)
class Ddls(MethodSettings):
    """Langevin chains among a GAN's latents, without rejection: biased by the step size.

    Attributes
    ----------
    chain_length
        Steps of a chain.
    keep
        Which states are draws: ``last`` or ``all``.
    step_size
        Step: ``{ tau = .. }`` is the variance of the noise, as the papers write it; a plain number is half of it.
    """

    kind: ClassVar[str] = "ddls"
    chain_length: int = 1000
    keep: Literal["last", "all"] = "last"
    step_size: float | abc.Mapping[str, Any] = 0.005


@dataclass(frozen=True, kw_only=True)
class Repgan(MethodSettings):
    """Langevin chains among a GAN's latents, with rejection.

    Attributes
    ----------
    chain_length
        Steps of a chain.
    keep
        Which states are draws: ``last`` or ``all``.
    step_size
        Step: ``{ tau = .. }`` is the variance of the noise, as the papers write it; a plain number is half of it.
    """

    kind: ClassVar[str] = "repgan"
    chain_length: int = 640
    keep: Literal["last", "all"] = "last"
    step_size: float | abc.Mapping[str, Any] = 0.005


@dataclass(frozen=True, kw_only=True)
class Kernel(MethodSettings):
    """One kernel with a warm-up.

    Attributes
    ----------
    frozen
        Draws after freezing that are not production yet.
    kernel
        The kernel.
    warmup
        Steps in which it adapts.
    """

    kind: ClassVar[str] = "kernel"
    frozen: int = 0
    kernel: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Nuts())
    warmup: int = 1000


@dataclass(frozen=True, kw_only=True)
class Schedule(MethodSettings):
    """Kernels and stages of your own.

    Attributes
    ----------
    frozen
        Draws after freezing that are not production yet.
    kernels
        The kernels, by the names that moves use.
    production
        The cycle of production moves.
    warmup
        Stages of the warm-up.
    """

    kind: ClassVar[str] = "schedule"
    frozen: int = 0
    kernels: abc.Mapping[str, kernels.KernelSettings | abc.Mapping[str, Any]]
    production: abc.Sequence[tables.Move | abc.Mapping[str, Any]]
    warmup: abc.Sequence[tables.Stage | abc.Mapping[str, Any]] = ()
