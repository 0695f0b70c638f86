"""The web server on an inherited socket: swapped under load without a lost request."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import threading
import time
from pathlib import Path

import pytest


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield server


def _generation(port: int) -> int:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", "/-/facts", headers={"Connection": "close"})
        return json.loads(connection.getresponse().read())["generation"]


def _status(port: int, path: str = "/-/ready", *, hesitation_s: float = 0.0) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.connect()
        time.sleep(hesitation_s)
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.requirement("H7")
@pytest.mark.parametrize("place", ["embedded", "postgresql", "mariadb"])
def test_a_swap_on_an_inherited_socket_loses_no_request(site_processes, databases_on, place, wait_until, listening):
    """Some clients hesitate between connecting and asking: at the swap they are accepted, and not yet read. One asks for a page that is
    made anew, so that databases are asked too.
    """
    site = site_processes(**databases_on(place))
    site.documents("prepare")
    port, fd = listening.getsockname()[1], listening.fileno()
    old = site.start("serve", "--fd", str(fd), pass_fds=(fd,))
    wait_until(lambda: _status(port) == 200, what="readiness")

    results: list[object] = []
    stop = threading.Event()

    def load(path: str, hesitation_s: float) -> None:
        while not stop.is_set():
            try:
                results.append(_status(port, path, hesitation_s=hesitation_s))
            except OSError as error:
                results.append(error)

    visitors = [("/-/live", s) for s in (0.0, 0.0, 0.05, 0.1, 0.2)] + [("/?made=anew", 0.0)]
    threads = [threading.Thread(target=load, args=visitor) for visitor in visitors]
    for thread in threads:
        thread.start()
    site.environ["GENERATION"] = "2"
    new = site.start("serve", "--fd", str(fd), pass_fds=(fd,))
    wait_until(lambda: _generation(port) == 2, what="an answer of the second server")
    wait_until(lambda: len(results) > 300, what="some load")
    old.send_signal(signal.SIGTERM)
    assert old.wait(30) == 0
    seen = len(results)
    wait_until(lambda: len(results) > seen + 300, what="load on the new one")
    stop.set()
    for thread in threads:
        thread.join(30)
    lost = [repr(r) for r in results if r != 200]
    assert lost == [], f"{len(lost)} of {len(results)}"
    new.send_signal(signal.SIGTERM)
    assert new.wait(30) == 0
    assert listening.fileno() == fd


def test_it_opens_a_port_itself_and_ends_on_sigterm(site_processes, wait_until):
    site = site_processes()
    site.documents("prepare")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = site.start("serve", "--port", str(port))

    def up() -> bool:
        try:
            return _status(port) == 200
        except OSError:
            return False

    wait_until(up, what="readiness")
    assert _status(port, "/nothing-here/") == 404
    process.terminate()
    assert process.wait(30) == 0


def test_what_serves_does_not_outlive_its_parent(site_processes, wait_until, listening):
    """After kill -9 nobody may go on answering: the supervisor would not know of it."""
    site = site_processes()
    site.documents("prepare")
    port, fd = listening.getsockname()[1], listening.fileno()
    process = site.start("serve", "--fd", str(fd), pass_fds=(fd,))
    wait_until(lambda: _status(port) == 200, what="readiness")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.kill()
    process.wait(10)
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), what="the end of its children")
