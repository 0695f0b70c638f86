"""A series gives what the skeleton gives for each recipient, whoever it is, and says the same of what cannot be said in a mail."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.mail.test_message import letter
from webstreet.kernel.secret import Secret
from webstreet.mail.content import Pieces
from webstreet.mail.dkim import Signer, new_key, read_key
from webstreet.mail.errors import HeaderInvalid
from webstreet.mail.message import Recipient, Skeleton, hole, render, stable_message_id
from webstreet.mail.series import Series

NOW = 1_800_000_000
RSA: Secret = new_key("rsa-sha256")
SIGNERS = (
    Signer("example.org", "e", ed25519.Ed25519PrivateKey.from_private_bytes(b"k" * 32)),
    Signer("example.org", "r", read_key(RSA)),
)
URL = f"https://blog.example/leave/{hole('leave')}/"
LINKS = (
    f"<a href='https://blog.example/leave/{hole('leave')}/'>x</a><a href='https://blog.example/me/{hole('me')}/'>y</a>"
)
SKELETONS = [
    render(letter(text=f"100 % of it.\n\n{hole('leave')}", html=f"<p>Été</p>{LINKS}")),
    render(letter(text=f"{hole('me')}\n{hole('me')}{hole('leave')}", html="<p>No place, 2 &lt; 3</p>")),
    render(letter(text="No place", html="<p>None here</p>")),
    render(letter(text=hole("leave") + " Летом в Безансоне." * 30, html=LINKS)),
    render(letter(text=f"{hole('name')}", html=LINKS)),
    replace(render(letter(text="x", html=LINKS)), is_list=False),
]
VALUE = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
ODD = (
    st.text(max_size=90)
    | st.text(" .=<>&\n\té%-_x", max_size=90)
    | st.from_regex(r"[A-Za-z0-9]{60,90}", fullmatch=True)
)
ADDRESS = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_{|}~-]{1,20}@[a-z0-9-]{1,20}\.org", fullmatch=True)
LEAVING = st.just("") | st.from_regex(r"bounces\+u-[0-9a-f]{40}@example\.org\?subject=unsubscribe", fullmatch=True)


def said(make: object, *args: object, **named: object) -> tuple[str, bytes | str, int]:
    """Kind, octets and length of a message, or the error."""
    try:
        made = make(*args, **named)  # type: ignore[operator]
    except HeaderInvalid as error:
        return error.error_code, str(error), 0
    return type(made).__name__, bytes(made), len(made)


@settings(deadline=None, max_examples=400)
@given(
    skeleton=st.sampled_from(SKELETONS),
    url=st.sampled_from(
        [URL] * 4 + ["https://blog.example/leave", "", f"https://x.example/{'x' * 850}/{hole('leave')}", "é"]
    ),
    signers=st.sampled_from([(), SIGNERS[:1], SIGNERS]),
    address=st.one_of(ADDRESS, ADDRESS, ADDRESS, ODD),
    key=st.one_of(VALUE, VALUE, VALUE, ODD),
    values=st.tuples(st.one_of(VALUE, VALUE, VALUE, ODD), st.one_of(VALUE, VALUE, VALUE, ODD)),
    leaving=st.one_of(LEAVING, LEAVING, LEAVING, ODD, st.text("x", min_size=250, max_size=900)),
)
@example(SKELETONS[0], URL, SIGNERS, "ada@example.org", "k" * 64, ("a" * 64, "-_" * 32), "x" * 254)
@example(SKELETONS[0], URL, SIGNERS, "ada@example.org", "k" * 65, ("a" * 65, "-_" * 33), "x" * 255)
@example(SKELETONS[1], URL, (), "zoé@example.org", "k", ("a", "b"), "")
@example(SKELETONS[1], URL, (), "a<b@example.org", "k", ("a", "b"), "")
@example(SKELETONS[1], URL, (), "a>b@example.org", "k", ("a", "b"), "")
@example(SKELETONS[1], URL, (), "ada@example.org", "k", ("a=b", ".b"), "")
@example(SKELETONS[0], URL, (), "ada@example.org", "k", ("a&b", "b"), "")
@example(SKELETONS[1], URL, (), "ada@example.org", "k", ("a", "b"), "x" * 900)
@example(SKELETONS[1], URL, (), "a b@example.org", "k", ("a", "b"), "")
@example(SKELETONS[1], URL, (), "ada@example.org", "a_b", ("a", "b"), "")
@example(SKELETONS[1], URL, (), "ada@example.org", "k", ("a b", ""), "")
@example(SKELETONS[1], URL, (), "ada@example.org", "k", ("a\n", "b"), "\n")
def test_it_gives_what_the_skeleton_gives(
    skeleton: Skeleton,
    url: str,
    signers: tuple[Signer, ...],
    address: str,
    key: str,
    values: tuple[str, str],
    leaving: str,
) -> None:
    series = Series(skeleton, "issue1", "example.org", url, ("leave", "me"), signers)

    def one_by_one() -> Pieces | bytes:
        named = dict(zip(("leave", "me"), values, strict=True))
        message_id = stable_message_id("issue1", key, "example.org")
        person = Recipient(address, message_id, named, url.replace(hole("leave"), values[0]), leaving)
        assert series.recipient(address, key, values, leaving) == person
        return skeleton.pieces(person, signers, now=NOW)

    assert said(series.pieces, address, key, values, leaving, now=NOW) == said(one_by_one)


@pytest.mark.parametrize("signers", [(), SIGNERS])
@pytest.mark.parametrize("leaving", ["", "leave+1@example.org"])
def test_what_all_have_is_looked_at_once(
    monkeypatch: pytest.MonkeyPatch, signers: tuple[Signer, ...], leaving: str
) -> None:
    series = Series(SKELETONS[0], "issue1", "example.org", URL, ("leave", "me"), signers)
    monkeypatch.delattr(Skeleton, "pieces")
    first, second = (series.pieces(f"{n}@example.org", n, (n * 20, n * 30), leaving) for n in ("a", "b"))
    assert isinstance(first, Pieces)
    assert isinstance(second, Pieces)
    mine = {id(piece) for piece in first.pieces}
    assert sum(len(piece) for piece in second.pieces if id(piece) in mine) > len(SKELETONS[0].head), "and shared"


def test_a_mailing_that_cannot_stand_in_a_message_id() -> None:
    for mailing, domain in (("issue 1", "example.org"), ("issue1", "exämple.org")):
        with pytest.raises(HeaderInvalid):
            Series(SKELETONS[0], mailing, domain, URL, ("leave", "me"))


def test_as_many_values_as_names() -> None:
    series = Series(SKELETONS[0], "issue1", "example.org", URL, ("leave", "me"))
    for values in (("a",), ("a", "b", "c"), ("a b",)):
        with pytest.raises(ValueError, match="zip"):
            series.pieces("ada@example.org", "k", values)
