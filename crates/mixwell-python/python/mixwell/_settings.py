"""The settings of a run as keyword arguments.

Written by ``settings/generate.py`` from the library's schema; descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from . import flows, tables
    from ._flow import Flow


class Settings(TypedDict, total=False):
    """Settings of a run besides those that :func:`mixwell.sample` names; tables are dictionaries with the keys of a config file, or classes of these modules.

    Attributes
    ----------
    chosen
        Why the method was chosen, where ``auto`` chose it: words that are written with the config and not read by anybody.
    derived
        Functions of the variables that are reported and judged like them: names, and expressions such as ``theta[0] - theta[1]``.
    flow
        The flow that proposes global moves. Used by methods that have one.
    max_batch_rows
        Largest number of points evaluated in one batch by one thread: bounds memory, does not change draws.
    output
        What is written, and how often.
    rao_blackwell
        Report Rao-Blackwellised means from the particles of i-SIR.
    start
        Where chains start.
    stop
        When production stops early.
    symmetries
        Symmetries of the target beside those that it states itself; a run that uses them looks whether they are.
    thin
        Keep every n-th step as a draw, in warm-up and production.
    thresholds
        Bars of the verdict.
    training
        How the flow is trained.
    """

    chosen: abc.Sequence[str]
    derived: abc.Mapping[str, str]
    flow: str | flows.FlowSettings | abc.Mapping[str, Any] | Flow
    max_batch_rows: int
    output: tables.Output | abc.Mapping[str, Any]
    rao_blackwell: bool
    start: tables.UniformStart | tables.GaussianStart | tables.ModesStart | tables.ModeStart | tables.BaseStart | tables.ExactStart | tables.PointsStart | abc.Mapping[str, Any]
    stop: tables.Stop | abc.Mapping[str, Any]
    symmetries: abc.Sequence[tables.SignFlipSymmetry | tables.PermutationsSymmetry | tables.RotationsSymmetry | tables.LatticeSymmetry | tables.MapsSymmetry | abc.Mapping[str, Any]]
    thin: int
    thresholds: tables.Thresholds | abc.Mapping[str, Any]
    training: tables.Training | abc.Mapping[str, Any]
