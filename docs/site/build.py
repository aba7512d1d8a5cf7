"""Build the site: ``python docs/site/build.py``, in an environment with requirements.txt and the package ``mixwell``.

    --mixwell PROGRAM   the command, whose help and lists become pages [default: mixwell]
    --out FOLDER        where the site goes [default: target/site]

Sources are staged beside the site, in ``FOLDER-source``. A warning of Sphinx is an error, and so is a page that loads something from elsewhere, or that
names an option that the command has not got.
"""

import argparse
import pathlib
import shutil
import sys

import offline
import options
import reference
import stage
from sphinx.cmd.build import build_main

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mixwell", default="mixwell")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "target" / "site")
    given = parser.parse_args()
    out = given.out.resolve()
    source = out.with_name(out.name + "-source")

    stage.stage(ROOT, source)
    made = reference.write(given.mixwell, source / "docs" / "reference")
    stage.add_pages(source / "docs" / "reference" / "README.md", made)
    stage.add_navigation(source, source / "docs" / "README.md")
    shutil.rmtree(out, ignore_errors=True)
    status = build_main(["-b", "html", "-W", "--keep-going", "--quiet", "-j", "auto", "-c", str(ROOT / "docs" / "site"), "-d", str(source) + "/.doctrees", str(source), str(out)])
    if status:
        return status
    (out / "index.html").write_text('<!doctype html><meta charset="utf-8"><title>Mixwell</title><meta http-equiv="refresh" content="0; url=docs/README.html">\n')
    wrong = [f"loads from elsewhere: {line}" for line in offline.foreign(out)]
    wrong += [f"no such command or option: {line}" for line in options.unknown(given.mixwell, source)]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(list(out.rglob('*.html')))} pages in {out}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
