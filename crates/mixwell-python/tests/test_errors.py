"""What goes wrong is said: settings in the library's words, the user's exceptions with their own traceback."""

import os
import signal
import threading
import time
import traceback
import warnings

import mixwell
import numpy as np
import pytest
from densities import normal, normal_values


@pytest.fixture(autouse=True)
def interrupts_are_heard():
    """Programs that a shell starts in the background are born deaf to SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)



def run(log_prob, **settings):
    return mixwell.sample(log_prob, **({"dim": 3, "method": "mala", "chains": 4, "draws": 200} | settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"drawz": 3}, "unknown key `drawz`; did you mean `draws`"),
        ({"method": {"kind": "flex2", "train_iteration": 3}}, "unknown key `method.train_iteration`; did you mean `train_iterations`"),
        ({"method": "nutz"}, "`method` is nutz, but it must be a method"),
        ({"method": {"kind": "nuts"}}, "`method.kind` is \"nuts\", but it must be one of"),
        ({"chains": 0}, "`chains` is 0"),
        ({"chains": 1.5}, "`chains` is a number with a fraction"),
        ({"seed": -1}, "`seed` is -1, but it must not be negative"),
        ({"seed": 1 << 63}, "whole numbers in settings end at"),
        ({"start": {"kind": "points", "points": [[0.0, 0.0]]}}, "the target has 3 coordinates"),
        ({"start": object()}, "`start` is of the type object"),
        ({"threads": 0}, "`threads` is 0"),
        ({"dim": 0}, "`dim` is 0"),
        ({"dim": None}, "`dim` is missing"),
        ({"coords": {"a": 2}}, "hold 2 numbers"),
        ({"dim": None, "coords": {"a": "b"}}, r"`coords\['a'\]` is 'b'"),
        ({"target": {"kind": "banana"}}, "a run has one density"),
    ],
)
def test_settings_are_refused_in_words(settings, message):
    with pytest.raises(mixwell.ConfigError, match=message) as error:
        run(normal, **settings)
    assert isinstance(error.value, ValueError)


def test_a_method_that_needs_a_gradient_says_so():
    with pytest.raises(mixwell.ConfigError, match=r"needs gradients: return \(values, gradients\).*random_walk"):
        run(normal_values)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: 1.0, r"values of shape \(\) for 3 points"),
        (lambda x: np.zeros((len(x), 1)), r"values of shape \(3, 1\) for 3 points of 3 numbers, but it must be \(3,\)"),
        (lambda x: (np.zeros(len(x)), np.zeros(3)), r"gradients of shape \(3,\) for 3 points of 3 numbers, but it must be \(3, 3\)"),
        (lambda x: np.zeros(len(x), complex), "dtype complex128"),
        (lambda x: np.array(["a"] * len(x)), "dtype <U1"),
        (lambda x: None, "dtype object"),
        (lambda x: (1, 2, 3), "a tuple of 3"),
    ],
)
def test_answers_of_the_wrong_shape_or_type(answer, message):
    with pytest.raises(mixwell.ConfigError, match=message):
        run(answer)


def test_other_types_and_strides_are_taken():
    def strided(x):
        values, gradients = normal(x)
        return np.repeat(values, 2)[::2], np.asfortranarray(gradients)

    def single(x):
        values, gradients = normal(x)
        return values.astype(np.float32), gradients.astype(np.float32)

    assert np.array_equal(run(strided).draws, run(normal).draws)
    assert abs(run(single).draws - run(normal).draws)[:, 0].max() < 1e-4


def test_an_exception_ends_the_run_with_its_own_traceback(tmp_path):
    left = [400]

    def fails(x):
        left[0] -= 1
        if left[0] < 0:
            raise ZeroDivisionError("the simulator is gone")
        return normal(x)

    with pytest.raises(mixwell.EvaluationError, match="simulator is gone.*goes on from the checkpoint") as error:
        run(fails, out=tmp_path / "run")
    cause = error.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    assert "fails" in [frame.name for frame in traceback.extract_tb(cause.__traceback__)]
    assert (tmp_path / "run/checkpoint/state.bin").exists() and not mixwell.open(tmp_path / "run").finished
    left[0] = 10**9
    resumed = mixwell.resume(tmp_path / "run", fails)
    assert np.array_equal(resumed.draws, run(normal).draws)

    left[0] = 400
    with pytest.raises(mixwell.EvaluationError, match="are lost"):
        run(fails)


def test_an_unfinished_run_says_so_and_needs_its_function(tmp_path):
    def stops(x):
        raise RuntimeError

    calls = iter(range(400))
    with pytest.raises(mixwell.EvaluationError):
        run(lambda x: normal(x) if next(calls, None) is not None else stops(x), out=tmp_path / "run")
    opened = mixwell.open(tmp_path / "run")
    assert not opened.verdict and "not finished" in repr(opened)
    with pytest.raises(mixwell.ConfigError, match="not finished"):
        opened.summary()
    with pytest.raises(mixwell.ConfigError, match="give the same one again"):
        mixwell.resume(tmp_path / "run")


@pytest.mark.parametrize("threads", [None, 2])
def test_an_interrupt_leaves_a_checkpoint_and_the_same_draws(tmp_path, threads):
    calls = [0]

    def slow(x):
        calls[0] += 1
        time.sleep(1e-3)
        return normal(x)

    def interrupt():
        while calls[0] < 300:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="goes on from the checkpoint"):
        run(slow, draws=20_000, out=tmp_path / "run", threads=threads)
    thread.join()
    assert time.monotonic() - began < 20
    resumed = mixwell.resume(tmp_path / "run", normal)
    assert np.array_equal(resumed.draws, run(normal, draws=20_000).draws)


def test_an_interrupt_of_a_built_in_target(tmp_path):
    thread = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        mixwell.sample({"kind": "funnel"}, method="nuts", draws=1_000_000)
    thread.join()


def test_points_without_a_value_are_counted():
    def half(x):
        values, gradients = normal(x)
        return np.where(x[:, 0] > 0, values, np.nan), gradients

    found = run(half, start={"kind": "points", "points": [[1.0, -2.0, 0.5]]})
    assert found.summary().numbers["non_finite"] > 0
    assert (found.draws[..., 0] > 0).all()


def test_a_start_without_a_value_is_refused():
    with pytest.raises(mixwell.ConfigError, match="the log-density is NaN at the start of chain 0"):
        run(lambda x: (np.full(len(x), np.nan), x))


def test_a_wrong_gradient_is_found():
    with pytest.raises(mixwell.ConfigError, match="its gradient says"):
        run(lambda x: (normal(x)[0], -normal(x)[1]))


def test_progress_is_told_and_may_end_the_run():
    told = []
    run(lambda x: (time.sleep(1e-4), normal(x))[1], draws=2000, progress=told.append)
    assert told and {"phase", "draws", "elapsed", "max_rhat"} <= told[-1].keys()

    def enough(progress):
        raise StopIteration("enough")

    with pytest.raises(StopIteration, match="enough"):
        run(lambda x: (time.sleep(1e-4), normal(x))[1], draws=100_000, progress=enough)


def test_nothing_is_warned_of_in_a_good_run():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(normal)
