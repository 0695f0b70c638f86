"""The content of a message on its way: what a transport has to look for in it, and what it need not."""

from __future__ import annotations

from collections.abc import Sequence


class Plain(bytes):
    """Content known to be all ASCII, its lines ended by CRLF and none begun by a dot, as `webstreet.mail.message` makes it.

    A transport need not look through it: to look for one dot costs more than all the rest that is done with a message.
    """

    __slots__ = ()


class Pieces:
    """A `Plain` in pieces, of which the messages of one mailing share nearly all octets.

    Put together only when it leaves: to have a thousand whole messages ready takes memory that is new each time, and to get that from the
    system costs as much as all else that is done to make a message.
    """

    __slots__ = ("_size", "pieces")

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self._size = sum(map(len, pieces))

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.pieces)


def is_ascii(content: bytes | Pieces) -> bool:
    return type(content) is Pieces or type(content) is Plain or bytes(content).isascii()


def dots_stuffed(content: bytes) -> bytes:
    """RFC 5321 4.5.2. Also after a bare LF or CR: a server that takes one for a line end must not find the end of a message there."""
    if type(content) is Plain:
        return content
    for line_end in (b"\n", b"\r"):
        if line_end + b"." in content:
            content = content.replace(line_end + b".", line_end + b"..")
    return b"." + content if content.startswith(b".") else content
