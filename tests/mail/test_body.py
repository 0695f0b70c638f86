"""Both encodings give every recipient exactly the text that was meant, whatever the values, in lines that need no care on the way."""

from __future__ import annotations

import email
import email.policy
import html

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webstreet.mail.body import Base64Part, QuotedPart, hole, part_of
from webstreet.mail.dkim import canonical_body
from webstreet.mail.errors import HeaderInvalid

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ue000\ue001"), max_size=200) | st.text(
    " .=\n\té", max_size=200
)
PIECES = st.lists(TEXT, min_size=1, max_size=6)


def decoded(part: QuotedPart | Base64Part, values: dict[str, str]) -> tuple[str, bytes]:
    body = b"".join((part.start, *part.rest(values)))
    head = f'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: {part.encoding}\r\n\r\n'.encode()
    message = email.message_from_bytes(head + body, policy=email.policy.SMTP)
    assert not message.defects
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode(), body


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(deadline=None, max_examples=300)
@given(PIECES, TEXT, st.booleans())
@example(["", ""], "", False)
@example(["a", "b", ""], "x", False)
@example(["x" * 76, "." * 200, " " * 80], "=.= ." * 30, False)
@pytest.mark.parametrize("kind", [QuotedPart, Base64Part])
def test_round_trip(kind: type[QuotedPart] | type[Base64Part], pieces: list[str], value: str, is_html: bool) -> None:
    part = kind.of(hole("v").join(pieces), is_html=is_html)
    shown = html.escape(value) if is_html else value
    text, body = decoded(part, {"v": value})
    # Each piece and value has its line ends made CRLF by itself.
    expected = normal(shown).join(map(normal, pieces))
    # Quoted-printable ends with the line end that a boundary takes.
    assert normal(text) == expected + "\n" * (kind is QuotedPart)
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert body.isascii()
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert b"\r" not in body.replace(b"\r\n", b"")
    assert not any(line.startswith(b".") for line in lines)
    if b"=\r\n\r\n" not in body and not body.endswith(b"\r\n\r\n") and body != b"\r\n":
        assert canonical_body(body) == body, "relaxed is what it is"
    assert b"=_" not in body, "a boundary cannot occur"


def test_the_shorter_encoding() -> None:
    assert part_of("Hello " * 100, is_html=False).encoding == "quoted-printable"
    assert part_of("L’été à Besançon est une belle saison. " * 100, is_html=False).encoding == "quoted-printable"
    assert part_of("Летом в Безансоне хорошо. " * 100, is_html=False).encoding == "base64"
    assert part_of("ブザンソンの夏。" * 100, is_html=True).encoding == "base64"


@pytest.mark.parametrize("kind", [QuotedPart, Base64Part])
def test_a_hole_without_value(kind: type[QuotedPart] | type[Base64Part]) -> None:
    with pytest.raises(HeaderInvalid) as caught:
        kind.of(f"a{hole('name')}b", is_html=False).rest({"other": "x"})
    assert caught.value.error_code == "mail.value_missing"
