"""Signatures, checked by verifiers that others wrote (dkimpy), and RFC 8463's own vectors."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.mail.test_message import letter, recipient
from webstreet.kernel.secret import Secret
from webstreet.mail import dkim as ours
from webstreet.mail.content import Plain
from webstreet.mail.dkim import Signer, canonical_body, new_key, public_record, read_key, sign, txt_strings
from webstreet.mail.errors import DkimKeyInvalid
from webstreet.mail.message import Recipient, Sender, render

RSA = Signer("example.org", "r2026", read_key(new_key("rsa-sha256")))
ED = Signer("example.org", "e2026", read_key(new_key("ed25519-sha256")))


def dns(*signers: Signer) -> Callable[..., bytes]:
    records = {f"{signer.record_name}.".encode(): signer.record_text.encode() for signer in signers}

    def answer(name: bytes, timeout: int = 5) -> bytes:
        return records.get(name, b"")

    return answer


def verified(content: bytes, *signers: Signer) -> list[bool]:
    """One answer for each signature of ``content``, first to last."""
    count = content.count(b"\r\nDKIM-Signature:") + content.startswith(b"DKIM-Signature:")
    return [_verified(content, i, dns(*signers)) for i in range(count)]


def _verified(content: bytes, number: int, answer: Callable[..., bytes]) -> bool:
    try:
        return bool(dkim.DKIM(content).verify(number, dnsfunc=answer))
    except dkim.ValidationError:
        return False


@pytest.mark.parametrize("signers", [(RSA,), (ED,), (ED, RSA)], ids=["rsa", "ed25519", "both"])
def test_a_filled_message_verifies(signers: tuple[Signer, ...]) -> None:
    skeleton = render(letter())
    for name in ("Ada", "Zoé  and  friends. ", "日本語", "." * 300, "a\r\n\r\n b"):
        content = skeleton.fill(recipient(name), signers)
        assert type(content) is Plain
        assert verified(content, *signers) == [True] * len(signers)


@given(st.binary(max_size=3_000))
def test_a_signature_is_the_same_as_another_library_makes(data: bytes) -> None:
    """Ed25519's depends on nothing but key and text; the verifier above stands on the library that signs."""
    assert isinstance(ED.key, ed25519.Ed25519PrivateKey)
    assert ED.sign(data) == ED.key.sign(hashlib.sha256(data).digest())


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=120), st.text(max_size=40), st.text(max_size=40))
@example("\n\n", "  ", ".")
def test_whatever_the_text(text: str, value: str, name: str) -> None:
    text, value, name = (t.encode("utf-8", "ignore").decode() for t in (text, value, name))
    name = "".join(c for c in name if c.isprintable())
    skeleton = render(letter(text=text, html=f"<p>{text}</p>"))
    content = skeleton.fill(
        Recipient("ada@example.org", "a@b", {"name": value, "unsubscribe": value}, "https://x.example/u", name=name),
        (ED,),
    )
    assert verified(content, ED) == [True]


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300), st.binary(max_size=40))
@example(b"", b"x")
@example(b"\r\n\r\n", b" a \t b ")
@example(b" \t \r\n \r\n.\r\nx", b"")
def test_any_message_verifies(body: bytes, subject: bytes) -> None:
    body = body.replace(b"\r", b"").replace(b"\n", b"\r\n")
    body += b"\r\n" if body and not body.endswith(b"\r\n") else b""  # As every transport would.
    subject = bytes(c for c in subject if 32 <= c < 127)
    content = (
        b"From: a@example.org\r\nTo: b@example.org\r\nSubject:  "
        + subject
        + b"\r\n\t folded\r\nReceived: x\r\n\r\n"
        + body
    )
    assert verified(sign(content, (ED,)), ED) == [True]
    assert canonical_body(body) == dkim.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed").canonicalize_body(body)


def test_what_is_changed_or_added_breaks_it() -> None:
    content = render(letter()).fill(recipient(), (RSA, ED))
    changed = {
        "body": content.replace(b"Bonjour", b"Bonsoir", 1),
        "subject": content.replace(b"Subject:", b"Subject: Win", 1),
        "unsubscribe": content.replace(b"One-Click", b"Two-Click", 1),
        "unsubscribe url": content.replace(b"List-Unsubscribe: <https://blog", b"List-Unsubscribe: <https://evil", 1),
        "a second From": b"From: eve@example.org\r\n" + content,
        "a second Subject": b"Subject: Win\r\n" + content,
        "a Cc": b"Cc: eve@example.org\r\n" + content,
        "a second List-Unsubscribe": b"List-Unsubscribe: <https://evil.example>\r\n" + content,
    }
    for name, forged in changed.items():
        assert forged != content, name
        assert verified(forged, RSA, ED) == [False, False], name
    assert verified(b"Received: by a server\r\n" + content, RSA, ED) == [True, True]
    other = Signer("example.org", "r2026", read_key(new_key("rsa-sha256")))
    assert verified(content, other, ED) == [False, True]


def test_what_is_signed() -> None:
    content = render(letter()).fill(recipient(), (ED,), now=1_800_000_000)
    value = content.partition(b"\r\nTo:")[0].decode().replace("\r\n ", " ").removeprefix("DKIM-Signature: ")
    tags = dict(tag.strip().split("=", 1) for tag in value.split(";"))
    assert {name: tags[name] for name in "vacdst"} == {
        "v": "1", "a": "ed25519-sha256", "c": "relaxed/relaxed", "d": "example.org", "s": "e2026", "t": "1800000000"
    }  # fmt: skip
    signed = tags["h"].replace(" ", "").split(":")
    for twice in (
        "from",
        "subject",
        "to",
        "date",
        "message-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "reply-to",
    ):
        assert signed.count(twice) == 2, f"{twice} and one more of it"
    assert {"list-id", "mime-version", "content-type"} <= set(signed)
    assert all(len(line) <= 78 for line in content.partition(b"\r\nTo:")[0].split(b"\r\n"))


def test_a_message_without_from() -> None:
    with pytest.raises(DkimKeyInvalid) as caught:
        sign(b"To: a@example.org\r\n\r\nx\r\n", (ED,))
    assert caught.value.error_code == "dkim.from_missing"


def test_the_start_that_all_share_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    skeleton = render(letter(text="x" * 50_000 + letter().text))
    hashed = []

    class Counting:
        def copy(self) -> Counting:
            return self

        def update(self, data: bytes) -> None:
            hashed.append(len(data))

        def digest(self) -> bytes:
            return b"\0" * 32

    object.__setattr__(skeleton, "start_hash", Counting())
    skeleton.fill(recipient(), (ED,))
    assert len(hashed) == 1
    assert hashed[0] < 10_000


# -- RFC 8463, appendix A --------------------------------------------------------------------------------------------
RFC_MESSAGE = (
    b"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"
    b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
)
RFC_SECRET = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
RFC_SIGNATURE = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
RFC_HEADERS = "from:to:subject:date:message-id:from:subject:date"


def test_vectors_of_rfc_8463() -> None:
    signer = Signer(
        "football.example.com", "brisbane", ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(RFC_SECRET))
    )
    assert signer.record_text == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    head, _, body = RFC_MESSAGE.partition(b"\r\n\r\n")
    body_hash = base64.b64encode(hashlib.sha256(canonical_body(body)).digest()).decode()
    assert body_hash == "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    fields = dict(ours.canonical_header(line) for line in head.decode().split("\r\n"))
    data = b"".join(fields[name] for name in RFC_HEADERS.split(":")[:5])
    data += (
        b"dkim-signature:v=1; a=ed25519-sha256; c=relaxed/relaxed; d=football.example.com; i=@football.example.com; q=dns/txt; s=brisbane; "
        b"t=1528637909; h=from : to : subject : date : message-id : from : subject : date; bh="
        + body_hash.encode()
        + b"; b="
    )
    assert base64.b64encode(signer.sign(data)).decode() == RFC_SIGNATURE


# -- Keys ------------------------------------------------------------------------------------------------------------
def test_keys_and_records() -> None:
    assert RSA.record_name == "r2026._domainkey.example.org"
    assert ED.record_text == public_record(ED.key)
    strings = txt_strings(RSA.record_text)
    assert [len(s) for s in strings] == [255, len(RSA.record_text) - 255]
    assert "".join(strings) == RSA.record_text
    assert len(txt_strings(ED.record_text)) == 1
    pem = new_key("rsa-sha256")
    assert "PRIVATE" not in f"{pem} {pem!r}", "a key shows itself nowhere"
    assert "PRIVATE KEY" in pem.reveal()


def _pem(key: object, password: bytes = b"") -> str:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    return key.private_bytes(*form).decode()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("pem", "word"),
    [
        ("", "PEM"),
        ("hello", "PEM"),
        (_pem(ED.key).replace("M", "A"), "PEM"),
        (_pem(rsa.generate_private_key(65537, 1024)), "2048"),  # noqa: S505 it is to be refused
        (_pem(ec.generate_private_key(ec.SECP256R1())), "RSA or an Ed25519"),
        (_pem(ed25519.Ed25519PrivateKey.generate(), b"secret"), "password"),
    ],
    ids=["empty", "text", "broken", "short", "elliptic curve", "protected"],
)
def test_keys_that_are_none(pem: str, word: str) -> None:
    with pytest.raises(DkimKeyInvalid, match=word) as caught:
        read_key(Secret(pem))
    assert caught.value.error_code == "dkim.key_invalid"


@pytest.mark.parametrize(
    ("domain", "selector"),
    [("", "s"), ("example.org", ""), ("exa mple.org", "s"), ("example.org", "s;d=x"), ("e..g", "s")],
)
def test_names_that_are_none(domain: str, selector: str) -> None:
    with pytest.raises(DkimKeyInvalid):
        Signer(domain, selector, ED.key)


def test_a_sender_whose_name_needs_encoding() -> None:
    sender = Sender(
        "Crispy Octo, l’été d’un journal au très long nom qui ne tient pas sur une ligne", "news@example.org"
    )
    content = render(letter(sender=sender)).fill(recipient(), (ED, RSA))
    assert verified(content, ED, RSA) == [True, True]
