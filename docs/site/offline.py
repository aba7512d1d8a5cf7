"""Whether pages fetch anything from elsewhere when they are looked at."""

import pathlib
import re

# Of HTML whatever is loaded with the page: links that a reader may follow do not count.
_HTML = re.compile(
    r"<(?:script|img|iframe|source|embed|video|audio)\b[^>]*\ssrc\s*=\s*[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<link\b(?=[^>]*\srel\s*=\s*[\"']?(?:stylesheet|preload|preconnect|icon|shortcut))[^>]*\shref\s*=\s*[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<object\b[^>]*\sdata\s*=\s*[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<(?:image|use)\b[^>]*\shref\s*=\s*[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|@import\s+(?:url\()?[\"']?((?:https?:)?//[^\"'\s)]+)"
    r"|url\(\s*[\"']?((?:https?:)?//[^\"'\s)]+)",
    re.IGNORECASE,
)
# A script may hold an address that it only names; it may not load one.
_SCRIPT = re.compile(r"(?:fetch|import|open|importScripts)\(\s*[\"'`](?:\w+[\"'`],\s*[\"'`])?((?:https?:)?//[^\"'`\s]+)|\.src\s*=\s*[\"'`]((?:https?:)?//[^\"'`\s]+)")


def foreign(folder: pathlib.Path) -> list[str]:
    """Every address outside the site that a page, style or script below ``folder`` loads, as ``file: address``."""
    found = []
    for path in sorted(folder.rglob("*")):
        pattern = {".html": _HTML, ".css": _HTML, ".svg": _HTML, ".js": _SCRIPT}.get(path.suffix)
        if pattern is not None:
            for match in pattern.finditer(path.read_text(errors="replace")):
                found.append(f"{path.relative_to(folder)}: {next(filter(None, match.groups()))}")
    return found
