"""E-mail addresses, normalised once at the edge."""

from __future__ import annotations

import re

import idna

from webstreet.mail.errors import AddressInvalid

ADDRESS_MAX = 254
"""RFC 5321 4.5.3.1.3: a path is at most 256 octets, of which two are its angle brackets."""
LOCAL_MAX = 64
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")


def normal_address(text: str) -> str:
    """The one spelling of an address: lower-case, domain in IDNA (UTS 46). Two addresses are the same mailbox if these are equal.

    Local parts outside ASCII (RFC 6531) and quoted ones are refused: too few servers take them.

    Raises:
        AddressInvalid: the message says which rule is broken and never repeats the address.
    """
    candidate = text.strip(" \t")
    if len(candidate) > ADDRESS_MAX:
        raise AddressInvalid(f"An address has at most {ADDRESS_MAX} characters.", code="address.too_long")
    if any(ord(c) < 32 or ord(c) == 127 for c in candidate):
        raise AddressInvalid("An address has no line ends or control characters.")
    local, at, domain = candidate.rpartition("@")
    if not at or not local or not domain:
        raise AddressInvalid("An address has a name, an @ and a domain, as in name@example.org.")
    if len(local) > LOCAL_MAX or not _LOCAL.match(local):
        raise AddressInvalid("The part before the @ has characters that mail does not allow there.")
    address = f"{local.lower()}@{_normal_domain(domain)}"
    if len(address) > ADDRESS_MAX:
        raise AddressInvalid(f"An address has at most {ADDRESS_MAX} characters.", code="address.too_long")
    return address


def _normal_domain(text: str) -> str:
    try:
        domain = idna.encode(text.removesuffix("."), uts46=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise AddressInvalid("The part after the @ is not a domain that DNS allows.") from None
    labels = domain.split(".")
    if len(labels) < 2 or not all(_LABEL.match(label) for label in labels) or labels[-1].isdigit():
        raise AddressInvalid("The part after the @ is not a complete domain, as in example.org.")
    return domain


def readable_address(address: str) -> str:
    """``address`` with its domain in the reader's script; for screens only."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.decode(domain)}"
    except (idna.IDNAError, UnicodeError):
        return address
