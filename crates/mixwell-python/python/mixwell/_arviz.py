"""Draws as ArviZ reads them, by whichever of ArviZ and xarray is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._labels import Labels


def tree(
    groups: Mapping[str, Mapping[str, NDArray[Any]]],
    elements: Mapping[str, list[str]],
    attributes: Mapping[str, str],
    labels: Labels,
) -> Any:
    """An InferenceData of ArviZ 0.x, else a DataTree, of arrays ``chains x draws x shape``.

    ``elements`` names the numbers of a variable along its only dimension; ``labels`` has the dimensions of a model's variables.
    """
    try:
        import xarray
    except ImportError:
        raise ImportError("run.posterior needs ArviZ or xarray: pip install arviz") from None
    sets = {}
    for group, arrays in groups.items():
        dims = {name: _dims(name, array.ndim - 2, labels) for name, array in arrays.items()}
        named = {name: (["chain", "draw", *dims[name]], array) for name, array in arrays.items()}
        coords: dict[str, Any] = {}
        for name, array in arrays.items():
            coords["chain"], coords["draw"] = np.arange(array.shape[0]), np.arange(array.shape[1])
            for dim, side in zip(dims[name], array.shape[2:], strict=True):
                own = labels.coords.get(dim) if dim in labels.dims.get(name, ()) else elements.get(name)
                coords[dim] = np.arange(side) if own is None or len(own) != side else own
        sets[group] = xarray.Dataset(named, coords=coords, attrs=dict(attributes))
    try:
        import arviz
    except ImportError:
        return xarray.DataTree.from_dict(sets)
    if arviz.__version__.startswith("0."):
        # ArviZ reads the groups of the warm-up by these names, too.
        return arviz.InferenceData(**sets, attrs=dict(attributes), warn_on_custom_groups=False)
    return xarray.DataTree.from_dict(sets)


def _dims(name: str, n: int, labels: Labels) -> list[str]:
    """The names of a variable's dimensions."""
    own = labels.dims.get(name, [])
    return own if len(own) == n else [f"{name}_dim_{i}" for i in range(n)]
