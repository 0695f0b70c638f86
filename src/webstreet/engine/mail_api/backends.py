"""One provider's API as django-anymail speaks it, and over the wire: what left us, and what came back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from webstreet.mail.url import PROVIDERS, EmailUrl

CONNECT_S = 10.0
ANSWER_S = 120.0
"""From the beginning of a request to the end of its answer: who gives up sooner gets mail doubled."""


@dataclass(frozen=True, slots=True)
class Provider:
    """How one is spoken to.

    Attributes:
        left_out: headers that it makes itself or refuses, in lower case. ``added``: what it wants besides.
        merges: a slot of the provider's own form, with ``{}`` for its name; empty: each message is a call.
        most: recipients of one such call.
        opens: what in an author's text would begin a slot.
    """

    left_out: frozenset[str] = frozenset()
    added: Mapping[str, str] = field(default_factory=dict)
    merges: str = ""
    most: int = 1
    opens: str = ""


_MAKES_ITS_OWN = frozenset({"message-id"})
KNOWN: Mapping[str, Provider] = {
    "brevo": Provider(_MAKES_ITS_OWN),
    "mailgun": Provider(merges="%recipient.{}%", most=500, opens="%recipient"),
    "mailjet": Provider(_MAKES_ITS_OWN | {"list-id", "feedback-id"}),
    "postmark": Provider(added={"X-PM-KeepID": "true"}),
    "resend": Provider(_MAKES_ITS_OWN),
}
assert set(KNOWN) == set(PROVIDERS)  # noqa: S101 two lists of one thing


class _End:
    """Ends a request that takes too long, whatever comes of it bit by bit: each read has its own limit, and begins it anew."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self.socket: socket.socket | None = None

    def _cut(self) -> None:
        if self.socket is not None:
            with contextlib.suppress(OSError):
                # Below TLS, whose state is the reader's.
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def __enter__(self) -> _End:
        # With no thread left the limit of each read has to do.
        with contextlib.suppress(RuntimeError):
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


class Wire(threading.local):
    """What happened to the request that this thread made last.

    Attributes:
        left: all of it was given to the network.
        answer: what came back, however django-anymail reads it; None: nothing did.
    """

    left = False
    answer: requests.Response | None = None
    end: _End | None = None

    def forget(self) -> None:
        self.left, self.answer = False, None


wire = Wire()


class _Noting:
    """Beside a connection of urllib3, which says neither in its errors nor elsewhere whether a request left as a whole."""

    _line: socket.socket | None = None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        # It lets go of it before the end of an answer that closes the connection.
        self._line = self.sock  # type: ignore[attr-defined]
        if wire.end is not None:
            wire.end.socket = self._line

    def request(self, *args: Any, **kwargs: Any) -> None:
        wire.left = False
        if wire.end is not None:
            wire.end.socket = self._line
        super().request(*args, **kwargs)  # type: ignore[misc]
        wire.left = True


class _Plain(_Noting, HTTPConnection):
    pass


class _Tls(_Noting, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class _Adapter(HTTPAdapter):
    """Tries nothing twice (that is the ledger's to decide)."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class _Session(requests.Session):
    def __init__(self, ca_file: str, answer_s: float) -> None:
        super().__init__()
        self._answer_s = answer_s
        # Neither a proxy nor a key of .netrc from the environment: the key goes to the provider alone, and only ours.
        self.trust_env = False
        self.verify = ca_file or True
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        wire.forget()
        # To follow one would give the mails to whoever it names, or forget what was to be posted.
        kwargs["allow_redirects"] = False
        with _End(self._answer_s) as wire.end:
            wire.answer = super().request(*args, **kwargs)
        return wire.answer


def backend_of(url: EmailUrl, *, answer_s: float = ANSWER_S) -> Any:
    """django-anymail's e-mail backend of ``url``, open; for one thread at a time."""
    key = url.password.reveal()
    options: dict[str, Any] = {"timeout": (min(CONNECT_S, answer_s), answer_s), "api_key": key}
    if url.provider == "mailgun":
        options["sender_domain"] = url.host
    elif url.provider == "mailjet":
        options["api_key"], _, options["secret_key"] = key.partition(":")
    elif url.provider == "postmark":
        options = {"timeout": options["timeout"], "server_token": key, "message_stream": url.stream or None}
    if url.api:
        options["api_url"] = url.api
    backend = import_module(f"anymail.backends.{url.provider}").EmailBackend(**options)
    backend.session = _Session(url.ca_file, answer_s)
    return backend
