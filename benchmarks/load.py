"""A small HTTP load: persistent connections, each with one request in flight. ``python -m benchmarks.load URL CONNECTIONS SECONDS``.

Prints one JSON object: requests, seconds, errors, and the milliseconds within which half (p50) and 99 of 100 (p99) were answered. It runs
in a process of its own so that it does not share ours.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Tally:
    requests: int = 0
    errors: int = 0
    took_s: list[float] = field(default_factory=list)

    def within_ms(self, share: float) -> float:
        """The time within which this share of the requests was answered; 0 when there were none."""
        ordered = sorted(self.took_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else 0.0


class Reader(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is whole."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self.request, self.tally = request, tally
        self.buffer, self.stopping = bytearray(), False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self.asked_at = time.perf_counter()
        self.transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end]).lower()
        at = head.find(b"content-length: ")
        length = int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        self.tally.requests += 1
        self.tally.took_s.append(time.perf_counter() - self.asked_at)
        self.tally.errors += not head.startswith(b"http/1.1 200")
        self.buffer.clear()
        if not self.stopping:
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        self.tally.errors += not self.stopping


async def load(url: str, connections: int, seconds: float) -> dict[str, float]:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/html\r\n\r\n".encode()
    tally, loop = Tally(), asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Reader(request, tally), parts.hostname, parts.port)
        for _ in range(connections)
    ]
    before, start = tally.requests, time.perf_counter()
    await asyncio.sleep(seconds)
    took, count = time.perf_counter() - start, tally.requests - before
    for transport, reader in made:
        reader.stopping = True
        transport.close()
    times = {"p50_ms": tally.within_ms(0.5), "p99_ms": tally.within_ms(0.99)}
    return {"requests": count, "seconds": took, "errors": tally.errors, **times}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
