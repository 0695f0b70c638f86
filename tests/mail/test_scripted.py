"""The transport against servers that say what no server should, word for word."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.mail.test_smtp import envelopes, send
from webstreet.mail.pump import Outcome

GREETING = b"220 here\r\n"


class Scripted:
    """Answers each line that starts with a known word, and what ends a content, by the bytes written down for it."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self.answers = answers
        self.connections = 0
        self.heard: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self.socket.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection: socket.socket) -> None:
        inside = False
        with connection, connection.makefile("rb") as lines:
            connection.sendall(GREETING)
            for line in lines:
                word = b"." if inside and line == b".\r\n" else b"" if inside else line.split()[0].upper()
                if not word:
                    continue
                self.heard.append(word)
                answer = self.answers.get(word, b"250 ok\r\n")
                inside = word == b"DATA" and answer.startswith(b"354")
                connection.sendall(answer)


@contextmanager
def scripted(**answers: bytes) -> Iterator[Scripted]:
    usual = {b"EHLO": b"250-here\r\n250 PIPELINING\r\n", b"DATA": b"354 go on\r\n"}
    server = Scripted(usual | {b"." if k == "END" else k.encode(): v for k, v in answers.items()})
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.socket.shutdown(socket.SHUT_RDWR)
        server.socket.close()
        thread.join(5)


def test_a_reply_in_plain_text_is_not_believed_under_tls() -> None:
    """CVE-2011-0411: said in one breath with the reply to STARTTLS, by whoever sits between."""
    with scripted(
        EHLO=b"250-here\r\n250 STARTTLS\r\n", STARTTLS=b"220 ready\r\n250-here\r\n250 CHUNKING\r\n"
    ) as server:
        url = server.url.replace("smtp:", "smtp+tls:")
        results, trouble = send(url, envelopes(1), connections=1, seconds=4)
    assert [r.outcome for r in results.values()] == [Outcome.UNSENT]
    assert trouble is not None
    assert trouble.code == "mail_server.tls"
    assert server.heard == [b"EHLO", b"STARTTLS"]


def test_after_a_senseless_reply_to_a_content_its_connection_is_not_used_again() -> None:
    with scripted(END=b"354 what\r\n") as server:
        results, _ = send(server.url, envelopes(3), connections=1, seconds=4)
    assert Outcome.SENT not in {r.outcome for r in results.values()}
    assert results[0].outcome is Outcome.UNCERTAIN
    assert server.heard.count(b".") == server.connections, (results, server.heard)


def test_a_reply_of_two_digits_is_no_reply() -> None:
    with scripted(END=b"25\n") as server:
        results, _ = send(server.url, envelopes(1), connections=1, seconds=4)
    assert [r.outcome for r in results.values()] == [Outcome.UNCERTAIN]
