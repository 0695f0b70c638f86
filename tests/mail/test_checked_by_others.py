"""A mail as receivers judge it: the rules for bulk senders as a list, another parser than Python's, and a spam filter."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from collections.abc import Callable, Iterator

import dkim
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import server as lab_server
from tests.lab import email_mime, spamassassin
from tests.mail.test_message import parse
from webstreet.kernel.secret import Secret
from webstreet.mail.dkim import Signer, new_key, read_key
from webstreet.mail.message import Letter, ListHeaders, Recipient, Sender, hole, render
from webstreet.mail.verp import ReturnPaths

KEYS = [
    Signer("example.org", "e1", read_key(new_key("ed25519-sha256"))),
    Signer("example.org", "r1", read_key(new_key("rsa-sha256"))),
]
UNSUBSCRIBE = "https://blog.example.org/newsletter/unsubscribe/" + "t4x" * 13
STORY = {
    "en": (
        "The river was low this summer, and people walked where boats had been. We followed it for three days, from the mill to the lock, "
        "and talked to those who live on its banks. What they told us fills this issue: how the water rose in the spring, who repaired the "
        "bridge, and why nobody fishes below the weir. Read it on our site, or here in your mail."
    ),
    "fr": (
        "La rivière était basse cet été, et l’on marchait là où passaient les bateaux. Nous l’avons suivie pendant trois jours, du moulin "
        "à l’écluse, et nous avons parlé avec ceux qui vivent sur ses rives. Ce qu’ils nous ont dit remplit ce numéro : comment l’eau a "
        "monté au printemps, qui a réparé le pont, et pourquoi personne ne pêche sous le barrage. À lire sur notre site, ou ici."
    ),
    "ja": "この夏、川の水は少なかった。人々は船が通っていた所を歩いた。私たちは三日間、岸に住む人々と話した。",
}
SUBJECT = {"en": "Along the river", "fr": "Le long de la rivière", "ja": "川に沿って"}


def issue(language: str, *, name: str = "Ada Lovelace", greeting: str = "Ada") -> bytes:
    text = f"{greeting and hole('name')},\n\n{STORY[language]}\n\nhttps://blog.example.org/river\n\n{hole('unsubscribe')}\n"
    html = (
        '<html><head><meta charset="utf-8"><title>x</title><style>p { line-height: 1.5 } a { color: teal }</style></head><body>'
        f"<p>{hole('name')},</p><p>{STORY[language]}</p><p><a href='https://blog.example.org/river'>blog.example.org</a></p>"
        f'<p><a href="{hole("unsubscribe")}">Unsubscribe</a></p></body></html>'
    )
    about = ListHeaders(
        "articles.blog.example.org", "Crispy Octo", "https://blog.example.org/", "7:articles:blog:webstreet"
    )
    letter = Letter(Sender("Crispy Octo", "news@example.org"), SUBJECT[language], text, html, language, about)
    values = {"name": greeting, "unsubscribe": UNSUBSCRIBE}
    recipient = Recipient("ada@example.net", "7.42@example.org", values, UNSUBSCRIBE, "unsubscribe@example.org", name)
    return render(letter).fill(recipient, KEYS)


def answer(name: bytes, timeout: int = 5) -> bytes:
    return {f"{key.record_name}.".encode(): key.record_text.encode() for key in KEYS}[name]


# -- Rules for bulk senders: Gmail 81126, Yahoo Sender Hub, Outlook.com postmaster ---------------------------------------
def domain_of(address: str) -> str:
    return email.utils.parseaddr(address)[1].rpartition("@")[2]


def signed_names(content: bytes) -> list[set[str]]:
    found = re.findall(rb"^DKIM-Signature:.*?\sh=(.*?);", content, re.MULTILINE | re.DOTALL)
    return [set(re.sub(r"\s", "", names.decode()).split(":")) for names in found]


SINGLE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")
RULES: dict[str, Callable[[bytes], object]] = {
    "both signatures verify": lambda c: all(dkim.DKIM(c).verify(i, dnsfunc=answer) for i in range(2)),
    "RSA of 2048 bits or more": lambda c: b"a=rsa-sha256" in c and KEYS[1].key.key_size >= 2048,  # type: ignore[union-attr]
    "the signing domain is the one in From (DMARC)": lambda c: set(re.findall(rb"\sd=([^;]+);", c))
    == {domain_of(parse(c)["From"]).encode()},
    "the return path can be in the domain of From (SPF alignment)": lambda c: domain_of(
        ReturnPaths("bounces@example.org", Secret("x")).make("7-42")
    ) == domain_of(parse(c)["From"]),
    "one From with one address": lambda c: len(parse(c).get_all("From")) == 1 and len(parse(c)["From"].addresses) == 1,
    "one of each header that may occur once": lambda c: all(
        len(parse(c).get_all(name)) == 1
        for name in (*SINGLE, "List-Unsubscribe", "List-Unsubscribe-Post")
    ),
    "a date that is now": lambda c: abs(parse(c)["Date"].datetime - dt.datetime.now(dt.UTC)) < dt.timedelta(hours=1),
    "a Message-ID in brackets in our domain": lambda c: re.fullmatch(r"<[^<>@\s]+@example\.org>", parse(c)["Message-ID"]),
    "one-click unsubscribe by https (RFC 8058)": lambda c: f"<{UNSUBSCRIBE}>" in parse(c)["List-Unsubscribe"]
    and UNSUBSCRIBE.startswith("https://")
    and parse(c)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click",
    "unsubscribe by mail too": lambda c: "<mailto:unsubscribe@example.org>" in parse(c)["List-Unsubscribe"],
    "both unsubscribe headers are signed": lambda c: all(
        {"list-unsubscribe", "list-unsubscribe-post"} <= names for names in signed_names(c)
    ),
    "From, Subject, Date and To are signed": lambda c: all({"from", "subject", "date", "to"} <= names for names in signed_names(c)),
    "a link to unsubscribe in the text and in the HTML": lambda c: all(UNSUBSCRIBE in part.get_content() for part in parse(c).iter_parts()),
    "a List-Id": lambda c: parse(c)["List-Id"].endswith("<articles.blog.example.org>"),
    "a Feedback-ID of four fields": lambda c: parse(c)["Feedback-ID"].count(":") == 3,
    "no Precedence or reply that pretends": lambda c: not parse(c)["Subject"].lower().startswith(("re:", "fwd:")),
    "lines of at most 998 octets, 78 in headers where they can be folded": lambda c: max(map(len, c.split(b"\r\n"))) <= 998,
    "only CRLF ends a line": lambda c: b"\n" not in c.replace(b"\r\n", b"") and b"\r" not in c.replace(b"\r\n", b""),
    "no octet outside ASCII, no NUL": lambda c: c.isascii() and b"\0" not in c,
    "valid MIME: two alternatives, plain first, both UTF-8": lambda c: [
        (part.get_content_type(), part.get_content_charset()) for part in parse(c).iter_parts()
    ] == [("text/plain", "utf-8"), ("text/html", "utf-8")],
    "both say the same": lambda c: all(any(text in part.get_content() for text in STORY.values()) for part in parse(c).iter_parts()),
    "no hidden text, script or form in the HTML": lambda c: not re.search(
        r"<script|<form|<iframe|display: ?none|font-size: ?0", parse(c).get_body(("html",)).get_content()  # type: ignore[union-attr]
    ),
    "smaller than where Gmail cuts": lambda c: len(c) < 102_400,
}  # fmt: skip


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("language", STORY)
@pytest.mark.parametrize("rule", RULES)
def test_rules_for_bulk_senders(rule: str, language: str) -> None:
    assert RULES[rule](issue(language)), rule


# -- Another parser --------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def perl_parser() -> Iterator[email_mime.Parser]:
    yield from lab_server(email_mime)


@pytest.mark.parametrize("language", STORY)
def test_another_parser_reads_the_same(perl_parser: email_mime.Parser, language: str) -> None:
    content = issue(language, name="Zoé, “la première” 日本")
    mail, ours = perl_parser.parse(content), parse(content)
    assert mail["Subject"] == SUBJECT[language] == ours["Subject"]
    assert mail["To"] == '"Zoé, “la première” 日本" <ada@example.net>'
    assert [kind for kind, _ in mail.parts] == ['text/plain; charset="utf-8"', 'text/html; charset="utf-8"']
    for (_, text), part in zip(mail.parts, ours.iter_parts(), strict=True):
        assert text.replace("\r\n", "\n").removesuffix("\n") == part.get_content().replace("\r\n", "\n").removesuffix(
            "\n"
        )
        assert STORY[language] in text


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(
        st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs", "Cn", "Co"], exclude_characters='"\\'),
        min_size=1,
        max_size=90,
    )
)
def test_another_parser_reads_any_name(perl_parser: email_mime.Parser, name: str) -> None:
    mail = perl_parser.parse(issue("en", name=name, greeting=name))
    assert mail["To"].rpartition(" <")[0].strip('"') == name
    assert mail.parts[0][1].startswith(f"{name},")


# -- A spam filter ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def spam_filter() -> Iterator[spamassassin.SpamAssassin]:
    yield from lab_server(spamassassin)


@pytest.mark.parametrize("language", STORY)
def test_a_spam_filter_has_nothing_against_it(spam_filter: spamassassin.SpamAssassin, language: str) -> None:
    score = spam_filter.score(issue(language))
    assert score.points < 1.0, score.rules


def test_the_spam_filter_finds_spam(spam_filter: spamassassin.SpamAssassin) -> None:
    """Else the test above could not fail."""
    spam = (
        b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"  # GTUBE: SpamAssassin's own test text
    )
    score = spam_filter.score(issue("en").replace(b"The river was low this summer", spam))
    assert score.points > 5
    assert "GTUBE" in score.rules
