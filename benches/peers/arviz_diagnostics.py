"""ArviZ's rank R-hat, bulk ESS and tail ESS of 4 chains of 10 000 draws of 100 parameters."""

from importlib.metadata import version

import arviz
import numpy as np

import timing

TASKS = ["diagnostics"]
CHAINS, DRAWS, PARAMETERS, CORRELATION = 4, 10_000, 100, 0.5


def autoregressive_draws():
    """Stationary AR(1) chains of unit variance."""
    noise = np.random.default_rng(0).standard_normal((CHAINS, DRAWS, PARAMETERS))
    draws = np.empty_like(noise)
    draws[:, 0] = noise[:, 0]
    for t in range(1, DRAWS):
        draws[:, t] = CORRELATION * draws[:, t - 1] + (1.0 - CORRELATION**2) ** 0.5 * noise[:, t]
    return draws


def main():
    options = timing.arguments(TASKS)
    data = arviz.convert_to_dataset({"x": autoregressive_draws()})
    metrics = {}

    def call():
        metrics["worst_rhat"] = float(arviz.rhat(data, method="rank")["x"].max())
        metrics["worst_ess_bulk"] = float(arviz.ess(data, method="bulk")["x"].min())
        metrics["worst_ess_tail"] = float(arviz.ess(data, method="tail")["x"].min())

    taken = timing.samples(call, options.seconds)
    settings = f"{CHAINS} x {DRAWS} x {PARAMETERS}, AR(1) with {CORRELATION}, f64"
    timing.report(options.task, f"ArviZ {version('arviz')}", taken, settings, metrics)


if __name__ == "__main__":
    main()
