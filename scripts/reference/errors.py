"""errors.md, assembled from errors.d: each part of the product lists its own codes there."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs/reference/errors.d"
HEAD = """# Errors

Every error has a code of the form `noun.fact`. The code is the same in the command line, the API (field `code` of the problem
document) and the web pages. It never changes its meaning.

The exit codes of the command line are in [Commands](cli.md); the status codes of the API are in [API](api.md).
"""


def pages() -> dict[str, str]:
    entries: dict[str, str] = {}
    for part in sorted(FOLDER.glob("*.md")):
        for entry in re.split(r"^#{1,3} (?=`)", part.read_text("utf-8"), flags=re.M)[1:]:
            code, _, text = entry.partition("\n")
            if code in entries:
                raise SystemExit(f"{part.name}: {code} is described in another file of errors.d too")
            # A heading of the next group of codes is not part of this entry.
            entries[code] = re.sub(r"^#.*$", "", text, flags=re.M).strip()
    body = "\n\n".join(f"## {code.strip()}\n\n{text}" for code, text in sorted(entries.items()))
    return {"reference/errors.md": f"{HEAD}\n{body}\n"}
