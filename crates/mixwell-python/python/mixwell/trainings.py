"""Trainings of classifiers, energies, GANs and density ratios.

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from . import flows, kernels, tables, training_tables
from ._table import Table

__all__ = [
    "Classifier",
    "Energy",
    "Gan",
    "LongChains",
    "Ratio",
    "TrainingSettings",
]


class TrainingSettings(Table):
    """What is trained, and how: the config of `mixwell train`."""


@dataclass(frozen=True, kw_only=True)
class Classifier(TrainingSettings):
    """A classifier of images.

    Attributes
    ----------
    average
        Memory of the moving average of the weights that is looked at and kept, e.g. 0.999; 0 for the weights themselves.
    batch
        Images a step.
    data
        The images.
    epochs
        Passes through the images, at most.
    jump_tolerance
        A step is left out when the loss moved by more than this since the last good one.
    network
        The network: its description, a file with it (.toml, .json), or a name of ``mixwell list networks``. A class is an output.
    optimiser
        The optimiser. A schedule of ``total = 0`` steps is as long as the training.
    output
        How the run is written down.
    patience
        Stop after so many passes without a better loss on what is held out; 0 never stops early.
    seed
        Seed of starting weights, order of examples and shifts.
    shift
        Every training image is moved by up to so many pixels either way, anew at every step.
    shuffle
        Whether every pass has an order of its own; otherwise images are taken as they lie.
    validation
        Share of the training images that are held out to choose the best pass.
    weights
        A file of weights to start from, of any kind that is read; random weights if absent.
    """

    kind: ClassVar[str] = "classifier"
    average: float = 0.0
    batch: int = 64
    data: training_tables.ImageFiles | abc.Mapping[str, Any]
    epochs: int = 10
    jump_tolerance: float = 1000000.0
    network: str | training_tables.NetworkSpec | abc.Mapping[str, Any]
    optimiser: training_tables.Optimiser | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Optimiser())
    output: training_tables.TrainingOutput | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.TrainingOutput())
    patience: int = 0
    seed: int = 1
    shift: int = 0
    shuffle: bool = True
    validation: float = 0.1
    weights: str | None = None


@dataclass(frozen=True, kw_only=True)
class Energy(TrainingSettings):
    """An energy-based model.

    Attributes
    ----------
    data
        The data.
    energy
        The law whose energy is trained.
    evaluation
        What is measured of the law while it is trained and afterwards.
    flow
        The flow, for trainers that use one; ``realnvp`` unless said otherwise.
    output
        How the run is written down.
    pretraining
        How the flow is fitted to the data before.
    seed
        Seed of starting weights, order of data, chains.
    training
        How the energy is trained.
    updates
        Updates of the energy.
    """

    kind: ClassVar[str] = "energy"
    data: training_tables.Points | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Points())
    energy: training_tables.EnergyLaw | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.EnergyLaw())
    evaluation: training_tables.Evaluation | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Evaluation())
    flow: flows.FlowSettings | abc.Mapping[str, Any] | None = None
    output: training_tables.TrainingOutput | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.TrainingOutput())
    pretraining: training_tables.Pretraining | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Pretraining())
    seed: int = 1
    training: training_tables.Training | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Training())
    updates: int = 2000


@dataclass(frozen=True, kw_only=True)
class Gan(TrainingSettings):
    """A generator of points or images, against a discriminator.

    Attributes
    ----------
    data
        The data.
    discriminator
        The discriminator, of one output without a function at its end. Without, four hidden layers of 100 with ReLU.
    generator
        The generator: its description, a file with it (.toml, .json), or a name of ``mixwell list networks``. Without, four hidden layers of 100 with
        ReLU.
    keep_at
        Updates after which there is a snapshot, too.
    keep_every
        Updates between snapshots of both networks, ``generator-0100.safetensors`` and so on; 0 for none.
    latent
        Number of latents: as many as the generator takes unless said otherwise, and 2 where no generator is given.
    output
        How the run is written down.
    samples
        Points that are made when all is done, to be judged and left in ``samples.npy``; of images at most 1000 are looked at, and a picture is left.
    seed
        Seed of starting weights, order of data, latents.
    standardise
        Whether every coordinate of the data is standardised; what the generator makes is taken back where it is shown. Not for images.
    training
        How both are trained.
    updates
        Updates: steps of the generator.
    """

    kind: ClassVar[str] = "gan"
    data: training_tables.Points | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Points())
    discriminator: str | training_tables.NetworkSpec | abc.Mapping[str, Any] | None = None
    generator: str | training_tables.NetworkSpec | abc.Mapping[str, Any] | None = None
    keep_at: abc.Sequence[int] = ()
    keep_every: int = 0
    latent: int | None = None
    output: training_tables.TrainingOutput | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.TrainingOutput())
    samples: int = 10000
    seed: int = 1
    standardise: bool = False
    training: training_tables.Gan | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Gan())
    updates: int = 5000


@dataclass(frozen=True, kw_only=True)
class Ratio(TrainingSettings):
    """A density ratio of data and what a generator makes.

    Attributes
    ----------
    data
        The data; those of the folder's training unless said otherwise.
    gan
        The GAN whose generator it is: its folder, or networks in files.
    members
        Networks that are trained side by side from other starting weights; the ratio is their mean, in one file.
    network
        The network: its description, a file with it (.toml, .json), or a name of ``mixwell list networks``; it has one output. Without, four hidden
        layers of 100 with ReLU.
    output
        How the run is written down.
    seed
        Seed of starting weights, order of data, latents, and of what is held out.
    training
        How it is trained.
    updates
        Updates at most.
    """

    kind: ClassVar[str] = "ratio"
    data: training_tables.Points | abc.Mapping[str, Any] | None = None
    gan: training_tables.GanSource | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.GanSource())
    members: int = 1
    network: str | training_tables.NetworkSpec | abc.Mapping[str, Any] | None = None
    output: training_tables.TrainingOutput | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.TrainingOutput())
    seed: int = 1
    training: training_tables.Ratio | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.Ratio())
    updates: int = 5000


@dataclass(frozen=True, kw_only=True)
class LongChains(TrainingSettings):
    """Long chains under an energy that has been trained.

    Attributes
    ----------
    beside
        Images whose energies are set beside those of the chains; the first 2000 of them.
    chains
        Chains.
    keep_every
        Every so many steps, states and their energies are kept.
    kernel
        How they move. Adaptation ends with the warm-up.
    law
        The folder of a training of an energy, or a network of one output (.safetensors) that is the energy. May begin with an environment variable,
        ``${NAME}/digits``.
    output
        How the run is written down.
    seed
        Seed of starts and chains.
    space
        Where chains move.
    start
        Where chains begin.
    steps
        Steps after that.
    warmup
        Steps before anything is measured.
    watched
        Coordinates, evenly spaced, whose autocorrelation is measured; all of them where there are fewer.
    """

    kind: ClassVar[str] = "long_chains"
    beside: str | abc.Sequence[str] | None = None
    chains: int = 64
    keep_every: int = 20
    kernel: kernels.KernelSettings | abc.Mapping[str, Any] = field(default_factory=lambda: kernels.Hmc(adapt=tables.SimpleStepRule(), metric="unit", n_leapfrog=3))
    law: str = ""
    output: training_tables.TrainingOutput | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.TrainingOutput())
    seed: int = 1
    space: Literal["latent", "points"] = "points"
    start: training_tables.BaseChainStart | training_tables.ImagesChainStart | training_tables.NoiseChainStart | abc.Mapping[str, Any] = field(default_factory=lambda: training_tables.BaseChainStart())
    steps: int = 1600
    warmup: int = 400
    watched: int = 64
