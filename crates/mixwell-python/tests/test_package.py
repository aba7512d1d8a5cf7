"""The package as such: quick and silent to import, typed, and without leaks."""

import json
import resource
import subprocess
import sys

import mixwell
import numpy as np
from densities import normal


def test_the_import_is_quick_and_silent():
    code = "import numpy, time; t = time.perf_counter(); import mixwell; print(time.perf_counter() - t)"
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == "" and float(run.stdout) < 0.3


def test_nothing_optional_is_imported():
    code = "import mixwell, sys; print([m for m in ('arviz', 'xarray', 'jax', 'torch', 'numba', 'pandas', 'mixwell.tables') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_typed_settings_are_those_of_the_library():
    from mixwell import _mixwell

    known = set(json.loads(_mixwell.schema())["properties"])
    named = {"chains", "draws", "seed", "method", "target"}
    assert set(mixwell.Settings.__annotations__) | named == known


def test_everything_has_a_docstring_and_a_name():
    assert set(mixwell.__all__) <= set(dir(mixwell))
    assert all(getattr(mixwell, name).__doc__ for name in mixwell.__all__ if name != "__version__")
    assert set(mixwell.catalogue()) == {"methods", "kernels", "targets", "flows"}


def test_memory_does_not_grow():
    def used():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def once():
        return mixwell.sample(normal, dim=3, method="mala", chains=20, draws=500).draws.sum()

    first = once()
    for _ in range(100):
        once()
    before = used()
    for _ in range(300):
        assert once() == first
    # 300 results of 20 x 1500 x (3 + 4) numbers are some 500 MB.
    assert used() - before < 20_000


def test_numpy_is_all_that_is_needed():
    assert isinstance(mixwell.sample(normal, dim=3, method="mala", chains=2, draws=10).draws, np.ndarray)
