"""The progress line of a run, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

Report = Callable[[dict[str, Any]], object]


def reporter(progress: bool | Report | None) -> Report | None:
    """Who is told how a run goes: a line where somebody looks, a function of the user's, or nobody."""
    if callable(progress):
        return progress
    if progress is None:
        progress = sys.stderr is not None and (sys.stderr.isatty() or "ipykernel" in sys.modules)
    return Line() if progress else None


class Line:
    """Writes one line over and over, at most five times a second."""

    def __init__(self) -> None:
        self._written = 0.0
        self._width = 0

    def __call__(self, progress: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self._written < 0.2:
            return
        self._written = now
        text = describe(progress)
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def close(self) -> None:
        """Ends the line, if one was written."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()


def describe(progress: Mapping[str, Any]) -> str:
    """The words of the line: phase, draws, acceptance, loss, R-hat, time; of a training updates and losses."""
    if "updates" in progress:
        done, planned = progress["updates"]
        return f"{done}/{planned}  {progress['words']}  {_clock(progress['elapsed'])}"
    done, planned = progress["draws"]
    parts = [f"{progress['phase']} {done}/{planned}" + (" training" if progress["training"] else "")]
    for key, name, digits in (
        ("local_acceptance", "local", 2),
        ("global_acceptance", "global", 2),
        ("flow_loss", "flow loss", 2),
        ("max_rhat", "R-hat", 3),
    ):
        if progress[key] is not None:
            parts.append(f"{name} {progress[key]:.{digits}f}")
    parts.append(_clock(progress["elapsed"]))
    return "  ".join(parts)


def _clock(elapsed: float) -> str:
    seconds = int(elapsed)
    return f"elapsed {seconds // 60}:{seconds % 60:02}"
