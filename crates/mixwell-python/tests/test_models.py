"""Models of NumPyro and PyMC: names, shapes, scales, the posterior; skipped where the packages are not there."""

import importlib.util
import pickle

import mixwell
import numpy as np
import pytest
from mixwell._labels import Labels

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
    assert density.labels.dims == {"eta": ["schools"], "theta": ["schools"]}


def test_plates_of_numpyro_are_found_beside_events():
    numpyro = pytest.importorskip("numpyro")
    import numpyro.distributions as dist

    def model():
        with numpyro.plate("groups", 3, dim=-1):
            numpyro.sample("slopes", dist.Normal(0, 1).expand([2]).to_event(1))
            with numpyro.plate("years", 4, dim=-2):
                numpyro.sample("level", dist.Normal(0, 1))

    assert mixwell.from_numpyro(model).labels.dims == {"slopes": ["groups", "slopes_dim_1"], "level": ["years", "groups"]}


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


SCHOOLS = ["Choate", "Deerfield", "Andover", "Exeter", "Hotchkiss", "Lawrence", "Paul's", "Hermon"]


def test_dims_and_coords_of_pymc(tmp_path):
    pymc = pytest.importorskip("pymc")
    pytest.importorskip("xarray")
    with pymc.Model(coords={"school": SCHOOLS, "year": [2001, 2002]}) as model:
        pymc.Normal("theta", 0, 1, dims="school")
        pymc.Normal("trend", 0, 1, dims=("year", "school"))
        pymc.Normal("plain", 0, 1, shape=2)
    mixwell.sample(mixwell.from_pymc(model), method="nuts", chains=2, draws=20, out=tmp_path / "run")
    run = mixwell.open(tmp_path / "run")
    posterior = run.posterior["posterior"]
    assert posterior["theta"].dims == ("chain", "draw", "school") and posterior["trend"].dims == ("chain", "draw", "year", "school")
    assert list(posterior["school"].values) == SCHOOLS and list(posterior["year"].values) == [2001, 2002]
    assert posterior["plain"].dims == ("chain", "draw", "plain_dim_0")
    assert np.array_equal(posterior["theta"].sel(school="Exeter"), run["theta"][..., 3])
    assert "theta[Exeter]" in run.summary()


class Labelled:
    """What a model of a package is to `sample`, with names of its own making."""

    def __init__(self, labels):
        self.labels = labels

    def __call__(self, x):
        return -0.5 * (x**2).sum(axis=1), -x


def test_labels_are_kept_in_memory_and_in_folders(tmp_path):
    pytest.importorskip("xarray")
    shapes = [("level", [2, 3], []), ("rest", [3], [])]
    labels = Labels.of(shapes, {"level": ("year", "group"), "rest": (None,)}, {"year": np.array([2001, 2002]), "group": ["a", "b", "c"], "other": [1]})
    assert labels.dims == {"level": ["year", "group"]} and set(labels.coords) == {"year", "group"}
    run = mixwell.sample(Labelled(labels), coords={"level": (2, 3), "rest": 3}, method="nuts", chains=2, draws=10)
    run.save(tmp_path / "run")
    for found in (run, mixwell.open(tmp_path / "run"), pickle.loads(pickle.dumps(run))):
        posterior = found.posterior["posterior"]
        assert posterior["level"].dims == ("chain", "draw", "year", "group") and posterior["rest"].dims == ("chain", "draw", "rest_dim_0")
        assert np.array_equal(posterior["level"].sel(year=2002, group="b"), run["level"][..., 1, 1])
    (tmp_path / "run" / "labels.json").write_text("[]")
    assert mixwell.open(tmp_path / "run").posterior["posterior"]["level"].dims[2:] == ("level_dim_0", "level_dim_1")


def test_labels_that_fit_no_array_are_left_out():
    shapes = [("a", [2], []), ("b", [3], []), ("c", [2, 2], []), ("d", [2], [])]
    labels = Labels.of(shapes, {"a": ["x"], "b": ["x"], "c": ["x", "x"], "d": ["draw"], "e": ["y"]}, {"x": ["u", "u"]})
    assert labels.dims == {"a": ["x"], "d": ["d_dim_0"]}
    # Two elements of one name would be two rows of one name in the table.
    assert labels.elements(shapes) == shapes
    assert Labels({"a": ["x"]}, {"x": ["u", "v"]}).elements(shapes)[0] == ("a", [2], ["u", "v"])


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
