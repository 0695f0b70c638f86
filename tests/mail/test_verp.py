"""A return path says which message came back, and nobody else can make one."""

from __future__ import annotations

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webstreet.kernel.secret import Secret
from webstreet.mail.address import LOCAL_MAX, normal_address
from webstreet.mail.errors import AddressInvalid
from webstreet.mail.verp import ReturnPaths

OURS = ReturnPaths("bounces@news.example.org", Secret("a secret"))
NAME = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,1}", fullmatch=True)


@given(NAME)
def test_round_trip(name: str) -> None:
    path = OURS.make(name)
    assert normal_address(path) == path
    assert len(path.partition("@")[0]) <= LOCAL_MAX
    assert OURS.read(path) == name
    assert OURS.read(f"<{path.upper()}>") == name, "servers may change the case"


@given(NAME)
def test_it_stays_the_same_for_ever(name: str) -> None:
    signed = hmac.digest(b"a secret", b"verp\0bounces@news.example.org\0" + name.encode(), "sha256")
    letters = base64.b32encode(signed[:10]).decode().lower()
    assert OURS.make(name) == f"bounces+{name}.{letters}@news.example.org"


@given(NAME, NAME)
def test_nobody_else_can_make_one(name: str, other: str) -> None:
    path = OURS.make(name)
    signature = path.partition("@")[0].rpartition(".")[2]
    for forged in (
        ReturnPaths("bounces@news.example.org", Secret("another")).make(name),
        ReturnPaths("bounces@other.example.org", Secret("a secret")).make(name).replace("other", "news"),
        f"bounces+{name}@news.example.org",
        f"bounces+{name}.@news.example.org",
        f"bounces+.{signature}@news.example.org",
        f"bounces+{name}.{signature[:-1]}@news.example.org",
        path.replace("bounces", "other"),
        path.replace("news.", "old."),
        f"bounces+{other}.{signature}@news.example.org" if other != name else "",
    ):
        assert OURS.read(forged) is None


@given(st.text(max_size=100))
def test_any_text_is_read(text: str) -> None:
    assert OURS.read(text) is None
    assert OURS.read(f"bounces+{text}@news.example.org") is None


@pytest.mark.parametrize("name", ["", "A", "a.b", "a b", "a@b", "-a", "a--b", "x" * 40])
def test_names_that_cannot_stand_in_one(name: str) -> None:
    with pytest.raises(AddressInvalid):
        OURS.make(name)


@pytest.mark.parametrize("mailbox", ["bounces", "bounces+x@example.org", "x" * 21 + "@example.org"])
def test_mailboxes_that_cannot_be_added_to(mailbox: str) -> None:
    with pytest.raises(AddressInvalid):
        ReturnPaths(mailbox, Secret("x"))
    with pytest.raises(AddressInvalid) as caught:
        ReturnPaths("bounces@example.org", Secret(""))
    assert caught.value.error_code == "verp.secret_missing"
