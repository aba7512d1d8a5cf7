"""Names of the dimensions of variables and labels along them, as models of PyMC and NumPyro have them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ._density import Variables

# Names that are taken.
_TAKEN = ("chain", "draw")


@dataclass(frozen=True)
class Labels:
    """Dimensions by variable, and labels by dimension; a variable or dimension without is left out.

    They lie beside a run folder's draws, in ``labels.json``, which only this package reads.
    """

    dims: dict[str, list[str]] = field(default_factory=dict)
    coords: dict[str, list[str | int | float]] = field(default_factory=dict)

    FILE = "labels.json"

    @classmethod
    def of(cls, variables: Variables, dims: Mapping[str, Iterable[str | None]], coords: Mapping[str, Iterable[object]]) -> Labels:
        """The labels of these variables, by the dimensions that their model names; a dimension without a name gets the usual one."""
        kept: dict[str, list[str]] = {}
        sizes: dict[str, int] = {}
        for name, shape, _ in variables:
            named = list(dims.get(name, ()))
            if len(named) != len(shape) or not any(named):
                continue
            own = [dim if dim and dim not in _TAKEN else f"{name}_dim_{i}" for i, dim in enumerate(named)]
            # Two lengths under one name, as of data that were changed, would be no array of xarray's.
            if all(sizes.setdefault(dim, side) == side for dim, side in zip(own, shape, strict=True)) and len(set(own)) == len(own):
                kept[name] = own
        labels = {dim: [_plain(value) for value in values] for dim, values in coords.items() if dim in sizes}
        return cls(kept, {dim: values for dim, values in labels.items() if len(values) == sizes[dim]})

    def elements(self, variables: Variables) -> Variables:
        """The variables with the labels of vectors as names of their elements, where these are texts and no two alike."""

        def named(name: str, shape: list[int], elements: list[str]) -> tuple[str, list[int], list[str]]:
            dims = self.dims.get(name, [])
            texts = [text for text in self.coords.get(dims[0], []) if isinstance(text, str) and text] if len(dims) == 1 else []
            usable = not elements and [len(texts)] == shape and len(set(texts)) == len(texts)
            return name, shape, texts if usable else elements

        return [named(*variable) for variable in variables]

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Writes the labels to a run folder, if there are any."""
        if self.dims:
            with open(os.path.join(folder, self.FILE), "w", encoding="utf-8") as file:
                json.dump({"dims": self.dims, "coords": self.coords}, file)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Labels:
        """The labels in a run folder; none where there are none, or what lies there is something else."""
        try:
            with open(os.path.join(folder, cls.FILE), encoding="utf-8") as file:
                found = json.load(file)
            return cls({str(k): [str(d) for d in v] for k, v in found["dims"].items()}, {str(k): list(v) for k, v in found["coords"].items()})
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return cls()


def _plain(value: object) -> str | int | float:
    """A label as JSON has it: numbers and texts as they are, anything else, such as a date, as text."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (str, int, float)) else str(value)
