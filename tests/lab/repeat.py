"""A few tests that failed in a whole suite are repeated once, alone, by `scripts/test`.

Many of our tests run real servers, browsers and kills beside each other on whatever machine there is. What fails twice is a defect; what
fails once is named in the closing table, for somebody to look at, and fails nothing. More than a few are no accident: none is repeated.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

MOST = 8
"""Tests of one suite."""


def worth_repeating(cache: Path) -> list[str]:
    """The tests that failed in the run whose pytest cache this is; empty if there are more than `MOST`."""
    failed = _failed(cache)
    return failed if len(failed) <= MOST else []


def steady_again(cache: Path, repeated: list[str]) -> list[str]:
    """Those of ``repeated`` that did not fail in the run of this cache."""
    return sorted(set(repeated) - set(_failed(cache)))


def added(first: Counter[str], second: Counter[str]) -> Counter[str]:
    """What both runs come to, where the second repeated what failed in the first: its failures are those that count."""
    both = Counter({word: first[word] + second[word] for word in ("passed", "skipped")})
    return +(both + Counter({word: second[word] for word in ("failed", "error")}))


def _failed(cache: Path) -> list[str]:
    path = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(path.read_text("utf-8"))) if path.exists() else []
