"""Targets, trainings, energies and networks as NumPy functions."""

import json
import pathlib
import pickle

import mixwell
import numpy as np
import pytest

ENERGY = {
    "kind": "energy",
    "updates": 30,
    "data": {"law": {"kind": "two_modes"}, "rows": 512},
    "training": {"batch": 32, "trainer": {"kind": "ula"}},
}


def slopes(f, x, h=1e-5):
    """Central differences of a function of rows."""
    steps = h * np.eye(x.shape[1])
    return np.stack([(f(x + s) - f(x - s)) / (2 * h) for s in steps], axis=1)


def test_a_target_is_a_function():
    gaussian = mixwell.Target({"kind": "gaussian", "mean": [1.0, 2.0], "covariance": np.diag([4.0, 0.25])})
    x = np.random.default_rng(1).normal(size=(20, 2))
    values, gradients = gaussian.log_prob_and_grad(x)
    z = (x - [1.0, 2.0]) / [2.0, 0.5]
    assert np.allclose(np.diff(values), np.diff(-0.5 * (z**2).sum(axis=1)))
    assert np.allclose(gradients, -z / [2.0, 0.5]) and np.array_equal(values, gaussian.log_prob(x[::1]))
    assert gaussian.dim == 2 and gaussian.has_gradient and gaussian.settings["kind"] == "gaussian"
    assert np.array_equal(pickle.loads(pickle.dumps(gaussian)).log_prob(x), values)
    assert mixwell.Target("eight_schools").variables["theta"] == (8,)
    for call, message in [
        (lambda: mixwell.Target("gausian"), "did you mean `gaussian`"),
        (lambda: mixwell.Target({"kind": "energy", "path": "nowhere"}), "nowhere"),
        (lambda: gaussian.log_prob(np.zeros((2, 3))), r"`x` has the shape \(2, 3\)"),
    ]:
        with pytest.raises(mixwell.ConfigError, match=message):
            call()


def test_a_target_is_changed_in_python_and_sampled():
    base = mixwell.Target({"kind": "gaussian", "mean": [0.0, 0.0], "covariance": np.eye(2)})

    def colder(x):  # variance 1/4
        values, gradients = base(x)
        return 4 * values, 4 * gradients

    run = mixwell.sample(colder, dim=2, method="nuts", chains=4, draws=500)
    row = run.summary()["x[0]"]
    assert abs(row["sd"] - 0.5) < 5 * row["mcse_sd"]
    assert mixwell.sample(base, method="nuts", chains=2, draws=20).settings["target"]["kind"] == "gaussian"
    assert mixwell.Chains(base, np.zeros((2, 2)), "mala").step(3).draws.shape == (2, 3, 2)


@pytest.fixture(scope="module")
def energy(tmp_path_factory):
    told = []
    training = mixwell.train(ENERGY, tmp_path_factory.mktemp("runs") / "energy", progress=told.append)
    assert told and told[-1]["updates"][1] > 0 and told[-1]["words"]
    return training


def test_an_energy_is_trained_and_read(energy, tmp_path):
    assert energy.finished and energy.kind == "energy" and energy.settings["updates"] == 30
    assert len(energy.curve["step"]) > 0 and isinstance(energy.results, dict) and energy.summary()
    law = energy.energy
    x = np.random.default_rng(1).normal(size=(6, 2))
    values, gradients = law.log_prob_and_grad(x)
    assert np.array_equal(law.energy(x), -values)
    # Computed in single precision.
    assert np.allclose(gradients, slopes(law.log_prob, x, 1e-3), rtol=0.02, atol=0.02)
    # The law is exp(-E) times its base.
    network = energy.network
    assert (network.n_in, network.n_out) == (2, 1) and "dense" in network.description
    difference = values + network(x)[:, 0]
    file = json.loads((pathlib.Path(energy.folder) / "law.json").read_text())
    assert file["temperature"] == 1.0
    base = -0.5 * (((x - file["base"]["mean"]) / file["base"]["sd"]) ** 2).sum(axis=1)
    assert np.allclose(np.diff(difference), np.diff(base), atol=1e-4)
    one = np.ones((6, 1))
    assert np.allclose(network.pullback(x, one), slopes(lambda x: network(x)[:, 0], x, 1e-3), rtol=0.02, atol=0.02)
    assert np.array_equal(network.pullback(x, 0 * one), np.zeros((6, 2)))
    assert np.array_equal(pickle.loads(pickle.dumps(network))(x), network(x))
    again = mixwell.Training.load(energy.folder)
    assert again.results == energy.results and again.verdict.line == energy.verdict.line
    assert np.array_equal(again.energy.log_prob(x), values)
    run = mixwell.sample({"kind": "energy", "path": energy.folder}, method="mala", chains=4, draws=50)
    assert np.isfinite(run.draws).all()


def test_a_training_is_resumed_and_kept_apart_from_runs(energy, tmp_path):
    folder = tmp_path / "stopped"

    def stop(told):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        mixwell.train({**ENERGY, "updates": 100_000}, folder, progress=stop)
    stopped = mixwell.Training.load(folder)
    assert not stopped.finished and not stopped.verdict
    with pytest.raises(mixwell.ConfigError, match="Training.resume goes on"):
        stopped.results  # noqa: B018
    with pytest.raises(RuntimeError, match="enough"):
        mixwell.Training.resume(folder, progress=stop)
    finished = mixwell.Training.resume(energy.folder)
    assert finished.results == energy.results
    for call, error, message in [
        (lambda: mixwell.open(energy.folder), mixwell.RunFolderError, "Training.load"),
        (lambda: mixwell.resume(energy.folder), mixwell.RunFolderError, "Training.resume"),
        (lambda: mixwell.train(ENERGY, energy.folder), mixwell.RunFolderError, "already"),
        (lambda: mixwell.train({"kind": "enrgy"}, tmp_path / "a"), mixwell.ConfigError, "did you mean `energy`"),
        (lambda: mixwell.train({**ENERGY, "update": 3}, tmp_path / "b"), mixwell.ConfigError, "did you mean `updates`"),
        (lambda: mixwell.train(5, tmp_path / "c"), mixwell.ConfigError, "of the type int"),
        (lambda: mixwell.Training.load(tmp_path / "nowhere"), mixwell.RunFolderError, "nowhere"),
        (lambda: energy.generator, mixwell.ConfigError, "of the kind energy"),
        (lambda: mixwell.Network(tmp_path / "nowhere.safetensors"), mixwell.ConfigError, "nowhere"),
        (lambda: energy.network(np.zeros((2, 5))), mixwell.ConfigError, r"`x` has the shape \(2, 5\)"),
    ]:
        with pytest.raises(error, match=message):
            call()
    assert not (tmp_path / "a").exists() and not (tmp_path / "b").exists()


def test_the_networks_of_a_gan(tmp_path):
    settings = {"kind": "gan", "updates": 20, "data": {"law": {"kind": "rings"}, "rows": 512}}
    gan = mixwell.train(settings, tmp_path / "gan")
    z = np.random.default_rng(1).normal(size=(5, gan.generator.n_in))
    x = gan.generator(z)
    assert x.shape == (5, 2) and gan.discriminator(x).shape == (5, 1)
    back = gan.generator.pullback(z, gan.discriminator.pullback(x, np.ones((5, 1))))
    composed = lambda z: gan.discriminator(gan.generator(z))[:, 0]  # noqa: E731
    assert np.allclose(back, slopes(composed, z, 1e-3), rtol=0.05, atol=0.05)
