"""Runs every task by a peer and by Mixwell in turn, and writes the table of docs/performance.md.

    python3 benches/peers/compare.py                       # everything: an hour or two on two cores
    python3 benches/peers/compare.py --tasks flow,gan      # tasks whose names begin so
    python3 benches/peers/compare.py --tasks mala --quick  # a first look; leaves docs/ alone

The peers come from PyPI into virtual environments of their own; Mixwell's side is the binary `mixwell-bench`. Both get
the same processors and the same number of threads. Results accumulate in docs/performance.json, so single tasks can be
measured again. README.md in this folder says what is fair and how a task is added.
"""

import argparse
import datetime
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
TABLE_BEGIN, TABLE_END = "<!-- table begin -->", "<!-- table end -->"
HEAD = f"""# Performance

Measured with `python3 benches/peers/compare.py`; every number of the table is in `performance.json`.

{TABLE_BEGIN}
{TABLE_END}

![Time of a step against chains, dimension and depth](growth.svg)

<!-- growth begin -->
<!-- growth end -->
"""


@dataclass(frozen=True)
class Row:
    """One line of the table: a time per call (`seconds`) or the name of a metric that should be high."""

    quantity: str = "seconds"
    wanted: float | None = None
    # Metrics that are shown beside the row without being compared.
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    name: str
    # Both are None when only Mixwell is measured.
    environment: str | None
    script: str | None
    rows: tuple[Row, ...]
    rounds: int = 5


def all_tasks():
    tasks = []

    def add(name, environment, script, *rows, rounds=5):
        tasks.append(Task(name, environment, script, rows, rounds))

    for operation, wanted in (
        ("log_prob", (2.5, 2.0, 1.3)),
        ("sample", (2.5, 2.0, 1.3)),
        ("adam", (3.0, 2.5, 2.5)),
        ("grad", (3.0, 2.5, 2.5)),
    ):
        for dim, ratio in zip((2, 32, 128), wanted):
            add(f"flow-{operation}-{dim}", "jax", "jax_flows.py", Row(wanted=ratio))
    for operation in ("log_prob", "sample", "adam"):
        add(f"spline-{operation}", "jax", "flowmc_flows.py", Row(wanted=6.0))
    for batch, ratio in ((1, 10.0), (256, 4.0), (8192, 2.0), ("mala", 2.5)):
        add(f"toynet-{batch}", "jax", "jax_energies.py", Row(wanted=ratio))
    add("gan-latent", "torch", "torch_gan.py", Row(wanted=2.5))
    for name, ratio in (
        ("energy-nt32", 1.6),
        ("energy-nt32-adam", 1.3),
        ("energy-mnist", 1.5),
        ("energy-mnist-adam", 1.3),
        ("latent-dcgan_32", 1.3),
        ("latent-dcgan_64", 1.2),
        ("latent-wgan_28", 1.5),
        ("latent-dcgan_28", 1.5),
        ("latent-sngan_32", 1.2),
        ("classify-resnet56", 1.2),
    ):
        add(name, "torch", "torch_networks.py", Row(wanted=ratio))
    for name, ratio in (("mlp", 2.5), ("wgan_28", 1.3), ("dcgan_28", 1.3)):
        add(f"repgan-{name}", "torch", "torch_repgan.py", Row(wanted=ratio))
    for peer, ratio in (("torch", 6.0), ("ebmkit", 6.0), ("torchebm", 10.0)):
        add(f"ebm-update-{peer}", "ebm", "torch_training.py", Row(wanted=ratio))
    for trainer in ("nce", "pcd", "sliced"):
        row = Row(wanted=5.0, also=("log_likelihood",))
        add(f"ebm-moons-{trainer}", "ebm", "torch_training.py", row, rounds=3)
    for target, wanted in (("grid25", (3.0, 3.0, 3.0)), ("german", (2.0, 8.0, 8.0))):
        for kernel in ("mala", "hmc"):
            for chains, ratio in zip((1, 64, 1024), wanted):
                row = Row(wanted=ratio, also=("acceptance",))
                add(f"{kernel}-{target}-{chains}", "jax", "blackjax_kernels.py", row)
    quality = ("worst_ess_bulk", "worst_rhat")
    for chains in (20, 500):
        rows = (Row(wanted=30.0, also=("global_acceptance",)), Row("ess_per_second", 30.0, quality))
        add(f"dual-moon-{chains}", "jax", "flowmc_dual_moon.py", *rows, rounds=3)
    row = Row(wanted=30.0, also=("training_seconds", "sampling_seconds"))
    add("flex2-banana", "torch", "ex2mcmc_banana.py", row, rounds=3)
    row = Row("ess_per_second", 50.0, (*quality, "log_scale_mean", "log_scale_sd"))
    add("funnel101", "nutpie", "nutpie_runs.py", row, rounds=1)
    for model in ("eight_schools", "german"):
        rows = (Row("gradients_per_second", 1.2), Row("ess_per_second", 1.2, quality))
        add(f"nuts-{model}", "nutpie", "nutpie_runs.py", *rows, rounds=3)
    add("diagnostics", "jax", "arviz_diagnostics.py", Row(wanted=10.0, also=(*quality, "worst_ess_tail")))
    for name in ("memory-5000", "memory"):
        add(name, None, None, Row("peak_mib"), rounds=1)
    return tasks


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", help="names or beginnings of names, separated by commas")
    parser.add_argument("--rounds", type=int, help="times each side runs (default 5; whole runs 3, funnel101 1)")
    parser.add_argument("--seconds", type=float, help="how long a steady task is sampled in a round (default 3)")
    parser.add_argument("--threads", type=int, default=2, help="processors and threads of either side")
    parser.add_argument("--venvs", type=Path, default=TARGET / "peers", help="folder of the virtual environments")
    parser.add_argument("--data", type=Path, default=ROOT / "examples" / "data", help="folder of the data files")
    parser.add_argument("--docs", type=Path, help="folder of performance.md and performance.json (default docs)")
    parser.add_argument("--quick", action="store_true", help="one short round; writes below target/, not into docs/")
    parser.add_argument("--side", choices=("both", "peer", "mixwell"), default="both", help="one side only prints")
    parser.add_argument("--no-build", action="store_true", help="use mixwell-bench as it lies there")
    options = parser.parse_args()
    if options.seconds is None:
        options.seconds = 0.3 if options.quick else 3.0
    if options.rounds is None and options.quick:
        options.rounds = 1
    if options.docs is None:
        options.docs = TARGET / "peers-quick" if options.quick else ROOT / "docs"
    return options


def chosen(tasks, names):
    if not names:
        return tasks
    wanted = set()
    for name in names.split(","):
        # A whole name means that task alone, although others may begin like it.
        found = {task.name for task in tasks if task.name == name}
        found = found or {task.name for task in tasks if task.name.startswith(name)}
        if not found:
            sys.exit(f"no task begins with `{name}`; there are: " + ", ".join(task.name for task in tasks))
        wanted |= found
    return [task for task in tasks if task.name in wanted]


def environment_python(folder, name):
    """The interpreter of a peer's environment, which is made when it is not there."""
    python = folder / name / "bin" / "python"
    if not python.exists():
        print(f"installing {name} into {folder / name}", flush=True)
        try:
            venv.create(folder / name, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / f"requirements-{name}.txt"], check=True)
        except BaseException:
            # A half-filled environment would be taken for a whole one the next time.
            shutil.rmtree(folder / name, ignore_errors=True)
            raise
    return python


def build():
    subprocess.run(["cargo", "build", "--release", "-p", "mixwell-benches"], cwd=ROOT, check=True)


def measure(command, threads):
    """Runs a command on the first `threads` processors; gives its JSON and its peak memory in MiB."""
    count = str(threads)
    environment = os.environ | {
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "NUMBA_NUM_THREADS": count,
        "RAYON_NUM_THREADS": count,
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    keep_to_processors = None
    if hasattr(os, "sched_setaffinity"):
        # XLA has no setting for its number of threads: it takes as many as there are processors for it.
        processors = sorted(os.sched_getaffinity(0))[:threads]
        keep_to_processors = lambda: os.sched_setaffinity(0, processors)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            preexec_fn=keep_to_processors,
        )
        output = process.stdout.read().decode()
        # wait4 instead of wait: it also tells the peak memory of this one child.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        lines = output.strip().splitlines()
        if process.returncode != 0 or not lines:
            errors.seek(0)
            tail = errors.read().decode(errors="replace")[-1500:]
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{tail}")
    result = json.loads(lines[-1])
    unit = 1024**2 if sys.platform == "darwin" else 1024
    # A child counts from this program's own size; a program that reads its own peak knows better.
    result["peak_mib"] = result["metrics"].get("peak_mib", usage.ru_maxrss / unit)
    return result


def rounds_of(task, options):
    """All rounds of a task: {side: [result, ..]}. The sides take turns, and take turns at being first."""
    commands = {}
    rest = [task.name, "--seconds", options.seconds, "--data", options.data.resolve()]
    if task.script and options.side != "mixwell":
        commands["peer"] = [environment_python(options.venvs, task.environment), HERE / task.script, *rest]
    if options.side != "peer":
        commands["mixwell"] = [TARGET / "release" / "mixwell-bench", *rest]
    results = {side: [] for side in commands}
    for number in range(options.rounds or task.rounds):
        for side in sorted(commands, reverse=number % 2 == 0):
            results[side].append(measure(commands[side], options.threads))
    return results


def values(results, quantity):
    """One value a round."""
    if quantity == "seconds":
        return [statistics.median(result["seconds"]) for result in results]
    return [result["metrics"][quantity] for result in results if quantity in result["metrics"]]


def best(results, quantity):
    if quantity == "seconds":
        return min(min(result["seconds"]) for result in results)
    return max(values(results, quantity))


def summary(row, results):
    """What the table says of a row: per side median and best, the ratio, and the ratio of every round."""
    out = {"quantity": row.quantity, "wanted": row.wanted}
    medians = {}
    for side, of_side in results.items():
        found = values(of_side, row.quantity)
        if not found:
            continue
        medians[side] = found
        out[side] = {"median": statistics.median(found), "best": best(of_side, row.quantity), "rounds": found}
        also = {name: statistics.median(v) for name in row.also if (v := values(of_side, name))}
        out[side]["also"] = also
    if len(medians) == 2:
        # Above one means that Mixwell is better: less time, or a higher rate.
        better = lambda peer, mixwell: peer / mixwell if row.quantity == "seconds" else mixwell / peer
        out["ratio"] = better(out["peer"]["median"], out["mixwell"]["median"])
        out["ratios"] = [better(p, m) for p, m in zip(medians["peer"], medians["mixwell"])]
    return out


def processor():
    """The name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def entry(task, options, results):
    """What performance.json keeps of a task."""
    sides = {
        side: {
            "version": of_side[0]["peer"],
            "settings": of_side[0]["settings"],
            "peak_mib": max(result["peak_mib"] for result in of_side),
        }
        for side, of_side in results.items()
    }
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": options.threads,
        "seconds_a_round": options.seconds,
        "rounds": len(results["mixwell"]),
        "sides": sides,
        "rows": [summary(row, results) for row in task.rows],
    }


def without_nan(value):
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: without_nan(v) for key, v in value.items()}
    if isinstance(value, list):
        return [without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number(value, name=""):
    """Three digits that matter, with thousands apart; of an R-hat three digits behind the point."""
    if value is None:
        return "-"
    if "rhat" in name:
        return f"{value:.3f}"
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")
    return f"{value:.3g}"


def shown(value, quantity):
    if value is None:
        return "-"
    if quantity != "seconds":
        return number(value)
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= factor:
            break
    return f"{value / factor:.3g} {unit}"


def verdict(row):
    ratio, wanted = row.get("ratio"), row.get("wanted")
    if ratio is None:
        return ""
    if ratio < 1.0:
        return "**loses**"
    return "below wanted" if wanted is not None and ratio < wanted else ""


def table(entries, tasks):
    heads = ["task", "quantity", "peer", "peer: median (best)", "Mixwell: median (best)", "ratio (rounds)", "wanted"]
    heads += ["", "peak MiB, peer / Mixwell", "beside it, peer / Mixwell"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    machines = {}
    for task in tasks:
        found = entries.get(task.name)
        if found is None:
            continue
        machine = f"{found['processor']}, {found['cores']} processors, {found['threads']} threads, {found['date']}"
        mixwell_version = found["sides"]["mixwell"]["version"]
        machines.setdefault(f"{machine}, {mixwell_version}", []).append(task.name)
        for position, row in enumerate(found["rows"]):
            quantity = row["quantity"]
            sides = [row.get(side, {}) for side in ("peer", "mixwell")]
            times = [
                f"{shown(side['median'], quantity)} ({shown(side['best'], quantity)})" if side else "-"
                for side in sides
            ]
            ratio = "-"
            if row.get("ratio") is not None:
                ratio = number(row["ratio"])
                if len(row["ratios"]) > 1:
                    ratio += f" ({number(min(row['ratios']))} - {number(max(row['ratios']))})"
            peaks = [found["sides"].get(side, {}).get("peak_mib") for side in ("peer", "mixwell")]
            names = dict.fromkeys(name for side in sides for name in side.get("also", {}))
            beside = "; ".join(
                f"{name} " + " / ".join(number(side.get("also", {}).get(name), name) for side in sides)
                for name in names
            )
            cells = [
                task.name if position == 0 else "",
                "time" if quantity == "seconds" else quantity.replace("_per_second", " a second").replace("_", " "),
                found["sides"].get("peer", {}).get("version", "-"),
                *times,
                ratio,
                number(row["wanted"]),
                verdict(row),
                " / ".join("-" if peak is None else f"{peak:.0f}" for peak in peaks),
                beside.replace("_", " "),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    lines.append("")
    for machine, names in machines.items():
        which = "" if len(machines) == 1 else f" ({', '.join(names)})"
        lines.append(f"Measured on {machine}{which}.")
    return "\n".join(lines)


def write(docs, entries, tasks):
    """performance.json whole, and in performance.md only what stands between the two marks."""
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "performance.json").write_text(json.dumps(without_nan(entries), indent=1) + "\n")
    page = docs / "performance.md"
    text = page.read_text() if page.exists() else HEAD
    if TABLE_BEGIN not in text or TABLE_END not in text:
        sys.exit(f"{page} has no lines `{TABLE_BEGIN}` and `{TABLE_END}`: add them where the table should stand")
    before, rest = text.split(TABLE_BEGIN, 1)
    after = rest.split(TABLE_END, 1)[1]
    page.write_text(f"{before}{TABLE_BEGIN}\n{table(without_nan(entries), tasks)}\n{TABLE_END}{after}")


def announce(task, results):
    for row in task.rows:
        found = summary(row, results)
        sides = [f"{side} {shown(found[side]['median'], row.quantity)}" for side in results if side in found]
        ratio = f"  ratio {number(found['ratio'])}" if "ratio" in found else ""
        name = task.name if row.quantity == "seconds" else f"{task.name} {row.quantity}"
        peaks = ", ".join(f"{max(r['peak_mib'] for r in of_side):.0f} MiB" for of_side in results.values())
        print(f"{name:<36} {', '.join(sides)}{ratio} {verdict(found)}  [{peaks}]", flush=True)


def main():
    options = arguments()
    everything = all_tasks()
    tasks = chosen(everything, options.tasks)
    if options.side == "peer":
        tasks = [task for task in tasks if task.script]
    elif not options.no_build:
        build()
    record = options.docs / "performance.json"
    entries = json.loads(record.read_text()) if record.exists() else {}
    failed = []
    for task in tasks:
        try:
            results = rounds_of(task, options)
        except RuntimeError as error:
            failed.append(task.name)
            print(f"{task.name}: {error}", file=sys.stderr, flush=True)
            continue
        announce(task, results)
        if options.side == "both":
            entries[task.name] = entry(task, options, results)
            # After every task, so that an interrupted comparison keeps what it has.
            write(options.docs, entries, everything)
    if options.side == "both":
        if options.tasks is None:
            # Everything means the page as a whole.
            import growth

            growth.measure_all(options)
        print(f"written to {options.docs}")
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
