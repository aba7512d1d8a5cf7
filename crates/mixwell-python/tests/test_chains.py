"""Loops of one's own: the law of the draws, the same draws as a run, moves in Python, kernels and flows in turn."""

import os
import signal
import threading
import traceback

import mixwell
import numpy as np
import pytest
from densities import MEAN, SD, normal, normal_values, two_modes

STARTS = np.random.default_rng(1).normal(size=(8, 3))


def assert_normal(draws, bar=5.0):
    """Means and variances of `chains x draws x 3` by the spread of the chains' own averages."""
    assert draws.shape[0] >= 8
    for what, expected in ((draws, MEAN), ((draws - MEAN) ** 2, SD**2)):
        means = what.mean(axis=1)
        error = means.std(axis=0, ddof=1) / np.sqrt(len(means))
        assert (np.abs(means.mean(axis=0) - expected) < bar * error).all(), (means.mean(axis=0), expected, error)


@pytest.mark.parametrize("kernel", ["mala", "nuts", {"kind": "repeat", "n_steps": 5, "kernel": {"kind": "hmc"}}], ids=str)
def test_moments_of_a_normal(kernel):
    chains = mixwell.Chains(normal, np.zeros((40, 3)), kernel, seed=2)
    chains.warm_up(300)
    made = chains.step(1500)
    assert_normal(made.draws)
    assert made.draws.shape == (40, 1500, 3) and made.log_prob.shape == (40, 1500) and not made.diverging.any()
    assert np.array_equal(made.draws[:, -1], chains.positions) and np.array_equal(made.log_prob[:, -1], chains.log_prob)
    assert np.allclose(made.log_prob, normal(made.draws.reshape(-1, 3))[0].reshape(40, 1500))
    (acceptance,) = made.acceptance.values()
    assert 0.4 < acceptance.mean() < 1


@pytest.mark.parametrize("kernel", ["mala", "nuts", "random_walk", {"kind": "hmc", "n_leapfrog": 7}], ids=str)
def test_the_draws_are_those_of_a_run(kernel):
    settings = {"kind": kernel} if isinstance(kernel, str) else kernel
    method = {"kind": "kernel", "kernel": settings, "warmup": 100}
    run = mixwell.sample(normal, dim=3, method=method, chains=8, draws=50, seed=5, start={"kind": "points", "points": STARTS})
    chains = mixwell.Chains(normal, STARTS, kernel, seed=5, threads=1)
    chains.warm_up(100)
    draws = np.concatenate([chains.step(20).draws, chains.step(30).draws], axis=1)
    assert np.array_equal(draws, run.draws)
    other = mixwell.Chains(normal, STARTS, kernel, seed=6)
    assert not np.array_equal(other.step(1).draws, mixwell.Chains(normal, STARTS, kernel, seed=5).step(1).draws)


def test_moves_in_python_between_steps():
    """Metropolis' rule in NumPy and MALA in turn; without the rule the law is another."""

    def run(rule):
        rng, chains = np.random.default_rng(3), mixwell.Chains(normal, np.zeros((40, 3)), "mala", seed=4)
        chains.warm_up(200)
        kept = []
        for _ in range(1500):
            proposed = chains.positions + 0.7 * rng.normal(size=(40, 3))
            accepted = np.log(rng.uniform(size=40)) < normal_values(proposed) - chains.log_prob
            chains.positions = np.where(accepted[:, None] if rule else True, proposed, chains.positions)
            assert np.array_equal(chains.log_prob, normal_values(chains.positions))
            kept.append(chains.step().draws[:, 0])
        return np.stack(kept, axis=1)

    assert_normal(run(rule=True))
    with pytest.raises(AssertionError):
        assert_normal(run(rule=False))


def test_kernels_take_turns_and_keep_what_they_learnt():
    chains = mixwell.Chains(normal, STARTS, "mala", seed=2)
    chains.warm_up(200)
    learnt = chains.step_sizes
    assert set(learnt) == {"mala"} and chains.kernel["kind"] == "mala"
    chains.kernel = {"kind": "hmc", "n_leapfrog": 3}
    chains.warm_up(50)
    assert set(chains.step_sizes) == {"hmc"}
    chains.kernel = "mala"
    assert chains.step_sizes == learnt
    chains.kernel = {"kind": "mala", "step_size": {"eta": 0.02}}
    assert chains.step_sizes != learnt
    chains.kernel = {"kind": "sequence", "parts": [{"kind": "mala"}, {"kind": "random_walk"}, {"kind": "mala"}]}
    assert set(chains.step(2).acceptance) == {"mala[0]", "random_walk", "mala[1]"}


def test_a_flow_proposes_and_is_exchanged():
    rng = np.random.default_rng(6)
    wells = np.where(rng.uniform(size=(4000, 1)) < 0.4, -3.0, 3.0) + 0.6 * rng.normal(size=(4000, 2))
    settings = {"kind": "rq_spline", "hidden": [32]}
    flow = mixwell.Flow.fit(wells, flow=settings, epochs=20, training={"batch": 400, "learning_rate": 5e-3})
    other = mixwell.Flow.fit(wells, flow=settings, epochs=20, training={"batch": 400, "learning_rate": 5e-3}, seed=9)
    ex2 = {"kind": "sequence", "parts": [{"kind": "isir", "n_particles": 16}, {"kind": "mala"}]}
    chains = mixwell.Chains(two_modes, np.full((40, 2), 3.0), ex2, flow=flow, seed=2)
    chains.warm_up(100)
    draws = []
    for turn in range(10):  # between flows whose versions are the same number: a stale density of one under the other would be seen
        chains.flow = (other, flow)[turn % 2]
        draws.append(chains.step(100).draws)
    share = (np.concatenate(draws, axis=1)[..., 0] > 0).mean(axis=1)
    assert abs(share.mean() - 2 / 3) < 5 * share.std(ddof=1) / np.sqrt(40)
    chains.kernel = "independent_mh"
    assert chains.step(10).acceptance["independent_mh"].mean() > 0.1
    with pytest.raises(mixwell.ConfigError, match="there is none: give flow"):
        chains.flow = None
    with pytest.raises(mixwell.ConfigError, match="`flow` is of 3 coordinates"):
        chains.flow = mixwell.Flow("realnvp", dim=3)
    assert chains.flow is flow and chains.step().draws.shape == (40, 1, 2)


def test_built_in_targets_and_models_with_values_alone():
    chains = mixwell.Chains({"kind": "banana", "dim": 2}, np.zeros((4, 2)), "nuts")
    assert np.isfinite(chains.step(20).log_prob).all()
    chains = mixwell.Chains(normal_values, STARTS, "random_walk", seed=1)
    with pytest.raises(mixwell.ConfigError, match=r"needs gradients.*return \(values, gradients\)"):
        chains.kernel = "mala"
    assert chains.kernel["kind"] == "random_walk"


def test_an_exception_has_its_own_traceback_and_changes_nothing():
    calls = []

    def fails_later(x):
        calls.append(len(x))
        if len(calls) > 30:
            raise KeyError("the ninth lemma")
        return normal(x)

    chains = mixwell.Chains(fails_later, STARTS, "mala", seed=2)
    chains.step(10)
    before = chains.positions
    with pytest.raises(mixwell.EvaluationError, match="stand where they stood before") as error:
        chains.step(100)
    assert isinstance(error.value.__cause__, KeyError)
    assert "fails_later" in "".join(traceback.format_exception(error.value.__cause__))
    assert np.array_equal(chains.positions, before)
    learnt = chains.step_sizes
    with pytest.raises(mixwell.EvaluationError):
        chains.warm_up(10)
    assert chains.step_sizes == learnt and np.array_equal(chains.positions, before)
    with pytest.raises(mixwell.EvaluationError):
        chains.positions = STARTS
    assert np.array_equal(chains.positions, before)
    calls.clear()
    expected = mixwell.Chains(normal, STARTS, "mala", seed=2)
    expected.step(10)
    # The streams, too, stand where they stood.
    assert np.array_equal(chains.step(5).draws, expected.step(5).draws)


def test_an_interrupt_is_heard_and_changes_nothing():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        chains = mixwell.Chains({"kind": "banana", "dim": 2}, np.zeros((4, 2)), "mala", seed=2)
        chains.step(5)
        stood = chains.positions
        for call in (lambda: chains.step(5_000_000), lambda: chains.warm_up(1 << 40), lambda: mixwell.Flow.fit(np.random.default_rng(1).normal(size=(500, 2)), epochs=1 << 40)):
            timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                call()
            timer.join()
            assert np.array_equal(chains.positions, stood)
        assert np.array_equal(chains.step(3).draws, again()), "the streams stand where they stood"
    finally:
        signal.signal(signal.SIGINT, before)


def again():
    """Three steps after five, of the chains above without an interrupt."""
    chains = mixwell.Chains({"kind": "banana", "dim": 2}, np.zeros((4, 2)), "mala", seed=2)
    chains.step(5)
    return chains.step(3).draws


def test_whoever_asks_while_they_move_is_told():
    found = []

    def nosy(x):
        if chains is not None:
            try:
                chains.positions  # noqa: B018
            except mixwell.ConfigError as error:
                found.append(str(error))
        return normal(x)

    chains = None
    chains = mixwell.Chains(nosy, STARTS, "mala")
    chains.step()
    assert found and all("between steps" in text for text in found)


def test_what_cannot_be_used_is_refused():
    chains = mixwell.Chains(normal, STARTS, "mala")
    with pytest.raises(ValueError, match="read-only"):
        chains.positions[0] = 0.0

    def assign(x):
        chains.positions = x

    def cut(x):
        return np.where(x[:, 0] > 0, normal(x)[0], -np.inf), normal(x)[1]

    for call, message in [
        (lambda: mixwell.Chains(normal, np.zeros(3), "mala"), r"`starts` has the shape \(3,\)"),
        (lambda: mixwell.Chains(normal, np.full((2, 3), np.nan), "mala"), r"`starts\[0, 0\]` is nan"),
        (lambda: mixwell.Chains(cut, -np.ones((2, 3)), "mala"), "`starts` is of log-density -inf in row 0"),
        (lambda: mixwell.Chains({"kind": "banana", "dim": 2}, np.zeros((2, 3)), "mala"), "the density has 2 coordinates"),
        (lambda: mixwell.Chains(normal, STARTS, "malla"), "did you mean `mala`"),
        (lambda: mixwell.Chains(normal, STARTS, {"kind": "mala", "step": 1}), "unknown key `method.kernel.step`"),
        (lambda: mixwell.Chains(normal, STARTS, {"kind": "hmc", "n_leapfrog": 0}), "`kernel.n_leapfrog` is 0"),
        (lambda: mixwell.Chains(normal, STARTS, None), "`kernel` is None"),
        (lambda: mixwell.Chains(normal, STARTS, "isir"), "there is none: give flow"),
        (lambda: mixwell.Chains(normal, STARTS, "isir", flow="realnvp"), "`flow` is of the type str"),
        (lambda: mixwell.Chains(normal, STARTS, "symmetry"), "the density states none"),
        (lambda: mixwell.Chains(normal, STARTS, "mala", threads=0), "`threads` is 0"),
        (lambda: mixwell.Chains(normal, STARTS, "mala", seed=-1), "`seed` is -1"),
        (lambda: chains.step(-1), "`n` is -1"),
        (lambda: chains.step(1 << 60), "fits no memory"),
        (lambda: chains.warm_up(1.5), "`n` is 1.5"),
        (lambda: assign(np.zeros((2, 3))), r"`positions` has the shape \(2, 3\)"),
        (lambda: assign(np.full((8, 3), 1j)), "dtype complex128"),
    ]:
        with pytest.raises(mixwell.ConfigError, match=message):
            call()
    assert chains.step(0).draws.shape == (8, 0, 3)
