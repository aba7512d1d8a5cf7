"""Tables of settings within kernels, methods, flows and targets, and those of a run.

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from . import targets
from ._table import Table

__all__ = [
    "AdaptiveSolver",
    "AveragedProposal",
    "BaseProposal",
    "BaseStart",
    "BlendedGaussianProposal",
    "Component",
    "ConstantLearningRate",
    "ConstantMixSchedule",
    "ConstantTempering",
    "CosineLearningRate",
    "DefensiveProposal",
    "DescribedFiles",
    "DualAveragingStepRule",
    "EqualSwapsLadderRule",
    "ExactDivergence",
    "ExactStart",
    "ExponentialLearningRate",
    "Factor",
    "FixedLadderRule",
    "FixedSolver",
    "FixedStepRule",
    "FlowProposal",
    "ForwardObjective",
    "GaussianProposal",
    "GaussianStart",
    "GeneratedImages",
    "HutchinsonDivergence",
    "InverseTimeLearningRate",
    "LatticeSymmetry",
    "LinearLearningRate",
    "MapsSymmetry",
    "MixedObjective",
    "MixtureComponent",
    "ModeStart",
    "ModesStart",
    "Move",
    "MultiplicativeStepRule",
    "NormalLatentPrior",
    "Output",
    "PermutationsSymmetry",
    "PointsStart",
    "PoolObjective",
    "RampMixSchedule",
    "RampTempering",
    "ReverseObjective",
    "RotationsSymmetry",
    "ScoreClimbingObjective",
    "SignFlipSymmetry",
    "SimpleStepRule",
    "Stage",
    "StepLearningRate",
    "Stop",
    "Thresholds",
    "TrainAction",
    "Training",
    "UniformLatentPrior",
    "UniformStart",
]


@dataclass(frozen=True, kw_only=True)
class ExactDivergence(Table):
    """One directional derivative per coordinate."""

    kind: ClassVar[str] = "exact"


@dataclass(frozen=True, kw_only=True)
class HutchinsonDivergence(Table):
    """The mean of ``p^T J p`` over fixed random signs ``p``: log-densities are estimates, the same at every call.

    Attributes
    ----------
    n_probes
        How many ``p``.
    seed
        What they are drawn from.
    """

    kind: ClassVar[str] = "hutchinson"
    n_probes: int = 8
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class EqualSwapsLadderRule(Table):
    """Until all pairs swap equally often.

    Attributes
    ----------
    lag
        Steps after which that has halved.
    rate
        Change of a log-gap per step and unit of difference in acceptance, at first.
    """

    kind: ClassVar[str] = "equal_swaps"
    lag: float = 100.0
    rate: float = 0.1


@dataclass(frozen=True, kw_only=True)
class FixedLadderRule(Table):
    """Not at all."""

    kind: ClassVar[str] = "fixed"


@dataclass(frozen=True, kw_only=True)
class NormalLatentPrior(Table):
    """Independent standard normal coordinates."""

    kind: ClassVar[str] = "normal"


@dataclass(frozen=True, kw_only=True)
class UniformLatentPrior(Table):
    """Independent uniform coordinates.

    Attributes
    ----------
    edges
        What becomes of the edges.
    high
        Largest value.
    low
        Smallest value.
    """

    kind: ClassVar[str] = "uniform"
    edges: Literal["map", "refuse"] = "map"
    high: float = 1.0
    low: float = -1.0


@dataclass(frozen=True, kw_only=True)
class ConstantLearningRate(Table):
    """It does not."""

    kind: ClassVar[str] = "constant"


@dataclass(frozen=True, kw_only=True)
class StepLearningRate(Table):
    """Multiplied by ``factor`` every ``every`` steps, in jumps.

    Attributes
    ----------
    every
        Steps between jumps.
    factor
        Factor of a jump.
    """

    kind: ClassVar[str] = "step"
    every: int
    factor: float


@dataclass(frozen=True, kw_only=True)
class ExponentialLearningRate(Table):
    """Multiplied by ``factor`` every ``every`` steps, smoothly.

    Attributes
    ----------
    every
        Steps over which the factor accumulates.
    factor
        The factor.
    """

    kind: ClassVar[str] = "exponential"
    every: int
    factor: float


@dataclass(frozen=True, kw_only=True)
class InverseTimeLearningRate(Table):
    """Divided by ``1 + t / every`` after ``t`` steps: the rates have an infinite sum and the squares a finite one, as stochastic approximation asks for (Robbins and Monro 1951).

    Attributes
    ----------
    every
        Steps after which the rate has halved.
    """

    kind: ClassVar[str] = "inverse_time"
    every: int


@dataclass(frozen=True, kw_only=True)
class CosineLearningRate(Table):
    """Half a cosine from 1 to ``floor`` over ``total`` steps, then ``floor``.

    Attributes
    ----------
    floor
        Fraction of the learning rate that is left.
    total
        Length; 0 for the whole training, where its length is known (``mixwell train``).
    """

    kind: ClassVar[str] = "cosine"
    floor: float
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class LinearLearningRate(Table):
    """A line from 1 to ``floor`` over ``total`` steps, then ``floor``.

    Attributes
    ----------
    floor
        Fraction of the learning rate that is left.
    total
        Length; 0 for the whole training, where its length is known (``mixwell train``).
    """

    kind: ClassVar[str] = "linear"
    floor: float
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class ConstantMixSchedule(Table):
    """Always ``forward``.

    Attributes
    ----------
    forward
        The weight, between 0 and 1.
    """

    kind: ClassVar[str] = "constant"
    forward: float


@dataclass(frozen=True, kw_only=True)
class RampMixSchedule(Table):
    """``min(cap, slope * t/T)``; the default is cap 0.5 and slope 3.

    Attributes
    ----------
    cap
        Largest weight.
    slope
        How fast it grows.
    """

    kind: ClassVar[str] = "ramp"
    cap: float
    slope: float


@dataclass(frozen=True, kw_only=True)
class ForwardObjective(Table):
    """Forward KL on past draws: ``-mean log q(x)`` over the replay buffer; for the flow ``flow_matching`` its own loss."""

    kind: ClassVar[str] = "forward"


@dataclass(frozen=True, kw_only=True)
class PoolObjective(Table):
    """Self-normalised forward KL over the particles of the last i-SIR step, weights and particles constant, mixed with reverse KL: ``a L_forward + (1 - a) L_reverse``.

    Attributes
    ----------
    mix
        The weight ``a`` of the forward part.
    """

    kind: ClassVar[str] = "pool"
    mix: ConstantMixSchedule | RampMixSchedule | abc.Mapping[str, Any] = field(default_factory=lambda: RampMixSchedule(cap=0.5, slope=3.0))


@dataclass(frozen=True, kw_only=True)
class ReverseObjective(Table):
    """Reverse KL, ``mean[log rho(z) - log_det - log_prob(T(z))]`` over fresh latents."""

    kind: ClassVar[str] = "reverse"


@dataclass(frozen=True, kw_only=True)
class MixedObjective(Table):
    """Forward KL on past draws mixed with reverse KL.

    Attributes
    ----------
    mix
        The weight ``a`` of the forward part.
    """

    kind: ClassVar[str] = "mixed"
    mix: ConstantMixSchedule | RampMixSchedule | abc.Mapping[str, Any] = field(default_factory=lambda: RampMixSchedule(cap=0.5, slope=3.0))


@dataclass(frozen=True, kw_only=True)
class ScoreClimbingObjective(Table):
    """Markovian score climbing: the gradient of ``log q`` at the chains' new states (Naesseth et al. 2020)."""

    kind: ClassVar[str] = "score_climbing"


@dataclass(frozen=True, kw_only=True)
class FlowProposal(Table):
    """The flow of the run."""

    kind: ClassVar[str] = "flow"


@dataclass(frozen=True, kw_only=True)
class BaseProposal(Table):
    """The law that the target gives other weights to: the prior of a GAN's latents, the base of an energy."""

    kind: ClassVar[str] = "base"


@dataclass(frozen=True, kw_only=True)
class AveragedProposal(Table):
    """The flow of the run, averaged over the symmetries that the target states: it learns one image of each mode."""

    kind: ClassVar[str] = "averaged"


@dataclass(frozen=True, kw_only=True)
class GaussianProposal(Table):
    """A fixed Gaussian.

    Attributes
    ----------
    covariance
        Full covariance, one row per coordinate; empty for independent coordinates.
    mean
        Mean: one number, or one per coordinate.
    sd
        Standard deviations: one number, or one per coordinate. Ignored when ``covariance`` is given.
    """

    kind: ClassVar[str] = "gaussian"
    covariance: abc.Sequence[abc.Sequence[float]] = ()
    mean: abc.Sequence[float] = (0.0,)
    sd: abc.Sequence[float] = (1.0,)


@dataclass(frozen=True, kw_only=True)
class BlendedGaussianProposal(Table):
    """A fixed Gaussian between the shape of an ill-conditioned one and a ball.

    Attributes
    ----------
    blend
        Between -1 (the narrow ball) and 1 (the wide ball).
    like
        The Gaussian whose shape it has at ``blend = 0``.
    narrow
        Standard deviation of the narrow ball.
    wide
        Standard deviation of the wide ball.
    """

    kind: ClassVar[str] = "blended_gaussian"
    _bare: ClassVar[frozenset[str]] = frozenset({"like"})
    blend: float = 0.0
    like: targets.IllConditionedGaussian | abc.Mapping[str, Any] = field(default_factory=lambda: targets.IllConditionedGaussian())
    narrow: float = 0.1
    wide: float = 10.0


@dataclass(frozen=True, kw_only=True)
class DefensiveProposal(Table):
    """The flow mixed with a wide Gaussian.

    Attributes
    ----------
    weight
        Share of the Gaussian, between 0 and 1.
    wide
        The wide Gaussian.
    """

    kind: ClassVar[str] = "defensive"
    _bare: ClassVar[frozenset[str]] = frozenset({"wide"})
    weight: float = 0.1
    wide: GaussianProposal | abc.Mapping[str, Any] = field(default_factory=lambda: GaussianProposal())


@dataclass(frozen=True, kw_only=True)
class AdaptiveSolver(Table):
    """Every row has steps of its own, so large that the error of each stays below ``atol + rtol |x|``.

    Attributes
    ----------
    atol
        Absolute tolerance, in whitened units; also that of the log-density.
    first_step
        First step tried.
    max_steps
        No step is shorter than ``1 / max_steps``, whatever its error.
    rtol
        Relative tolerance; not below 20 rounding errors of the precision.
    """

    kind: ClassVar[str] = "adaptive"
    atol: float = 1e-06
    first_step: float = 0.1
    max_steps: int = 200
    rtol: float = 1e-06


@dataclass(frozen=True, kw_only=True)
class FixedSolver(Table):
    """The same equal steps for all.

    Attributes
    ----------
    n_steps
        How many.
    """

    kind: ClassVar[str] = "fixed"
    n_steps: int


@dataclass(frozen=True, kw_only=True)
class UniformStart(Table):
    """Every coordinate uniform on (-radius, radius): the usual overdispersed default.

    Attributes
    ----------
    radius
        Half the width of the interval.
    """

    kind: ClassVar[str] = "uniform"
    radius: float


@dataclass(frozen=True, kw_only=True)
class GaussianStart(Table):
    """Every coordinate normal around zero.

    Attributes
    ----------
    scale
        Its standard deviation.
    """

    kind: ClassVar[str] = "gaussian"
    scale: float


@dataclass(frozen=True, kw_only=True)
class ModesStart(Table):
    """Chains are dealt out to the known mode centres of the target, with normal noise around them.

    Attributes
    ----------
    jitter
        Standard deviation of the noise.
    """

    kind: ClassVar[str] = "modes"
    jitter: float


@dataclass(frozen=True, kw_only=True)
class ModeStart(Table):
    """All chains at one known mode centre of the target, with normal noise around it: whether they find the others shows whether a method mixes.

    Attributes
    ----------
    jitter
        Standard deviation of the noise; zero for none.
    mode
        The mode, counted from zero.
    """

    kind: ClassVar[str] = "mode"
    jitter: float = 0.0
    mode: int


@dataclass(frozen=True, kw_only=True)
class BaseStart(Table):
    """Draws of the law that the target gives other weights to: the prior of a GAN's latents, the base of an energy."""

    kind: ClassVar[str] = "base"


@dataclass(frozen=True, kw_only=True)
class ExactStart(Table):
    """Exact draws, for targets that can make them."""

    kind: ClassVar[str] = "exact"


@dataclass(frozen=True, kw_only=True)
class PointsStart(Table):
    """Given points, one per row; chains beyond the last row start again at the first.

    Attributes
    ----------
    points
        The points.
    """

    kind: ClassVar[str] = "points"
    points: abc.Sequence[abc.Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class DualAveragingStepRule(Table):
    """Dual averaging."""

    kind: ClassVar[str] = "dual_averaging"


@dataclass(frozen=True, kw_only=True)
class MultiplicativeStepRule(Table):
    """A fixed factor up or down outside a band around the target.

    Attributes
    ----------
    factor
        Factor of one change, above 1.
    tolerance
        Half width of the band in which nothing changes.
    """

    kind: ClassVar[str] = "multiplicative"
    factor: float = 1.05
    tolerance: float = 0.03


@dataclass(frozen=True, kw_only=True)
class SimpleStepRule(Table):
    """A fixed factor up or down after every step.

    Attributes
    ----------
    rate
        Relative change of one step.
    """

    kind: ClassVar[str] = "simple"
    rate: float = 0.01


@dataclass(frozen=True, kw_only=True)
class FixedStepRule(Table):
    """The step size stays as it is."""

    kind: ClassVar[str] = "fixed"


@dataclass(frozen=True, kw_only=True)
class SignFlipSymmetry(Table):
    """``x -> -x``, of all coordinates or of some together.

    Attributes
    ----------
    coordinates
        The coordinates that change their sign together, counted from 0; empty for all.
    """

    kind: ClassVar[str] = "sign_flip"
    coordinates: abc.Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class PermutationsSymmetry(Table):
    """All orders of things that cannot be told apart: particles, components of a mixture.

    Attributes
    ----------
    arrays
        Arrays behind each other in which the things stand in the same order.
    count
        How many things there are; 0 for as many as there are coordinates for.
    first
        The first coordinate of the first array.
    size
        Coordinates of a thing, in each array.
    """

    kind: ClassVar[str] = "permutations"
    arrays: int = 1
    count: int = 0
    first: int = 0
    size: int = 1


@dataclass(frozen=True, kw_only=True)
class RotationsSymmetry(Table):
    """Rotations about the origin of all vectors that a point is made of.

    Attributes
    ----------
    reflections
        Whether mirror images are as likely, too.
    space
        Coordinates of space: the point is a list of vectors of so many.
    """

    kind: ClassVar[str] = "rotations"
    reflections: bool = False
    space: int = 3


@dataclass(frozen=True, kw_only=True)
class LatticeSymmetry(Table):
    """Shifts, mirror images and exchanges of axes of a lattice of sites.

    Attributes
    ----------
    exchanges
        Exchanges of axes of the same length.
    reflections
        Mirror images of every axis.
    shape
        Sites along every axis; their product is the number of coordinates.
    translations
        Shifts along every axis; the lattice has no ends.
    """

    kind: ClassVar[str] = "lattice"
    exchanges: bool = True
    reflections: bool = True
    shape: abc.Sequence[int] = (12, 12)
    translations: bool = True


@dataclass(frozen=True, kw_only=True)
class MapsSymmetry(Table):
    """Any maps ``x -> A x + b`` that keep volume, with their inverses.

    Attributes
    ----------
    matrices
        The matrices ``A``, each row after row.
    shifts
        The shifts ``b``, one for each matrix; empty for none.
    """

    kind: ClassVar[str] = "maps"
    matrices: abc.Sequence[abc.Sequence[abc.Sequence[float]]] = ()
    shifts: abc.Sequence[abc.Sequence[float]] = ()


@dataclass(frozen=True, kw_only=True)
class ConstantTempering(Table):
    """Always ``beta``; 1 for the target as it is.

    Attributes
    ----------
    beta
        The inverse temperature.
    """

    kind: ClassVar[str] = "constant"
    beta: float


@dataclass(frozen=True, kw_only=True)
class RampTempering(Table):
    """From ``from`` to 1 on a line, 1 from the share ``until`` of the training on.

    Attributes
    ----------
    from_
        The inverse temperature at the beginning.
    until
        The share of the planned training after which the target is no longer tempered.
    """

    kind: ClassVar[str] = "ramp"
    from_: float = 0.1
    until: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Component(Table):
    """One component of a mixture. Exactly one of ``scale``, ``scales`` and ``covariance`` is given.

    Attributes
    ----------
    covariance
        Covariance, as rows; symmetric and positive definite.
    mean
        Mean, one number per coordinate.
    scale
        Standard deviation of every coordinate.
    scales
        Standard deviation of each coordinate.
    weight
        Weight; the weights need not add up to one.
    """

    covariance: abc.Sequence[abc.Sequence[float]] | None = None
    mean: abc.Sequence[float] = ()
    scale: float | None = None
    scales: abc.Sequence[float] | None = None
    weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DescribedFiles(Table):
    """Arrays and the description of the network that they belong to.

    Attributes
    ----------
    description
        A TOML or JSON file, or a name of ``mixwell list networks``.
    key
        The arrays below this key only, e.g. ``model_state_dict``.
    strip
        Prefixes that are taken from the names, e.g. ``module.``.
    weights
        The file of arrays: PyTorch, NumPy, safetensors, ONNX.
    """

    description: str | None = None
    key: str | None = None
    strip: abc.Sequence[str] | None = None
    weights: str


@dataclass(frozen=True, kw_only=True)
class Factor(Table):
    """A factor of a product.

    Attributes
    ----------
    power
        The power it is raised to.
    target
        The target.
    """

    power: float = 1.0
    target: targets.TargetSettings | abc.Mapping[str, Any] = field(default_factory=lambda: targets.StandardGaussian())


@dataclass(frozen=True, kw_only=True)
class GeneratedImages(Table):
    """What images a generator makes.

    Attributes
    ----------
    black
        The number that stands for black.
    shape
        Channels, height, width; that of the generator where it makes images, else square and grey.
    white
        The number that stands for white.
    """

    black: float = -1.0
    shape: abc.Sequence[int] | None = None
    white: float = 1.0


@dataclass(frozen=True, kw_only=True)
class MixtureComponent(Table):
    """A component of a mixture of targets.

    Attributes
    ----------
    log_evidence
        ``ln Z`` of the component, where it does not state it itself; ``mixwell density`` or ``mixwell evidence`` estimate it.
    target
        The target.
    weight
        Weight; the weights need not add up to one.
    """

    log_evidence: float | None = None
    target: targets.TargetSettings | abc.Mapping[str, Any] = field(default_factory=lambda: targets.StandardGaussian())
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Move(Table):
    """Steps of one kernel; every step is one draw.

    Attributes
    ----------
    kernel
        The kernel, by its name in the method.
    times
        How many steps.
    """

    kernel: str
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Output(Table):
    """What is written, and how often.

    Attributes
    ----------
    checkpoint_seconds
        Seconds between checkpoints; one is also written at the end of each phase.
    evidence_draws
        Points drawn from the frozen proposal after sampling, for the evidence and the proposal's report (0: none).
    warmup
        Keep the draws of the warm-up (in groups of their own).
    """

    checkpoint_seconds: float = 30.0
    evidence_draws: int = 4096
    warmup: bool = True


@dataclass(frozen=True, kw_only=True)
class Stage(Table):
    """Some actions, repeated.

    Attributes
    ----------
    actions
        What is done each time, in order.
    repeat
        How many times the actions are run through.
    """

    actions: abc.Sequence[abc.Mapping[str, Any]]
    repeat: int


@dataclass(frozen=True, kw_only=True)
class Stop(Table):
    """When production ends before all draws are made. Zero switches a rule off.

    Attributes
    ----------
    ess
        Stop once every parameter's bulk and tail effective sample size reach this (0: no condition) ...
    rhat
        ... and every R-hat is at most this (0: no condition). With neither condition all draws are made.
    seconds
        Stop after this many seconds of sampling (0: never). The warm-up counts.
    """

    ess: float = 0.0
    rhat: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Thresholds(Table):
    """The bars of the verdict.

    Attributes
    ----------
    divergences
        Share of production trajectories that may diverge; fewer are a warning.
    ess
        ... but no more than this is asked for.
    ess_per_chain
        Smallest bulk and tail ESS per chain that passes, all chains together ...
    global_acceptance
        Acceptance of global moves below which there is a warning.
    heavy_tails
        Shape of the tails of a parameter's draws above which its mean and standard deviation are marked.
    late_chain
        How far the log-density of a chain's first draw may lie below the lowest of later draws, as a share of the distance from their median down to
        their lowest.
    mcse_sd
        Largest Monte Carlo error of a standard deviation that passes, as a share of it.
    pareto_k
        Shape of the tail of importance weights above which there is a warning.
    rhat
        Largest R-hat that passes.
    stuck
        Longest run without a move that passes, as a share of a chain.
    tail_mobility
        Smallest success of moves from the tails of a parameter that passes, as a share of the success of all moves; below one and a half times that there
        is a warning.
    """

    divergences: float = 0.01
    ess: float = 400.0
    ess_per_chain: float = 100.0
    global_acceptance: float = 0.05
    heavy_tails: float = 0.7
    late_chain: float = 0.5
    mcse_sd: float = 0.2
    pareto_k: float = 0.7
    rhat: float = 1.01
    stuck: float = 0.1
    tail_mobility: float = 0.4


@dataclass(frozen=True, kw_only=True)
class TrainAction(Table):
    """One training call of a schedule.

    Attributes
    ----------
    epochs
        Passes over the examples (objective ``forward`` only; zero for the others).
    forget
        Empty the replay buffer afterwards, so that the next call learns from newer draws only.
    objective
        What is minimised.
    steps
        Single optimiser steps (zero when ``epochs`` is used).
    tempering
        Inverse temperature of the target that is learnt.
    whiten
        Set the flow's whitening to the mean and spread of the replay buffer before training.
    """

    epochs: int = 0
    forget: bool = False
    objective: ForwardObjective | PoolObjective | ReverseObjective | MixedObjective | ScoreClimbingObjective | abc.Mapping[str, Any] = field(default_factory=lambda: ForwardObjective())
    steps: int = 0
    tempering: ConstantTempering | RampTempering | abc.Mapping[str, Any] = field(default_factory=lambda: ConstantTempering(beta=1.0))
    whiten: bool = False


@dataclass(frozen=True, kw_only=True)
class Training(Table):
    """What all training calls of a run share.

    Attributes
    ----------
    batch
        Rows per optimiser step on past draws.
    clip_norm
        Gradients longer than this are shortened to it.
    history
        Which past draws are kept.
    jump_tolerance
        An update is skipped when the loss moved by more than this since the last good one.
    learning_rate
        Learning rate of Adam.
    max_examples
        How many past draws are kept, over all chains; the bound on the buffer's memory.
    patience
        Stop a call after this many epochs without a better validation loss; 0 never stops early.
    reverse_draws
        Fresh latents per optimiser step of the reverse KL.
    schedule
        How the learning rate moves with the number of steps.
    start_after
        Optimising calls that are skipped at the beginning, while chains find the target.
    validation
        Share of the examples held out to choose the best epoch.
    weight_decay
        Decoupled weight decay (AdamW).
    """

    batch: int = 1000
    clip_norm: float = 1.0
    history: Literal["window", "reservoir"] = "window"
    jump_tolerance: float = 1000000.0
    learning_rate: float = 0.001
    max_examples: int = 10000
    patience: int = 0
    reverse_draws: int = 100
    schedule: ConstantLearningRate | StepLearningRate | ExponentialLearningRate | InverseTimeLearningRate | CosineLearningRate | LinearLearningRate | abc.Mapping[str, Any] = field(default_factory=lambda: ConstantLearningRate())
    start_after: int = 0
    validation: float = 0.1
    weight_decay: float = 0.0001
