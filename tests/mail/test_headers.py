"""What may stand in a header, how it is folded and encoded: Python's parser reads back exactly what was meant."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header
from email.headerregistry import Address

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webstreet.mail import headers
from webstreet.mail.errors import HeaderInvalid

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=headers.NAME_MAX)
WORDS = st.lists(
    st.sampled_from(
        ["octo", "Ünïcødé", "=?utf-8?q?x?=", "a,b", '"', "\\", "(c)", "<d>", "@", "x" * 70, "日本語", "👩‍🚀", ""]
    )
)


def parsed(line: str) -> email.message.EmailMessage:
    message = email.message_from_bytes(line.encode() + b"\r\nx\r\n", policy=email.policy.SMTP)
    assert isinstance(message, email.message.EmailMessage)
    assert not message.defects
    assert len(message.keys()) == 1
    return message


def assert_well_folded(line: str, *, longest_word: int = 0) -> None:
    assert line.endswith("\r\n")
    assert line.isascii()
    lines = line.removesuffix("\r\n").split("\r\n")
    assert all(part[0] == " " and part.strip() for part in lines[1:]), (
        "a folded line begins with white space and has more than that"
    )
    assert max(map(len, lines)) <= max(headers.LINE, longest_word)
    for word in re.findall(r"=\?utf-8\?.*?\?=(?=\s|$)", line):
        assert len(word) <= 75


@settings(deadline=None)
@given(TEXT | WORDS.map(" ".join).filter(lambda text: len(text) <= headers.NAME_MAX))
@example("Crispy Octo, le journal")
@example(" x  y ")
@example("=?utf-8?q?not_encoded?=")
def test_display_names(name: str) -> None:
    line = headers.mailbox_field("To", name, "ada.lovelace@example.org")
    assert_well_folded(line)
    (address,) = parsed(line)["To"].addresses
    assert address.addr_spec == "ada.lovelace@example.org"
    if (
        "=?" in line
    ):  # Python's newer parser leaves a space between encoded words (RFC 2047 6.2 drops it); its older one does not.
        words = line.removeprefix("To: ").rpartition("<")[0].rstrip()
        assert str(make_header(decode_header(words))) == name
    else:
        assert address.display_name == name


def test_the_plainest_form_is_used() -> None:
    assert headers.mailbox_field("To", "", "a@example.org") == "To: a@example.org\r\n"
    assert headers.mailbox_field("To", "Ada Lovelace", "a@example.org") == "To: Ada Lovelace <a@example.org>\r\n"
    assert headers.mailbox_field("To", "Lovelace, Ada", "a@example.org") == 'To: "Lovelace, Ada" <a@example.org>\r\n'
    assert headers.mailbox_field("To", "Zoé", "a@example.org") == "To: =?utf-8?q?Zo=C3=A9?= <a@example.org>\r\n"
    assert headers.mailbox_field("To", "日本語", "a@example.org") == "To: =?utf-8?b?5pel5pys6Kqe?= <a@example.org>\r\n"
    long = "a" * 55 + "@example.org"
    assert headers.mailbox_field("To", "Ada", long) == f"To: Ada <{long}>\r\n"
    assert headers.mailbox_field("To", "Ada Lovelace", long) == f"To: Ada Lovelace\r\n <{long}>\r\n"


def test_a_mailbox_is_what_python_makes_of_it() -> None:
    for name in ("Ada", "Ada (the first)", 'Ada "A" L', "a.b"):
        expected = Address(name, "ada", "example.org")
        assert parsed(headers.mailbox_field("From", name, "ada@example.org"))["From"].addresses[0] == expected


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=400) | WORDS.map(" ".join))
@example("a  b" * 40)
@example(" leading and trailing ")
@example("x" * 200)
@example("a " * 100 + "end")
def test_subjects(text: str) -> None:
    line = headers.field("Subject", text)
    assert_well_folded(line)
    assert parsed(line)["Subject"] == text


@pytest.mark.parametrize(
    "bad", ["a\r\nBcc: eve@example.org", "a\nb", "a\rb", "a\0b", "a\u2028b", "a\x7fb", "a\tb", "a\x85b"]
)
def test_nothing_ends_a_header(bad: str) -> None:
    for make in (
        lambda: headers.field("Subject", bad),
        lambda: headers.field(bad, "x"),
        lambda: headers.token_field("List-Id", bad),
        lambda: headers.mailbox_field("To", bad, "a@example.org"),
        lambda: headers.mailbox_field("To", "Ada", bad),
        lambda: headers.message_id_field(bad),
    ):
        with pytest.raises(HeaderInvalid):
            make()


@pytest.mark.parametrize("address", ["a@b> <c@d", "a b@c", "a@b\r\nBcc: c@d"])
def test_an_address_stays_in_its_brackets(address: str) -> None:
    with pytest.raises(HeaderInvalid):
        headers.mailbox_field("To", "", address)


def test_too_long() -> None:
    with pytest.raises(HeaderInvalid) as caught:
        headers.field("Subject", "x" * (headers.HEADER_MAX + 1))
    assert caught.value.error_code == "mail.header_too_long"
    with pytest.raises(HeaderInvalid):
        headers.mailbox_field("To", "x" * (headers.NAME_MAX + 1), "a@example.org")
