"""Mails as they leave a site, judged as receivers do: by SpamAssassin and by another parser. tests/mail does so with letters of its own."""

from __future__ import annotations

import email.utils
from collections.abc import Iterator

import pytest

from tests.conftest import server as lab_server
from tests.lab import email_mime, spamassassin
from webstreet.atoms.newsletter.models import Subscriber
from webstreet.engine import hooks
from webstreet.testing.smtp import Received

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
READER = "ada@example.org"
FROM = ("Test site", "newsletter@blog.example.com")
STORY = (
    "<p>La rivière était basse cet été, et l’on marchait là où passaient les bateaux. Nous l’avons suivie pendant trois jours, du moulin "
    'à l’écluse, et nous avons parlé avec <a href="https://example.org/rives">ceux qui vivent sur ses rives</a>.</p><h2>Le pont</h2>'
    "<p>Ce qu’ils nous ont dit remplit ce numéro : comment l’eau a monté au printemps, qui a réparé le pont, et pourquoi personne ne "
    "pêche sous le barrage.</p>"
)
SPAM = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
"""GTUBE: SpamAssassin's own test text."""


@pytest.fixture(scope="module")
def spam_filter() -> Iterator[spamassassin.SpamAssassin]:
    yield from lab_server(spamassassin)


@pytest.fixture(scope="module")
def perl_parser() -> Iterator[email_mime.Parser]:
    yield from lab_server(email_mime)


@pytest.fixture
def mails(reader, drain, smtp, announce) -> dict[str, Received]:
    """What somebody gets who signs up, confirms, and reads an issue; each as it arrived."""
    reader.sign_up(READER)
    drain()
    reader.web.post(reader.link(READER, "confirm"))
    drain()
    hooks.call("article_first_public", announce("Le long de la rivière", body_html=STORY).uuid)
    drain()
    return dict(zip(("confirmation", "welcome", "issue"), smtp.to(READER), strict=True))


def test_a_spam_filter_has_nothing_against_them(mails, spam_filter) -> None:
    for name, mail in mails.items():
        score = spam_filter.score(mail.content)
        assert score.points < 1.0, (name, score.rules)


def test_the_spam_filter_looks_into_them(mails, spam_filter, announce, drain, smtp) -> None:
    """Else the test above could not fail."""
    hooks.call("article_first_public", announce(body_html=f"<p>{SPAM}</p>").uuid)
    drain()
    score = spam_filter.score(smtp.to(READER)[-1].content)
    assert score.points > 5
    assert "GTUBE" in score.rules


def test_another_parser_reads_the_same(mails, perl_parser) -> None:
    person = Subscriber.objects.get(email=READER)
    for name, mail in mails.items():
        theirs, ours = perl_parser.parse(mail.content), mail.parsed
        for header in ("Subject", "To", "Message-ID"):
            assert theirs[header] == ours[header], name
        assert email.utils.parseaddr(theirs["From"]) == email.utils.parseaddr(ours["From"]) == FROM, name
        assert [kind for kind, _ in theirs.parts] == ['text/plain; charset="utf-8"', 'text/html; charset="utf-8"']
        for (_, text), part in zip(theirs.parts, ours.iter_parts(), strict=True):
            assert text.replace("\r\n", "\n").rstrip("\n") == part.get_content().replace("\r\n", "\n").rstrip("\n"), (
                name
            )
    issue = perl_parser.parse(mails["issue"].content)
    assert issue["Subject"] == "Le long de la rivière"
    assert all(f"/unsubscribe/{person.unsubscribe_token}/" in text for _, text in issue.parts)
    assert all("sous le barrage" in " ".join(text.split()) for _, text in issue.parts)
