"""Flows on their own: both directions, the density, fits, files."""

import pickle

import mixwell
import numpy as np
import pytest
from densities import two_modes

KINDS = ["realnvp", {"kind": "rq_spline", "hidden": [32]}, "maf", {"kind": "flow_matching", "hidden": [16]}, "gaussian"]


def crescent(n, seed):
    """The second coordinate follows the square of the first."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=n)
    return np.stack([first, 0.5 * first**2 + 0.4 * rng.normal(size=n)], axis=1)


@pytest.fixture(scope="module")
def flow():
    return mixwell.Flow.fit(crescent(3000, 1), flow={"kind": "rq_spline", "hidden": [32]}, epochs=30, training={"learning_rate": 5e-3, "batch": 300}, seed=3)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_both_directions_agree(kind):
    flow = mixwell.Flow.fit(crescent(500, 1), flow=kind, epochs=3, training={"learning_rate": 1e-2})
    z = np.random.default_rng(2).normal(size=(50, 2))
    x, forward = flow.forward(z)
    back, inverse = flow.inverse(x)
    log_normal = -0.5 * (z**2).sum(axis=1) - np.log(2 * np.pi)
    # A continuous flow goes back by another integration, to its tolerance.
    bar = 1e-3 if flow.settings["kind"] == "flow_matching" else 1e-9
    assert np.abs(back - z).max() < bar and np.abs(forward + inverse).max() < 10 * bar
    assert np.abs(flow.log_prob(x) - (log_normal - forward)).max() < 10 * bar


def test_log_determinants_and_gradients_are_those_of_differences(flow):
    z, h = np.array([[0.3, -0.7]]), 1e-5
    steps = h * np.eye(2)
    jacobian = np.stack([(flow.forward(z + s)[0] - flow.forward(z - s)[0])[0] / (2 * h) for s in steps])
    assert abs(np.linalg.slogdet(jacobian)[1] - flow.forward(z)[1][0]) < 1e-6
    x = flow.forward(z)[0]
    slopes = [(flow.log_prob(x + s) - flow.log_prob(x - s))[0] / (2 * h) for s in steps]
    assert np.allclose(flow.log_prob_and_grad(x)[1][0], slopes, rtol=1e-4, atol=1e-4)


def test_the_density_integrates_to_one_and_is_that_of_the_points(flow):
    grid = np.stack(np.meshgrid(np.linspace(-8, 8, 801), np.linspace(-8, 24, 1601)), axis=-1).reshape(-1, 2)
    mass = np.exp(flow.log_prob(grid)).sum() * 0.02**2
    assert abs(mass - 1) < 0.01, mass
    # Entropy: ln(2 pi e) + ln 0.4; a Gaussian of the same moments has .28 nats more.
    x = crescent(20_000, 9)
    entropy = np.log(2 * np.pi * np.e) + np.log(0.4)
    loss = -flow.log_prob(x).mean()
    assert entropy - 0.03 < loss < entropy + 0.06, (loss, entropy)
    assert flow.report["epochs"] == 30 and abs(flow.report["validation_loss"] - loss) < 0.15


def test_draws_are_those_of_the_density(flow):
    x, log_prob = flow.sample_and_log_prob(20_000, seed=5)
    assert np.abs(flow.log_prob(x) - log_prob).max() < 1e-6
    # The mass of a box, by a grid and by the draws.
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 401)[:-1] + 1 / 800, np.linspace(0, 1, 401)[:-1] + 1 / 800), axis=-1).reshape(-1, 2)
    mass = np.exp(flow.log_prob(grid)).mean()
    share = ((x > 0) & (x < 1)).all(axis=1).mean()
    assert abs(share - mass) < 5 * np.sqrt(mass * (1 - mass) / 20_000)
    assert abs(share - 1.2 * mass) > 5 * np.sqrt(mass * (1 - mass) / 20_000)  # a wrong mass is found


def test_weights_count():
    x = np.concatenate([crescent(2000, 1), crescent(2000, 2) + [6.0, 0.0]])
    weights = np.repeat([3.0, 1.0], 2000)
    flow = mixwell.Flow.fit(x, weights, flow={"kind": "rq_spline", "hidden": [32]}, epochs=30, training={"learning_rate": 5e-3, "batch": 400})
    left = (flow.sample(20_000)[:, 0] < 3).mean()
    assert abs(left - 0.75) < 0.03, left


def test_the_same_seed_gives_the_same_flow_whatever_the_threads_and_a_fit_goes_on():
    x = crescent(500, 1)
    fit = lambda **other: mixwell.Flow.fit(x, **{"flow": "realnvp", "epochs": 4, "seed": 7} | other)  # noqa: E731
    first = fit()
    assert np.array_equal(first.log_prob(x), fit(threads=1).log_prob(x))
    assert not np.array_equal(first.log_prob(x), fit(seed=8).log_prob(x))
    assert np.array_equal(first.sample(9, seed=2)[:4], first.sample(4, seed=2))
    assert not np.array_equal(first.sample(4, seed=2), first.sample(4, seed=3))
    further = fit(flow=first, epochs=20)
    assert -further.log_prob(x).mean() < -first.log_prob(x).mean()
    untrained = mixwell.Flow("realnvp", dim=2, seed=7)
    assert untrained.report is None and untrained.n_params == first.n_params


def test_files_and_pickles_hold_it_to_the_last_bit(flow, tmp_path):
    x = crescent(100, 4)
    flow.save(tmp_path / "flow.safetensors")
    for other in (mixwell.Flow.load(tmp_path / "flow.safetensors"), pickle.loads(pickle.dumps(flow))):
        assert np.array_equal(other.log_prob(x), flow.log_prob(x)) and other.settings == flow.settings
    (tmp_path / "other").write_bytes(b"no flow at all")
    with pytest.raises(mixwell.RunFolderError, match="other"):
        mixwell.Flow.load(tmp_path / "other")
    with pytest.raises(mixwell.RunFolderError, match="missing"):
        mixwell.Flow.load(tmp_path / "missing")
    with pytest.raises(mixwell.RunFolderError):
        flow.save(tmp_path / "no" / "folder")


def test_a_run_takes_a_flow_and_leaves_one(tmp_path):
    method = {"kind": "flex2", "burn_in": 20, "train_iterations": 100, "tune": 20, "frozen": 10}
    run = mixwell.sample(two_modes, dim=2, method=method, chains=20, draws=100, seed=2, out=tmp_path / "run")
    assert run.flow.dim == 2
    assert np.array_equal(mixwell.Flow.load(tmp_path / "run" / "flow.safetensors").sample(5), run.flow.sample(5))
    # Without training and with the flow of the first run, jumps are accepted from the first step on.
    parts = [{"kind": "isir", "n_particles": 16}, {"kind": "mala"}]
    untrained = {"kind": "kernel", "kernel": {"kind": "sequence", "parts": parts}, "warmup": 20}
    after = mixwell.sample(two_modes, dim=2, method=untrained, flow=run.flow, chains=20, draws=200)
    assert after.settings["flow"] == run.flow.settings
    assert np.array_equal(after.flow.sample(5), run.flow.sample(5))
    hops = (np.diff(np.sign(after.draws[..., 0]), axis=1) != 0).mean()
    assert hops > 0.2, hops
    assert mixwell.sample(two_modes, dim=2, method="mala", chains=4, draws=20).flow is None
    with pytest.raises(mixwell.ConfigError, match="the target has 3"):
        mixwell.sample(lambda x: (-(x**2).sum(axis=1), -2 * x), dim=3, method=untrained, flow=run.flow)


def test_other_types_and_strides_are_taken_and_the_rest_is_refused(flow):
    x = crescent(64, 4)
    assert np.array_equal(flow.log_prob(np.asfortranarray(x)[::2]), flow.log_prob(x[::2].copy()))
    assert flow.log_prob([[1, 2]]).shape == (1,) and flow.log_prob(np.empty((0, 2))).shape == (0,)
    assert np.allclose(flow.log_prob(x.astype(np.float32)), flow.log_prob(x), rtol=1e-4, atol=1e-4)
    fit = mixwell.Flow.fit
    bad = x.copy()
    bad[3, 1] = np.nan
    for call, message in [
        (lambda: flow.log_prob(np.zeros(2)), r"shape \(2,\), but it must be \(rows, 2\)"),
        (lambda: flow.forward(np.zeros((3, 4))), r"`z` has the shape \(3, 4\)"),
        (lambda: flow.inverse(x + 1j), "dtype complex128"),
        (lambda: flow.log_prob([[1.0], [2.0, 3.0]]), "no array of numbers"),
        (lambda: flow.sample(-1), "`n` is -1"),
        (lambda: flow.sample(2.5), "`n` is 2.5"),
        (lambda: flow.sample(1 << 60), "fit no memory"),
        (lambda: fit(bad), r"`points\[3, 1\]` is nan"),
        (lambda: fit(x[:1]), "at least 2"),
        (lambda: fit(x * [1.0, 0.0]), "does not vary"),
        (lambda: fit(x, np.ones(3)), r"`weights` has the shape \(3,\)"),
        (lambda: fit(x, -np.ones(64)), "`weights` is -1 in row 0"),
        (lambda: fit(x, flow="realnpv"), "did you mean `realnvp`"),
        (lambda: fit(x, flow={"kind": "maf", "n_layer": 2}), "did you mean `n_layers`"),
        (lambda: fit(x, flow={"kind": "maf", "n_layers": 0}), "`flow.n_layers` is 0"),
        (lambda: fit(x, training={"batch": 0}), "`training.batch` is 0"),
        (lambda: fit(x, epochs=-1), "`epochs` is -1"),
        (lambda: fit(x, threads=0), "`threads` is 0"),
        (lambda: fit(x[:, :1], flow=flow), "`flow` is of 2 coordinates"),
        (lambda: mixwell.Flow("realnvp", dim=0), "`dim` is 0"),
    ]:
        with pytest.raises(mixwell.ConfigError, match=message):
            call()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_is_nan_gives_nan(kind):
    flow = mixwell.Flow(kind, dim=2)
    x = np.array([[0.5, 0.5], [np.nan, 0.5], [np.inf, 0.5]])
    for found in (flow.log_prob(x), flow.forward(x)[1], flow.inverse(x)[1] + flow.inverse(x)[0].sum(axis=1)):
        assert np.isfinite(found[0])
    assert not np.isfinite(flow.log_prob(x)[1:]).any()
