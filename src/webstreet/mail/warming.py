"""Warm-up: a sender that nobody knows yet sends a little more each day.

No provider publishes how much. Twilio SendGrid's "IP warmup schedule" begins with 50, 100, 500 and 1,000 a day; Ghost goes from 200 to
200,000 in 42 days (its `domain-warming-service`). This curve begins as the first does and then is slower: it doubles for some days, then
grows by half.
"""

from __future__ import annotations

import datetime as dt

CURVE = (
    50, 100, 200, 400, 800, 1_200, 1_800, 2_700, 4_000, 6_000, 9_000, 13_500, 20_000, 30_000, 45_000, 70_000, 100_000, 150_000,
    225_000, 340_000, 500_000,
)  # fmt: skip
"""Mails on the first day, the second, and so on; after the last there is no limit."""


def allowance(since: dt.date, day: dt.date) -> int | None:
    """How many mails a sender that began ``since`` may send on ``day``; None: as many as it likes. Days before count as the first."""
    number = max(0, (day - since).days)
    return CURVE[number] if number < len(CURVE) else None
