"""A mailbox that a program reads by IMAP: what is new, one message after the other, and what becomes of each.

A message that was dealt with is deleted; one that is to stay gets a flag of ours (``WebstreetRead`` and who read it) and is not looked at
again, while it stays unread for people and for others who read the same mailbox. Everything has a time-out, and of a message only as much
is fetched as a report can have.
"""

from __future__ import annotations

import contextlib
import imaplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from webstreet.kernel.secret import Secret
from webstreet.mail.dsn import SIZE_MAX
from webstreet.mail.errors import MailboxAway, MailboxRefused, MailboxUrlInvalid

TIMEOUT_S = 10.0
"""Of each exchange with the server."""
READ_FLAG = "WebstreetRead"
WINDOW = 5000
"""Messages that are searched at once: an answer about a million would not fit into what imaplib reads."""
_SCHEMES = {"imaps": 993, "imap+tls": 143}


@dataclass(frozen=True, slots=True)
class MailboxUrl:
    """Where a mailbox is. The connection is always encrypted and the server's certificate checked.

    Attributes:
        is_tls: TLS from the first byte (``imaps://``); else STARTTLS (``imap+tls://``).
        folder: ``INBOX`` unless the URL names another one.
        ca_file: certificate authority to trust instead of the system's; empty: the system's.
    """

    host: str
    port: int
    is_tls: bool
    user: str
    password: Secret
    folder: str = "INBOX"
    ca_file: str = ""

    @classmethod
    def parse(cls, text: str) -> MailboxUrl:
        """Read ``imaps://`` or ``imap+tls://`` ``user:password@host[:port][/folder][?ca_file=PATH]``.

        Raises:
            MailboxUrlInvalid: the message does not repeat the URL, which holds a password.
        """
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError:
            raise MailboxUrlInvalid("The mailbox's URL has no valid port.") from None
        if parts.scheme not in _SCHEMES:
            raise MailboxUrlInvalid("The mailbox's URL must start with imaps:// or imap+tls://.")
        if not parts.hostname or not parts.username or not parts.password:
            raise MailboxUrlInvalid(
                "The mailbox's URL needs user, password and host: imaps://user:password@host/INBOX."
            )
        folder = unquote(parts.path).strip("/") or "INBOX"
        if not folder.isascii() or not folder.isprintable():
            raise MailboxUrlInvalid("The mailbox's folder is written in printable ASCII.")
        options = parse_qs(parts.query)
        if set(options) - {"ca_file"}:
            raise MailboxUrlInvalid("The mailbox's URL has an option we do not know: only ca_file is one.")
        return cls(
            host=parts.hostname,
            port=port or _SCHEMES[parts.scheme],
            is_tls=parts.scheme == "imaps",
            user=unquote(parts.username),
            password=Secret(unquote(parts.password)),
            folder=folder,
            ca_file=options.get("ca_file", [""])[0],
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.folder}"


@dataclass(slots=True)
class Mailbox:
    """An open mailbox; made by `opened`."""

    _imap: imaplib.IMAP4
    _count: int
    _flag: str = field(default=READ_FLAG)

    def unread(self, limit: int) -> list[int]:
        """The UIDs of the oldest ``limit`` messages that we have not dealt with."""
        found: list[int] = []
        wanted = ("UNDELETED", "UNSEEN") if self._flag == "\\Seen" else ("UNDELETED", "UNKEYWORD", self._flag)
        for first in range(1, self._count + 1, WINDOW):
            with _answering():
                answer = self._imap.uid("SEARCH", f"{first}:{min(first + WINDOW - 1, self._count)}", *wanted)
            found += [int(uid) for uid in b" ".join(filter(None, _good(answer))).split()]
            if len(found) >= limit:
                break
        return found[:limit]

    def fetch(self, uid: int) -> bytes:
        """The beginning of a message (`SIZE_MAX`); empty when it is gone. It stays unread."""
        with _answering():
            answer = _good(self._imap.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{SIZE_MAX}>)"))
        return next((part[1] for part in answer if isinstance(part, tuple)), b"")

    def delete(self, uids: Sequence[int]) -> None:
        """Delete these messages for good, and none that somebody else has marked as deleted, where the server can tell them apart."""
        if uids:
            self._store(uids, "\\Deleted")
            with _answering():
                if "UIDPLUS" in self._imap.capabilities:
                    _good(self._imap.uid("EXPUNGE", _set(uids)))
                else:
                    _good(self._imap.expunge())
            self._count -= len(uids)

    def keep(self, uids: Sequence[int]) -> None:
        """Leave these messages there, and never look at them again."""
        if uids:
            self._store(uids, self._flag)

    def _store(self, uids: Sequence[int], flag: str) -> None:
        with _answering():
            _good(self._imap.uid("STORE", _set(uids), "+FLAGS.SILENT", f"({flag})"))


@contextlib.contextmanager
def opened(url: MailboxUrl, *, reader: str = "", timeout_s: float = TIMEOUT_S) -> Iterator[Mailbox]:
    """Log in and open the folder.

    Args:
        reader: letters and digits that tell us from others who read this mailbox: what they have kept is new to us.

    Raises:
        MailboxAway: no connection, no TLS, or no answer in time; also later, from every method.
        MailboxRefused: the server refuses the login or the folder.
    """
    with _answering():
        context = ssl.create_default_context(cafile=url.ca_file or None)
        if url.is_tls:
            imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(url.host, url.port, ssl_context=context, timeout=timeout_s)
        else:
            imap = imaplib.IMAP4(url.host, url.port, timeout=timeout_s)
    try:
        with _answering():
            if not url.is_tls:
                imap.starttls(context)
        yield _entered(imap, url, f"{READ_FLAG}-{reader}" if reader else READ_FLAG)
    finally:
        # Not LOGOUT, which would wait for an answer once more.
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            imap.shutdown()


def _entered(imap: imaplib.IMAP4, url: MailboxUrl, flag: str) -> Mailbox:
    try:
        _login(imap, url)
        # What a server can do may grow with the login.
        _kind, found = imap.capability()
        imap.capabilities = tuple(b" ".join(filter(None, found)).decode("ascii", "replace").upper().split())
        folder = url.folder.replace("\\", "\\\\").replace('"', '\\"')
        kind, count = imap.select(f'"{folder}"')
        if kind != "OK":
            raise MailboxRefused("The mail server does not open the folder of the mailbox.", code="mailbox.folder")
        _name, flags = imap.response("PERMANENTFLAGS")
    except (OSError, imaplib.IMAP4.abort):
        raise MailboxAway("The server of the mailbox does not answer.") from None
    except imaplib.IMAP4.error:
        raise MailboxRefused("The mail server refuses the folder of the mailbox.", code="mailbox.folder") from None
    permitted = b" ".join(filter(None, flags or [])).decode("ascii", "replace")
    is_free = not {"\\*", flag}.isdisjoint(permitted.strip("() ").split())
    return Mailbox(imap, int(count[0] or 0), flag if is_free else "\\Seen")


def _login(imap: imaplib.IMAP4, url: MailboxUrl) -> None:
    try:
        imap.login(url.user, url.password.reveal())
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeError):
        # Its text may repeat what was sent.
        raise MailboxRefused("The mail server refuses user or password of the mailbox.") from None


def _set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _good(answer: tuple[str, list[Any]]) -> list[Any]:
    kind, data = answer
    if kind != "OK":
        raise MailboxAway("The server of the mailbox refuses a command.")
    return data


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (OSError, imaplib.IMAP4.error):
        # Without the cause: a server's free text is in it.
        raise MailboxAway("The server of the mailbox does not answer.") from None
