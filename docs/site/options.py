"""Whether the commands that stand on pages, and are too long to be run for them, are commands that the program takes."""

import functools
import pathlib
import re
import shlex
import subprocess

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def unknown(command: str, folder: pathlib.Path) -> list[str]:
    """Subcommands and options of ``mixwell`` in the ``sh`` blocks of pages below ``folder`` that the program at ``command`` has not got, as ``page: word in line``."""

    @functools.cache
    def help_of(*names: str) -> str:
        done = subprocess.run([command, *names, "--help"], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    found = []
    for page in sorted(folder.rglob("*.md")):
        for line in "\n".join(_BLOCK.findall(page.read_text())).replace("\\\n", " ").splitlines():
            for call in re.findall(r"(?:^|&&|;|[A-Z_]+=\S+)\s*mixwell (.*?)(?=&&|;|\||$)", line):
                found += [f"{page.relative_to(folder)}: {word} in `mixwell {call.strip()}`" for word in _unknown_words(call, help_of)]
    return found


def _unknown_words(call: str, help_of) -> list[str]:
    words = shlex.split(call, comments=True)
    names: list[str] = []
    while len(names) < len(words) and (not names or "Commands:" in help_of(*names)):
        names.append(words[len(names)])
        if not help_of(*names):
            return [names[-1]]
    options = [word.split("=")[0] for word in words[len(names) :] if re.match(r"--?[a-z]", word)]
    return [option for option in options if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", help_of(*names))]
