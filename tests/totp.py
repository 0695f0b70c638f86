"""What an authenticator app does: RFC 6238 with its defaults (SHA-1, 30 s, six digits)."""

from __future__ import annotations

import base64
import hmac
import struct
import time


def code(secret: str, *, steps: int = 0) -> str:
    """The six digits now, or ``steps`` half minutes from now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def wrong(secret: str) -> str:
    """Six digits that are right neither now nor around now."""
    near = {code(secret, steps=n) for n in range(-3, 4)}
    return next(f"{n:06d}" for n in range(10) if f"{n:06d}" not in near)
