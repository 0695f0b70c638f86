"""`HeldSocket` does what any socket does."""

from __future__ import annotations

import asyncio
import select
import socket

import pytest

from webstreet.mail.sockets import HeldSocket, connected


@pytest.fixture
def pair():
    """One of ours, connected; and the other end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = HeldSocket(socket.AF_INET, socket.SOCK_STREAM, 0)
        assert ours.connect_ex(server.getsockname()) in (0, 115)
        other, _ = server.accept()
        with ours, other:
            other.settimeout(10)
            yield ours, other


def _received(ours: HeldSocket, buffer: bytearray | memoryview, most: int = 0) -> int:
    """What `recv_into` gives once something is there."""
    assert select.select([ours], [], [], 10)[0]
    return ours.recv_into(buffer, most)


def test_octets_arrive_both_ways(pair):
    ours, other = pair
    assert ours.send(b"one\0two") == 7
    assert other.recv(100) == b"one\0two"
    assert ours.send(memoryview(b"three")) == 5
    assert other.recv(100) == b"three"
    other.sendall(b"an answer")
    buffer = bytearray(20)
    assert _received(ours, memoryview(buffer)[3:]) == 9
    assert bytes(buffer[:12]) == b"\0\0\0an answer"
    assert bytes(buffer[12:]) == bytes(8)


def test_no_more_than_there_is_room_for(pair):
    ours, other = pair
    other.sendall(b"0123456789")
    buffer, found = bytearray(20), b""
    while len(found) < 10:
        count = _received(ours, buffer, 4)
        assert count <= 4
        found += buffer[:count]
    assert found == b"0123456789"


def test_no_room_is_asked_for_by_nobody(pair):
    ours, _ = pair
    with pytest.raises(ValueError, match="buffer too small"):
        ours.recv_into(bytearray(4), 10)


def test_nothing_there_and_no_room_are_said_as_by_every_socket(pair):
    ours, _ = pair
    with pytest.raises(BlockingIOError):
        ours.recv_into(bytearray(10))
    with pytest.raises(BlockingIOError):
        _send_for_ever(ours)


def test_the_end_is_said_as_by_every_socket(pair):
    ours, other = pair
    other.shutdown(socket.SHUT_WR)
    assert _received(ours, bytearray(10)) == 0
    other.close()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        _send_for_ever(ours)
    ours.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        ours.send(b"x")


def _send_for_ever(ours: HeldSocket) -> None:
    while True:
        assert 0 < ours.send(b"x" * 1_000_000) <= 1_000_000


def test_each_address_of_a_host_is_tried(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as closed:
        port, gone = server.getsockname()[1], closed.getsockname()[1]
        closed.close()
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", one)) for one in (gone, port)]
        unknown = (4711, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))
        found.insert(0, unknown)  # Of a kind that this machine does not have.

        async def addresses(*_: object, **__: object) -> list[object]:
            return found

        async def connect() -> int:
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", addresses)
            with await connected("mail.example.org", port) as made:
                return int(made.getpeername()[1])

        assert asyncio.run(connect()) == port
        del found[2]
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(connect())
        found.clear()
        with pytest.raises(OSError, match="no address"):
            asyncio.run(connect())
