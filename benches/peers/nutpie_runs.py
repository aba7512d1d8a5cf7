"""nutpie: NUTS on two models compiled by PyMC and Numba, and its flow adaptation on a funnel with 100 children.

The NUTS rows leave compilation out and run again and again for `--seconds`; the funnel is one cold run with everything
in it: compilation, warm-up, training of the flow and draws, with the settings of nutpie's page on flow adaptation.
"""

import time
from importlib.metadata import version

import arviz
import numpy as np
import nutpie
import pymc

import timing

TASKS = ["nuts-eight_schools", "nuts-german", "funnel101"]
CHAINS, CORES, TUNE = 4, 2, 1000
DRAWS = {"nuts-eight_schools": 5000, "nuts-german": 1000}
EFFECTS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def eight_schools():
    """Non-centred: the ten coordinates that the chains move in are the ones that are stored."""
    with pymc.Model() as model:
        mean = pymc.Normal("mu", 0.0, 5.0)
        scale = pymc.HalfCauchy("tau", 5.0)
        eta = pymc.Normal("eta", 0.0, 1.0, shape=8)
        pymc.Normal("y", mean + scale * eta, ERRORS, observed=EFFECTS)
    return model


def german(folder):
    """Bayesian logistic regression: standardised features, an intercept at the end, a N(0, 1) prior on every weight."""
    table = np.loadtxt(folder / "german.data-numeric")
    features, label = table[:, :-1], table[:, -1]
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    features = np.column_stack([features, np.ones(len(features))])
    # Signs folded into the rows and one softplus: compiled, this is about twice as fast as a Bernoulli of log-odds.
    signed = features * np.where(label == 2, 1.0, -1.0)[:, None]
    with pymc.Model() as model:
        weights = pymc.Normal("weights", 0.0, 1.0, shape=signed.shape[1])
        pymc.Potential("likelihood", -pymc.math.log1pexp(-(signed @ weights)).sum())
    return model


def funnel():
    with pymc.Model() as model:
        log_scale = pymc.Normal("log_scale", 0.0, 1.0)
        pymc.Normal("x", 0.0, pymc.math.exp(log_scale / 2.0), shape=100)
    return model


def gradients(trace):
    return int(trace.sample_stats.n_steps.sum()) + int(trace.warmup_sample_stats.n_steps.sum())


def worst_figures(trace):
    """The lowest bulk ESS and the highest R-hat over every coordinate of every variable."""
    values = {}
    for name, statistic, method, worst in (
        ("worst_ess_bulk", arviz.ess, "bulk", min),
        ("worst_rhat", arviz.rhat, "rank", max),
    ):
        result = statistic(trace.posterior, method=method)
        values[name] = worst(float(worst(result[variable].values.ravel())) for variable in result.data_vars)
    return values


def seed():
    """A new one for every run, so that runs and rounds are independent."""
    return time.time_ns() % 2**31


def nuts(options):
    model = eight_schools() if options.task == "nuts-eight_schools" else german(options.data)
    compiled = nutpie.compile_pymc_model(model, backend="numba", freeze_model=True)
    common = {"chains": CHAINS, "cores": min(CORES, timing.threads()), "progress_bar": False}
    nutpie.sample(compiled, tune=50, draws=50, seed=seed(), **common)
    walls, runs = [], []
    end = time.perf_counter() + options.seconds
    while not walls or time.perf_counter() < end:
        begin = time.perf_counter()
        sampler = nutpie.sample(
            compiled,
            tune=TUNE,
            draws=DRAWS[options.task],
            seed=seed(),
            blocking=False,
            return_raw_trace=True,
            **common,
        )
        raw = sampler.wait()
        walls.append(time.perf_counter() - begin)
        # Only sampling counts, not the change into ArviZ's form; nutpie has no public way to do that afterwards.
        sampler._return_raw_trace = False
        trace = sampler._extract(raw)
        figures = worst_figures(trace)
        figures["gradients_per_second"] = gradients(trace) / walls[-1]
        figures["ess_per_second"] = figures["worst_ess_bulk"] / walls[-1]
        runs.append(figures)
    metrics = {name: np.median([run[name] for run in runs]) for name in runs[0]}
    return walls, metrics, f"{CHAINS} chains, {TUNE} + {DRAWS[options.task]} draws, f64, Numba, compilation left out"


def flow_adaptation():
    begin = time.perf_counter()
    compiled = nutpie.compile_pymc_model(funnel(), backend="jax", gradient_backend="jax")
    compiled = compiled.with_transform_adapt(num_layers=5, nn_width=32, num_diag_windows=6)
    # One core, as nutpie's page advises: two chains that train at the same time get in each other's way.
    trace = nutpie.sample(
        compiled,
        transform_adapt=True,
        seed=seed(),
        chains=2,
        cores=1,
        window_switch_freq=150,
        progress_bar=False,
    )
    wall = time.perf_counter() - begin
    metrics = worst_figures(trace)
    log_scale = trace.posterior["log_scale"].values
    metrics["ess_per_second"] = metrics["worst_ess_bulk"] / wall
    metrics["gradients"] = gradients(trace)
    metrics["log_scale_mean"] = log_scale.mean()
    metrics["log_scale_sd"] = log_scale.std()
    return [wall], metrics, "2 chains, flow of 5 layers of width 32, nutpie's default lengths, cold"


def main():
    options = timing.arguments(TASKS)
    seconds, metrics, settings = flow_adaptation() if options.task == "funnel101" else nuts(options)
    timing.report(options.task, f"nutpie {version('nutpie')}", seconds, settings, metrics)


if __name__ == "__main__":
    main()
