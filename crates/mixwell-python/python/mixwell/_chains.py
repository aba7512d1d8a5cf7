"""Chains for loops of one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from . import _mixwell
from ._density import Array, LogProb, SupportsDensity, density, variables_of
from ._errors import ConfigError
from ._flow import Flow
from ._points import rows, whole
from ._table import Table
from ._target import Target

if TYPE_CHECKING:
    from .kernels import KernelSettings
    from .targets import TargetSettings


@dataclass(frozen=True)
class Steps:
    """What :meth:`Chains.step` made, step after step.

    Attributes
    ----------
    draws
        Positions after each step, ``chains x steps x dim``.
    log_prob
        Their log-densities, ``chains x steps``.
    acceptance
        For each part of the kernel (``"mala"``; of ``ex2`` also ``"isir"``) the acceptance probability, ``chains x steps``; NaN where it proposed nothing.
    diverging
        Whether a trajectory diverged, ``chains x steps``.
    """

    draws: Array
    log_prob: Array
    acceptance: dict[str, Array]
    diverging: Any


class Chains:
    """Chains that a loop of one's own moves: by any kernel, by moves written in Python between its steps, by another kernel or flow from here on.

    There is no warm-up but the one asked for, and no verdict: :func:`mixwell.sample` has both. With the same seed, starts and kernel the draws are its draws.

    Parameters
    ----------
    log_prob
        A density, as in :func:`mixwell.sample`, or the settings of a built-in target.
    starts
        Where the chains begin, ``chains x dim``; the log-density must be finite there.
    kernel
        A kernel's name or settings: ``"nuts"``, ``{"kind": "mala", "step_size": {"dt": 0.1}}``, ``mixwell.kernels.Isir(n_particles=32)``.
    flow
        Proposes for the kernels that need a flow (i-SIR, independent Metropolis-Hastings, rejection, ..) where their settings say nothing else.
    seed
        The same seed gives the same draws, whatever the threads, and however many steps a call makes.
    threads
        Number of threads; by default that of the machine.

    Raises
    ------
    ConfigError
        When a setting or a start cannot be used, or the kernel needs a gradient or flow that there is not.
    EvaluationError
        The function raised an exception, which is its cause. After a later call the chains stand where they stood before it.

    >>> import numpy as np, mixwell
    >>> chains = mixwell.Chains(lambda x: (-0.5 * (x**2).sum(axis=1), -x), np.zeros((4, 2)), "mala")
    >>> chains.warm_up(200)
    >>> chains.step(50).draws.shape
    (4, 50, 2)
    >>> chains.positions = -chains.positions  # a move of one's own
    """

    def __init__(
        self,
        log_prob: LogProb | SupportsDensity | Target | TargetSettings | Mapping[str, Any],
        starts: ArrayLike,
        kernel: str | KernelSettings | Mapping[str, Any],
        *,
        flow: Flow | None = None,
        seed: int = 1,
        threads: int | None = None,
    ) -> None:
        x = rows(starts, "starts")
        settings = {**_method(kernel), "seed": seed}
        if isinstance(log_prob, Target):
            log_prob = log_prob.settings
        built: _mixwell.Density | None = None
        if isinstance(log_prob, (Mapping, Table)):
            settings["target"] = log_prob
        else:
            built = density(log_prob, variables_of(x.shape[1], None), {"points": x})
        self._chains = _mixwell.Chains(built, settings, x, _inner(flow), threads)
        self._flow = flow

    def step(self, n: int = 1) -> Steps:
        """Move every chain ``n`` times, and tell what came out."""
        x, log_prob, acceptance, diverging = self._chains.step(whole(n, "n"))
        leaves = [name for name, _, _ in self._chains.leaves]
        chains, dim = self._chains.positions.shape
        by_leaf = acceptance.reshape(n, len(leaves), chains)
        names = [name if leaves.count(name) == 1 else f"{name}[{leaves[:i].count(name)}]" for i, name in enumerate(leaves)]
        return Steps(
            x.reshape(n, chains, dim).swapaxes(0, 1),
            log_prob.reshape(n, chains).T,
            {name: by_leaf[:, i].T for i, name in enumerate(names)},
            diverging.reshape(n, chains).T > 0,
        )

    def warm_up(self, n: int) -> None:
        """Move every chain ``n`` times while the kernel adapts its step size and metric; then they are fixed. These steps do not come from the target."""
        self._chains.warm_up(whole(n, "n"))

    @property
    def positions(self) -> Array:
        """Where the chains are, ``chains x dim``: a copy that cannot be written to. Assigning moves them, and evaluates the density there.

        Such a move keeps the target's law only if it does so itself, as Metropolis' rule does.
        """
        x = self._chains.positions
        x.flags.writeable = False
        return x

    @positions.setter
    def positions(self, x: ArrayLike) -> None:
        given = rows(x, "positions")
        if given.shape != self._chains.positions.shape:
            raise ConfigError(f"`positions` has the shape {given.shape}, but the chains are of {self._chains.positions.shape}")
        self._chains.move_to(given)

    @property
    def log_prob(self) -> Array:
        """Log-density of every chain's position (``chains``)."""
        return self._chains.log_prob

    @property
    def kernel(self) -> dict[str, Any]:
        """Settings of the kernel, defaults included. Another may be assigned, by name or settings; one that was used before goes on with what it has learnt."""
        found: dict[str, Any] = json.loads(self._chains.kernel)
        return found

    @kernel.setter
    def kernel(self, kernel: str | KernelSettings | Mapping[str, Any]) -> None:
        self._chains.set_kernel(_method(kernel))

    @property
    def step_sizes(self) -> dict[str, float]:
        """The present step size of each part of the kernel that has one, in its own convention."""
        return {name: step for name, _, step in self._chains.leaves if step is not None}

    @property
    def flow(self) -> Flow | None:
        """The flow that proposes; another, of as many coordinates, may be assigned."""
        return self._flow

    @flow.setter
    def flow(self, flow: Flow | None) -> None:
        self._chains.set_flow(_inner(flow))
        self._flow = flow

    def __repr__(self) -> str:
        chains, dim = self._chains.positions.shape
        return f"<mixwell.Chains: {chains} chains of {dim} coordinates, moved by {self.kernel['kind']}>"


def _method(kernel: object) -> dict[str, Any]:
    """The kernel as the method of a run."""
    if kernel is None:
        raise ConfigError('`kernel` is None, but it must be a name, e.g. "mala", or settings with a `kind`')
    return {"method": {"kind": "kernel", "kernel": {"kind": kernel} if isinstance(kernel, str) else kernel}}


def _inner(flow: Flow | None) -> _mixwell.Flow | None:
    if flow is None:
        return None
    if not isinstance(flow, Flow):
        raise ConfigError(f"`flow` is of the type {type(flow).__name__}, but it must be a mixwell.Flow")
    return flow._flow
