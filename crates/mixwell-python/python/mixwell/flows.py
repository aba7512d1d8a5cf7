"""Flows: invertible maps that are trained.

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from . import tables
from ._table import Table

__all__ = [
    "FlowMatching",
    "FlowSettings",
    "Gaussian",
    "Glow",
    "ImageRealnvp",
    "Maf",
    "Realnvp",
    "RqSpline",
]


class FlowSettings(Table):
    """An invertible map that is trained."""


@dataclass(frozen=True, kw_only=True)
class Realnvp(FlowSettings):
    """Affine couplings.

    Attributes
    ----------
    activation
        Activation of the hidden layers.
    full_width
        Networks see all coordinates, the moved ones as zero, and have outputs for all.
    hidden
        Units of the hidden layers of every network.
    init
        Starting weights: ``zero_last`` (identity), ``{ normal = scale }`` or ``uniform``.
    mask
        How coordinates are split: ``halves`` or ``parity``.
    n_blocks
        Blocks of two couplings.
    nets
        ``joint`` (one network for scale and shift) or ``separate``.
    order
        ``scale_first`` (x = z exp(s) + t) or ``shift_first`` (x = (z + t) exp(s)).
    precision
        ``f64`` or ``f32``.
    residual
        Multiply log-scale and shift by 2 / (number of couplings). Limits each coordinate's total log-scale to 1 (with ``tanh = 1``) however deep the
        flow: see the pitfall in the documentation.
    scale
        Bound of the log-scale of a coupling: ``{ tanh = factor }``, ``{ learned_tanh = start }``, ``{ soft_clamp = start }`` or ``{ clamp = [low, high]
        }``.
    whitening
        Fixed affine map at the data end, set from training points: ``none``, ``diagonal``, ``full`` or ``principal``.
    """

    kind: ClassVar[str] = "realnvp"
    activation: Literal["identity", "relu", "tanh", "swish", "lip_swish", "sigmoid", "softplus", "hard_tanh", "gelu", "gelu_tanh"] | abc.Mapping[str, Any] = "relu"
    full_width: bool = False
    hidden: abc.Sequence[int] = (64, 64)
    init: Literal["zero_last", "uniform"] | abc.Mapping[str, Any] = "zero_last"
    mask: Literal["halves", "parity"] = "halves"
    n_blocks: int = 4
    nets: Literal["joint", "separate"] = "joint"
    order: Literal["scale_first", "shift_first"] = "scale_first"
    precision: Literal["f32", "f64"] = "f64"
    residual: bool = False
    scale: abc.Mapping[str, Any] = field(default_factory=lambda: {"tanh": 1.0})
    whitening: Literal["none", "diagonal", "full", "principal"] = "diagonal"


@dataclass(frozen=True, kw_only=True)
class RqSpline(FlowSettings):
    """Rational-quadratic spline couplings.

    Attributes
    ----------
    activation
        Activation of the hidden layers.
    elementwise_affine
        A learned scale and shift of every coordinate before each coupling.
    hidden
        Units of the hidden layers of every network.
    init
        Starting weights: ``zero_last`` (identity), ``{ normal = scale }`` or ``uniform``.
    mask
        How coordinates are split: ``halves`` or ``parity``.
    n_bins
        Bins of a spline.
    n_layers
        Number of couplings.
    precision
        ``f64`` or ``f32``.
    range
        Splines act on ``[-range, range]`` and are linear outside.
    whitening
        Fixed affine map at the data end, set from training points: ``none``, ``diagonal``, ``full`` or ``principal``.
    """

    kind: ClassVar[str] = "rq_spline"
    activation: Literal["identity", "relu", "tanh", "swish", "lip_swish", "sigmoid", "softplus", "hard_tanh", "gelu", "gelu_tanh"] | abc.Mapping[str, Any] = "tanh"
    elementwise_affine: bool = True
    hidden: abc.Sequence[int] = (32, 32)
    init: Literal["zero_last", "uniform"] | abc.Mapping[str, Any] = "zero_last"
    mask: Literal["halves", "parity"] = "parity"
    n_bins: int = 8
    n_layers: int = 4
    precision: Literal["f32", "f64"] = "f64"
    range: float = 10.0
    whitening: Literal["none", "diagonal", "full", "principal"] = "diagonal"


@dataclass(frozen=True, kw_only=True)
class Maf(FlowSettings):
    """Autoregressive affine layers.

    Attributes
    ----------
    activation
        Activation of the hidden layers.
    hidden
        Units of the hidden layers of every network.
    init
        Starting weights: ``zero_last`` (identity), ``{ normal = scale }`` or ``uniform``.
    max_log_scale
        Log-scales are this times a tanh.
    n_layers
        Number of layers; the order of the coordinates is reversed from one to the next.
    precision
        ``f64`` or ``f32``.
    whitening
        Fixed affine map at the data end, set from training points: ``none``, ``diagonal``, ``full`` or ``principal``.
    """

    kind: ClassVar[str] = "maf"
    activation: Literal["identity", "relu", "tanh", "swish", "lip_swish", "sigmoid", "softplus", "hard_tanh", "gelu", "gelu_tanh"] | abc.Mapping[str, Any] = "tanh"
    hidden: abc.Sequence[int] = (64, 64)
    init: Literal["zero_last", "uniform"] | abc.Mapping[str, Any] = "zero_last"
    max_log_scale: float = 2.0
    n_layers: int = 4
    precision: Literal["f32", "f64"] = "f64"
    whitening: Literal["none", "diagonal", "full", "principal"] = "diagonal"


@dataclass(frozen=True, kw_only=True)
class FlowMatching(FlowSettings):
    """A velocity that carries latents to points, trained by flow matching.

    Attributes
    ----------
    activation
        Activation of the hidden layers; a smooth one (``tanh``, ``swish``, ``lip_swish``).
    divergence
        How the change of density is evaluated: ``exact`` or ``hutchinson`` (noisy: not for Metropolis steps).
    hidden
        Units of the hidden layers of the velocity network.
    init
        Starting weights: ``zero_last`` (identity), ``{ normal = scale }`` or ``uniform``.
    precision
        ``f64`` or ``f32``.
    solver
        How the path is integrated: ``adaptive`` or ``fixed``.
    whitening
        Fixed affine map at the data end, set from training points: ``none``, ``diagonal``, ``full`` or ``principal``.
    """

    kind: ClassVar[str] = "flow_matching"
    activation: Literal["identity", "relu", "tanh", "swish", "lip_swish", "sigmoid", "softplus", "hard_tanh", "gelu", "gelu_tanh"] | abc.Mapping[str, Any] = "swish"
    divergence: tables.ExactDivergence | tables.HutchinsonDivergence | abc.Mapping[str, Any] = field(default_factory=lambda: tables.ExactDivergence())
    hidden: abc.Sequence[int] = (64, 64)
    init: Literal["zero_last", "uniform"] | abc.Mapping[str, Any] = "zero_last"
    precision: Literal["f32", "f64"] = "f64"
    solver: tables.AdaptiveSolver | tables.FixedSolver | abc.Mapping[str, Any] = field(default_factory=lambda: tables.AdaptiveSolver())
    whitening: Literal["none", "diagonal", "full", "principal"] = "diagonal"


@dataclass(frozen=True, kw_only=True)
class ImageRealnvp(FlowSettings):
    """Affine couplings of images.

    Attributes
    ----------
    channels
        Channels within a network.
    init
        Starting weights: ``zero_last`` (identity), ``{ normal = scale }`` or ``uniform``.
    n_blocks
        Gated blocks of a network.
    n_couplings
        Couplings of each kind at a scale.
    n_last
        Couplings by checkerboard at the last scale.
    n_scales
        Scales. At each but the last there are couplings by checkerboard, as many by halves of the channels of squares of two by two pixels, and then half
        of the coordinates are done.
    precision
        ``f64`` or ``f32``.
    scale
        Bound of the log-scale of a coupling, as of ``realnvp``.
    shape
        ``[channels, height, width]`` of a point.
    whitening
        Fixed affine map at the data end, set from training points: ``none``, ``diagonal``, ``full`` or ``principal``.
    """

    kind: ClassVar[str] = "image_realnvp"
    channels: int = 32
    init: Literal["zero_last", "uniform"] | abc.Mapping[str, Any] = "zero_last"
    n_blocks: int = 3
    n_couplings: int = 3
    n_last: int = 4
    n_scales: int = 2
    precision: Literal["f32", "f64"] = "f32"
    scale: abc.Mapping[str, Any] = field(default_factory=lambda: {"soft_clamp": 1.0})
    shape: abc.Sequence[int] = (1, 28, 28)
    whitening: Literal["none", "diagonal", "full", "principal"] = "none"


@dataclass(frozen=True, kw_only=True)
class Glow(FlowSettings):
    """Steps of normalisation, mixing of channels and coupling, of images.

    Attributes
    ----------
    coupling
        ``additive`` or ``affine``.
    depth
        Steps of a level.
    n_levels
        Levels; at each the sides halve.
    precision
        ``f64`` or ``f32``.
    shape
        ``[channels, height, width]`` of a point; both sides multiples of ``2^n_levels``.
    split_prior
        Whether the channels that are done at a level get mean and deviation from those that go on.
    whitening
        Fixed affine map at the data end, set from training points: ``none``, ``diagonal``, ``full`` or ``principal``.
    width
        Channels within a network.
    """

    kind: ClassVar[str] = "glow"
    coupling: Literal["additive", "affine"] = "additive"
    depth: int = 8
    n_levels: int = 3
    precision: Literal["f32", "f64"] = "f32"
    shape: abc.Sequence[int] = (1, 32, 32)
    split_prior: bool = True
    whitening: Literal["none", "diagonal", "full", "principal"] = "none"
    width: int = 128


@dataclass(frozen=True, kw_only=True)
class Gaussian(FlowSettings):
    """An affine map only: a Gaussian, fitted in one go.

    Attributes
    ----------
    whitening
        Covariance: ``full`` (or ``principal``, the same law), ``diagonal`` or, for the standard normal, ``none``.
    """

    kind: ClassVar[str] = "gaussian"
    whitening: Literal["none", "diagonal", "full", "principal"] = "full"
