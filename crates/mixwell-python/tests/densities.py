"""Densities with exact answers, and the z-test against them."""

import numpy as np

SD = np.array([0.5, 1.0, 2.0])
MEAN = np.array([1.0, -2.0, 0.5])


def normal(x):
    """Independent normals, values and gradients."""
    z = (x - MEAN) / SD
    return -0.5 * (z**2).sum(axis=1), -z / SD


def normal_values(x):
    """The same without gradients."""
    return normal(x)[0]


def two_modes(x):
    """A third at -3, two thirds at +3, standard deviation 0.5, in every coordinate of the plane."""
    parts = np.stack([np.log(w) - 0.5 * ((x - c) ** 2).sum(axis=1) / 0.25 for w, c in ((1 / 3, -3.0), (2 / 3, 3.0))])
    top = parts.max(axis=0)
    shares = np.exp(parts - top)
    shares /= shares.sum(axis=0)
    slopes = [-(x - c) / 0.25 for c in (-3.0, 3.0)]
    return top + np.log(np.exp(parts - top).sum(axis=0)), sum(s[:, None] * g for s, g in zip(shares, slopes, strict=True))


def assert_moments(run, mean, sd, bar=5.0):
    """Means and standard deviations of all numbers within `bar` of their Monte Carlo errors."""
    summary = run.summary()
    assert len(summary) == len(mean)
    for row, mean_i, sd_i in zip(summary.values(), mean, sd, strict=True):
        assert abs(row["mean"] - mean_i) < bar * row["mcse_mean"], row
        assert abs(row["sd"] - sd_i) < bar * row["mcse_sd"], row
