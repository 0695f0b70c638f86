"""DKIM signatures (RFC 6376; Ed25519: RFC 8463; key sizes and hashes: RFC 8301).

``relaxed/relaxed`` canonical forms, SHA-256. Headers that a forger would like to add (From, Subject, ...) are signed once more than they
occur, so that one added later breaks the signature; List-Unsubscribe and List-Unsubscribe-Post are signed because receivers
believe one-click unsubscribing only then (RFC 8058).

A message may carry several signatures: Ed25519 first for who knows it, RSA for everybody.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from webstreet.kernel.secret import Secret
from webstreet.mail.errors import DkimKeyInvalid

Algorithm = Literal["rsa-sha256", "ed25519-sha256"]
RSA_BITS = 2048
RSA_BITS_MAX = 4096
TXT_MAX = 255
"""Octets of one string of a TXT record (RFC 1035 3.3)."""
OVERSIGNED = (
    "from",
    "subject",
    "date",
    "to",
    "message-id",
    "reply-to",
    "cc",
    "list-unsubscribe",
    "list-unsubscribe-post",
)
"""Signed once more than they occur, so also when they do not."""
SIGNED = (
    "mime-version", "content-type", "content-transfer-encoding", "content-language", "in-reply-to", "references", "sender",
    "list-id", "list-archive", "list-help", "list-post", "list-owner", "list-subscribe", "auto-submitted", "feedback-id",
)  # fmt: skip
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_WSP = re.compile(r"[ \t]+")
_WSP_OCTETS = re.compile(rb"[ \t]+")
_PLAIN = re.compile(r" [!-~]+(?: [!-~]+)*\r\n\Z")
"""A value in one line whose relaxed form is itself without the first space."""
_UNCANONICAL = re.compile(rb"\t| (?=[ \r]|\Z)")


@dataclass(frozen=True, slots=True)
class Signer:
    """A domain's key under its selector: DNS has the public half at ``<selector>._domainkey.<domain>``."""

    domain: str
    selector: str
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

    def __post_init__(self) -> None:
        for part in (self.domain, self.selector):
            if not part or not all(_LABEL.match(label) for label in part.split(".")):
                raise DkimKeyInvalid(
                    "A domain and a selector of DKIM are names as DNS has them: news.example.org, s2026."
                )

    @property
    def algorithm(self) -> Algorithm:
        return "rsa-sha256" if isinstance(self.key, rsa.RSAPrivateKey) else "ed25519-sha256"

    @property
    def record_name(self) -> str:
        """Where the TXT record with `record_text` belongs."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record_text(self) -> str:
        """The TXT record, as one text."""
        return public_record(self.key)

    def sign(self, data: bytes) -> bytes:
        """The signature of canonical headers. Ed25519 signs their SHA-256 (RFC 8463 3)."""
        return self.maker()(data)

    def maker(self) -> Callable[[bytes], bytes]:
        """`sign`, made ready for many."""
        key = self.key
        if isinstance(key, rsa.RSAPrivateKey):
            return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        # Not loaded where nobody signs so. Signs in two thirds of OpenSSL's time, and other threads go on meanwhile.
        from nacl.bindings import crypto_sign, crypto_sign_BYTES

        secret = key.private_bytes_raw() + key.public_key().public_bytes_raw()
        return lambda data: crypto_sign(hashlib.sha256(data).digest(), secret)[:crypto_sign_BYTES]


# -- Keys ------------------------------------------------------------------------------------------------------------
def new_key(algorithm: Algorithm) -> Secret:
    """A new private key, as PEM (PKCS #8, not encrypted: store it as the secret it is)."""
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    if algorithm == "rsa-sha256":
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Secret(key.private_bytes(*form).decode("ascii"))


def read_key(pem: Secret) -> ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey:
    """Read a private key from PEM (PKCS #8 or PKCS #1).

    Raises:
        DkimKeyInvalid: it is none, is protected by a password, is of another kind, or is an RSA key of fewer than 2048 bits.
    """
    try:
        key = serialization.load_pem_private_key(pem.reveal().encode(), password=None)
    except TypeError:
        raise DkimKeyInvalid("The DKIM key is protected by a password: store it without one.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise DkimKeyInvalid(
            "The DKIM key is no private key in PEM (PKCS #8 or PKCS #1), as a text with a BEGIN and an END line."
        ) from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if not isinstance(key, rsa.RSAPrivateKey):
        raise DkimKeyInvalid("A DKIM key is an RSA or an Ed25519 key.")
    if not RSA_BITS <= key.key_size <= RSA_BITS_MAX:
        raise DkimKeyInvalid(f"An RSA key for DKIM has {RSA_BITS} to {RSA_BITS_MAX} bits; this one has {key.key_size}.")
    return key


def public_record(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    """The text of the TXT record for the public half (RFC 6376 3.6.1, RFC 8463 4)."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={_b64(public.public_bytes(*form)).decode('ascii')}"
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={_b64(raw).decode('ascii')}"


def txt_strings(text: str) -> list[str]:
    """``text`` in strings of at most 255 octets, as a TXT record stores it and as many DNS screens want it typed."""
    return [text[i : i + TXT_MAX] for i in range(0, len(text), TXT_MAX)]


# -- Signatures ------------------------------------------------------------------------------------------------------
def canonical_header(line: str) -> tuple[str, bytes]:
    """Name and relaxed form (RFC 6376 3.4.2) of one whole header, folded or not."""
    name, _, value = line.partition(":")
    name = name.strip().lower()
    if not _PLAIN.match(value):
        value = _WSP.sub(" ", value.replace("\r\n", "")).strip(" ") + "\r\n"
    else:
        value = value[1:]
    return name, f"{name}:{value}".encode("utf-8", "surrogateescape")


def canonical_body(body: bytes) -> bytes:
    """The relaxed form of a body with CRLF line ends (RFC 6376 3.4.4)."""
    if _UNCANONICAL.search(body):
        body = b"\r\n".join([_WSP_OCTETS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")])
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n" if end else b""


@dataclass(frozen=True, slots=True)
class Shared:
    """The canonical headers that all copies of a mailing have in common, in the order in which they are signed, with places for their own.

    Attributes:
        pieces: ``places[i]`` is where the copy's header ``own[i]`` of `shared` stands.
        listed: names for h=, folded.
    """

    pieces: tuple[bytes, ...]
    places: tuple[int, ...]
    listed: str

    def data(self, own: Sequence[bytes]) -> bytes:
        """What one copy signs of its headers. ``own``: the canonical forms of its own, in the order told to `shared`."""
        pieces = list(self.pieces)
        for place, canonical in zip(self.places, own, strict=True):
            pieces[place] = canonical
        return b"".join(pieces)


def shared(headers: Mapping[str, bytes], own: Sequence[str]) -> Shared:
    """Made once for all copies.

    Args:
        headers: name -> canonical form, of names that occur once. ``own``: names of the headers that each copy has besides.
    """
    names = [name for name in (*OVERSIGNED, *SIGNED) if name in headers or name in own]
    pieces, places = [b""], {}
    for name in names:
        if name in own:
            places[name] = len(pieces)
            pieces += (b"", b"")
        else:
            pieces[-1] += headers[name]
    return Shared(tuple(pieces), tuple(places[name] for name in own), _fold_names(":".join((*names, *OVERSIGNED))))


class Signing:
    """What of the DKIM-Signature headers, one a signer, is the same for all copies of a mailing.

    Args:
        listed: see `Shared.listed`.
    """

    def __init__(self, signers: Sequence[Signer], listed: str) -> None:
        self._forms = []
        for signer in signers:
            value = (
                f"v=1; a={signer.algorithm}; c=relaxed/relaxed;\r\n d={signer.domain}; s={signer.selector}; t=%d;\r\n"
                f" h={listed};\r\n bh=%b;\r\n b="
            )
            canonical = "%bdkim-signature:" + value.replace("\r\n", "")
            written = f"DKIM-Signature: {value}%b\r\n"
            self._forms.append((signer.maker(), canonical.encode("ascii"), written.encode("ascii")))

    def headers(self, data: bytes, body_hash: bytes, now: int | None = None) -> bytes:
        """To put in front of one copy.

        Args:
            data: the canonical headers that are signed (`Shared.data`). ``body_hash``: SHA-256 of the canonical body.
            now: seconds since 1970; None: now.
        """
        at, bh = int(time.time()) if now is None else now, _b64(body_hash)
        out = b""
        for make, canonical, written in self._forms:
            signature = _b64(make(canonical % (data, at, bh)))
            lines = [signature[i : i + 72] for i in range(0, len(signature), 72)]
            out += written % (at, bh, b"\r\n ".join(lines))
        return out


def _fold_names(listed: str) -> str:
    """White space may stand around the colons of h=."""
    lines = [""]
    for name in listed.split(":"):
        if len(lines[-1]) + len(name) > 68:
            lines.append("")
        lines[-1] += name + ":"
    return "\r\n ".join(lines).removesuffix(":")


def sign(content: bytes, signers: Sequence[Signer], *, now: int | None = None) -> bytes:
    """``content`` with a signature of each of ``signers`` in front; for any message with CRLF line ends, by whomever made.

    `webstreet.mail.message.Skeleton.fill` signs what it makes for less.

    Raises:
        DkimKeyInvalid: it has no From header, without which no signature is valid.
    """
    head, _, body = content.partition(b"\r\n\r\n")
    fields: dict[str, list[bytes]] = {}
    for line in re.split(r"\r\n(?![ \t])", head.decode("utf-8", "surrogateescape")):
        if ":" in line:
            name, canonical = canonical_header(line)
            fields.setdefault(name, []).append(canonical)
    if "from" not in fields:
        raise DkimKeyInvalid("A message without From cannot be signed.", code="dkim.from_missing")
    # Several of one name are taken from the last to the first (RFC 6376 5.4.2).
    names = [name for name in (*OVERSIGNED, *SIGNED) for _ in fields.get(name, ())]
    data = b"".join(c for name in dict.fromkeys(names) for c in reversed(fields[name]))
    body_hash = hashlib.sha256(canonical_body(body)).digest()
    return Signing(signers, _fold_names(":".join((*names, *OVERSIGNED)))).headers(data, body_hash, now) + content


def _b64(octets: bytes) -> bytes:
    return binascii.b2a_base64(octets, newline=False)
