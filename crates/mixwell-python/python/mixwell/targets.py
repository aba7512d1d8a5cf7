"""Built-in targets.

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from . import tables
from ._table import Table

__all__ = [
    "Banana",
    "Checkerboard",
    "DoubleWell4",
    "DualMoon",
    "EightGaussians",
    "EightSchools",
    "Energy",
    "FlexMixture",
    "FourCorners",
    "FourOnALine",
    "Funnel",
    "Funnel101",
    "Gan",
    "Gaussian",
    "GaussianMixture",
    "Grid25",
    "GridMixture",
    "IllConditionedGaussian",
    "InferenceGym",
    "LennardJones13",
    "LogisticRegression",
    "Mixture",
    "Phi4",
    "Phi4Lattice",
    "Pinwheel",
    "Posteriordb",
    "Product",
    "Rings",
    "StandardGaussian",
    "SwissRoll",
    "TargetSettings",
    "Tempered",
    "ThreeModes",
    "TwoModes",
    "TwoMoons",
    "TwoSpirals",
]


class TargetSettings(Table):
    """What is sampled."""


@dataclass(frozen=True, kw_only=True)
class StandardGaussian(TargetSettings):
    """Independent Gaussian coordinates of one mean and scale.

    Attributes
    ----------
    dim
        Number of coordinates.
    mean
        Mean of every coordinate.
    scale
        Standard deviation of every coordinate.
    """

    kind: ClassVar[str] = "standard_gaussian"
    dim: int = 30
    mean: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class IllConditionedGaussian(TargetSettings):
    """Gaussian with scales over several decades, rotated if wanted.

    Attributes
    ----------
    dim
        Number of coordinates, at least 2.
    log10_scale_max
        Decimal logarithm of the last coordinate's standard deviation.
    log10_scale_min
        Decimal logarithm of the first coordinate's standard deviation.
    rotation
        Angle in radians by which the plane of the first and the last coordinate is turned.
    """

    kind: ClassVar[str] = "ill_conditioned_gaussian"
    dim: int = 50
    log10_scale_max: float = 2.0
    log10_scale_min: float = -2.0
    rotation: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Gaussian(TargetSettings):
    """Gaussian with any mean and covariance.

    Attributes
    ----------
    covariance
        Covariance, as rows; symmetric and positive definite.
    mean
        Mean, one number per coordinate.
    """

    kind: ClassVar[str] = "gaussian"
    covariance: abc.Sequence[abc.Sequence[float]] = ((1.0, 0.9), (0.9, 1.0))
    mean: abc.Sequence[float] = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class GaussianMixture(TargetSettings):
    """Mixture of any Gaussians.

    Attributes
    ----------
    components
        The components.
    """

    kind: ClassVar[str] = "gaussian_mixture"
    components: abc.Sequence[tables.Component | abc.Mapping[str, Any]] = field(default_factory=lambda: (tables.Component(mean=(-2.0, 0.0), scale=0.5, weight=0.3), tables.Component(mean=(2.0, 0.0), scale=0.5, weight=0.7)))


@dataclass(frozen=True, kw_only=True)
class TwoModes(TargetSettings):
    """Two Gaussian modes of different width and weight.

    Attributes
    ----------
    centre
        Value of every coordinate of the second mode; the first mode lies opposite.
    dim
        Number of coordinates.
    last_at_zero
        Whether both modes have zero as their last coordinate, so that it tells nothing.
    variances
        Variances of the two modes.
    weights
        Weights of the two modes; they need not add up to one.
    """

    kind: ClassVar[str] = "two_modes"
    centre: float = 1.5
    dim: int = 2
    last_at_zero: bool = False
    variances: abc.Sequence[float] = (0.05, 0.1)
    weights: abc.Sequence[float] = (1.0, 2.0)


@dataclass(frozen=True, kw_only=True)
class ThreeModes(TargetSettings):
    """Three equal modes at the corners of a triangle.

    Attributes
    ----------
    radius
        Distance of the modes from the origin.
    scale
        Standard deviation of each mode.
    """

    kind: ClassVar[str] = "three_modes"
    radius: float = 4.0
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class FourOnALine(TargetSettings):
    """Four modes of weights 1 to 4 on a line in the plane.

    Attributes
    ----------
    spacing
        Distance between neighbours.
    variance
        Variance of each mode.
    weights
        Weights from left to right; they need not add up to one.
    """

    kind: ClassVar[str] = "four_on_a_line"
    spacing: float = 2.0
    variance: float = 0.05
    weights: abc.Sequence[float] = (0.1, 0.2, 0.3, 0.4)


@dataclass(frozen=True, kw_only=True)
class FourCorners(TargetSettings):
    """Four equal modes at the corners of a rectangle in many dimensions.

    Attributes
    ----------
    dim
        Number of coordinates, even.
    offset
        The size ``a`` of every coordinate of every mean; by default ``0.591 sqrt(2 ln dim)``, as in the code of the experiments. The paper prints 0.5919,
        with which the modes overlap.
    """

    kind: ClassVar[str] = "four_corners"
    dim: int = 16
    offset: float | None = None


@dataclass(frozen=True, kw_only=True)
class EightGaussians(TargetSettings):
    """Eight equal modes on a circle.

    Attributes
    ----------
    radius
        Radius of the circle.
    scale
        Standard deviation of each mode.
    """

    kind: ClassVar[str] = "eight_gaussians"
    radius: float = 1.0
    scale: float = 0.15


@dataclass(frozen=True, kw_only=True)
class Grid25(TargetSettings):
    """25 narrow modes on a grid.

    Attributes
    ----------
    scale
        Standard deviation of each mode.
    spacing
        Distance between neighbours.
    standardise
        Whether each coordinate is divided by its standard deviation, ``sqrt(2 spacing^2 + scale^2)``.
    """

    kind: ClassVar[str] = "grid25"
    scale: float = 0.05
    spacing: float = 1.0
    standardise: bool = False


@dataclass(frozen=True, kw_only=True)
class GridMixture(TargetSettings):
    """Equal modes at every point of a grid, 243 in five dimensions.

    Attributes
    ----------
    dim
        Number of coordinates.
    scale
        Standard deviation of each mode.
    values
        The values that every coordinate of a mode can have.
    """

    kind: ClassVar[str] = "grid_mixture"
    dim: int = 5
    scale: float = 0.05
    values: abc.Sequence[float] = (-2.0, 0.0, 2.0)


@dataclass(frozen=True, kw_only=True)
class FlexMixture(TargetSettings):
    """Two modes of weights 1 and 3 in 100 dimensions.

    Attributes
    ----------
    centre
        Value of every coordinate but the last in the second mode; the first mode lies opposite.
    dim
        Number of coordinates, at least 2.
    variance
        Variance of both modes.
    weights
        Weights of the two modes; they need not add up to one.
    """

    kind: ClassVar[str] = "flex_mixture"
    centre: float = 2.5
    dim: int = 100
    variance: float = 0.5
    weights: abc.Sequence[float] = (1.0, 3.0)


@dataclass(frozen=True, kw_only=True)
class Banana(TargetSettings):
    """Curved pairs of coordinates.

    Attributes
    ----------
    b
        How strongly the second coordinate of a pair bends.
    dim
        Number of coordinates, even.
    s
        Standard deviation of the first coordinate of a pair.
    """

    kind: ClassVar[str] = "banana"
    b: float = 0.02
    dim: int = 20
    s: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Funnel(TargetSettings):
    """Neal's funnel, centred or not.

    Attributes
    ----------
    a
        Standard deviation of ``v``.
    b
        The children's standard deviation is ``exp(b v)``.
    dim
        Number of coordinates: ``v`` and ``dim - 1`` children.
    parametrisation
        ``centred`` or ``non_centred``.
    """

    kind: ClassVar[str] = "funnel"
    a: float = 2.0
    b: float = 0.5
    dim: int = 10
    parametrisation: Literal["centred", "non_centred"] = "centred"


@dataclass(frozen=True, kw_only=True)
class Funnel101(TargetSettings):
    """The funnel of nutpie's page: 100 children of variance exp(v), v standard normal.

    Attributes
    ----------
    parametrisation
        ``centred`` or ``non_centred``.
    """

    kind: ClassVar[str] = "funnel_101"
    parametrisation: Literal["centred", "non_centred"] = "centred"


@dataclass(frozen=True, kw_only=True)
class DualMoon(TargetSettings):
    """A thin shell cut into four caps.

    Attributes
    ----------
    centre
        Where the first two coordinates are drawn to, up to their sign.
    dim
        Number of coordinates.
    radius
        Radius of the shell.
    scales
        How strongly they are drawn there: standard deviations.
    width
        Thickness of the shell.
    """

    kind: ClassVar[str] = "dual_moon"
    centre: float = 3.0
    dim: int = 5
    radius: float = 2.0
    scales: abc.Sequence[float] = (0.8, 0.6)
    width: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Rings(TargetSettings):
    """Concentric rings in the plane.

    Attributes
    ----------
    rings
        Number of rings.
    scale
        Standard deviation of the radius around each ring.
    spacing
        Distance between rings, and radius of the first.
    """

    kind: ClassVar[str] = "rings"
    rings: int = 4
    scale: float = 0.15
    spacing: float = 1.0


@dataclass(frozen=True, kw_only=True)
class TwoMoons(TargetSettings):
    """Two half circles that reach into each other, blurred.

    Attributes
    ----------
    noise
        Standard deviation of the blur, at least 0.01.
    """

    kind: ClassVar[str] = "two_moons"
    noise: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Pinwheel(TargetSettings):
    """Bent blades around the origin.

    Attributes
    ----------
    arms
        Number of blades.
    radial_sd
        Standard deviation along a blade.
    scale
        Size of the whole.
    tangential_sd
        Standard deviation across a blade.
    twist
        How strongly blades are bent.
    """

    kind: ClassVar[str] = "pinwheel"
    arms: int = 5
    radial_sd: float = 0.3
    scale: float = 2.0
    tangential_sd: float = 0.1
    twist: float = 0.25


@dataclass(frozen=True, kw_only=True)
class Checkerboard(TargetSettings):
    """The dark squares of a board: uniform, with edges.

    Attributes
    ----------
    side
        Length of the whole side.
    squares
        Squares of a side, an even number.
    """

    kind: ClassVar[str] = "checkerboard"
    side: float = 8.0
    squares: int = 4


@dataclass(frozen=True, kw_only=True)
class TwoSpirals(TargetSettings):
    """Two spirals turned by half a circle, blurred.

    Attributes
    ----------
    noise
        Standard deviation of the blur, at least 0.02.
    """

    kind: ClassVar[str] = "two_spirals"
    noise: float = 0.1


@dataclass(frozen=True, kw_only=True)
class SwissRoll(TargetSettings):
    """The Swiss roll in the plane, blurred.

    Attributes
    ----------
    noise
        Standard deviation of the blur before the division, at least 0.05.
    scale
        What everything is divided by.
    """

    kind: ClassVar[str] = "swiss_roll"
    noise: float = 0.25
    scale: float = 7.5


@dataclass(frozen=True, kw_only=True)
class Phi4(TargetSettings):
    """Phi^4 field on a line: two wells that act together.

    Attributes
    ----------
    a
        Coupling between neighbours, per site.
    b
        External field; zero makes the two modes equally likely.
    beta
        Inverse temperature.
    sites
        Number of sites.
    """

    kind: ClassVar[str] = "phi4"
    a: float = 0.1
    b: float = 0.0
    beta: float = 20.0
    sites: int = 64


@dataclass(frozen=True, kw_only=True)
class Phi4Lattice(TargetSettings):
    """Phi^4 field on a periodic lattice: ordered or not, of either sign.

    Attributes
    ----------
    field
        External field; zero makes both signs equally likely.
    kappa
        Coupling of neighbours (hopping parameter).
    lambda_
        How firmly every site is held to -1 or 1; 0 for a Gaussian field.
    shape
        Sites along every axis.
    """

    kind: ClassVar[str] = "phi4_lattice"
    field: float = 0.0
    kappa: float = 0.38
    lambda_: float = 0.5
    shape: abc.Sequence[int] = (12, 12)


@dataclass(frozen=True, kw_only=True)
class DoubleWell4(TargetSettings):
    """DW4: four particles in the plane with a double-well pair energy.

    Attributes
    ----------
    centre_of_mass
        ``removed``, or ``{ tethered = { strength = 1.0 } }``.
    """

    kind: ClassVar[str] = "double_well4"
    centre_of_mass: Literal["removed"] | abc.Mapping[str, Any] = "removed"


@dataclass(frozen=True, kw_only=True)
class LennardJones13(TargetSettings):
    """LJ13: thirteen Lennard-Jones particles in space.

    Attributes
    ----------
    centre_of_mass
        ``removed``, or ``{ tethered = { strength = 1.0 } }``.
    """

    kind: ClassVar[str] = "lennard_jones13"
    centre_of_mass: Literal["removed"] | abc.Mapping[str, Any] = "removed"


@dataclass(frozen=True, kw_only=True)
class EightSchools(TargetSettings):
    """The eight-schools posterior, centred or not.

    Attributes
    ----------
    parametrisation
        ``centred`` or ``non_centred``.
    """

    kind: ClassVar[str] = "eight_schools"
    parametrisation: Literal["centred", "non_centred"] = "non_centred"


@dataclass(frozen=True, kw_only=True)
class LogisticRegression(TargetSettings):
    """Bayesian logistic regression on a table of yours.

    Attributes
    ----------
    data
        File that holds the table.
    header
        Whether the first line names the columns. Without it: yes, if no field of it is a number and some of the next line is.
    ignore_columns
        Columns that are no features, by name or place.
    intercept
        Where the constant feature stands: ``first``, ``last`` or ``none``.
    label_column
        Column of the labels, by name or place; the first is 0, negative places count from the end.
    positive_label
        The label of the positive class, a number or a word. Without it the labels must be 0 and 1, or two words of which the last in the alphabet is
        positive.
    prior_scale
        Standard deviation of the prior of every weight; ``inf`` for a flat prior.
    standardise
        Whether features are shifted by their mean and divided by their population standard deviation.
    text_features
        What becomes of features that are words: ``refuse``, or ``one_hot`` for a column of 0 and 1 per word but the first in the alphabet.
    """

    kind: ClassVar[str] = "logistic_regression"
    data: str = "data/german.data-numeric"
    header: bool | None = None
    ignore_columns: abc.Sequence[int | str] = ()
    intercept: Literal["first", "last", "none"] = "last"
    label_column: int | str = -1
    positive_label: float | str | None = None
    prior_scale: float = 1.0
    standardise: bool = True
    text_features: Literal["refuse", "one_hot"] = "refuse"


@dataclass(frozen=True, kw_only=True)
class Posteriordb(TargetSettings):
    """A posterior of the posteriordb collection, from its data file.

    Attributes
    ----------
    data
        The posterior's ``data.json``.
    posterior
        The collection's name for the posterior, e.g. ``kidiq-kidscore_momiq``; ``mixwell list targets`` shows all.
    """

    kind: ClassVar[str] = "posteriordb"
    data: str = "data/kidiq-kidscore_momiq/data.json"
    posterior: str = "kidiq-kidscore_momiq"


@dataclass(frozen=True, kw_only=True)
class InferenceGym(TargetSettings):
    """A posterior of the inference gym, whose exact moments are known well.

    Attributes
    ----------
    data
        Its data, where it needs any: a JSON document, or the table of German credits.
    posterior
        The collection's name for the posterior; ``mixwell list targets`` shows all.
    """

    kind: ClassVar[str] = "inference_gym"
    data: str = ""
    posterior: str = "eight_schools"


@dataclass(frozen=True, kw_only=True)
class Energy(TargetSettings):
    """An energy that ``mixwell train`` has trained, from its folder.

    Attributes
    ----------
    path
        The folder that ``mixwell train`` made for a training of ``kind = "energy"``, a folder with its ``law.json``, or a network of one output
        (.safetensors), whose law is ``exp(-E)``.
    sha256
        SHA-256 of its files; others are then refused. A run writes down what it began with.
    """

    kind: ClassVar[str] = "energy"
    path: str = "runs/energy"
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gan(TargetSettings):
    """The latents of a GAN, weighted by what its discriminator says of the points.

    Attributes
    ----------
    calibration
        The file that ``mixwell calibrate`` has written: the discriminator is corrected by it.
    discriminator
        The discriminator, or a ratio that ``mixwell train`` has trained.
    generator
        The generator.
    images
        What images the points are, where the networks do not say: needed to look at draws as images.
    kappa
        Factor of the discriminator's output; 0 gives the generator alone.
    loss
        What the discriminator was trained by: ``js``, ``js_sigmoid``, ``hinge``, ``wgan``.
    path
        The folder that ``mixwell train`` made for a training of ``kind = "gan"``. What is given beside it goes first. Here and in the other paths
        ``${NAME}`` is an environment variable.
    points_up_to
        Coordinates of a generated point up to which it is kept beside its latent, as the variable ``x``.
    prior
        The law of the latents; normal unless the folder says otherwise.
    sha256
        SHA-256 of the files; others are then refused. A run writes down what it began with.
    """

    kind: ClassVar[str] = "gan"
    calibration: str | None = None
    discriminator: str | tables.DescribedFiles | abc.Mapping[str, Any] | None = None
    generator: str | tables.DescribedFiles | abc.Mapping[str, Any] | None = None
    images: tables.GeneratedImages | abc.Mapping[str, Any] | None = None
    kappa: float = 1.0
    loss: Literal["js", "js_sigmoid", "hinge", "wgan"] | None = None
    path: str | None = None
    points_up_to: int = 16
    prior: tables.NormalLatentPrior | tables.UniformLatentPrior | abc.Mapping[str, Any] | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tempered(TargetSettings):
    """Another target at another temperature.

    Attributes
    ----------
    target
        The target at temperature 1.
    temperature
        Divides the log-density: above 1 the law is wider, below 1 it is narrower.
    """

    kind: ClassVar[str] = "tempered"
    target: TargetSettings | abc.Mapping[str, Any] = field(default_factory=lambda: GaussianMixture())
    temperature: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Product(TargetSettings):
    """A product of other targets, each raised to a power.

    Attributes
    ----------
    factors
        The factors.
    """

    kind: ClassVar[str] = "product"
    factors: abc.Sequence[tables.Factor | abc.Mapping[str, Any]] = field(default_factory=lambda: (tables.Factor(target=GaussianMixture()), tables.Factor(target=StandardGaussian(dim=2))))


@dataclass(frozen=True, kw_only=True)
class Mixture(TargetSettings):
    """A mixture of other targets.

    Attributes
    ----------
    components
        The components.
    """

    kind: ClassVar[str] = "mixture"
    components: abc.Sequence[tables.MixtureComponent | abc.Mapping[str, Any]] = field(default_factory=lambda: (tables.MixtureComponent(target=Rings(), weight=0.5), tables.MixtureComponent(target=TwoMoons(), weight=0.5)))
