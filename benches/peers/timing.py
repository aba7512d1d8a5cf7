"""What every peer script shares: its arguments, the sampling loop, and the one line of JSON it ends with."""

import argparse
import json
import os
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A sample shorter than this would measure the clock and the scheduler as much as the work.
SHORTEST_SAMPLE = 5e-3
# The first call compiles; the second may do so again, when results of the first come back as another type of array.
WARM_UP_CALLS = 3


def arguments(tasks):
    """Reads `TASK [--seconds S] [--data DIR]`; only the given tasks are accepted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=tasks)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a steady task is measured")
    parser.add_argument("--data", type=Path, default=ROOT / "examples" / "data", help="folder of the data files")
    return parser.parse_args()


def threads():
    """Processors this process may use; compare.py sets them before it starts a script."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))


def samples(call, seconds, calls_per_unit=1):
    """Seconds per call, measured again and again for `seconds`.

    `call` must return only when its result is there. It is called a few times first, so that compilation and first
    touches of memory stay outside. Each sample is the mean over enough calls to last SHORTEST_SAMPLE. When one call
    does the unit of work several times, `calls_per_unit` says how often.
    """
    for _ in range(WARM_UP_CALLS):
        start = time.perf_counter()
        call()
        once = time.perf_counter() - start
    repeats = int(SHORTEST_SAMPLE / max(once, 1e-9)) + 1
    out = []
    end = time.perf_counter() + seconds
    while not out or time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        out.append((time.perf_counter() - start) / (repeats * calls_per_unit))
    return out


def report(task, peer, seconds, settings, metrics=None):
    """Prints the result as the last line of standard output."""
    seconds = [float(s) for s in seconds]
    metrics = {name: float(value) for name, value in (metrics or {}).items()}
    result = {"task": task, "peer": peer, "seconds": seconds, "metrics": metrics, "settings": settings}
    print(json.dumps(result), flush=True)
