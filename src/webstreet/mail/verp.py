"""Return paths that say which message came back (VERP), and that nobody else can make.

    bounces+k7w2.3f-1c2.h4q2mz7k5w3x2r6j@news.example.org

The part after the + names the message by the outbox's own key and carries a signature (HMAC-SHA-256, 80 bits): a forged bounce would
otherwise strike whomever its author likes from the list. No address of a recipient is in it.
"""

from __future__ import annotations

import hmac
import re

from webstreet.kernel.secret import Secret
from webstreet.mail.address import LOCAL_MAX, normal_address
from webstreet.mail.errors import AddressInvalid
from webstreet.mail.keyed import KeyedHash

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_PAIRS = [a + b for a in "abcdefghijklmnopqrstuvwxyz234567" for b in "abcdefghijklmnopqrstuvwxyz234567"]
"""What ten bits are in base32, in small letters."""


class ReturnPaths:
    """Makes and reads the return paths of one sender.

    Args:
        mailbox: where bounces are collected, ``bounces@news.example.org``; its server must take ``bounces+anything`` as well.
        secret: of this sender; with another one no path is ours.

    Raises:
        AddressInvalid: ``mailbox`` is no address, or has a + already, or is too long to be added to.
    """

    def __init__(self, mailbox: str, secret: Secret) -> None:
        self._local, _, self._domain = normal_address(mailbox).partition("@")
        if "+" in self._local or len(self._local) > 20:
            raise AddressInvalid("The mailbox for bounces has a name of at most 20 characters without a +.")
        if not secret.reveal():
            raise AddressInvalid("The secret of return paths is empty.", code="verp.secret_missing")
        self._keyed = KeyedHash(secret.reveal().encode(), f"verp\0{self._local}@{self._domain}\0".encode())

    def make(self, name: str) -> str:
        """The return path of the message that is called ``name`` (``3f-1c2``: a-z, 0-9, single hyphens; at most 26 characters).

        Raises:
            AddressInvalid: ``name`` cannot stand in one.
        """
        local = f"{self._local}+{name}.{self._signature(name)}"
        if not _NAME.match(name) or len(local) > LOCAL_MAX:
            raise AddressInvalid("A return path names its message by a few letters, digits and hyphens.")
        return f"{local}@{self._domain}"

    def read(self, address: str) -> str | None:
        """The name in a return path that `make` made; None for any other address, however similar."""
        local, _, domain = address.strip(" <>").lower().rpartition("@")
        mailbox, _, rest = local.partition("+")
        name, _, signature = rest.rpartition(".")
        if domain != self._domain or mailbox != self._local or not _NAME.match(name) or not signature.isascii():
            return None
        return name if hmac.compare_digest(signature, self._signature(name)) else None

    def _signature(self, name: str) -> str:
        # `base64.b32encode` takes three times as long.
        bits, pair = int.from_bytes(self._keyed.digest(name.encode())[:10], "big"), _PAIRS
        return (
            f"{pair[bits >> 70]}{pair[bits >> 60 & 1023]}{pair[bits >> 50 & 1023]}{pair[bits >> 40 & 1023]}"
            f"{pair[bits >> 30 & 1023]}{pair[bits >> 20 & 1023]}{pair[bits >> 10 & 1023]}{pair[bits & 1023]}"
        )
