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

from ._autodiff import jax, torch
from ._density import SupportsDensity
from ._errors import ConfigError, EvaluationError, MixwellError, MixwellWarning, RunFolderError
from ._mixwell import __version__
from ._models import from_numpyro, from_pymc
from ._native import native
from ._pointwise import pointwise
from ._run import Run
from ._sample import Settings, catalogue, open, resume, sample
from ._stan import from_stan
from ._summary import Summary, Verdict

__all__ = [
    "ConfigError",
    "EvaluationError",
    "MixwellError",
    "MixwellWarning",
    "Run",
    "RunFolderError",
    "Settings",
    "Summary",
    "SupportsDensity",
    "Verdict",
    "__version__",
    "catalogue",
    "from_numpyro",
    "from_pymc",
    "from_stan",
    "jax",
    "native",
    "open",
    "pointwise",
    "resume",
    "sample",
    "torch",
]
