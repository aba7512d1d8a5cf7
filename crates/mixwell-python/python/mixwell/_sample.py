"""Making runs, going on with them, reading them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _mixwell
from ._density import LogProb, Shape, SupportsDensity, Variables, density, dim_of, variables_of
from ._errors import ConfigError, MixwellWarning, RunFolderError
from ._flow import Flow
from ._labels import Labels
from ._progress import Line, Report, reporter
from ._run import Run
from ._settings import Settings
from ._table import Table
from ._target import Target

if TYPE_CHECKING:
    from .methods import MethodSettings
    from .targets import TargetSettings
    from typing_extensions import Unpack


def sample(
    log_prob: LogProb | SupportsDensity | Target | TargetSettings | Mapping[str, Any],
    *,
    dim: int | None = None,
    coords: Mapping[str, Shape] | None = None,
    method: str | MethodSettings | Mapping[str, Any] | None = None,
    chains: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    out: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    **settings: Unpack[Settings],
) -> Run:
    """Draw from a log-density.

    Parameters
    ----------
    log_prob
        A function of points, an array ``rows x dim``, that gives their log-densities (``rows``), or a tuple of these and their gradients (``rows x dim``);
        what :func:`mixwell.jax`, :func:`mixwell.torch`, :func:`mixwell.pointwise` or :func:`mixwell.native` makes; or a built-in target, as a dictionary, e.g. ``{"kind": "dual_moon"}``, or a :class:`mixwell.Target`. A constant
        may be missing from the log-density. Points where it has no value get NaN or ``-inf``. The function is called once to see what it gives.
    dim
        Number of coordinates of a function.
    coords
        Instead of ``dim``: names and shapes of what the coordinates are, in their order, e.g. ``{"mu": (), "theta": 8}``; a list of names for a vector
        names its elements.
    method
        The name of a method or kernel (``mixwell.catalogue()``), e.g. ``"flex2"`` or ``"nuts"``, or a dictionary of settings as in a config file:
        ``{"kind": "flex2", "train_iterations": 300}``, or ``mixwell.methods.Flex2(train_iterations=300)``. By default ``"auto"``, which chooses by a short look at the density; ``run.chosen`` says why.
    chains, draws
        Number of chains, and production draws of each. By default 20 and 1000.
    seed
        The same seed gives the same draws, whatever the threads or interruptions. By default 1.
    out
        A folder to be made for the run. Draws go there instead of into memory, and a run that ends early can be resumed.
    threads
        Number of threads; by default that of the machine. Draws do not depend on it. A Python function is called by one thread at a time.
    progress
        Whether to show a line of progress; by default where standard error is a terminal or a notebook. A function is called with a dictionary instead.
    settings
        Any other setting of a config file: ``start={"kind": "gaussian", "scale": 1.0}``, ``flow={"kind": "rq_spline"}``, ``stop={"ess": 400}``.
        ``flow`` may also be a name, or a :class:`mixwell.Flow` with which the method's training goes on.

    Returns
    -------
    Run
        Draws, summary, verdict.

    Raises
    ------
    ConfigError
        A setting that cannot be used, an unknown one, a method that needs a gradient which there is not, an answer of the wrong shape.
    EvaluationError
        The function raised an exception, which is its cause. With ``out`` a checkpoint was written.
    RunFolderError
        The folder cannot be made, or holds a run already.
    KeyboardInterrupt
        After Ctrl-C, at once but for the call of the function that is under way. With ``out`` a checkpoint was written.
    """
    flow = settings.get("flow")
    table: dict[str, Any] = {**settings, "method": method, "chains": chains, "draws": draws, "seed": seed}
    if isinstance(flow, Flow):
        table["flow"] = None
    elif isinstance(flow, str):
        table["flow"] = {"kind": flow}
    if isinstance(log_prob, Target):
        log_prob = log_prob.settings
    built: _mixwell.Density | None = None
    if isinstance(log_prob, (Mapping, Table)):
        if dim is not None or coords is not None:
            raise ConfigError("`dim` and `coords` belong to a function; a built-in target has its own")
        table["target"] = log_prob
    elif "target" in table:
        raise ConfigError("`target` is given beside a function, but a run has one density: give the dictionary in place of the function")
    else:
        built = density(log_prob, variables_of(dim_of(log_prob, dim, coords), coords), table.get("start"))
    return _run(built, table, out, threads, False, progress, flow if isinstance(flow, Flow) else None, labels_of(log_prob))


def resume(
    folder: str | os.PathLike[str],
    log_prob: LogProb | SupportsDensity | None = None,
    *,
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> Run:
    """Go on with the run in ``folder``: the draws are those of a run that was never interrupted. A training has :meth:`mixwell.Training.resume`.

    Parameters
    ----------
    folder
        What ``out`` of :func:`sample` was, or a run folder of the command ``mixwell``.
    log_prob
        The same function as before, which the folder cannot hold; left out for a built-in target.
    threads, progress
        As in :func:`sample`.

    Raises
    ------
    ConfigError
        When the run needs a function and there is none.
    RunFolderError
        When the folder holds no run, or its checkpoint is damaged or of another run.
    """
    _no_training(folder, "resume")
    left = _mixwell.read_run(folder)
    built: _mixwell.Density | None = None
    run = Run(left)
    if run.finished:
        return run
    if log_prob is not None:
        variables: Variables = left["variables"]
        built = density(log_prob, variables, run.settings.get("start"))
    elif run.settings.get("target") is None:
        raise ConfigError(f"the run in {os.fspath(folder)!r} is of a function, which it does not hold: give the same one again, mixwell.resume(folder, log_prob)")
    return _run(built, {}, folder, threads, True, progress, None, labels_of(log_prob))


def open(folder: str | os.PathLike[str]) -> Run:
    """Read the run in ``folder``, also one of the command ``mixwell``; draws are read when they are asked for. A training has :meth:`mixwell.Training.load`.

    Raises
    ------
    RunFolderError
        When the folder holds no run, or something in it is damaged.
    """
    _no_training(folder, "load")
    return Run(_mixwell.read_run(folder))


def _no_training(folder: str | os.PathLike[str], instead: str) -> None:
    if _mixwell.holds_training(folder):
        raise RunFolderError(f"{os.fspath(folder)!r} holds a training and no run; use mixwell.Training.{instead}({os.fspath(folder)!r})")


def catalogue() -> dict[str, dict[str, str]]:
    """What there is by name, with a line each: ``{"methods": {..}, "kernels": {..}, "targets": {..}, "flows": {..}}``."""
    found: dict[str, dict[str, str]] = {}
    for what, name, line in _mixwell.catalogue():
        found.setdefault(what, {})[name] = line
    return found


def _run(
    built: _mixwell.Density | None,
    table: dict[str, Any],
    folder: str | os.PathLike[str] | None,
    threads: int | None,
    resumed: bool,
    progress: bool | Report | None,
    flow: Flow | None,
    labels: Labels | None,
) -> Run:
    report = reporter(progress)
    try:
        left = _mixwell.run(built, table, folder, threads, resumed, report, None if flow is None else flow._flow)
    finally:
        if isinstance(report, Line):
            report.close()
    for text in left["warnings"]:
        warnings.warn(text, MixwellWarning, stacklevel=3)
    if labels is not None and left["folder"] is not None:
        labels.write(left["folder"])
    return Run(left, labels)


def labels_of(log_prob: object) -> Labels | None:
    """The names of dimensions that a model has."""
    found = getattr(log_prob, "labels", None)
    return found if isinstance(found, Labels) else None
