"""`Series`: the messages of one mailing, for very many recipients.

`Skeleton.pieces` makes a message for whomever. Those of a mailing differ by an address and a few tokens, and where each of them stands is
the same in all: so that is found out once, and a message then costs a few operations on lists.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from operator import itemgetter

from webstreet.mail.body import QuotedPart, filled
from webstreet.mail.content import Pieces
from webstreet.mail.dkim import Signer, Signing
from webstreet.mail.errors import HeaderInvalid
from webstreet.mail.message import Recipient, Skeleton, recipient_headers, stable_message_id

_VALUE = "[A-Za-z0-9_-]{1,64}"
"""What stands as it is in a header, in text and in HTML, on one line of its own."""
_KEY = "[A-Za-z0-9-]{1,64}"
_ADDRESS = "[!-;=?-~]"
_MAIL_MAX = 254
"""Octets. Longer ones, and any other character in what is given, are left to `Skeleton.pieces`."""
_MARK = secrets.token_hex(30)
_STAND_IN = re.compile(rf"{_MARK}([0-9]+)x".encode())


class Series:
    """Makes of each recipient what `Skeleton.pieces` makes, octet by octet, in a third of the time (but for signatures).

    Args:
        mailing, domain: of the Message-IDs (`stable_message_id`).
        unsubscribe_url: with holes for values.
        names: of the values that each recipient has, in the order in which they are given.
        signers: see `Skeleton.pieces`.

    Raises:
        HeaderInvalid: ``mailing`` or ``domain`` cannot stand in a Message-ID.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        mailing: str,
        domain: str,
        unsubscribe_url: str,
        names: Sequence[str],
        signers: Sequence[Signer] = (),
    ) -> None:
        stable_message_id(mailing, "key", domain)
        self._skeleton, self._signers = skeleton, signers
        self._mailing, self._domain = mailing, domain
        self._unsubscribe_url, self._names = unsubscribe_url, names
        usual = " ".join((f"{_ADDRESS}+", _KEY, *[_VALUE] * len(names), f"{_ADDRESS}{{0,{_MAIL_MAX}}}"))
        self._is_usual = re.compile(usual).fullmatch
        self._forms = self._form(""), self._form(_stand_in(2 + len(names), _MAIL_MAX))

    def recipient(self, address: str, key: str, values: Sequence[str], unsubscribe_mail: str = "") -> Recipient:
        """Somebody as `Skeleton.pieces` takes them.

        Args:
            key: names them in the Message-ID. ``values``: see ``names``.

        Raises:
            HeaderInvalid: see `stable_message_id`; or the address to unsubscribe has a hole and there is no value for it.
        """
        named = dict(zip(self._names, values, strict=True))
        message_id = stable_message_id(self._mailing, key, self._domain)
        return Recipient(address, message_id, named, filled(self._unsubscribe_url, named), unsubscribe_mail)

    def pieces(
        self, address: str, key: str, values: Sequence[str], unsubscribe_mail: str = "", *, now: int | None = None
    ) -> Pieces | bytes:
        """The complete message for one recipient; see `recipient` and `Skeleton.pieces`, and both for what is raised."""
        form = self._forms[bool(unsubscribe_mail)]
        text = " ".join((address, key, *values, unsubscribe_mail))
        if form is None or len(values) != len(self._names) or not self._is_usual(text):
            recipient = self.recipient(address, key, values, unsubscribe_mail)
            return self._skeleton.pieces(recipient, self._signers, now=now)
        return form.pieces(text.encode("ascii").split(b" "), now)

    def _form(self, mail: str) -> _Form | None:
        """None: there is none, as a part is in base64, or as headers with long values would be refused."""
        if not all(isinstance(part, QuotedPart) for part in self._skeleton.parts):
            return None
        address, key, *values = map(_stand_in, range(2 + len(self._names)))
        try:
            recipient = self.recipient(address, key, values, mail)
            return _Form(self._skeleton, recipient, self._signers) if recipient.unsubscribe_url else None
        except HeaderInvalid:
            return None


def _stand_in(number: int, length: int = 64) -> str:
    """A value that occurs nowhere else, as long as such a value may be."""
    return f"{_MARK}{number:0{length - len(_MARK) - 1}}x"


class _Places:
    """A text with places: ``texts`` has its literals, each but the last followed by an empty one for a value."""

    def __init__(self, text: bytes) -> None:
        self.texts = _STAND_IN.split(text)
        # A message has an address and a key at least, so it gives several.
        self._order = itemgetter(*map(int, self.texts[1::2]))
        self.texts[1::2] = [b""] * (len(self.texts) // 2)

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        made = self.texts.copy()
        made[1::2] = self._order(values)
        return made


class _Form:
    """The message for ``stand_in``, with places where its values stood."""

    def __init__(self, skeleton: Skeleton, stand_in: Recipient, signers: Sequence[Signer]) -> None:
        whole = bytes(skeleton.pieces(stand_in))
        self._message = _Places(whole)
        if not signers:
            self._signing = None
            return
        listed, data = skeleton.signed_headers(recipient_headers(stand_in, skeleton.is_list))
        self._signing, self._data = Signing(signers, listed), _Places(data)
        head, _, body = whole.partition(b"\r\n\r\n")
        self._body_hash = hashlib.sha256(_STAND_IN.split(body, maxsplit=1)[0])
        self._rest = 1 + 2 * len(_STAND_IN.findall(head))
        """From here on the body differs by recipient."""

    def pieces(self, values: Sequence[bytes], now: int | None) -> Pieces:
        made = self._message.filled(values)
        if self._signing is not None:
            body_hash = self._body_hash.copy()
            body_hash.update(b"".join(made[self._rest :]))  # Canonical already: see `webstreet.mail.body`.
            data = b"".join(self._data.filled(values))
            made[0] = self._signing.headers(data, body_hash.digest(), now) + made[0]
        return Pieces(made)
