"""Mixwell draws from distributions that ordinary MCMC gets stuck in.

It pairs local moves (MALA, HMC, NUTS) with global moves proposed by a normalizing flow that is trained while sampling.

>>> import numpy as np, mixwell
>>> def log_prob(x):  # points, rows x dim; values and gradients
...     return -0.5 * (x**2).sum(axis=1), -x
>>> run = mixwell.sample(log_prob, dim=2, method="nuts", chains=4, draws=500)
>>> run.draws.shape
(4, 500, 2)
>>> bool(run.verdict)
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._autodiff import jax, torch
from ._chains import Chains, Steps
from ._density import SupportsDensity
from ._errors import ConfigError, EvaluationError, MixwellError, MixwellWarning, RunFolderError
from ._flow import Flow
from ._mixwell import __version__
from ._models import from_numpyro, from_pymc
from ._native import native
from ._network import Network
from ._pointwise import pointwise
from ._run import Run
from ._sample import catalogue, open, resume, sample
from ._settings import Settings
from ._stan import from_stan
from ._summary import Summary, Verdict
from ._target import Energy, Target
from ._training import Training, train

if TYPE_CHECKING:
    from . import flows, kernels, layers, methods, tables, targets, trainers, training_tables, trainings

# Typed settings are imported when they are first asked for.
_MODULES = ("flows", "kernels", "layers", "methods", "tables", "targets", "trainers", "training_tables", "trainings")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__]


__all__ = [
    "Chains",
    "ConfigError",
    "Energy",
    "EvaluationError",
    "Flow",
    "MixwellError",
    "MixwellWarning",
    "Network",
    "Run",
    "RunFolderError",
    "Settings",
    "Steps",
    "Summary",
    "SupportsDensity",
    "Target",
    "Training",
    "Verdict",
    "__version__",
    "catalogue",
    "flows",
    "from_numpyro",
    "from_pymc",
    "from_stan",
    "jax",
    "kernels",
    "layers",
    "methods",
    "native",
    "open",
    "pointwise",
    "resume",
    "sample",
    "tables",
    "targets",
    "torch",
    "train",
    "trainers",
    "training_tables",
    "trainings",
]
