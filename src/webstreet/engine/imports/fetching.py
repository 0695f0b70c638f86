"""The one way by which an import fetches something from the network: only from public addresses, only a little, not for long.

A name is resolved once and the connection goes to the address that was looked at, so that a name which answers differently the second
time gains nothing. Every redirect is looked at again.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit

from webstreet.kernel.errors import Unavailable

REDIRECTS_MAX = 4
PORTS = {"http": 80, "https": 443}
PIECE_BYTES = 64 * 1024
SILENCES_MAX = 3
NO_ANSWER = "fetch.no_answer"
Allowed = Callable[[str, int], bool]
_UNICAST = ipaddress.ip_network("2000::/3")
"""All IPv6 addresses of the internet (RFC 4291, 2.4). Python calls others global too: site-local ones, or IPv4 ones in disguise."""
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052)."""


class FetchRefused(Unavailable):
    """Something was not fetched: its address is not public, or the answer is not what was asked for."""

    code = "fetch.refused"
    retry = False


@dataclass(frozen=True, slots=True)
class Limits:
    """most_bytes of an answer; timeout_s for all of it, redirects included; types: beginnings of content types."""

    most_bytes: int = 25 * 1024**2
    timeout_s: float = 30.0
    types: tuple[str, ...] = ("image/", "audio/", "video/", "application/pdf")


class FetchSpent(FetchRefused):
    """What may be fetched in one import is fetched."""

    code = "fetch.spent"


@dataclass(slots=True)
class Budget:
    """What one import may fetch altogether, and how much of that it has.

    A host that does not answer several times in a row is not asked again: the rest of the time is for those that do, and the same
    import repeated comes further.

    Attributes:
        most_files: that were fetched. most_bytes: that were received, also of what was refused. most_s: spent waiting.
    """

    most_files: int = 5000
    most_bytes: int = 2 * 1024**3
    most_s: float = 30 * 60.0
    allowed: Allowed | None = None
    files: int = 0
    size_bytes: int = 0
    spent_s: float = 0.0
    _silent: Counter[str] = field(default_factory=Counter)

    def fetch(self, url: str) -> bytes:
        """Raises what `fetch` raises, and:

        FetchSpent: nothing is left, or not enough for this one.
        """
        usual, host = Limits(), _host(url)
        left_bytes, left_s = self.most_bytes - self.size_bytes, self.most_s - self.spent_s
        if self.files >= self.most_files or left_bytes <= 0 or left_s <= 0:
            raise self._all_spent()
        if self._silent[host] >= SILENCES_MAX:
            raise FetchRefused(f"its server did not answer {SILENCES_MAX} times, and is not asked again")
        limits = Limits(min(usual.most_bytes, left_bytes), min(usual.timeout_s, left_s))
        began = time.monotonic()
        try:
            data = fetch(url, limits, allowed=self.allowed or is_public, received=self._received)
        except FetchRefused as error:
            if limits != usual:
                raise self._all_spent() from None
            self._silent[host] = self._silent[host] + 1 if error.error_code == NO_ANSWER else 0
            raise
        finally:
            self.spent_s += time.monotonic() - began
        self.files += 1
        self._silent[host] = 0
        return data

    def told(self) -> str:
        """A sentence for the report."""
        return (
            f"Fetched from the old site: {self.files} files, {self.size_bytes / 1e6:.1f} MB, in {self.spent_s:.0f} s;"
            f" {self._most()} in one import."
        )

    def _most(self) -> str:
        return f"at most {self.most_files} files, {self.most_bytes / 1e6:.0f} MB and {self.most_s / 60:g} minutes"

    def _all_spent(self) -> FetchSpent:
        return FetchSpent(f"what may be fetched is fetched ({self._most()}); import the same again for the rest")

    def _received(self, count: int) -> None:
        self.size_bytes += count


def is_public(address: str, port: int) -> bool:
    """Whether an IP address is one that anybody on the internet could ask, on a port of the web."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is None and (found.teredo or found not in _UNICAST):
            return False
        found = inner or found
    return found.is_global and not found.is_multicast and port in PORTS.values()


def fetch(
    url: str,
    limits: Limits | None = None,
    *,
    allowed: Allowed = is_public,
    received: Callable[[int], None] = lambda count: None,
) -> bytes:
    """The body of a GET. ``received`` is told how many bytes of a body came.

    Raises:
        FetchRefused: the address is not public, the answer is no 200, too large, too slow, or of another type. The message names no
            address.
    """
    limits = limits or Limits()
    until = time.monotonic() + limits.timeout_s
    for _ in range(REDIRECTS_MAX + 1):
        answer = _get(url, limits, until, allowed, received)
        if isinstance(answer, bytes):
            return answer
        url = answer
    raise FetchRefused("it redirects too often")


def _get(url: str, limits: Limits, until: float, allowed: Allowed, received: Callable[[int], None]) -> bytes | str:
    """The body, or where it redirects to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise FetchRefused("its address is not one") from None
    if parts.scheme not in PORTS or not host or parts.username is not None:
        raise FetchRefused("its address is not one of the web")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
        f"?{quote(parts.query, safe='=&%+/:,;@!$~-._')}" if parts.query else ""
    )
    connection = _Pinned(host, port, _address(host, port, allowed), until, secure=parts.scheme == "https")
    # A server that sends a byte now and then reaches no time-out of the socket.
    limit = threading.Timer(_left(until), connection.cut)
    limit.daemon = True
    limit.start()
    try:
        connection.request("GET", path, headers={"User-Agent": "Webstreet", "Accept-Encoding": "identity"})
        response = connection.getresponse()
        _left(until)  # headers that we cut ourselves look whole
        if response.status in (301, 302, 303, 307, 308):
            return urljoin(url, response.getheader("Location") or "")
        if response.status != 200:
            raise FetchRefused(f"it is answered with {response.status}")
        kind = (response.getheader("Content-Type") or "").lower()
        if not kind.startswith(limits.types):
            raise FetchRefused("it is not an image, a sound, a film or a PDF")
        return _body(connection, response, limits, until, received)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchRefused(f"its server does not answer ({type(error).__name__})", code=NO_ANSWER) from None
    finally:
        limit.cancel()
        connection.close()


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _address(host: str, port: int, allowed: Allowed) -> str:
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise FetchRefused("its host is not known", code=NO_ANSWER) from None
    # All of them: a name with a public and a private address is up to something.
    if not found or not all(allowed(address, port) for address in found):
        raise FetchRefused("its address is not public")
    return found[0]


def _body(
    connection: _Pinned,
    response: http.client.HTTPResponse,
    limits: Limits,
    until: float,
    received: Callable[[int], None],
) -> bytes:
    pieces, size = [], 0
    if response.length is not None and response.length > limits.most_bytes:
        raise FetchRefused("it is too large")
    while True:
        connection.hurry(until)
        piece = response.read1(PIECE_BYTES)
        if not piece:
            break
        size += len(piece)
        received(len(piece))
        if size > limits.most_bytes:
            raise FetchRefused("it is too large")
        pieces.append(piece)
    _left(until)  # what we cut ourselves has no end either
    if response.length:
        raise FetchRefused("its answer was cut off")
    return b"".join(pieces)


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was chosen before, under the name that was asked for."""

    def __init__(self, host: str, port: int, address: str, until: float, *, secure: bool) -> None:
        super().__init__(host, port, timeout=_left(until))
        self._address, self._until, self._secure = address, until, secure
        # ``sock`` is given up before the body is read, when the server is going to close.
        self._wire: socket.socket | None = None

    def connect(self) -> None:
        self.sock = self._wire = socket.create_connection((self._address, self.port), _left(self._until))
        if self._secure:
            context = ssl.create_default_context()
            secured = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = self._wire = secured
            secured.do_handshake()

    def cut(self) -> None:
        """From another thread: whoever waits for this connection waits no longer."""
        if self._wire is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)

    def hurry(self, until: float) -> None:
        left = _left(until)
        if self._wire is not None:
            with contextlib.suppress(OSError):
                self._wire.settimeout(left)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise FetchRefused("it takes too long", code=NO_ANSWER)
    return left
