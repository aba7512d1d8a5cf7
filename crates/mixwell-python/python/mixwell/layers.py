"""Layers of networks.

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ._table import Table

__all__ = [
    "ActNorm",
    "Activation",
    "AveragePool",
    "BatchNorm",
    "ChannelNorm",
    "ConcatenatedElu",
    "Convolution",
    "Dense",
    "DepthToSpace",
    "Flatten",
    "Gate",
    "GlobalPool",
    "LayerSettings",
    "MaxPool",
    "Reshape",
    "Residual",
    "SpaceToDepth",
    "Subsample",
    "TransposedConvolution",
    "Upsample",
]


class LayerSettings(Table):
    """A layer of a network."""


@dataclass(frozen=True, kw_only=True)
class Dense(LayerSettings):
    """Weights from every number to every output.

    Attributes
    ----------
    bias
        Whether there are biases.
    mask
        The weights that exist, ``units x n_in``; all of them where there is no mask. The others count as zero, start at zero and stay there.
    name
        The name of its arrays in files of others.
    spectral_norm
        Whether the layer works with its weights divided by their largest singular value, which a step of the power iteration follows.
    units
        Outputs.
    """

    kind: ClassVar[str] = "dense"
    bias: bool = True
    mask: abc.Sequence[bool] | None = None
    name: str | None = None
    spectral_norm: bool = False
    units: int


@dataclass(frozen=True, kw_only=True)
class Convolution(LayerSettings):
    """A convolution.

    Attributes
    ----------
    bias
        Whether there are biases.
    channels
        Channels that come out.
    kernel
        Taps in each direction.
    name
        The name of its arrays in files of others.
    padding
        Pixels added at each edge.
    padding_mode
        What they hold.
    spectral_norm
        Whether the layer works with its weights divided by their largest singular value, which a step of the power iteration follows.
    stride
        Pixels from one place of the kernel to the next.
    """

    kind: ClassVar[str] = "convolution"
    bias: bool = True
    channels: int
    kernel: int
    name: str | None = None
    padding: int = 0
    padding_mode: Literal["zero", "edge"] = "zero"
    spectral_norm: bool = False
    stride: int = 1


@dataclass(frozen=True, kw_only=True)
class TransposedConvolution(LayerSettings):
    """A transposed convolution.

    Attributes
    ----------
    bias
        Whether there are biases.
    channels
        Channels that come out.
    kernel
        Taps in each direction.
    name
        The name of its arrays in files of others.
    output_padding
        Pixels added at the right and at the bottom.
    padding
        Pixels taken away at each edge.
    spectral_norm
        Whether the layer works with its weights divided by their largest singular value, which a step of the power iteration follows.
    stride
        Pixels between the places of neighbouring inputs.
    """

    kind: ClassVar[str] = "transposed_convolution"
    bias: bool = True
    channels: int
    kernel: int
    name: str | None = None
    output_padding: int = 0
    padding: int = 0
    spectral_norm: bool = False
    stride: int = 1


@dataclass(frozen=True, kw_only=True)
class BatchNorm(LayerSettings):
    """Batch normalisation with its running statistics.

    Attributes
    ----------
    affine
        Whether there are weights and biases.
    epsilon
        Added to the variance.
    momentum
        The part of the running statistics that a step of training replaces by those of the batch.
    name
        The name of its arrays in files of others.
    """

    kind: ClassVar[str] = "batch_norm"
    affine: bool = True
    epsilon: float = 1e-05
    momentum: float = 0.1
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChannelNorm(LayerSettings):
    """Normalisation over the channels of each pixel.

    Attributes
    ----------
    affine
        Whether there are weights and biases, one of each per channel.
    epsilon
        Added to the variance.
    name
        The name of its arrays in files of others.
    """

    kind: ClassVar[str] = "channel_norm"
    affine: bool = True
    epsilon: float = 1e-05
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class ActNorm(LayerSettings):
    """An affine map of every channel that starts from a batch.

    Attributes
    ----------
    log_scale_factor
        What the logarithms of the scales are multiplied by.
    name
        The name of its arrays in files of others.
    """

    kind: ClassVar[str] = "act_norm"
    log_scale_factor: float = 3.0
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gate(LayerSettings):
    """Half of the channels times the sigmoid of the others."""

    kind: ClassVar[str] = "gate"


@dataclass(frozen=True, kw_only=True)
class ConcatenatedElu(LayerSettings):
    """ELU of both signs, as twice as many channels."""

    kind: ClassVar[str] = "concatenated_elu"


@dataclass(frozen=True, kw_only=True)
class AveragePool(LayerSettings):
    """Means or sums of windows.

    Attributes
    ----------
    reduction
        Mean or sum.
    size
        Pixels of a window in each direction.
    stride
        Pixels from one window to the next; the size where it is not given.
    """

    kind: ClassVar[str] = "average_pool"
    reduction: Literal["mean", "sum"] = "mean"
    size: int
    stride: int | None = None


@dataclass(frozen=True, kw_only=True)
class GlobalPool(LayerSettings):
    """The mean or sum over all pixels.

    Attributes
    ----------
    reduction
        Mean or sum.
    """

    kind: ClassVar[str] = "global_pool"
    reduction: Literal["mean", "sum"] = "mean"


@dataclass(frozen=True, kw_only=True)
class MaxPool(LayerSettings):
    """Maxima of windows.

    Attributes
    ----------
    size
        Pixels of a window in each direction.
    stride
        Pixels from one window to the next; the size where it is not given.
    """

    kind: ClassVar[str] = "max_pool"
    size: int
    stride: int | None = None


@dataclass(frozen=True, kw_only=True)
class Upsample(LayerSettings):
    """A larger image.

    Attributes
    ----------
    factor
        How many times as many.
    mode
        How they are found.
    """

    kind: ClassVar[str] = "upsample"
    factor: int
    mode: Literal["nearest", "bilinear"] = "nearest"


@dataclass(frozen=True, kw_only=True)
class Subsample(LayerSettings):
    """Every so many pixels, with more channels of zeros.

    Attributes
    ----------
    padding
        Channels of zeros added before, and as many after.
    stride
        One of how many pixels is kept, in each direction.
    """

    kind: ClassVar[str] = "subsample"
    padding: int = 0
    stride: int


@dataclass(frozen=True, kw_only=True)
class Flatten(LayerSettings):
    """An image as a vector."""

    kind: ClassVar[str] = "flatten"


@dataclass(frozen=True, kw_only=True)
class Reshape(LayerSettings):
    """The same numbers in another shape.

    Attributes
    ----------
    shape
        ``[n]`` or ``[channels, height, width]``.
    """

    kind: ClassVar[str] = "reshape"
    shape: abc.Sequence[int]


@dataclass(frozen=True, kw_only=True)
class SpaceToDepth(LayerSettings):
    """Squares of pixels as channels.

    Attributes
    ----------
    size
        Pixels of a square in each direction.
    """

    kind: ClassVar[str] = "space_to_depth"
    size: int


@dataclass(frozen=True, kw_only=True)
class DepthToSpace(LayerSettings):
    """Channels as squares of pixels.

    Attributes
    ----------
    size
        Pixels of a square in each direction.
    """

    kind: ClassVar[str] = "depth_to_space"
    size: int


@dataclass(frozen=True, kw_only=True)
class Residual(LayerSettings):
    """Layers with a way around them.

    Attributes
    ----------
    main
        The layers.
    skip
        The way around them; nothing is the identity.
    """

    kind: ClassVar[str] = "residual"
    main: abc.Sequence[LayerSettings | abc.Mapping[str, Any]]
    skip: abc.Sequence[LayerSettings | abc.Mapping[str, Any]] = ()


@dataclass(frozen=True, kw_only=True)
class Activation(LayerSettings):
    """A function of every number.

    Attributes
    ----------
    function
        Which.
    """

    kind: ClassVar[str] = "activation"
    function: Literal["identity", "relu", "tanh", "swish", "lip_swish", "sigmoid", "softplus", "hard_tanh", "gelu", "gelu_tanh"] | abc.Mapping[str, Any]
