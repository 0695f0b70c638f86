"""Rendered once, personalised by bytes; nothing a person writes ends a header."""

from __future__ import annotations

import email
import email.policy
import html
from email.header import decode_header

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webstreet.mail.content import Pieces, Plain
from webstreet.mail.errors import HeaderInvalid
from webstreet.mail.message import (
    NAME_MAX,
    Letter,
    ListHeaders,
    Recipient,
    Sender,
    header_text,
    hole,
    render,
    stable_message_id,
    without_holes,
)

SENDER = Sender("Crispy Octo, le journal", "news@example.org", reply_to="editor@example.org")
LIST = ListHeaders(
    "articles.blog.example", "New articles", "https://blog.example/", "issue1:articles:acme-blog:webstreet"
)


def letter(**changes: object) -> Letter:
    values: dict[str, object] = {
        "sender": SENDER,
        "subject": "L’été à Besançon",
        "text": f"Bonjour {hole('name')}\n\nSe désabonner : {hole('unsubscribe')}\n",
        "html": (
            f"<html><head><style>p{{color:red}}</style></head><body><p>Bonjour {hole('name')}</p>"
            f'<a href="{hole("unsubscribe")}">x</a></body></html>'
        ),
        "list": LIST,
    }
    return Letter(**(values | changes))  # type: ignore[arg-type]


def recipient(name: str = "Ada", **changes: str) -> Recipient:
    unsubscribe = "https://blog.example/newsletter/unsubscribe/" + "t" * 40
    values = {"name": name, "unsubscribe": unsubscribe}
    return Recipient("ada@example.org", "issue1.sub1@example.org", values | changes, unsubscribe)


def parse(content: bytes) -> email.message.EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.SMTP)
    assert isinstance(message, email.message.EmailMessage)
    assert not message.defects
    return message


def part(message: email.message.EmailMessage, subtype: str) -> str:
    found = message.get_body(preferencelist=(subtype,))
    assert found is not None
    return str(found.get_content())


@pytest.mark.parametrize("name", ["Ж" * NAME_MAX, "報" * NAME_MAX, "n" * NAME_MAX, "La lettre de l’été " * 5])
def test_a_list_may_have_a_long_name_in_any_script(name: str) -> None:
    from dataclasses import replace

    made = letter()
    assert made.list is not None
    content = render(replace(made, list=replace(made.list, name=name))).fill(recipient())
    raw = email.message_from_bytes(content)["List-Id"]
    assert max(map(len, raw.split("\n"))) <= 78
    words, _, identity = raw.rpartition("<")
    assert identity == "articles.blog.example>"
    decoded = "".join(w if isinstance(w, str) else w.decode(c or "ascii") for w, c in decode_header(words))
    assert decoded.strip().strip('"') == name.strip()


@pytest.mark.requirement("P2")
def test_headers_of_a_list() -> None:
    message = parse(render(letter()).fill(recipient()))
    assert message["From"] == '"Crispy Octo, le journal" <news@example.org>'
    assert message["To"] == "ada@example.org"
    assert message["Reply-To"] == "editor@example.org"
    assert message["Subject"] == "L’été à Besançon"
    assert message["List-Id"] == '"New articles" <articles.blog.example>'
    assert message["List-Unsubscribe"] == f"<{recipient().unsubscribe_url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Archive"] == "<https://blog.example/>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Feedback-ID"] == "issue1:articles:acme-blog:webstreet"
    assert message["Message-ID"] == "<issue1.sub1@example.org>"
    assert message["MIME-Version"] == "1.0"
    assert message["Date"]
    for name in set(message.keys()):
        assert len(message.get_all(name)) == 1, name


def test_text_first_then_html_with_css_inlined() -> None:
    message = parse(render(letter()).fill(recipient()))
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    assert 'style="color' in part(message, "html").replace("style='", 'style="')
    assert part(message, "plain").startswith("Bonjour Ada")


@settings(deadline=None)
@example(name="\n", before="", after="")
@example(name="x ", before="", after="")
@example(name="", before="", after="\n")
@given(
    name=st.text(max_size=300),
    before=st.text(alphabet=st.characters(exclude_characters="\ue000\ue001\r"), max_size=200),
    after=st.text(alphabet=st.characters(exclude_characters="\ue000\ue001\r"), max_size=200),
)
def test_personalisation_round_trip(name: str, before: str, after: str) -> None:
    before, after = (s.encode("utf-8", "ignore").decode() for s in (before, after))
    name = name.encode("utf-8", "ignore").decode()
    content = render(letter(text=before + hole("name") + after, html=f"<p>{hole('name')}</p>")).fill(recipient(name))
    message = parse(content)
    normal = name.replace("\r\n", "\n").replace("\r", "\n")
    part_bytes = message.get_body(preferencelist=("plain",)).get_payload(decode=True)  # type: ignore[union-attr]
    assert part_bytes.decode().replace("\r\n", "\n") == f"{before}{normal}{after}", "exactly, line end or none"
    html_bytes = message.get_body(preferencelist=("html",)).get_payload(decode=True)  # type: ignore[union-attr]
    assert html.escape(normal) in html_bytes.decode().replace("\r\n", "\n")
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_header_can_be_broken_out_of(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    for make in (
        lambda: render(letter(subject=text)).fill(recipient()),
        lambda: render(letter(sender=Sender(text, "news@example.org"))).fill(recipient()),
        lambda: render(letter(list=ListHeaders("a.example", text))).fill(recipient()),
        lambda: render(letter()).fill(
            Recipient("ada@example.org", "a@b", {"name": text, "unsubscribe": "u"}, "https://x.example/u")
        ),
        lambda: render(letter(headers={"X-Test": text})).fill(recipient()),
    ):
        try:
            content = make()
        except HeaderInvalid:
            continue
        headers = parse(content).keys()
        assert set(headers) <= {
            "To", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "From", "Subject", "Date", "Content-Language",
            "Auto-Submitted", "Reply-To", "List-Id", "List-Archive", "Feedback-ID", "MIME-Version", "Content-Type", "X-Test",
        }  # fmt: skip
        assert len(headers) == len(set(headers))


@pytest.mark.parametrize("bad", ["a\r\nBcc: eve@example.org", "a\nb", "a\rb", "a\0b", "a\u2028b", "a\x7fb"])
def test_line_ends_are_refused(bad: str) -> None:
    with pytest.raises(HeaderInvalid):
        header_text(bad)
    with pytest.raises(HeaderInvalid):
        render(letter(subject=bad))
    with pytest.raises(HeaderInvalid):
        Sender(bad, "news@example.org")
    with pytest.raises(HeaderInvalid):
        render(letter()).fill(Recipient("ada@example.org", "a@b", recipient().values, f"https://x.example/{bad}"))


def test_display_name_is_limited() -> None:
    with pytest.raises(HeaderInvalid):
        Sender("x" * 101, "news@example.org")


def test_a_list_mail_without_unsubscribe_is_refused() -> None:
    with pytest.raises(HeaderInvalid) as caught:
        render(letter()).fill(Recipient("ada@example.org", "a@b", recipient().values))
    assert caught.value.error_code == "mail.value_missing"


def test_message_id_is_stable() -> None:
    assert (
        stable_message_id("i1", "s1", "example.org")
        == stable_message_id("i1", "s1", "example.org")
        == "i1.s1@example.org"
    )
    with pytest.raises(HeaderInvalid):
        stable_message_id("i1", "s>1", "example.org")


def test_what_authors_write_makes_no_hole() -> None:
    text = without_holes(f"a {hole('name')} {{{{name}}}}")
    assert (
        part(parse(render(letter(text=text, html="<p>x</p>")).fill(recipient())), "plain").strip() == "a name {{name}}"
    )


def test_a_name_beside_the_address_and_unsubscribing_by_mail() -> None:
    person = recipient()
    content = render(letter()).fill(
        Recipient(
            person.address,
            person.message_id,
            person.values,
            person.unsubscribe_url,
            "unsubscribe@example.org",
            "Zoé d’Arc",
        )
    )
    message = parse(content)
    assert message["To"] == "Zoé d’Arc <ada@example.org>"
    assert message["List-Unsubscribe"] == f"<mailto:unsubscribe@example.org>, <{person.unsubscribe_url}>"
    assert type(content) is Plain, "a transport need not look through it"


def test_in_pieces_it_is_the_same_message_and_shares_what_all_share() -> None:
    skeleton = render(letter())
    ada, bob = recipient(), recipient(name="Bob")
    first, second = skeleton.pieces(ada), skeleton.pieces(bob)
    assert isinstance(first, Pieces)
    assert isinstance(second, Pieces)
    assert (bytes(first), len(first)) == (skeleton.fill(ada), len(skeleton.fill(ada)))
    shared = {id(piece) for piece in first.pieces} & {id(piece) for piece in second.pieces}
    assert sum(len(piece) for piece in second.pieces if id(piece) in shared) > 0.7 * len(second)


def test_an_address_outside_ascii_makes_a_header_of_rfc_6532() -> None:
    person = recipient()
    content = render(letter()).fill(
        Recipient("zoé@example.org", person.message_id, person.values, person.unsubscribe_url)
    )
    assert type(content) is bytes
    message = email.message_from_bytes(content, policy=email.policy.SMTPUTF8)
    assert message["To"] == "zoé@example.org"


def test_each_part_has_the_encoding_that_suits_it() -> None:
    message = parse(render(letter(text=f"{hole('name')}, " + "летом в Безансоне хорошо. " * 20)).fill(recipient("Ада")))
    text, html = message.iter_parts()
    assert (text["Content-Transfer-Encoding"], html["Content-Transfer-Encoding"]) == ("base64", "quoted-printable")
    assert part(message, "plain") == "Ада, " + "летом в Безансоне хорошо. " * 20
