"""A kept page: the bytes of its answers, and when they are worth nothing any more."""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse

from webstreet.engine.pagecache.journal import State

LIFETIME_S = 600.0
"""Also when nobody changes anything: a year ends, and a form's token gets old."""
GZIP_FROM_BYTES = 500
OVERHEAD_BYTES = 2048
CACHE_CONTROL = "public, max-age=0, must-revalidate"
VARY = "Accept-Encoding, Cookie"
NAME = "webstreet"
"""How this cache is called in Cache-Status (RFC 9211)."""
HIT = ("Cache-Status", f"{NAME}; hit")
STORED = ("Cache-Status", f"{NAME}; fwd=miss; stored")
_REPLACED = {"content-length", "etag", "vary", "cache-control", "cache-status"}

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]


@dataclass(slots=True)
class Entry:
    """One page.

    Attributes:
        tokens: the page's tags, and what the journal said of each before the page was made.
        dies_at: `time.monotonic` seconds.
        until: a scheduled moment, in seconds since the epoch.
    """

    headers: Headers
    body: bytes
    packed: bytes
    tokens: tuple[tuple[str, int], ...]
    dies_at: float
    until: float
    checked: State | None = None
    etag: str = ""
    plain: Headers = field(default_factory=list)
    zipped: Headers = field(default_factory=list)
    short: Headers = field(default_factory=list)

    def __post_init__(self) -> None:
        digest = hashlib.blake2b(self.body, digest_size=12).hexdigest()
        # Weak, because the packed bytes are others.
        self.etag = f'W/"{digest}"'
        shared = [*self.headers, ("ETag", self.etag), ("Vary", VARY)]
        self.plain = [*shared, HIT, ("Content-Length", str(len(self.body)))]
        self.zipped = [*shared, HIT, ("Content-Length", str(len(self.packed))), ("Content-Encoding", "gzip")]
        self.short = [(n, v) for n, v in shared if n.lower() in ("cache-control", "etag", "vary")] + [HIT]

    @classmethod
    def of(cls, response: HttpResponse, tags: Iterable[str], state: State) -> Entry:
        """Of an answer that is for everybody, made after ``state`` was read."""
        body = response.content
        headers = [(name, value) for name, value in response.items() if name.lower() not in _REPLACED]
        headers.append(("Cache-Control", response.get("Cache-Control", CACHE_CONTROL)))
        packed = gzip.compress(body, 6, mtime=0) if len(body) >= GZIP_FROM_BYTES else b""
        tokens = tuple((tag, state.token(tag)) for tag in sorted(tags))
        until = float("inf") if state.moment is None else state.moment
        return cls(headers, body, packed, tokens, time.monotonic() + LIFETIME_S, until, state)

    @property
    def size_bytes(self) -> int:
        return len(self.body) + len(self.packed) + OVERHEAD_BYTES

    def holds(self, state: State) -> bool:
        """Whether the page is still what it would be if it were made now."""
        if time.monotonic() >= self.dies_at or time.time() >= self.until:
            return False
        if self.checked is not state:
            if any(state.token(tag) != token for tag, token in self.tokens):
                return False
            if state.moment is not None:
                self.until = min(self.until, state.moment)
            self.checked = state
        return True

    def answer(
        self, environ: dict[str, Any], start_response: StartResponse, mark: tuple[str, str] = HIT
    ) -> list[bytes]:
        """Send the page, packed where the reader can unpack it, or 304 to who has it already (RFC 9110, 13.1.2)."""
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known and (self.etag in known or known.strip() == "*"):
            start_response("304 Not Modified", self.short)
            return []
        packed = self.packed and _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        headers = self.zipped if packed else self.plain
        if mark is not HIT:
            headers = [mark if header is HIT else header for header in headers]
        start_response("200 OK", headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        return [self.packed if packed else self.body]


def _takes_gzip(accepted: str) -> bool:
    if "gzip" not in accepted:
        return False
    if ";" not in accepted:
        return True
    for part in accepted.split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
