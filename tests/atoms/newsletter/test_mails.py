"""How mails read: text that stands by itself, HTML that mail programs can show, both languages."""

from __future__ import annotations

import re

import html5lib
import pytest
from django.utils import translation

from webstreet.atoms.newsletter import letters, mails
from webstreet.atoms.newsletter.direction import directed
from webstreet.atoms.newsletter.plain import text_of, wrapped
from webstreet.mail.message import Letter, Recipient, Sender, render
from webstreet.testing.smtp import Received

LINK = "https://blog.example.com/newsletter/confirm/abcdefghijklmnopqrstuvwxyz/"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two &amp; three</p>", "One\n\nTwo & three"),
        ("<p>a<br>b</p>", "a\nb"),
        ("<h2>Title</h2><p>Text</p>", "Title\n-----\n\nText"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("<blockquote><p>Said</p></blockquote>", "> Said"),
        ('<p>See <a href="https://x.example/">this</a>.</p>', "See this [1].\n\n[1] https://x.example/"),
        (
            '<p><a href="https://x.example/">a</a> <a href="https://x.example/">b</a></p>',
            "a [1] b [1]\n\n[1] https://x.example/",
        ),
        ('<p><a href="javascript:x()">a</a></p>', "a"),
        ('<img src="x" alt="A boat"><script>no</script><style>no</style>', "[A boat]"),
        ("<p>a</p><pre><code>if x:\n    y &lt; 1</code></pre><p>b</p>", "a\n\n    if x:\n        y < 1\n\nb"),
        ("", ""),
        ("<p>" + "word " * 30 + "</p>", ("word " * 14).strip() + "\n" + ("word " * 14).strip() + "\nword word"),
        ("<p>unclosed <b>bold <li>x", "unclosed bold\n\n- x"),
    ],
)
def test_text_of_html(html, text):
    assert text_of(html) == text


def test_a_text_part_is_wrapped_but_for_addresses_and_code():
    link, code = "http://localhost/newsletter/confirm/" + "x" * 60, "    " + "one " * 40
    given = f"\n{'word ' * 30}\n\n\n\n{link}\n{code}\n-- \nSite\n\n"
    lines = wrapped(given).split("\n")
    assert lines[0] == ("word " * 14).strip()
    assert lines[2:6] == [("word " * 2).strip(), "", link, code]
    assert lines[6:] == ["-- ", "Site", ""]


@pytest.mark.parametrize(
    ("html", "marked"),
    [
        ("<p>English مرحبا</p>", "<p>English مرحبا</p>"),
        ("<p>مرحبا English</p>", '<p dir="rtl">مرحبا English</p>'),
        ("<p>1. <b>שלום</b></p><p>x</p>", '<p dir="rtl">1. <b>שלום</b></p><p>x</p>'),
        ("<ul><li>مرحبا</li></ul>", '<ul dir="rtl"><li dir="rtl">مرحبا</li></ul>'),
        ("<p></p><p>مرحبا</p>", '<p></p><p dir="rtl">مرحبا</p>'),
        ("<pre>مرحبا</pre>", "<pre>مرحبا</pre>"),
    ],
)
def test_what_runs_from_right_to_left_says_so(html, marked):
    assert directed(html) == marked


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", ["confirm", "welcome", "issue", "address", "data", "moved"])
def test_every_mail(kind, language, announce):
    with translation.override(language):
        written = {
            "confirm": lambda: mails.write_confirmation(LINK),
            "welcome": mails.write_welcome,
            "issue": lambda: mails.write_issue(
                announce(language=language, cover_url="https://blog.example.com/media/x.jpg")
            ),
            "address": lambda: letters.write_new_address(LINK),
            "data": lambda: letters.write_data(LINK),
            "moved": lambda: letters.write_moved("14 July 2026"),
        }[kind]()
    unsubscribe = "https://blog.example.com/newsletter/unsubscribe/x/"
    preferences = "https://blog.example.com/newsletter/preferences/y/"
    content = render(
        Letter(Sender("Crispy Octo", "news@example.org"), written.subject, written.text, written.html)
    ).fill(Recipient("ada@example.org", "a@b", {"unsubscribe": unsubscribe, "preferences": preferences}))
    received = Received("news@example.org", ["ada@example.org"], content, 0)
    html, text = received.body("html"), received.body("plain")
    assert len(content) < 100_000, "Gmail clips at 102 kB"
    html5lib.HTMLParser(strict=False).parse(html)
    assert f'lang="{language}"' in html
    assert 'class="preheader"' in html
    assert html.count('class="button"') == 1, "one button"
    target = re.search(r'class="button".*?href="([^"]+)"', html, re.S).group(1)
    assert f">{target}</a>" in html, "and the plain link"
    assert target in text
    assert all("alt=" in image for image in re.findall(r"<img[^>]*>", html))
    assert "max-width: 600px" in html.replace("max-width:600px", "max-width: 600px")
    assert "prefers-color-scheme: dark" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert not re.search(r"\n{4,}", text)
    assert "{%" not in text + html
    is_list, hours = kind in ("welcome", "issue"), {"confirm": "48", "address": "48", "data": "24"}.get(kind, "")
    for link in (unsubscribe, preferences):
        assert (link in html) == is_list
        assert (link in text) == is_list
    assert hours in html
    assert hours in text
    assert {"en": WHY_EN, "fr": WHY_FR}[language][kind] in text
    assert {"en": WHY_EN, "fr": WHY_FR}[language][kind] in html


_BECAUSE = "You receive this mail because", "Vous recevez ce message parce que"
_SOMEBODY = "Somebody, probably you", "Quelqu’un, sans doute vous"
_A_READER = "A reader of", "Un lecteur de"
_WHY = {
    "confirm": _SOMEBODY,
    "welcome": _BECAUSE,
    "issue": _BECAUSE,
    "address": _A_READER,
    "data": _SOMEBODY,
    "moved": _BECAUSE,
}
WHY_EN, WHY_FR = ({kind: both[number] for kind, both in _WHY.items()} for number in (0, 1))
"""Why one receives it, in the words of each kind."""


def test_the_introduction_stands_between_title_and_text(announce):
    written = mails.write_issue(announce("Rain", intro="Why it rains & where.", language="en"))
    for body, intro in ((written.html, "Why it rains &amp; where."), (written.text, "Why it rains & where.")):
        assert body.count(intro) == 1
        assert body.rindex("Rain", 0, body.index(intro)) < body.index(intro) < body.index("Premier paragraphe")
    without = mails.write_issue(announce("Rain", language="en"))
    assert 'class="intro"' not in without.html
    assert "Ce qu’il s’est passé." not in without.text


@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
def test_while_its_database_is_away_the_newsletter_says_so_and_the_form_stays(reader, rf, monkeypatch):
    from django.db import connections

    from webstreet.engine import hooks
    from webstreet.engine.backends.breaker import breakers

    token = reader.token()
    connections["newsletter"].close()
    breakers.trip("newsletter")
    for answer in (
        reader.sign_up("ada@example.org", token=token),
        reader.web.get("/newsletter/unsubscribe/" + "x" * 27 + "/"),
    ):
        assert answer.status_code == 503
        assert answer["Retry-After"]
    assert reader.web.get("/newsletter/subscribe/").status_code == 200
    assert "newsletter-footer-email" in "".join(hooks.call("slot", "footer", None, {}))
    breakers.close("newsletter")
    assert reader.sign_up("ada@example.org", token=token).status_code == 200
