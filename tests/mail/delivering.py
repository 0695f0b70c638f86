"""Handing a batch over by a transport that lives as long as that takes: SMTP's or another, with the same promises."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from webstreet.mail.pump import Envelope, Result, Trouble

Sent = tuple[dict[int, Result], Trouble | None]


def delivered(make: Callable[[], Any], batch: Sequence[Envelope], *, seconds: float) -> Sent:
    """Send a batch over what ``make`` makes in its event loop; one result for each envelope, or the test fails."""

    async def run() -> tuple[list[Result], Trouble | None]:
        transport = make()
        try:
            results, trouble = await transport.send(batch, deadline=time.monotonic() + seconds)
            later = [asyncio.wrap_future(r.later) for r in results if r.later is not None]
            return [r for r in results if r.later is None] + await asyncio.gather(*later), trouble
        finally:
            await transport.close()

    results, trouble = asyncio.run(run())
    assert sorted(r.key for r in results) == sorted(e.key for e in batch), "one result for each envelope"
    return {r.key: r for r in results}, trouble
