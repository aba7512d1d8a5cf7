"""Run the commands on the pages, and hold what they print to what the pages say: ``python commands.py FOLDER PAGE..``.

Blocks are taken in their order. Of ```toml blocks, those that begin with ``# name.toml`` are written to that file. Of ```sh blocks every line is run
in FOLDER, which holds a copy of the repository; the command ``mixwell`` is the one in the path. A ```text block after a ```sh block is part of
what that printed: its lines must come in that order. Numbers may differ, since processors round differently, and so may the lengths of gaps;
a line ``..`` stands for any lines. A run whose folder is there is not made again, but shown by ``mixwell summary``.

What cannot be run here has another language on the page: ``console``.
"""

import pathlib
import re
import subprocess
import sys
import time

_BLOCK = re.compile(r"^```(toml|sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?")
_FOLDER = re.compile(r"mixwell (?:run|train) (\S+?\.toml)(?: --out (\S+))?")


def run_page(page: pathlib.Path, folder: pathlib.Path) -> int:
    """Run the commands of one page; gives how many there were. Ends the program with a sentence where one fails or prints something else."""
    count, printed = 0, None
    for language, text in _BLOCK.findall(page.read_text()):
        if language == "toml":
            if name := re.match(r"# (\S+\.toml)\b", text):
                (folder / name[1]).write_text(text)
        elif language == "sh":
            printed = ""
            for line in filter(None, text.splitlines()):
                printed += _run(line, page, folder)
                count += 1
        elif printed is not None:
            missing = _first_missing(text, printed)
            if missing:
                sys.exit(f"error: {page}: this line is on the page, and was not printed there:\n{missing}\nprinted was:\n{printed}")
    return count


def _run(line: str, page: pathlib.Path, folder: pathlib.Path) -> str:
    found = _FOLDER.match(line)
    if found:
        run = found[2] or "runs/" + pathlib.Path(found[1]).stem
        if (folder / run / "summary.json").exists():
            line = f"mixwell summary {run}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"error: {page}: `{line}` ended with status {done.returncode}:\n{done.stdout}")
    return done.stdout


def _first_missing(shown: str, printed: str) -> str | None:
    """The first line of ``shown`` that is not, in its order, among the lines of ``printed``; without a ``..`` before it, it must be the very next."""
    lines = [_words(line) for line in printed.splitlines()]
    at, free = 0, True
    for line in filter(str.strip, shown.splitlines()):
        if line.strip() == "..":
            free = True
            continue
        while at < len(lines) and (not lines[at] or (free and lines[at] != _words(line))):
            at += 1
        if at == len(lines) or lines[at] != _words(line):
            return line
        at, free = at + 1, False
    return None


def _words(line: str) -> str:
    return re.sub(r"\s+", " ", _NUMBER.sub("0", line)).strip()


def main() -> None:
    folder = pathlib.Path(sys.argv[1]).resolve()
    for page in map(pathlib.Path, sys.argv[2:]):
        begun = time.monotonic()
        count = run_page(page, folder)
        print(f"{page}: {count} commands in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
