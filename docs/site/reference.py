"""Pages of the reference that are made from the program: the command's help, its lists, its configs, and the Python package."""

import pathlib
import re
import subprocess

_LISTS = ["methods", "kernels", "targets", "flows", "networks", "estimators"]


def write(command: str, folder: pathlib.Path) -> list[str]:
    """Write the pages into ``folder`` by the program at ``command``. Gives their names, in order."""
    pages = {"command.md": _help(command), "settings.md": _settings(command)}
    pages |= {f"{what}.md": _list(command, what) for what in _LISTS}
    pages["python.md"] = _PYTHON
    for name, text in pages.items():
        (folder / name).write_text(text)
    return list(pages)


def _output(command: str, *arguments: str) -> str:
    return subprocess.run([command, *arguments], check=True, capture_output=True, text=True).stdout.rstrip()


def _page(title: str, parts: list[tuple[str, str, str]]) -> str:
    """A page of fenced blocks: heading, language and text of each."""
    blocks = [f"{heading}\n\n```{language}\n{text}\n```\n" for heading, language, text in parts]
    return "\n".join([f"# {title}\n", *blocks])


def _help(command: str) -> str:
    parts = []

    def describe(names: list[str]) -> None:
        text = _output(command, *names, "--help")
        parts.append(("#" * max(2, len(names) + 1) + f" `{' '.join(['mixwell', *names])}`", "text", text))
        listed = re.search(r"^Commands:\n((?:  .*\n|\n)+)", text + "\n", re.MULTILINE)
        for name in re.findall(r"^  (\w[\w-]*)", listed[1], re.MULTILINE) if listed else []:
            if name != "help":
                describe([*names, name])

    describe([])
    return _page("The command", parts)


def _list(command: str, what: str) -> str:
    """What `mixwell list` prints, as a heading, a sentence and a table for each entry."""
    lines = [f"# {what.capitalize()}", "", f"What `mixwell list {what}` prints: names, settings, defaults.", ""]
    in_table = False
    for line in _output(command, "list", what).splitlines():
        if setting := re.fullmatch(r"    (\S+) = (.*?)    (.*)", line):
            if not in_table:
                lines += ["", "| setting | default | |", "|---|---|---|"]
            lines.append("| " + " | ".join([_code(setting[1]), _code(setting[2]), setting[3].replace("|", "\\|")]) + " |")
            in_table = True
        elif entry := re.fullmatch(r"(\w+): (.*)", line):
            lines += ["", f"## `{entry[1]}`", "", entry[2][:1].upper() + entry[2][1:] + "."]
            in_table = False
        elif line.startswith("    "):
            lines += ["", line.strip(), ""] if not line.startswith("        ") else [f"- `{line.strip()}`"]
        else:
            raise ValueError(f"`mixwell list {what}` printed a line that is no entry and no setting: {line!r}")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _settings(command: str) -> str:
    parts = [
        ("## A run, every default written out", "toml", _output(command, "init", "two_modes")),
        ("## An estimate of the evidence", "toml", _output(command, "init", "two_modes", "--evidence")),
    ]
    for method in re.findall(r"^(\w+)", _output(command, "list", "methods"), re.MULTILINE):
        text = _output(command, "init", "two_modes", "--method", method)
        # The method's own tables only.
        tables = re.split(r"\n(?=\[)", text)
        parts.append((f"## Method `{method}`", "toml", "\n".join(t.rstrip() + "\n" for t in tables if t.startswith("[method")).rstrip()))
    return _page("Settings", parts)


_PYTHON = """# The Python package

```{eval-rst}
.. automodule:: mixwell
   :members:
   :special-members: __getitem__
```
"""

# Modules of classes for settings, which the package imports when they are asked for.
for _module in ("kernels", "methods", "flows", "targets", "trainings", "trainers", "layers", "tables", "training_tables"):
    _PYTHON += f"""
## Settings: `{_module}`

```{{eval-rst}}
.. automodule:: mixwell.{_module}
   :members:
   :exclude-members: kind
```
"""
