"""Draws of functions and of built-in targets against exact answers, and what a result holds."""

import os
import pickle

import mixwell
import numpy as np
import pytest
from densities import MEAN, SD, assert_moments, normal, normal_values, two_modes


@pytest.fixture(scope="module")
def run():
    return mixwell.sample(normal, coords={"mu": (), "theta": ["a", "b"]}, method="nuts", chains=4, draws=1000, seed=3)


def test_moments_of_a_normal(run):
    assert run.verdict and run.verdict.converged, run.verdict
    assert_moments(run, MEAN, SD)


def test_a_wrong_answer_is_found(run):
    with pytest.raises(AssertionError):
        assert_moments(run, MEAN + [0.0, 0.0, 0.5], SD)


def test_a_value_alone_is_enough_for_a_random_walk():
    run = mixwell.sample(normal_values, dim=3, method="random_walk", chains=20, draws=2000)
    assert_moments(run, MEAN, SD)


def test_modes_are_weighed_by_a_flow():
    run = mixwell.sample(two_modes, dim=2, method={"kind": "flex2", "train_iterations": 200}, chains=20, draws=500, seed=2)
    right = run.draws[..., 0] > 0
    error = run.draws[..., 0].size ** -0.5  # chains hop at almost every step
    assert abs(right.mean() - 2 / 3) < 5 * 0.5 * error * 3
    # A normalised mixture times 2 pi 0.25.
    value, error = run.evidence()
    assert abs(value - np.log(2 * np.pi * 0.25)) < 5 * error
    assert run.settings["method"]["train_iterations"] == 200


def test_built_in_targets_by_their_settings():
    run = mixwell.sample({"kind": "gaussian", "mean": [1.0, 2.0], "covariance": np.diag([4.0, 0.25])}, method="nuts", chains=4, draws=1000)
    assert_moments(run, [1.0, 2.0], [2.0, 0.5])


def test_a_stated_symmetry_joins_two_wells():
    def wells(x):
        off = x[:, 0] ** 2 - 9.0
        gradient = np.stack([-off * x[:, 0], -x[:, 1]], axis=1)
        return -0.25 * off**2 - 0.5 * x[:, 1] ** 2, gradient

    run = mixwell.sample(wells, dim=2, symmetries=[{"kind": "sign_flip"}], draws=500)
    assert run.verdict and run.verdict.converged, run.verdict
    assert any("sign flip" in reason for reason in run.chosen), run.chosen
    right = (run.draws[..., 0] > 0).mean()
    assert abs(right - 0.5) < 5 * 0.5 * run.draws[..., 0].size ** -0.5  # the sign is drawn anew in every step

    def skew(x):
        value, gradient = wells(x)
        return value + x[:, 0], gradient + np.array([1.0, 0.0])

    with pytest.raises(ValueError, match="sign flip is no symmetry"):
        mixwell.sample(skew, dim=2, symmetries=[{"kind": "sign_flip"}], draws=10)


def test_the_same_seed_gives_the_same_draws_with_any_threads():
    def draws(threads, seed=5):
        return mixwell.sample(normal, dim=3, method="mala", chains=6, draws=50, seed=seed, threads=threads).draws

    assert np.array_equal(draws(None), draws(1)) and np.array_equal(draws(1), draws(2))
    assert not np.array_equal(draws(1), draws(1, seed=6))


def test_draws_by_name_are_views_of_one_array(run):
    assert run.variables == {"mu": (), "theta": (2,)}
    assert run.draws.shape == (4, 1000, 3) and run.warmup_draws.shape[0] == 4
    assert run["mu"].shape == (4, 1000) and run["theta"].shape == (4, 1000, 2)
    assert np.array_equal(run["theta"], run.draws[:, :, 1:])
    assert np.shares_memory(run["theta"], run.draws) and np.shares_memory(run.draws, run.draws)
    with pytest.raises(KeyError, match="there are mu, theta"):
        run["nothing"]


def test_the_table_is_that_of_the_draws(run):
    table = run.summary()
    assert list(table) == ["mu", "theta[a]", "theta[b]"]
    assert np.isclose(table["theta[a]"]["mean"], run["theta"][..., 0].mean())
    assert "theta[b]" in str(table) and "converged" in str(table) and "gradients" in str(table)
    assert run.stats["acceptance_rate"].shape == (4, 1000) and run.stats["diverging"].dtype == bool


def test_a_run_is_pickled(run):
    copy = pickle.loads(pickle.dumps(run))
    assert np.array_equal(copy.draws, run.draws) and str(copy.summary()) == str(run.summary())
    assert copy.settings == run.settings and repr(copy) == repr(run)


def test_a_folder_holds_what_memory_holds(tmp_path, run):
    stored = mixwell.sample(
        normal, coords={"mu": (), "theta": ["a", "b"]}, method="nuts", chains=4, draws=1000, seed=3, out=tmp_path / "run"
    )
    opened = mixwell.open(tmp_path / "run")
    for other in (stored, opened, pickle.loads(pickle.dumps(stored))):
        assert np.array_equal(other.draws, run.draws) and np.array_equal(other["theta"], run["theta"])
        assert np.array_equal(other.warmup_draws, run.warmup_draws)
        assert list(other.summary()) == list(run.summary()) and other.finished
        assert other.stats.keys() == run.stats.keys()
    with pytest.raises(mixwell.RunFolderError, match="config.toml"):
        mixwell.sample(normal, dim=3, out=tmp_path / "run")
    with pytest.raises(mixwell.RunFolderError, match="nothing_here"):
        mixwell.open(tmp_path / "nothing_here")


def test_a_run_in_memory_is_saved_as_a_folder(tmp_path, run):
    run.save(tmp_path / "a")
    mixwell.open(tmp_path / "a").save(tmp_path / "b")
    for name in "ab":
        other = mixwell.open(tmp_path / name)
        assert np.array_equal(other.draws, run.draws) and np.array_equal(other.warmup_draws, run.warmup_draws)
        assert str(other.summary()) == str(run.summary()) and other.settings == run.settings
        assert other.stats.keys() == run.stats.keys()
        assert mixwell.resume(tmp_path / name).finished
        with pytest.raises(mixwell.RunFolderError, match="run already|config.toml"):
            run.save(tmp_path / name)
    chunk = next((tmp_path / "a/draws.zarr/posterior/theta").glob("c.*"))
    chunk.write_bytes(chunk.read_bytes()[:-1])
    with pytest.raises(mixwell.RunFolderError, match="draws.zarr"):
        mixwell.open(tmp_path / "a")


def test_arviz_reads_a_run(run):
    pytest.importorskip("xarray")
    posterior = run.posterior["posterior"]
    assert posterior["theta"].dims == ("chain", "draw", "theta_dim_0")
    assert np.array_equal(posterior["theta"].values, run["theta"])
    assert list(posterior["theta"].coords["theta_dim_0"].values) == ["a", "b"]
    assert run.posterior["sample_stats"]["diverging"].dtype == bool


def test_a_point_at_a_time():
    run = mixwell.sample(mixwell.pointwise(lambda x: -0.5 * float(x @ x)), dim=2, method="random_walk", chains=2, draws=20)
    assert run.draws.shape == (2, 20, 2)
    both = mixwell.pointwise(lambda x: (-0.5 * float(x @ x), -x))
    assert mixwell.sample(both, dim=2, method="mala", chains=2, draws=20).draws.shape == (2, 20, 2)


def test_a_point_may_be_kept_and_changed():
    kept = []

    def rude(x):
        kept.append(x)
        x *= 2.0
        return -0.5 * (x**2).sum(axis=1)

    mixwell.sample(rude, dim=2, method="random_walk", chains=2, draws=20)
    assert len({a.__array_interface__["data"][0] for a in kept}) == len(kept)


def test_a_method_is_chosen_where_none_is_named() -> None:
    run = mixwell.sample(normal, dim=3, chains=4, draws=500, seed=5)
    assert "NUTS alone" in run.chosen[1]
    assert_moments(run, MEAN, SD)
    assert "no gradient" in mixwell.sample(normal_values, dim=3, chains=4, draws=20, seed=5).chosen[0]
    assert mixwell.sample(normal, dim=3, method="nuts", chains=4, draws=20).chosen == []


def test_a_report_is_a_page_of_its_own(run, tmp_path):
    page = run.report(tmp_path / "normal.html")
    text = (tmp_path / "normal.html").read_text(encoding="utf-8")
    assert page == str(tmp_path / "normal.html") and "<h1>normal</h1>" in text and "theta[a]" in text and text.count("<svg") > 12
    with pytest.raises(mixwell.ConfigError, match="needs a path"):
        run.report()
    run.save(tmp_path / "kept")
    assert mixwell.open(tmp_path / "kept").report() == os.path.join(tmp_path, "kept", "report.html")
    with pytest.raises(mixwell.RunFolderError, match="nowhere"):
        run.report(tmp_path / "nowhere" / "page.html")
