"""Text as search sees it: without case, accents, ligatures and punctuation; the same on every database."""

from __future__ import annotations

import html
import re
import unicodedata

_LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "’": " ", "'": " ", "ʼ": " "}
)
_TAG = re.compile(r"<[^>]*>")
_BLOCK_END = re.compile(r"</(?:p|li|h[1-6]|blockquote|div|td|th)>|<br\s*/?>", re.IGNORECASE)
_CUT_OFF = " ,;:.…–—-([«“"
_NOT_WORD = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Words of ``text`` in their plainest form, one space around each, so that `` word`` matches at a word's beginning.

    >>> fold("L’Été, œuvre")
    ' l ete oeuvre '
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    words = _NOT_WORD.sub(" ", kept).strip()
    return f" {words} " if words else ""


def plain(markup: str) -> str:
    """The text of an HTML fragment, blocks apart by spaces."""
    return " ".join(html.unescape(_TAG.sub("", _BLOCK_END.sub(" ", markup))).split())


def shortened(text: str, words: int) -> str:
    """At most ``words`` words; what is cut ends in an ellipsis, without the punctuation that stood before it.

    >>> shortened("It rains, they say, all day.", 4)
    'It rains, they say…'
    """
    found = text.split()
    return " ".join(found[:words]).rstrip(_CUT_OFF) + "…" if len(found) > words else " ".join(found)
