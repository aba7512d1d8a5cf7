"""A model with BridgeStan's functions: names, shapes, scale, refusals."""

import json
import pathlib
import shutil
import subprocess

import mixwell
import numpy as np
import pytest
from densities import assert_moments
from mixwell._stan import layout


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    path = tmp_path_factory.mktemp("stan") / "model.so"
    source = pathlib.Path(__file__).parent / "stan_model.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", path, source, "-lm"], check=True)
    return path


def test_the_posterior_under_the_models_names(library):
    run = mixwell.sample(mixwell.from_stan(library), method="nuts", chains=4, draws=1000, seed=4)
    assert run.variables == {"mu": (), "sigma": (), "m": (2, 3)}
    offsets = np.array([[11, 12, 13], [21, 22, 23]])
    assert np.allclose(run["m"], run["mu"][..., None, None] + offsets)
    assert_moments(run, [1.0, 1.0, *(1.0 + offsets.ravel())], [2.0, 1.0, *[2.0] * 6])


def test_refused_points_are_told_and_draws_do_not_depend_on_threads(library, tmp_path):
    (tmp_path / "data.json").write_text(json.dumps({"half": 1}))
    draws = []
    for data, threads in ((tmp_path / "data.json", 1), ({"half": np.ones(2)}, 2)):
        with pytest.warns(mixwell.MixwellWarning, match="mu must not be negative"):
            run = mixwell.sample(mixwell.from_stan(library, data), method="nuts", chains=4, draws=200, threads=threads)
        draws.append(run["mu"])
    assert np.array_equal(*draws) and (draws[0] >= 0).all()


def test_a_run_of_a_model_is_resumed(library, tmp_path):
    model = mixwell.from_stan(library)
    run = mixwell.sample(model, method="nuts", chains=2, draws=50, out=tmp_path / "run")
    assert np.array_equal(mixwell.resume(tmp_path / "run", model).draws, run.draws)


def test_what_is_no_model_is_refused(library, tmp_path):
    with pytest.raises(mixwell.ConfigError, match="variable does not exist: N"):
        mixwell.from_stan(library, {"bad": 1})
    with pytest.raises(mixwell.ConfigError, match="no model compiled by BridgeStan"):
        mixwell.from_stan(tmp_path / "none.so")
    with pytest.raises(mixwell.ConfigError, match="which has its own"):
        mixwell.sample(mixwell.from_stan(library), coords={"a": 2})


def test_names_of_containers_tuples_and_scalars():
    names = "a.1.1,a.2.1,a.1.2,a.2.2,b,c.real,c.imag,t:1.1".split(",")
    variables, order = layout(names)
    assert variables == [("a", [2, 2], []), ("b", [], []), ("c.real", [], []), ("c.imag", [], []), ("t:1", [1], [])]
    assert order == [0, 2, 1, 3, 4, 5, 6, 7]
