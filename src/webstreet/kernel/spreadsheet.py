"""Text in a table that people open in a spreadsheet, which would run a cell that looks like a formula (OWASP, CSV injection)."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """``text`` as it may be written into a CSV file."""
    text = text.replace("\0", "")
    return f"'{text}" if text.startswith(FORMULA) else text
