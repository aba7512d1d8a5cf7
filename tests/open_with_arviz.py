#!/usr/bin/env python3
"""Opens a run folder with xarray and compares its summary.json with what ArviZ says about the same draws.

    python -m venv .venv && .venv/bin/pip install arviz "xarray>=2024.11" "zarr>=3"
    .venv/bin/python tests/open_with_arviz.py runs/german_credit

Works with ArviZ 0.2x (`arviz`) and 1.x (`arviz`, or its parts `arviz-base` and `arviz-stats`).

Exit status: 0 all agree, 1 something differs (a table says what), 2 the run folder cannot be read or checked.
"""

import argparse
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import xarray as xr

GROUPS = ("posterior", "sample_stats", "warmup_posterior", "warmup_sample_stats")

# Diagnostics are compared relative to their size, estimates relative to the standard deviation of the parameter.
DIAGNOSTICS = ("rhat", "ess_bulk", "ess_tail", "mcse_mean", "mcse_sd")
ESTIMATES = ("mean", "sd", "q5", "median", "q95")


class Diagnostics:
    """The diagnostics of one array of draws (chain x draw), by whichever ArviZ is installed."""

    def __init__(self):
        try:
            import arviz

            version = arviz.__version__
        except ImportError:
            arviz, version = None, "1"
        if arviz is not None and version.startswith("0."):
            self.name = f"arviz {version}"
            self._functions = arviz
        else:
            import arviz_stats

            self.name = f"arviz-stats {arviz_stats.__version__}"
            self._functions = arviz_stats

    def __call__(self, draws):
        data = xr.Dataset({"x": (("chain", "draw"), draws)})
        az = self._functions
        found = {
            "rhat": az.rhat(data, method="rank"),
            "ess_bulk": az.ess(data, method="bulk"),
            "ess_tail": az.ess(data, method="tail", prob=(0.05, 0.95)),
            "mcse_mean": az.mcse(data, method="mean"),
        }
        found = {key: float(value["x"]) for key, value in found.items()}
        # ArviZ 0.2x takes the ESS of the squares, 1.x that of the mean, which says nothing of how the squares mix: for both by the formula.
        squares = (draws - draws.mean()) ** 2
        ess = float(az.ess(xr.Dataset({"x": (("chain", "draw"), squares)}), method="mean")["x"])
        found["mcse_sd"] = math.sqrt(squares.var() / ess / squares.mean()) / 2 if squares.mean() > 0 else math.nan
        return found


def estimates(draws):
    q5, median, q95 = np.quantile(draws, [0.05, 0.5, 0.95])
    return {"mean": draws.mean(), "sd": draws.std(ddof=1), "q5": q5, "median": median, "q95": q95}


def element(posterior, label):
    """The draws (chain x draw) that a label such as `mu` or `theta[1,2]` stands for."""
    match = re.fullmatch(r"(.+?)(?:\[(\d+(?:,\d+)*)\])?", label)
    name, index = match.group(1), match.group(2)
    if name not in posterior and label in posterior:
        name, index = label, None
    place = tuple(int(i) for i in index.split(",")) if index else ()
    array = posterior[name].transpose("chain", "draw", ...)
    if len(place) != array.ndim - 2:
        raise KeyError(f"{label}: {name} has shape {array.shape[2:]}")
    return array.values[(slice(None), slice(None), *place)]


def distance(ours, theirs, scale):
    """How far two numbers are apart in units of `scale`; not-a-number agrees with itself only."""
    if ours is None or math.isnan(ours) or math.isnan(theirs):
        both = (ours is None or math.isnan(ours)) and math.isnan(theirs)
        return 0.0 if both else math.inf
    if ours == theirs:
        return 0.0
    return abs(ours - theirs) / max(abs(scale), 1e-300)


def describe(tree):
    for name in GROUPS:
        if name not in tree.children:
            continue
        group = tree[name].to_dataset()
        print(f"{name}: " + ", ".join(f"{dim} {size}" for dim, size in group.sizes.items()))
        for variable, array in group.data_vars.items():
            print(f"    {variable:<24} {str(array.dtype):<8} ({', '.join(map(str, array.dims))})")
    print("attributes: " + ", ".join(f"{key}={value}" for key, value in tree.attrs.items()))


def check_layout(tree):
    """What ArviZ relies on; returns complaints."""
    complaints = [f"group {name} is missing" for name in GROUPS[:2] if name not in tree.children]
    for name in GROUPS:
        if name not in tree.children:
            continue
        group = tree[name].to_dataset()
        for variable, array in group.data_vars.items():
            if array.dims[:2] != ("chain", "draw"):
                complaints.append(f"{name}/{variable} has dimensions {array.dims}")
        for dim in ("chain", "draw"):
            if dim not in group.coords or not np.array_equal(group[dim].values, np.arange(group.sizes.get(dim, 0))):
                complaints.append(f"{name} has no coordinate {dim} that counts from 0")
    return complaints


def compare(posterior, parameters, tolerance):
    """Rows (label, key, ours, theirs, distance) of all numbers that differ by more than the tolerance."""
    diagnostics = Diagnostics()
    rows = []
    for parameter in parameters:
        draws = element(posterior, parameter["name"])
        theirs = estimates(draws) | diagnostics(draws)
        for key in (*ESTIMATES, *DIAGNOSTICS):
            if key not in parameter:
                rows.append((parameter["name"], key, None, theirs[key], math.inf))
                continue
            scale = theirs[key] if key in DIAGNOSTICS else max(theirs["sd"], abs(theirs[key]))
            off = distance(parameter[key], theirs[key], scale)
            if not off <= tolerance:
                rows.append((parameter["name"], key, parameter[key], theirs[key], off))
    print(f"compared {len(parameters)} parameters with {diagnostics.name}")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    parser.add_argument("--tolerance", type=float, default=1e-6, help="largest relative difference (default 1e-6)")
    parser.add_argument("--no-summary", action="store_true", help="only open the draws; there is no summary.json")
    arguments = parser.parse_args()

    try:
        tree = xr.open_datatree(arguments.run_dir / "draws.zarr", engine="zarr", consolidated=False)
        describe(tree)
        complaints = check_layout(tree)
        if complaints:
            print("\n".join(complaints), file=sys.stderr)
            return 1
        if arguments.no_summary:
            return 0
        summary = json.loads((arguments.run_dir / "summary.json").read_text())
        rows = compare(tree["posterior"].to_dataset().load(), summary["parameters"], arguments.tolerance)
    except (OSError, KeyError, ValueError) as error:
        print(f"{arguments.run_dir}: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    if not summary["parameters"]:
        print("summary.json lists no parameters", file=sys.stderr)
        return 2
    if rows:
        print(f"\n{'parameter':<24} {'number':<10} {'summary.json':>24} {'arviz':>24} {'difference':>11}")
        for label, key, ours, theirs, off in rows:
            print(f"{label:<24} {key:<10} {'missing' if ours is None else repr(ours):>24} {theirs!r:>24} {off:>11.2e}")
        print(f"\n{len(rows)} numbers differ by more than {arguments.tolerance:g}")
        return 1
    print("all agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
