"""Tables of settings within trainings.

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from . import layers, tables, targets, trainers
from ._table import Table

__all__ = [
    "AdamUpdateRule",
    "AdamWUpdateRule",
    "AdamaxUpdateRule",
    "AllSelection",
    "Bank",
    "BaseChainStart",
    "BaseStartLaw",
    "CovarianceBaseChoice",
    "DataStartLaw",
    "DenoisingScoreMethod",
    "EnergyLaw",
    "Evaluation",
    "FlowBaseChoice",
    "FlowStartLaw",
    "Gan",
    "GanSource",
    "HingeGanLoss",
    "ImageFiles",
    "Images",
    "ImagesChainStart",
    "JsGanLoss",
    "LastSelection",
    "LogitPixelMap",
    "MomentsBaseChoice",
    "MomentsStartLaw",
    "NetworkSpec",
    "NoiseChainStart",
    "NoneBaseChoice",
    "Optimiser",
    "Points",
    "Pretraining",
    "Ratio",
    "Regulariser",
    "ScalePixelMap",
    "SgdUpdateRule",
    "SlicedScoreMethod",
    "SpacedSelection",
    "Training",
    "TrainingOutput",
    "UniformStartLaw",
    "Watch",
    "WganGanLoss",
]


@dataclass(frozen=True, kw_only=True)
class NoneBaseChoice(Table):
    """None: ``exp(-E)`` alone, which need not be integrable."""

    kind: ClassVar[str] = "none"


@dataclass(frozen=True, kw_only=True)
class MomentsBaseChoice(Table):
    """Independent normal coordinates with the mean of the data and their largest standard deviation, times ``scale``.

    Attributes
    ----------
    scale
        Factor on the standard deviation.
    """

    kind: ClassVar[str] = "moments"
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class CovarianceBaseChoice(Table):
    """A Gaussian with the mean and the covariance of the data."""

    kind: ClassVar[str] = "covariance"


@dataclass(frozen=True, kw_only=True)
class FlowBaseChoice(Table):
    """The flow as it is when it has been fitted to the data."""

    kind: ClassVar[str] = "flow"


@dataclass(frozen=True, kw_only=True)
class BaseChainStart(Table):
    """At draws of the base of the energy."""

    kind: ClassVar[str] = "base"


@dataclass(frozen=True, kw_only=True)
class ImagesChainStart(Table):
    """At images, the first ones.

    Attributes
    ----------
    path
        Where they lie.
    """

    kind: ClassVar[str] = "images"
    path: str | abc.Sequence[str]


@dataclass(frozen=True, kw_only=True)
class NoiseChainStart(Table):
    """At points with independent coordinates, uniform between two numbers.

    Attributes
    ----------
    high
        The higher.
    low
        The lower.
    """

    kind: ClassVar[str] = "noise"
    high: float
    low: float


@dataclass(frozen=True, kw_only=True)
class JsGanLoss(Table):
    """The score is the logit of a classifier; the generator's loss does not saturate.

    Attributes
    ----------
    penalty
        Factor of the gradient penalty between data and generated points; 0 for none.
    """

    kind: ClassVar[str] = "js"
    penalty: float = 0.0


@dataclass(frozen=True, kw_only=True)
class HingeGanLoss(Table):
    """The score is pushed above 1 on data and below -1 on generated points.

    Attributes
    ----------
    penalty
        Factor of the gradient penalty between data and generated points; 0 for none.
    """

    kind: ClassVar[str] = "hinge"
    penalty: float = 0.0


@dataclass(frozen=True, kw_only=True)
class WganGanLoss(Table):
    """The score is a critic whose slope is held, by a penalty or by bounded weights.

    Attributes
    ----------
    clip
        Every weight of the critic is kept within plus and minus this after a step, in the penalty's place; 0 for no bound.
    penalty
        Factor of the gradient penalty between data and generated points; 0 for none.
    """

    kind: ClassVar[str] = "wgan"
    clip: float = 0.0
    penalty: float = 10.0


@dataclass(frozen=True, kw_only=True)
class ScalePixelMap(Table):
    """Black becomes ``low``, white ``high``.

    Attributes
    ----------
    high
        What white becomes.
    low
        What black becomes.
    """

    kind: ClassVar[str] = "scale"
    high: float = 1.0
    low: float = -1.0


@dataclass(frozen=True, kw_only=True)
class LogitPixelMap(Table):
    """The logit of ``alpha / 2 + (1 - alpha) x``: all real numbers are possible, and dark pixels are spread out.

    Attributes
    ----------
    alpha
        At least 0 and below 1: keeps pixels off the ends.
    """

    kind: ClassVar[str] = "logit"
    alpha: float = 0.05


@dataclass(frozen=True, kw_only=True)
class DenoisingScoreMethod(Table):
    """On blurred points.

    Attributes
    ----------
    sigma
        Standard deviation of the blur, in the units of the data.
    """

    kind: ClassVar[str] = "denoising"
    sigma: float


@dataclass(frozen=True, kw_only=True)
class SlicedScoreMethod(Table):
    """Along random directions.

    Attributes
    ----------
    width
        Step to either side for second derivatives, in the units of the data.
    """

    kind: ClassVar[str] = "sliced"
    width: float = 0.02


@dataclass(frozen=True, kw_only=True)
class LastSelection(Table):
    """The last of every chain."""

    kind: ClassVar[str] = "last"


@dataclass(frozen=True, kw_only=True)
class AllSelection(Table):
    """All of every chain."""

    kind: ClassVar[str] = "all"


@dataclass(frozen=True, kw_only=True)
class SpacedSelection(Table):
    """This many of every chain, evenly spaced, the last among them; so many times fewer chains are moved.

    Attributes
    ----------
    states
        States of a chain.
    """

    kind: ClassVar[str] = "spaced"
    states: int


@dataclass(frozen=True, kw_only=True)
class MomentsStartLaw(Table):
    """Independent normal coordinates with the mean and ``scale`` times the standard deviation of the data.

    Attributes
    ----------
    scale
        Factor on the standard deviation.
    """

    kind: ClassVar[str] = "moments"
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class UniformStartLaw(Table):
    """Uniform in a box.

    Attributes
    ----------
    high
        Upper end of every coordinate.
    low
        Lower end of every coordinate.
    """

    kind: ClassVar[str] = "uniform"
    high: float
    low: float


@dataclass(frozen=True, kw_only=True)
class DataStartLaw(Table):
    """Rows of the data."""

    kind: ClassVar[str] = "data"


@dataclass(frozen=True, kw_only=True)
class BaseStartLaw(Table):
    """The base of the energy."""

    kind: ClassVar[str] = "base"


@dataclass(frozen=True, kw_only=True)
class FlowStartLaw(Table):
    """The flow."""

    kind: ClassVar[str] = "flow"


@dataclass(frozen=True, kw_only=True)
class SgdUpdateRule(Table):
    """Along the gradient, with momentum (Nesterov's, too); weight decay is part of the gradient.

    Attributes
    ----------
    momentum
        Share of the last step's direction that is kept; 0 for none.
    nesterov
        Whether the gradient looks ahead along the momentum (Nesterov).
    """

    kind: ClassVar[str] = "sgd"
    momentum: float = 0.0
    nesterov: bool = False


@dataclass(frozen=True, kw_only=True)
class AdamUpdateRule(Table):
    """Mean over root mean square of the gradient; weight decay is part of the gradient.

    Attributes
    ----------
    beta1
        Memory of the gradient's mean.
    beta2
        Memory of the gradient's square.
    epsilon
        Added to the root of the mean square.
    """

    kind: ClassVar[str] = "adam"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-08


@dataclass(frozen=True, kw_only=True)
class AdamWUpdateRule(Table):
    """The same with weight decay apart from the gradient.

    Attributes
    ----------
    beta1
        Memory of the gradient's mean.
    beta2
        Memory of the gradient's square.
    epsilon
        Added to the root of the mean square.
    """

    kind: ClassVar[str] = "adam_w"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-08


@dataclass(frozen=True, kw_only=True)
class AdamaxUpdateRule(Table):
    """Mean over largest size of the gradient; weight decay is part of the gradient.

    Attributes
    ----------
    beta1
        Memory of the gradient's mean.
    beta2
        Memory of the gradient's largest size.
    epsilon
        Added to the gradient's size.
    """

    kind: ClassVar[str] = "adamax"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-08


@dataclass(frozen=True, kw_only=True)
class Bank(Table):
    """The bank of persistent points.

    Attributes
    ----------
    max_radius
        Points farther from the origin than this begin anew.
    memory
        How chains begin at an update.
    restart
        Probability that a chain begins anew at an update.
    size
        Number of points; at least as many as chains that move, and those alone with 0.
    """

    max_radius: float | None = None
    memory: Literal["persistent", "data", "fresh"] = "persistent"
    restart: float = 0.0
    size: int = 8192


@dataclass(frozen=True, kw_only=True)
class EnergyLaw(Table):
    """The law ``exp(-E / temperature) base``.

    Attributes
    ----------
    base
        The base; ``flow`` for ``nt`` and ``nce`` unless said otherwise, and else ``moments``.
    network
        The network: its description, a file with it (.toml, .json), or a name of ``mixwell list networks``; it has one output. Without,
        ``d-32-64-64-64-1`` with leaky ReLU .05.
    temperature
        Divides the energy.
    zero_start
        Whether the energy starts at zero everywhere, so that the first law is the base.
    """

    base: NoneBaseChoice | MomentsBaseChoice | CovarianceBaseChoice | FlowBaseChoice | abc.Mapping[str, Any] | None = None
    network: str | NetworkSpec | abc.Mapping[str, Any] | None = None
    temperature: float = 1.0
    zero_start: bool = True


@dataclass(frozen=True, kw_only=True)
class Evaluation(Table):
    """What is measured of a law besides its losses.

    Attributes
    ----------
    chains
        Chains that move by the trainer's kernels on the law that was learned, from where chains of an update begin; 0 for none.
    modes_every
        Updates between two looks at the weights of modes, where data are draws of a law with known modes; 0 for none. Columns of the curve: ``mode_1``,
        .. of the law, by quadrature in the plane, and ``negatives_1``, .. of the negatives of an update.
    steps
        Their steps.
    """

    chains: int = 0
    modes_every: int = 0
    steps: int = 0


@dataclass(frozen=True, kw_only=True)
class Gan(Table):
    """How a GAN is trained.

    Attributes
    ----------
    average
        Memory of the moving average of the generator's weights, which is then what is kept, e.g. 0.999; 0 for the weights themselves.
    batch
        Data of a step, and generated points beside them.
    discriminator_optimiser
        Optimiser of the discriminator.
    discriminator_steps
        Steps of the discriminator before each of the generator.
    generator_optimiser
        Optimiser of the generator.
    loss
        What both networks minimise: ``js``, ``hinge`` or ``wgan``, with its settings.
    prior
        The law of the latents: ``{ kind = "normal" }``, or ``uniform`` from -1 to 1.
    """

    average: float = 0.0
    batch: int = 64
    discriminator_optimiser: Optimiser | abc.Mapping[str, Any] = field(default_factory=lambda: Optimiser(clip_norm=0.0, learning_rate=0.0002, rule=AdamUpdateRule(beta1=0.5, beta2=0.9)))
    discriminator_steps: int = 1
    generator_optimiser: Optimiser | abc.Mapping[str, Any] = field(default_factory=lambda: Optimiser(clip_norm=0.0, learning_rate=0.0002, rule=AdamUpdateRule(beta1=0.5, beta2=0.9)))
    loss: JsGanLoss | HingeGanLoss | WganGanLoss | abc.Mapping[str, Any] = field(default_factory=lambda: JsGanLoss())
    prior: tables.NormalLatentPrior | tables.UniformLatentPrior | abc.Mapping[str, Any] = field(default_factory=lambda: tables.NormalLatentPrior())


@dataclass(frozen=True, kw_only=True)
class GanSource(Table):
    """A GAN.

    Attributes
    ----------
    discriminator
        Its discriminator, beside which the ratio is set.
    generator
        A generator in the folder's place.
    path
        The folder of a training of ``kind = "gan"``; its data are learned from unless others are given.
    prior
        The law of the latents of that generator.
    """

    discriminator: str | tables.DescribedFiles | abc.Mapping[str, Any] | None = None
    generator: str | tables.DescribedFiles | abc.Mapping[str, Any] | None = None
    path: str | None = None
    prior: tables.NormalLatentPrior | tables.UniformLatentPrior | abc.Mapping[str, Any] = field(default_factory=lambda: tables.NormalLatentPrior())


@dataclass(frozen=True, kw_only=True)
class ImageFiles(Table):
    """Where images with their classes lie. A path may begin with an environment variable, ``${NAME}/train-images-idx3-ubyte.gz``.

    Attributes
    ----------
    pixels
        What black (0) and white (255) become.
    test
        Images that are only looked at when all is done.
    train
        Images to learn from: idx (as of MNIST, labels beside it), CIFAR's binary, optdigits, plain or gzip, or a folder of PNG pictures in a folder for
        each class. Several files are one set.
    """

    pixels: abc.Sequence[float] = (0.0, 1.0)
    test: str | abc.Sequence[str] | None = None
    train: str | abc.Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Images(Table):
    """Images as data. They become points once, before training.

    Attributes
    ----------
    classes
        Classes to learn from; all without it.
    dequantise
        Grey values over which every pixel is spread evenly, since bytes have no density: 1, or as many as lie between those that the files use; 0 for
        none.
    map
        Where pixels go.
    mirror
        Whether mirror images are learned from, too.
    most
        No more than so many of the images to learn from; the first ones.
    pad
        Height and width of a black frame around the images, ``[32, 32]``; their own size without it.
    path
        Images to learn from: idx (as of MNIST), CIFAR's binary, optdigits, plain or gzip, or a folder of PNG pictures. Several files are one set. A path
        may begin with an environment variable, ``${NAME}/train-images-idx3-ubyte.gz``.
    test
        Images that are only looked at when all is done, the first 2000 of them.
    """

    classes: abc.Sequence[int] | None = None
    dequantise: float = 1.0
    map: ScalePixelMap | LogitPixelMap | abc.Mapping[str, Any] = field(default_factory=lambda: ScalePixelMap())
    mirror: bool = False
    most: int | None = None
    pad: abc.Sequence[int] | None = None
    path: str | abc.Sequence[str]
    test: str | abc.Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkSpec(Table):
    """A network: what goes in, and the layers one after the other. In TOML:.

    Attributes
    ----------
    input
        The shape of a row: ``[n]`` or ``[channels, height, width]``.
    layers
        The layers.
    """

    input: abc.Sequence[int]
    layers: abc.Sequence[layers.LayerSettings | abc.Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Optimiser(Table):
    """Settings of the optimiser. In TOML:.

    Attributes
    ----------
    clip_norm
        Largest norm of a gradient, longer ones are shortened to it; 0 for no limit.
    learning_rate
        Learning rate before schedule and warm-up.
    rule
        How a gradient becomes a step: ``sgd``, ``adam``, ``adam_w`` or ``adamax``, with its settings.
    schedule
        How the learning rate changes.
    warmup_steps
        Steps over which the learning rate rises linearly from zero; 0 for none.
    weight_decay
        Weight decay; 0 for none.
    """

    clip_norm: float = 1.0
    learning_rate: float = 0.001
    rule: SgdUpdateRule | AdamUpdateRule | AdamWUpdateRule | AdamaxUpdateRule | abc.Mapping[str, Any] = field(default_factory=lambda: AdamWUpdateRule())
    schedule: tables.ConstantLearningRate | tables.StepLearningRate | tables.ExponentialLearningRate | tables.InverseTimeLearningRate | tables.CosineLearningRate | tables.LinearLearningRate | abc.Mapping[str, Any] = field(default_factory=lambda: tables.ConstantLearningRate())
    warmup_steps: int = 0
    weight_decay: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Points(Table):
    """Where points come from.

    Attributes
    ----------
    images
        Images instead.
    law
        A target that can be drawn from exactly, e.g. ``{ kind = "rings" }``.
    rows
        Draws of the law.
    seed
        Seed of these draws, and of the dequantisation of images: the same data for every seed of the training.
    table
        A table of numbers instead, a point in every row. May begin with an environment variable, ``${NAME}/points.csv``.
    """

    images: Images | abc.Mapping[str, Any] | None = None
    law: targets.TargetSettings | abc.Mapping[str, Any] | None = None
    rows: int = 10000
    seed: int = 1
    table: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pretraining(Table):
    """How a flow is fitted to the data.

    Attributes
    ----------
    average
        Memory of the moving average of the flow's weights, which is what is kept, e.g. 0.999; 0 for the weights themselves.
    batch
        Data of a step, or all of them where there are fewer.
    optimiser
        The optimiser.
    steps
        Steps; 0 for the whitening alone.
    """

    average: float = 0.0
    batch: int = 256
    optimiser: Optimiser | abc.Mapping[str, Any] = field(default_factory=lambda: Optimiser(learning_rate=0.01))
    steps: int = 1024


@dataclass(frozen=True, kw_only=True)
class Ratio(Table):
    """How a density ratio is trained.

    Attributes
    ----------
    batch
        Data of a step, and generated points beside them.
    look_every
        Updates between looks at what is held out.
    optimiser
        The optimiser. A schedule of ``total = 0`` steps is as long as the training.
    patience
        Stop after so many looks without a lower loss; 0 never stops early.
    penalty
        Factor of ``(mean e^r - 1)^2`` over the generated points of a step; 0 for none.
    validation
        Share of the data that is held out, with as many generated points.
    """

    batch: int = 128
    look_every: int = 100
    optimiser: Optimiser | abc.Mapping[str, Any] = field(default_factory=lambda: Optimiser())
    patience: int = 20
    penalty: float = 0.0
    validation: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Regulariser(Table):
    """A penalty on large energies: it keeps the free constant of the energy near zero.

    Attributes
    ----------
    reduction
        Sum over the batch, as published, or mean.
    strength
        Factor on the squared energies; 0 for none.
    """

    reduction: Literal["sum", "mean"] = "sum"
    strength: float = 0.0001


@dataclass(frozen=True, kw_only=True)
class TrainingOutput(Table):
    """How a training is written down.

    Attributes
    ----------
    checkpoint_seconds
        Seconds between checkpoints.
    curve_every
        Updates between rows of the curve.
    """

    checkpoint_seconds: float = 30.0
    curve_every: int = 20


@dataclass(frozen=True, kw_only=True)
class Training(Table):
    """How an energy is trained.

    Attributes
    ----------
    average
        Memory of the moving average of the energy's weights, e.g. 0.999; 0 for the weights themselves.
    batch
        Data of an update.
    data_noise
        Standard deviation of normal noise added to data.
    flow_optimiser
        Optimiser of the flow.
    optimiser
        Optimiser of the energy.
    regulariser
        Penalty on large energies, where negatives and data are contrasted.
    trainer
        Where negatives come from and what the energy minimises.
    watch
        What is watched, and what is done when training diverges.
    """

    average: float = 0.0
    batch: int = 256
    data_noise: float = 0.0
    flow_optimiser: Optimiser | abc.Mapping[str, Any] = field(default_factory=lambda: Optimiser())
    optimiser: Optimiser | abc.Mapping[str, Any] = field(default_factory=lambda: Optimiser())
    regulariser: Regulariser | abc.Mapping[str, Any] = field(default_factory=lambda: Regulariser())
    trainer: trainers.TrainerSettings | abc.Mapping[str, Any] = field(default_factory=lambda: trainers.Flowmc())
    watch: Watch | abc.Mapping[str, Any] = field(default_factory=lambda: Watch())


@dataclass(frozen=True, kw_only=True)
class Watch(Table):
    """What is watched while an energy is trained, and what is done when training diverges.

    Attributes
    ----------
    every
        Updates between two looks at the health of the chains, and between states to go back to.
    max_gap
        Largest difference of mean energies, in units of the temperature; beyond, training has diverged.
    max_returns
        Times that training goes back before it is given up.
    slow_down
        Factor on the learning rate of the energy after going back.
    """

    every: int = 100
    max_gap: float = 1000.0
    max_returns: int = 10
    slow_down: float = 0.5
