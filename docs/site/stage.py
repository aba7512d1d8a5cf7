"""The sources of the site: the repository's pages as they are, below one folder, with what only a site needs.

Three things are done to the copy. The tree of pages: a README lists its pages in tables and lists, under headings; these links, in this
order, are the site's navigation, so no second list is kept. Pages that are made from the program itself (reference.py) come in. And what only doc tests
or a code forge can use goes out.
"""

import pathlib
import re
import shutil

PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "benches/peers/README.md"]
FOLDERS = ["docs", "examples", "experiments"]
FILES = ["LICENSE-MIT", "LICENSE-APACHE", "CITATION.cff"]

# A link to something in the repository: [words](path), perhaps with a heading of it.
_LINK = re.compile(r"\[([^\]\[]+)\]\(([^)\s:#]+)(?:#[^)\s]*)?\)")


def stage(root: pathlib.Path, to: pathlib.Path) -> None:
    """Copy the pages and the files they link to from the repository at ``root`` into the new folder ``to``."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    for name in PAGES + FILES:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, to / name)
    for name in FOLDERS:
        shutil.copytree(root / name, to / name, ignore=shutil.ignore_patterns("site", "*.npy"))
    for page in list(to.rglob("*.md")):
        at = page.relative_to(to).parent
        text = _LINK.sub(lambda link: _resolved(link, root / at, to / at), _without_hidden_lines(page.read_text()))
        page.write_text(text)


def _resolved(link: re.Match[str], at: pathlib.Path, staged_at: pathlib.Path) -> str:
    """The link as it is, with the file that it leads to staged; or its words alone where that is a folder, which a code forge shows and a site does not."""
    file, staged = at / link[2], staged_at / link[2]
    if file.is_dir():
        return link[1]
    if file.is_file() and not staged.exists():
        staged.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, staged)
    return link[0]


def _without_hidden_lines(text: str) -> str:
    """Rust as a reader should see it: no lines for the doc tests only, and no word to them after the name of the language."""

    def shown(block: re.Match[str]) -> str:
        return "```rust\n" + re.sub(r"^# .*\n", "", block[1], flags=re.MULTILINE) + "```"

    return re.sub(r"^```rust(?:,\w+)?\n(.*?)^```$", shown, text, flags=re.MULTILINE | re.DOTALL)


def add_pages(page: pathlib.Path, names: list[str]) -> None:
    """Let ``page`` list the pages ``names``, which lie beside it, by their titles."""
    titles = {name: (page.parent / name).read_text().split("\n", 1)[0].removeprefix("# ") for name in names}
    with page.open("a") as end:
        end.write("\n" + "\n".join(f"- [{title}]({name})" for name, title in titles.items()) + "\n")


def add_navigation(to: pathlib.Path, root_page: pathlib.Path) -> None:
    """Append to every page that lists others its tree, beginning with ``root_page``; a page is a child of the first that lists it."""
    placed, waiting = {root_page}, [root_page]
    while waiting:
        page = waiting.pop(0)
        groups = _children(page, placed, page == root_page, to)
        waiting += [child for children in groups.values() for child in children]
        lines = []
        for caption, children in groups.items():
            entries = ["/" + str(child.relative_to(to)) for child in children]
            lines += ["", "```{toctree}", ":hidden:", *([f":caption: {caption}"] if caption else []), "", *entries, "```"]
        page.write_text(page.read_text().rstrip("\n") + "\n" + "\n".join(lines) + "\n")


def _children(page: pathlib.Path, placed: set[pathlib.Path], is_root: bool, to: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """Pages that ``page`` lists and nobody before it, by the heading they stand under; of a README that is not the root those below its own folder."""
    groups: dict[str, list[pathlib.Path]] = {}
    if not is_root and (page.stem not in ("README", "INDEX") or page.parent == to):
        return groups
    caption = ""
    for line in page.read_text().splitlines():
        if is_root and line.startswith("## "):
            caption = line[3:].strip()
        for _, link in _LINK.findall(line):
            child = (page.parent / link).resolve()
            inside = is_root or page.parent in child.parents
            if inside and child.suffix == ".md" and child.exists() and child not in placed and to in child.parents:
                placed.add(child)
                groups.setdefault(caption, []).append(child)
    return groups
