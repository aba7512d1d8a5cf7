"""A function of one point as a function of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._density import Array


class Pointwise:
    """Calls a function of one point row after row; see :func:`pointwise`."""

    def __init__(self, function: Callable[[Array], Any]) -> None:
        self.function = function

    def __call__(self, points: Array) -> Array | tuple[Array, Array]:
        """Values (``rows``), or values and gradients (``rows x dim``), of points (``rows x dim``)."""
        answers = [self.function(point) for point in points]
        if isinstance(answers[0], tuple):
            values, gradients = zip(*answers, strict=True)
            return np.array(values, dtype=np.float64), np.array(gradients, dtype=np.float64)
        return np.array(answers, dtype=np.float64)


def pointwise(function: Callable[[Array], Any]) -> Pointwise:
    """A density from a function of one point, ``f(x) -> value`` or ``f(x) -> (value, gradient)`` with ``x`` of shape ``(dim,)``.

    Handy and slow: Python goes round for every point. A function of all points at once is called once instead.
    """
    return Pointwise(function)
