"""Models of NumPyro and PyMC: names, shapes, scales, the posterior; skipped where the packages are not there."""

import importlib.util

import mixwell
import numpy as np
import pytest

EFFECTS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def assert_eight_schools(run):
    """By one-dimensional quadrature E mu = 4.397, E tau = 3.598."""
    for name, mean in (("mu", 4.397), ("tau", 3.598)):
        row = run.summary()[name]
        assert abs(row["mean"] - mean) < 5 * row["mcse_mean"], (name, row)
    assert np.allclose(run["theta"], run["mu"][..., None] + run["tau"][..., None] * run["eta"])
    assert (run["tau"] > 0).all()


def test_eight_schools_of_numpyro():
    numpyro = pytest.importorskip("numpyro")
    import numpyro.distributions as dist

    def model(effects, errors):
        mu = numpyro.sample("mu", dist.Normal(0, 5))
        tau = numpyro.sample("tau", dist.HalfCauchy(5))
        with numpyro.plate("schools", 8):
            eta = numpyro.sample("eta", dist.Normal(0, 1))
            theta = numpyro.deterministic("theta", mu + tau * eta)
            numpyro.sample("y", dist.Normal(theta, errors), obs=effects)

    density = mixwell.from_numpyro(model, EFFECTS, errors=ERRORS)
    run = mixwell.sample(density, method="nuts", chains=4, draws=1000, seed=2)
    assert run.variables == {"mu": (), "tau": (), "eta": (8,), "theta": (8,)}
    assert_eight_schools(run)


def test_eight_schools_of_pymc():
    pymc = pytest.importorskip("pymc")
    with pymc.Model() as model:
        mu = pymc.Normal("mu", 0, 5)
        tau = pymc.HalfCauchy("tau", 5)
        eta = pymc.Normal("eta", 0, 1, shape=8)
        theta = pymc.Deterministic("theta", mu + tau * eta)
        pymc.Normal("y", theta, ERRORS, observed=EFFECTS)
    run = mixwell.sample(mixwell.from_pymc(model), method="nuts", chains=4, draws=1000, seed=2)
    assert run.variables["theta"] == (8,) and run.variables["mu"] == ()
    assert_eight_schools(run)


def test_discrete_parameters_are_refused():
    pymc = pytest.importorskip("pymc")
    with pymc.Model() as model:
        pymc.Poisson("n", 3)
    with pytest.raises(mixwell.ConfigError, match="discrete"):
        mixwell.from_pymc(model)


@pytest.mark.parametrize(("name", "function"), [("numpyro", mixwell.from_numpyro), ("pymc", mixwell.from_pymc)])
def test_a_package_that_is_not_there_is_named(name, function):
    if importlib.util.find_spec(name):
        pytest.skip(f"{name} is there")
    with pytest.raises(mixwell.ConfigError, match=f"needs the package {name}"):
        function(lambda: None)
