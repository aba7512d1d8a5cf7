"""One density in NumPy, JAX, PyTorch, Numba and C: the same posterior, and close to the same numbers."""

import ctypes
import math

import mixwell
import numpy as np
import pytest
from densities import MEAN, SD, assert_moments, normal
from mixwell._autodiff import padded_rows


def jax_density():
    pytest.importorskip("jax")
    return mixwell.jax(lambda x: -0.5 * (((x - MEAN) / SD) ** 2).sum())


def torch_density():
    torch = pytest.importorskip("torch")
    mean, sd = torch.from_numpy(MEAN), torch.from_numpy(SD)
    return mixwell.torch(lambda x: -0.5 * (((x - mean) / sd) ** 2).sum())


def numba_density():
    numba = pytest.importorskip("numba")
    from numba import types

    mean, sd = MEAN.copy(), SD.copy()

    @numba.cfunc(types.double(types.CPointer(types.double), types.int64, types.CPointer(types.double)))
    def code(x, dim, grad):
        total = 0.0
        for i in range(dim):
            z = (x[i] - mean[i]) / sd[i]
            total -= 0.5 * z * z
            grad[i] = -z / sd[i]
        return total

    return mixwell.native(code, dim=3)


@pytest.mark.parametrize("make", [lambda: normal, jax_density, torch_density, numba_density])
def test_the_same_posterior_by_each(make):
    density = make()
    assert_moments(mixwell.sample(density, dim=3, method="nuts", chains=4, draws=500, seed=8), MEAN, SD)


@pytest.mark.parametrize("make", [jax_density, torch_density])
@pytest.mark.parametrize("rows", [1, 5, 16])
def test_values_and_gradients_in_double_precision(make, rows):
    density = make()
    x = np.random.default_rng(rows).normal(size=(rows, 3))
    values, gradients = density(x)
    for found, exact in ((values, normal(x)[0]), (gradients, normal(x)[1]), (density.log_prob(x), normal(x)[0])):
        assert found.dtype == np.float64 and found.shape == exact.shape
        assert np.allclose(found, exact, rtol=1e-13, atol=1e-13)


def test_the_settings_of_jax_stay_as_they_are():
    jax = pytest.importorskip("jax")
    jax_density()(np.zeros((2, 3)))
    assert jax.numpy.zeros(1).dtype == np.float32


def test_calls_are_filled_up_to_few_sizes():
    sizes = [padded_rows(rows) for rows in range(1, 4097)]
    assert all(rows <= size < 1.51 * rows for rows, size in enumerate(sizes, 1))
    assert sorted(set(sizes))[:9] == [1, 2, 3, 4, 6, 8, 12, 16, 24] and len(set(sizes)) < 26


def test_code_without_a_gradient_and_with_names():
    kind = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.POINTER(ctypes.c_double), ctypes.c_int64, ctypes.c_void_p)
    wanted = []

    @kind
    def code(x, dim, grad):
        wanted.append(grad)
        return -0.5 * math.fsum(x[i] ** 2 for i in range(dim))

    run = mixwell.sample(mixwell.native(code, gradient=False), coords={"a": 2}, method="random_walk", chains=2, draws=50)
    assert run["a"].shape == (2, 50, 2) and set(wanted) == {None}
    with pytest.raises(mixwell.ConfigError, match="needs gradients"):
        mixwell.sample(mixwell.native(code, dim=2, gradient=False), method="nuts")


def test_what_is_no_code_is_refused():
    for code, message in ((0, "`address` is 0"), ("f", "of the type str"), (1.5, "of the type float")):
        with pytest.raises(mixwell.ConfigError, match=message):
            mixwell.sample(mixwell.native(code, dim=1))


def test_compiled_code_runs_on_all_threads_with_the_same_draws():
    density = numba_density()
    draws = [mixwell.sample(density, method="mala", chains=8, draws=50, threads=threads).draws for threads in (1, 2)]
    assert np.array_equal(*draws)
    # Its arithmetic is that of the function in NumPy but for the order of the sum.
    assert np.allclose(draws[0][:, :5], mixwell.sample(normal, dim=3, method="mala", chains=8, draws=50).draws[:, :5])
