"""How the time of a step grows with chains, dimension and depth: a table and a plot in docs/performance.md.

    python3 benches/peers/growth.py            # some minutes; writes docs/growth.svg and the growth table
    python3 benches/peers/growth.py --no-build # with mixwell-bench as it lies there

Every point is the median over `--seconds` of one `mixwell-bench growth-*` task. The slope between two neighbours is
`log(time ratio) / log(size ratio)`: 0 where a fixed cost rules, 1 where the cost is proportional.
"""

import argparse
import math
from pathlib import Path

import compare

BEGIN, END = "<!-- growth begin -->", "<!-- growth end -->"
SERIES = {
    "chains": ("N", "MALA step of N chains, banana, d = 20", [1, 4, 16, 64, 256, 1024, 4096]),
    "dim": ("d", "MALA step of 64 chains, Gaussian of dimension d", [2, 10, 30, 100, 300, 1000]),
    "depth": ("K", "i-SIR step of 64 chains, 64 particles, flow of K blocks, d = 10", [1, 2, 4, 8, 16]),
}
COLOURS = {"chains": "#0072b2", "dim": "#d55e00", "depth": "#009e73"}


def microseconds(task, options):
    command = [compare.TARGET / "release" / "mixwell-bench", task, "--seconds", options.seconds]
    found = compare.measure(command, options.threads)
    return 1e6 * found["median"], 1e6 * found["minimum"]


def shown(time):
    return f"{time:.3g} us" if time < 1000 else f"{time / 1000:.3g} ms"


def table(measured):
    lines = ["| what grows | size | time a step: median (best) | slope from the size before |", "|---|---|---|---|"]
    for name, (unit, title, sizes) in SERIES.items():
        before = None
        for size, (median, best) in zip(sizes, measured[name]):
            slope = "" if before is None else f"{math.log(median / before[1]) / math.log(size / before[0]):.2f}"
            head = title if before is None else ""
            lines.append(f"| {head} | {unit} = {size} | {shown(median)} ({shown(best)}) | {slope} |")
            before = (size, median)
    return "\n".join(lines)


def plot(measured):
    """Three curves in one log-log diagram, as SVG."""
    width, height, left, right, top, bottom = 760, 430, 70, 20, 20, 60
    times = [median for points in measured.values() for median, _ in points]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    decades = math.ceil(math.log10(max(sizes[-1] for _, _, sizes in SERIES.values())))

    def x(size):
        return left + (width - left - right) * math.log10(size) / decades

    def y(time):
        return top + (height - top - bottom) * (high - math.log10(time)) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for decade in range(decades + 1):
        at = x(10**decade)
        parts.append(f'<path d="M{at:.1f} {top}V{height - bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - bottom + 18}" text-anchor="middle">{10**decade}</text>')
    for decade in range(low, high + 1):
        at = y(10.0**decade)
        parts.append(f'<path d="M{left} {at:.1f}H{width - right}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0**decade:g}</text>')
    middle = (left + width - right) / 2
    parts.append(f'<text x="{middle}" y="{height - 18}" text-anchor="middle">chains, dimensions or blocks</text>')
    across = (top + height - bottom) / 2
    parts.append(
        f'<text x="16" y="{across}" text-anchor="middle" transform="rotate(-90 16 {across})">microseconds a step</text>'
    )
    for row, (name, (_, title, sizes)) in enumerate(SERIES.items()):
        points = [(x(size), y(median)) for size, (median, _) in zip(sizes, measured[name])]
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{COLOURS[name]}"/>' for px, py in points]
        legend = top + 18 + 18 * row
        parts.append(f'<circle cx="{left + 16}" cy="{legend - 4}" r="4" fill="{COLOURS[name]}"/>')
        parts.append(f'<text x="{left + 28}" y="{legend}">{title}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def write(docs, measured):
    (docs / "growth.svg").write_text(plot(measured))
    page = docs / "performance.md"
    text = page.read_text()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n{table(measured)}\n{END}{after}")


def measure_all(options):
    """Measures every point and rewrites table and plot; needs the binary."""
    measured = {}
    for name, (unit, _, sizes) in SERIES.items():
        measured[name] = []
        for size in sizes:
            found = microseconds(f"growth-{name}-{size}", options)
            measured[name].append(found)
            print(f"{unit} = {size}: {shown(found[0])}", flush=True)
    write(options.docs, measured)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a point is sampled")
    parser.add_argument("--threads", type=int, default=2, help="processors and threads")
    parser.add_argument("--docs", type=Path, default=compare.ROOT / "docs", help="folder of performance.md")
    parser.add_argument("--no-build", action="store_true", help="use mixwell-bench as it lies there")
    options = parser.parse_args()
    if not options.no_build:
        compare.build()
    measure_all(options)


if __name__ == "__main__":
    main()
