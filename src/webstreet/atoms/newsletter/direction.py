"""Which way a text runs, said where mail programs look for it: they know ``dir="rtl"``, and few of them "auto"."""

from __future__ import annotations

import re
import unicodedata

_BLOCK = re.compile(r"<(p|li|ul|ol|blockquote|h[2-4]|figcaption)\b([^>]*)>")
_TAG = re.compile(r"<[^>]*>|&[a-z#0-9]+;")


def runs_left(text: str) -> bool:
    """Whether the first letter that has a direction runs from right to left, as in Arabic or Hebrew."""
    ways = (unicodedata.bidirectional(letter) for letter in text)
    return next((way for way in ways if way in ("L", "R", "AL")), "L") != "L"


def directed(html: str) -> str:
    """``html`` with ``dir="rtl"`` at each block whose text runs from right to left.

    Args:
        html: sanitised, so that no block has a ``dir`` of its own; code and what stands in tables is left as it is.
    """

    def marked(found: re.Match[str]) -> str:
        name, attributes = found.groups()
        end = html.find(f"</{name}", found.end())
        words = _TAG.sub(" ", html[found.end() : end if end >= 0 else None])
        return f'<{name}{attributes} dir="rtl">' if runs_left(words) else found.group()

    return _BLOCK.sub(marked, html)
