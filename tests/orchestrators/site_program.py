"""A whole site in one small program, for tests of what runs sites: ``prepare``, ``web --fd N``, ``worker``, one-off commands.

Settings: SAMPLE_BROKEN = prepare | web | never (which part cannot get ready);
SAMPLE_MISSING = [needed ]NAME (what it says in readiness that it lacks).
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path

GENERATION = int(os.environ.get("GENERATION", "0"))
BROKEN = os.environ.get("SAMPLE_BROKEN", "")
MISSING = os.environ.get("SAMPLE_MISSING", "")
DATA = Path(os.environ.get("DATA_DIR", "."))


def prepare() -> int:
    if BROKEN == "prepare":
        print(json.dumps({"kind": "failure", "code": "sample.broken", "message": "The sample cannot be prepared."}))
        return 1
    with (DATA / "prepared").open("a") as file:
        file.write(f"{GENERATION}\n")
    return 0


def tell(message: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.sendto(message.encode(), "\0" + os.environ["NOTIFY_SOCKET"][1:])


def facts() -> dict[str, object]:
    manifest = dict(
        line.split(": ", 1) for line in Path(os.environ["SITE_MANIFEST"]).read_text().splitlines() if ": " in line
    )
    return {
        "client": manifest["client"], "site": manifest["site"], "release": "sample", "contract": 1,
        "generation": GENERATION, "manifest_digest": "", "started_at": STARTED, "atoms": [],
    }  # fmt: skip


def ready() -> dict[str, object]:
    part, needed = MISSING.removeprefix("needed "), MISSING.startswith("needed ")
    parts = [{"name": part, "ok": False, "needed": needed, "note": "does not answer"}] if MISSING else []
    return {
        "status": "not ready" if needed else "ready", "release": "sample", "generation": GENERATION, "parts": parts
    }  # fmt: skip


STARTED = f"{time.time()}"


def answer(connection: socket.socket) -> None:
    with connection:
        connection.settimeout(10)
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = connection.recv(4096)
            if not chunk:
                return
            head += chunk
        path = head.split()[1].decode()
        if path == "/crash":
            os._exit(9)
        if path == "/slow":
            print("slow", flush=True)
            time.sleep(1)
        body = json.dumps(ready() if path == "/-/ready" else facts()).encode()
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )


def web(fd: int) -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if BROKEN == "web":
        return 3
    while BROKEN == "never":
        tell("STATUS=its database does not answer")
        if stop.wait(0.1):
            return 0
    listener = socket.socket(fileno=fd)
    tell("READY=1")
    print(f"generation {GENERATION} serves", flush=True)
    threads = []
    while not stop.is_set():
        if select.select([listener], [], [], 0.05)[0]:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                continue
            connection.setblocking(True)
            threads = [t for t in threads if t.is_alive()]
            threads.append(threading.Thread(target=answer, args=(connection,)))
            threads[-1].start()
    for thread in threads:
        thread.join()
    return 0


def worker() -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print(f"worker of generation {GENERATION}", flush=True)
    if BROKEN == "worker":
        return 4
    stop.wait()
    return 0


def main(command: str, *arguments: str) -> int:
    match command:
        case "prepare":
            return prepare()
        case "web":
            return web(int(arguments[1]))
        case "worker":
            return worker()
        case "say":
            print("\n".join(arguments))
        case "exit":
            return int(arguments[0])
        case "sleep":
            print(os.getpid(), flush=True)
            time.sleep(60)
        case "write":
            (DATA / arguments[0]).write_text(arguments[1])
        case "environment":
            print(json.dumps(dict(os.environ)))
        case "backup":
            if BROKEN == "backup":
                print(
                    json.dumps(
                        {"kind": "failure", "code": "sample.broken", "message": "The sample cannot be backed up."}
                    )
                )
                return 1
            shutil.copytree(DATA, Path(arguments[0]) / "data")
        case _:
            print(f"unknown command {command}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
