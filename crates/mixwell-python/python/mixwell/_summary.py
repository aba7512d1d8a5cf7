"""Summary and verdict of a run, as the library made them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

_COLUMNS = {
    "mean": "mean",
    "sd": "sd",
    "mcse_mean": "mcse mean",
    "mcse_sd": "mcse sd",
    "q5": "5 %",
    "median": "median",
    "q95": "95 %",
    "ess_bulk": "ess bulk",
    "ess_tail": "ess tail",
    "rhat": "R-hat",
}
_MOST_ROWS = 60


class Verdict:
    """Whether the draws can be used. True in a condition when they can; printed, it says why not.

    Attributes
    ----------
    converged
        Whether nothing measured speaks against the draws.
    reasons
        What does; empty when converged.
    warnings
        What should be known besides.
    """

    def __init__(self, line: str, converged: bool, reasons: list[str], warnings: list[str]) -> None:
        self.line = line
        self.converged = converged
        self.reasons = reasons
        self.warnings = warnings

    def __bool__(self) -> bool:
        return self.converged

    def __str__(self) -> str:
        return "\n".join([self.line, *(f"  - {r}" for r in self.reasons), *(f"  warning: {w}" for w in self.warnings)])

    __repr__ = __str__


class Summary(Mapping[str, dict[str, float]]):
    """The table of a run: for each number its mean, errors, quantiles, effective sample sizes and R-hat.

    ``summary["theta[3]"]["mean"]`` is one number of it, ``print(summary)`` the table with the verdict, ``summary.numbers`` all that ``summary.json`` of a run
    folder holds: acceptance of every kernel, evaluations, mode weights, evidence.
    """

    def __init__(self, numbers: dict[str, Any], verdict: Verdict) -> None:
        self.numbers = numbers
        self.verdict = verdict
        self._rows = {p["name"]: {k: _number(p.get(k)) for k in (*_COLUMNS, "ess_sd", "tail_shape")} for p in numbers["parameters"]}
        self._heavy = {p["name"] for p in numbers["parameters"] if p.get("heavy_tails")}

    def __getitem__(self, name: str) -> dict[str, float]:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def to_dataframe(self) -> Any:
        """The table as a pandas DataFrame, one row a number. Needs pandas."""
        import pandas

        return pandas.DataFrame.from_dict(self._rows, orient="index")

    def __str__(self) -> str:
        names = list(self._rows)[:_MOST_ROWS]
        width = max([9, *(len(name) for name in names)])
        lines = ["parameter".ljust(width) + "".join(title.rjust(11) for title in _COLUMNS.values())]
        for name in names:
            star = "*" if name in self._heavy else ""
            row = self._rows[name]
            cells = [_cell(key, row[key]) + (star if key in ("mean", "sd", "mcse_mean", "mcse_sd") else "") for key in _COLUMNS]
            lines.append(name.ljust(width) + "".join(cell.rjust(11) for cell in cells))
        if len(self._rows) > _MOST_ROWS:
            lines.append(f".. and {len(self._rows) - _MOST_ROWS} more")
        if self._heavy.intersection(names):
            lines.append("* heavy tails: this number may not exist; use median and quantiles")
        numbers = self.numbers
        lines.append("")
        if numbers.get("mode_weights"):
            lines.append("mode weights " + " ".join(f"{w:.3f}" for w in numbers["mode_weights"]))
        if numbers.get("log_evidence") is not None:
            lines.append(f"log evidence {numbers['log_evidence']:.4f} +- {_number(numbers.get('log_evidence_se')):.4f}")
        lines.append(
            f"{numbers['chains']} chains x {numbers['draws']} draws in {numbers['wall_seconds']:.1f} s; "
            f"{numbers['gradient_evaluations']} gradients, {numbers['density_evaluations']} densities"
        )
        return "\n".join([*lines, "", str(self.verdict)])

    __repr__ = __str__


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _cell(key: str, value: float) -> str:
    if math.isnan(value):
        return "-"
    if key.startswith("ess"):
        return f"{value:.0f}"
    if key == "rhat":
        return f"{value:.3f}"
    size = abs(value)
    if size != 0 and not 1e-3 <= size < 1e5:
        return f"{value:.3e}"
    digits = 3 if size == 0 else min(max(3 - math.floor(math.log10(size)), 0), 6)
    return f"{value:.{digits}f}"
