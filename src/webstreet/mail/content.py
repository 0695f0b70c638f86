"""The content of a message on its way: what a transport has to look for in it, and what it need not."""

from __future__ import annotations


class Plain(bytes):
    """Content known to be all ASCII, its lines ended by CRLF and none begun by a dot, as `webstreet.mail.message` makes it.

    A transport need not look through it: to look for one dot costs more than all the rest that is done with a message.
    """

    __slots__ = ()


def is_ascii(content: bytes) -> bool:
    return type(content) is Plain or content.isascii()


def dots_stuffed(content: bytes) -> bytes:
    """RFC 5321 4.5.2. Also after a bare LF or CR: a server that takes one for a line end must not find the end of a message there."""
    if type(content) is Plain:
        return content
    for line_end in (b"\n", b"\r"):
        if line_end + b"." in content:
            content = content.replace(line_end + b".", line_end + b"..")
    return b"." + content if content.startswith(b".") else content
