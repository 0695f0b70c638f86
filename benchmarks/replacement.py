"""How many requests are lost while the processes of a site are replaced under load: one listening socket, which outlives them.

Lost is an error on a new connection, or on the second attempt after a kept connection was closed between two requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from benchmarks import ground
from benchmarks.report import Row

SWAPS, CONNECTIONS, REQUESTS = 5, 32, 10_000
LONGEST_S = 300.0


@dataclass
class Tally:
    answered: int = 0
    lost: int = 0
    why: Counter[str] = field(default_factory=Counter)
    over: bool = False


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder:
        environment = ground.prepare(Path(folder) / "site", 20)
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            tally = asyncio.run(_swaps(listening, environment | {"BASE_URL": base}, Path(folder) / "ready"))
    if tally.why:
        print("lost:", dict(tally.why))
    name = f"requests lost in {SWAPS} replacements, of {tally.answered + tally.lost:,}"
    return [Row(name, "requests", [float(tally.lost)], target=0.0, higher_is_better=False)]


async def _swaps(listening: socket.socket, environment: dict[str, str], ready: Path) -> Tally:
    tally = Tally()
    with contextlib.ExitStack() as stack:
        now = await asyncio.to_thread(_started, stack, listening, environment, ready)
        readers = [asyncio.create_task(_reader(listening.getsockname()[1], tally)) for _ in range(CONNECTIONS)]
        for _ in range(SWAPS):
            await asyncio.sleep(0.5)
            before, now = now, await asyncio.to_thread(_started, stack, listening, environment, ready)
            await asyncio.to_thread(ground.end, before)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_S):
                while tally.answered + tally.lost < REQUESTS:
                    await asyncio.sleep(0.1)
        tally.over = True
        await asyncio.gather(*readers)
    return tally


def _started(
    stack: contextlib.ExitStack, listening: socket.socket, environment: dict[str, str], ready: Path
) -> Popen[bytes]:
    """A web process on the socket, once it says that it is ready (sd_notify)."""
    ready.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(ready))
        ear.settimeout(ground.READY_TIMEOUT_S)
        fd = listening.fileno()
        words = ["webstreet.engine", "serve", "--fd", str(fd)]
        started = stack.enter_context(ground.process(words, environment | {"NOTIFY_SOCKET": str(ready)}, fds=(fd,)))
        while ear.recv(4096) != b"READY=1":
            pass
    return started


async def _reader(port: int, tally: Tally) -> None:
    request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while not tally.over:
        for fresh in (kept is None, True):
            try:
                kept = await asyncio.open_connection("127.0.0.1", port) if kept is None else kept
                await _ask(*kept, request)
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                kept = None
                if fresh:
                    tally.lost += 1
                    tally.why[repr(error)[:200]] += 1
                    break
            else:
                tally.answered += 1
                break
        # About as many as asked for in the time that the replacements take.
        await asyncio.sleep(0.05)
    if kept is not None:
        kept[1].close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise ValueError(head.partition(b"\r\n")[0].decode())
    await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
