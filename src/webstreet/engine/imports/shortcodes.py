"""WordPress's shortcodes, ``[gallery ids="1,2"]``, made into elements that the reader of a body understands."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable

ELEMENT = "ws-shortcode"
KNOWN = {"gallery", "caption", "wp_caption", "embed", "audio", "video", "playlist", "code", "sourcecode", "quote"}
# A tag of HTML is passed over whole: what looks like a shortcode in an attribute is none.
_TOKEN = re.compile(r"""<[^<>]*>|\[(?P<end>/?)(?P<name>[A-Za-z][\w-]{0,60})(?P<attributes>\s[^\[\]<>]*|)/?\]""")
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w-]{0,40})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))|"([^"]*)"|([^\s"'=]+)""")


def as_elements(text: str, lost: Callable[[int, str], None]) -> str:
    """The text with elements in place of shortcodes; line breaks stay where they were.

    Args:
        lost: told the line within ``text`` (from 1) and what is not known.

    >>> as_elements('[caption id="a"]x[/caption] [sic]', print)
    '<ws-shortcode name="caption" data-id="a">x</ws-shortcode> [sic]'
    """
    if "[" not in text:
        return text
    tokens = [found for found in _TOKEN.finditer(text) if found["name"]]
    closings = Counter(found["name"].lower() for found in tokens if found["end"])
    open_now: Counter[str] = Counter()
    parts, at, line, counted = [], 0, 1, 0
    for found in tokens:
        line += text.count("\n", counted, found.start())
        counted = found.start()
        if text[found.start() - 1 : found.start()] == "[" and text[found.end() : found.end() + 1] == "]":
            continue  # [[name]] is how WordPress writes the words themselves
        name = found["name"].lower()
        if found["end"]:
            closings[name] -= 1
            if not open_now[name]:
                continue
            open_now[name] -= 1
            new = f"</{ELEMENT}>"
        else:
            paired = closings[name] > open_now[name]
            if name not in KNOWN:
                if paired or "=" in found["attributes"]:
                    kept = "what is in it is kept" if paired else "it is kept as words"
                    lost(line, f"the shortcode [{name}] is not known; {kept}")
                if not paired:
                    continue
            open_now[name] += paired
            new = f"<{ELEMENT} {_attributes(name, found['attributes'])}>" + ("" if paired else f"</{ELEMENT}>")
        parts += [text[at : found.start()], new]
        at = found.end()
    return "".join([*parts, text[at:]])


def _attributes(name: str, text: str) -> str:
    found = {"name": name}
    for number, match in enumerate(_ATTRIBUTE.finditer(text)):
        key = f"data-{match[1].lower()}" if match[1] else f"data-{number}"
        found[key] = next((value for value in match.groups()[1:] if value is not None), "")
    breaks = "\n" * text.count("\n")
    return " ".join(f'{key}="{html.escape(" ".join(value.split()))}"' for key, value in found.items()) + breaks
