"""Addresses are normalised once, and nothing that could end a header passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webstreet.mail.address import normal_address, readable_address
from webstreet.mail.errors import AddressInvalid


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        ("  ada@example.org ", "ada@example.org"),
        ("ada+news@example.org", "ada+news@example.org"),
        ("o'hara@example.org", "o'hara@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@例え.example", "ada@xn--r8jz45g.example"),
    ],
)
def test_one_spelling(typed: str, normal: str) -> None:
    assert normal_address(typed) == normal
    assert normal_address(normal) == normal


@pytest.mark.parametrize(
    "typed",
    [
        "", "ada", "@example.org", "ada@", "ada@example", "ada@@example.org", "a b@example.org", "ada@exa mple.org",
        "ada@-example.org", "ada@example..org", ".ada@example.org", "ada.@example.org", "ada@127.0.0.1", '"a b"@example.org',
        "ada@example.org\r\nBcc: eve@example.org", "ada\n@example.org", "ada@example.org\0", "<ada@example.org>",
        "ada@example.org,eve@example.org", "å@example.org", "a" * 65 + "@example.org", "a" * 10_000 + "@example.org",
        "a@" + "b" * 10_000, "a@" + "b." * 5_000,
    ],
)  # fmt: skip
def test_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(AddressInvalid) as caught:
        normal_address(typed)
    assert len(typed) < 14 or typed not in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.text(max_size=300))
def test_what_passes_is_plain(text: str) -> None:
    try:
        address = normal_address(text)
    except AddressInvalid:
        return
    assert address.isascii()
    assert len(address) <= 254
    assert not set(address) & set(' <>,;:"\\()[]\r\n\0\t')
    assert normal_address(address) == address


def test_readable() -> None:
    assert readable_address("ada@xn--bcher-kva.example") == "ada@bücher.example"
    assert readable_address("ada@example.org") == "ada@example.org"
