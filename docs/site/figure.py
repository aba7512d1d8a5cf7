"""One figure of a report as a picture of its own: ``python figure.py REPORT.html 'Trace of tau' OUT.svg``.

The figures of `mixwell report` name colours of the page's style, each beside the one for light paper, which is taken.
"""

import html
import pathlib
import re
import sys


def figure(report: str, label: str) -> str:
    """The figure that the report calls ``label`` (its ``aria-label``), on white paper. Raises ``ValueError`` with the labels there are."""
    found = {html.unescape(name): svg for svg, name in re.findall(r'(<svg [^>]*aria-label="([^"]*)".*?</svg>)', report, re.DOTALL)}
    if label not in found:
        raise ValueError(f"no figure is called {label!r}; there are {', '.join(map(repr, found))}")
    head, body = re.sub(r"var\(--[\w-]+,\s*(#\w+)\)", r"\1", found[label]).split(">", 1)
    return f'{head} font-family="system-ui,sans-serif">\n<rect width="100%" height="100%" fill="#ffffff"/>{body}\n'


if __name__ == "__main__":
    report, label, out = sys.argv[1:]
    pathlib.Path(out).write_text(figure(pathlib.Path(report).read_text(), label))
