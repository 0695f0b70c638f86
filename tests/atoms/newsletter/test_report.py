"""The issue's report down to the recipient, trying again, tests and previews, and the dashboard's panels."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import formats, timezone

from tests.atoms.newsletter.editors import client
from webstreet.atoms.newsletter import actions, audience, charts, guard, ledger, reports
from webstreet.atoms.newsletter.models import (
    AudienceDay,
    Change,
    Chunk,
    Delivery,
    Issue,
    Subscriber,
    TestMail,
)
from webstreet.atoms.newsletter.models.limits import Pace
from webstreet.testing.smtp import Behaviour

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
BASE = "/admin/newsletter/issues"
NO = "550 5.2.0 <{}>: no such user here, ask postmaster@example.net"


@pytest.fixture
def issue(announce, subscribers, smtp, drain) -> Issue:
    """Sent to s0 … s5: two refused, one uncertain."""
    from webstreet.atoms.newsletter.receivers import article_first_public

    subscribers(6)
    refused = {f"s{i}@example.org": NO.format(f"s{i}@example.org") for i in (1, 2)}
    smtp.behaviour = Behaviour(recipients=refused)
    article_first_public(announce("Rain", language="en").uuid)
    drain()
    smtp.behaviour = Behaviour()
    Delivery.objects.filter(subscriber__email="s3@example.org").update(state="uncertain", code="closed")
    chunk = Issue.objects.get().chunks.get()
    ledger._settle(chunk.pk, chunk.issue_id, chunk.number)
    return Issue.objects.get()


def test_the_report_names_everybody_with_the_servers_reply(editor, issue):
    url = f"{BASE}/{issue.pk}/recipients/"
    page = editor.get(url).content.decode()
    assert all(f"s{i}@example.org" in page for i in range(6))
    failed = editor.get(f"{url}?state=failed").content.decode()
    assert re.findall(r"s\d@example\.org", failed) == ["s1@example.org", "s2@example.org"]
    assert failed.count("&lt;…&gt;: no such user here, ask …") == 3, "two rows, and one group for both"
    assert "postmaster" not in failed, "of a reply no address is kept"
    assert "example.org</a>" in failed
    assert "s1@" in editor.get(f"{url}?domain=example.org&state=failed").content.decode()
    assert "No recipient matches" in editor.get(f"{url}?domain=elsewhere.example").content.decode()
    answer = editor.get(f"{url}csv/?state=failed")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0] == "email,subscriber,state,attempts,code,reply,at"
    assert len(lines) == 3
    assert lines[1].startswith("s1@example.org,")
    assert '"<…>: no such user here, ask …"' in lines[1]


def test_who_may_not_see_subscribers_sees_numbers(issue):
    web = client("view_issue")
    url = f"{BASE}/{issue.pk}/recipients/"
    for page in (web.get(url), web.get(f"{url}?domain=example.org"), web.get(f"{BASE}/{issue.pk}/")):
        assert "example.org" not in page.content.decode().replace("https://example.org", "")
    lines = b"".join(web.get(f"{url}csv/").streaming_content).decode()
    assert "@" not in lines
    assert lines.startswith("subscriber,state")


def test_the_timeline_says_who_did_what(editor, issue):
    issue.cancel()
    Change.note(Change.Verb.CANCELLED, issue, by=7)
    page = editor.get(f"{BASE}/{issue.pk}/").content.decode()
    happened = re.findall(r"</time> <strong>([^<]+)</strong>", page)
    assert [what for what in happened if what != "Last mail accepted"] == [
        "Made",
        "Started when the article was published",
        "Audience written down",
        "First mail accepted",
        "Cancelled",
    ]
    assert "User 7" in page


@pytest.mark.requirement("P4")
def test_trying_again_reaches_exactly_those_who_are_chosen_and_still_want_it(editor, issue, smtp, drain):
    actions.unsubscribe(Subscriber.objects.get(email="s2@example.org"), source="link")
    first = {m.recipients[0]: m.parsed["Message-ID"] for m in smtp.messages}
    smtp.messages.clear()
    page = editor.get(f"{BASE}/{issue.pk}/").content.decode()
    assert "1 of 2 is still subscribed" in page
    editor.post(f"{BASE}/{issue.pk}/retry/", {"state": ["failed"]})
    drain()
    assert [m.recipients for m in smtp.messages] == [["s1@example.org"]]
    counts = Issue.objects.get().counts
    assert (counts.sent, counts.failed, counts.uncertain, counts.total) == (4, 1, 1, 6)
    smtp.messages.clear()
    editor.post(f"{BASE}/{issue.pk}/retry/", {"state": ["uncertain", "sent", "suppressed"]})
    drain()
    (again,) = smtp.messages
    assert again.recipients == ["s3@example.org"]
    assert again.parsed["Message-ID"] == first["s3@example.org"], "a receiver can recognise the second copy"
    counts = Issue.objects.get().counts
    assert (counts.sent, counts.failed, counts.uncertain, counts.total) == (5, 1, 0, 6)
    assert list(Change.objects.filter(verb="retried").values_list("noun_id", flat=True)) == [issue.pk] * 2
    smtp.messages.clear()
    assert ledger.try_again(issue, ["sent", "suppressed", "queued"]) == 0
    editor.post(f"{BASE}/{issue.pk}/retry/", {})
    issue.cancel()
    assert ledger.try_again(issue, ledger.RETRIED) == 0
    drain()
    assert smtp.messages == []


@pytest.mark.requirement("P4")
def test_what_a_silent_worker_holds_is_said(editor, subscribers, announce):
    from webstreet.atoms.newsletter.receivers import article_first_public

    subscribers(30)
    article_first_public(announce().uuid)
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    chunk = ledger.claim_chunk(issue)
    ledger.claim_batch(chunk, 10)
    url = f"{BASE}/{issue.pk}/status/"
    assert "nothing was heard" not in editor.get(url).content.decode(), "a worker that has just begun is no news"
    Chunk.objects.update(marked_at=timezone.now() - dt.timedelta(seconds=40))
    page = editor.get(url).content.decode()
    until = timezone.localtime(Chunk.objects.get().lease_until)
    assert "10 mails were taken by a worker" in page
    assert f"shown as uncertain at {formats.time_format(until)}" in page
    Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    ledger.take_over_expired(issue)
    assert "nothing was heard" not in editor.get(url).content.decode()
    assert issue.counts.uncertain == 10


# -- Tests and previews ----------------------------------------------------------------------------------------------
def test_a_test_goes_out_and_the_ledger_knows_nothing(editor, issue, smtp, drain):
    before = list(Delivery.objects.order_by("id").values())
    smtp.messages.clear()
    url = f"{BASE}/{issue.pk}/test/"
    editor.post(url, {"addresses": "Editor@Example.com, chief@example.net"})
    drain()
    assert sorted(m.recipients[0] for m in smtp.messages) == ["chief@example.net", "editor@example.com"]
    mail = smtp.messages[0]
    assert mail.parsed["Subject"] == "[Test] Rain"
    assert "List-Unsubscribe" not in mail.parsed
    assert mail.parsed["Message-ID"] != smtp.messages[1].parsed["Message-ID"]
    assert "unsubscribe/link-of-a-test-mail/" in mail.body("plain")
    assert "preferences/link-of-a-test-mail/" in mail.body("html")
    assert "\ue000" not in mail.body("html")
    assert list(Delivery.objects.order_by("id").values()) == before
    assert Issue.objects.get().counts.total == 6
    assert TestMail.objects.filter(sent_at__isnull=False).count() == 2


@pytest.mark.parametrize(
    "addresses", ["", "nobody", "a@example.org, b\r\nBcc: c@x.org", ",".join(f"a{i}@example.org" for i in range(6))]
)
def test_a_test_to_wrong_addresses_sends_nothing(editor, issue, addresses):
    answer = editor.post(f"{BASE}/{issue.pk}/test/", {"addresses": addresses}, follow=True)
    assert "Nothing was sent" in answer.content.decode()
    assert not TestMail.objects.exists()


def test_tests_are_limited(editor, issue):
    five = ", ".join(f"a{i}@example.org" for i in range(5))
    for _ in range(6):
        editor.post(f"{BASE}/{issue.pk}/test/", {"addresses": five})
    assert TestMail.objects.count() == 30
    refused = editor.post(f"{BASE}/{issue.pk}/test/", {"addresses": "a@example.org"}, follow=True)
    assert "test_mail.too_many" in refused.content.decode()
    assert TestMail.objects.count() == 30
    web = client("view_issue")
    assert web.post(f"{BASE}/{issue.pk}/test/", {"addresses": "a@example.org"}).status_code == 302
    assert TestMail.objects.count() == 30


def test_no_address_gets_endless_tests_from_several_editors(editor, issue, monkeypatch):
    monkeypatch.setattr(guard, "TESTS_TO_ONE_PER_DAY", 3)
    other = client("view_issue", "change_issue")
    for web in (editor, other, editor, other):
        answer = web.post(f"{BASE}/{issue.pk}/test/", {"addresses": "chief@example.net"}, follow=True)
    assert "test_mail.too_many" in answer.content.decode()
    assert TestMail.objects.count() == 3


def test_the_preview_shows_the_mail_as_it_goes_out(editor, issue):
    page = editor.get(f"{BASE}/{issue.pk}/mail/").content.decode()
    assert re.search(r"<iframe[^>]* sandbox>", page)
    assert "scheme=dark" in page
    text = editor.get(f"{BASE}/{issue.pk}/mail/?as=text&width=phone").content.decode()
    assert "Premier paragraphe" in text
    assert "<iframe" not in text
    light = editor.get(f"{BASE}/{issue.pk}/preview/?scheme=light")
    dark = editor.get(f"{BASE}/{issue.pk}/preview/?scheme=dark").content.decode()
    assert light["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert light["X-Frame-Options"] == "SAMEORIGIN"
    assert "@media not all" in light.content.decode()
    assert "@media all" in dark
    assert 'style="' in dark, "styles are inlined, as mail programs get them"


def test_a_draft_is_previewed_and_tested_as_the_article_stands(editor, announce, parameters, smtp, drain, subscribers):
    from webstreet.atoms.newsletter.receivers import article_first_public

    parameters(on_publish="draft")
    article = announce("First thought", language="en")
    article_first_public(article.uuid)
    issue = Issue.objects.get()
    announce("Second thought", language="en", uuid=article.uuid)
    assert "Second thought" in editor.get(f"{BASE}/{issue.pk}/preview/").content.decode()
    editor.post(f"{BASE}/{issue.pk}/test/", {"addresses": "a@example.org"})
    drain()
    assert smtp.messages[0].parsed["Subject"] == "[Test] Second thought"
    announce.withdraw(article.uuid)
    assert "Nothing to show" in editor.get(f"{BASE}/{issue.pk}/mail/").content.decode()
    editor.post(f"{BASE}/{issue.pk}/test/", {"addresses": "b@example.org"})
    drain()
    assert len(smtp.messages) == 1
    assert TestMail.objects.get(email="b@example.org").code == "issue.article_missing"


# -- The dashboard ---------------------------------------------------------------------------------------------------
def panels(web: Client) -> str:
    from webstreet.atoms.newsletter.admin import dashboard

    request = web.get("/admin/").wsgi_request
    return "".join(dashboard.panels(request))


def test_the_dashboard_shows_what_is_delivered(editor, announce, subscribers, smtp, drain):
    from webstreet.atoms.newsletter.receivers import article_first_public

    assert "No issue yet" in panels(editor)
    subscribers(3)
    article_first_public(announce("On its way").uuid)
    assert "On its way" in panels(editor)
    assert "0 of 0" in panels(editor) or "0 of 3" in panels(editor)
    drain()
    done = editor.get("/admin/newsletter/delivering/").content.decode()
    assert "Nothing is on its way." in done
    assert "3 of 3 recipients have it" in done
    web = client("view_issue")
    assert "Audience growth" not in panels(web)


def test_the_dashboard_stays_when_the_newsletters_database_is_away(editor):
    from webstreet.engine.backends.breaker import breakers

    connections["newsletter"].close()
    breakers.trip("newsletter")
    try:
        assert editor.get("/admin/").status_code == 200
        assert panels(editor).count("does not answer right now") == 2
        assert editor.get("/admin/newsletter/delivering/").status_code == 503
    finally:
        breakers.close("newsletter")


def day(year: int, month: int, number: int, active: int, joined: int = 0) -> AudienceDay:
    return AudienceDay.objects.create(day=dt.date(year, month, number), active=active, joined=joined)


def test_growth_by_weeks_and_months_from_daily_figures():
    day(2026, 1, 30, 100)
    day(2026, 2, 10, 130, 35)  # a gap before it: the server was off
    day(2026, 3, 1, 120, 5)
    day(2026, 3, 2, 121, 1)
    with CaptureQueriesContext(connections["newsletter"]) as captured:
        months = audience.periods("months", today=dt.date(2026, 3, 4))
    assert len([q for q in captured.captured_queries if "SELECT" in q["sql"]]) == 1
    assert [(p.active, p.joined, p.left) for p in months[-4:]] == [
        (None, 0, 0),
        (100, 0, 0),
        (130, 35, 5),
        (121, 6, 15),
    ]
    weeks = audience.periods("weeks", today=dt.date(2026, 3, 4))
    assert len(weeks) == 12
    assert [p.active for p in weeks[-6:]] == [100, 100, 130, 130, 120, 121]


@pytest.mark.parametrize(
    ("highest", "axis"),
    [(0, (1, 1)), (1, (1, 1)), (4, (4, 1)), (7, (8, 2)), (121, (150, 50)), (100_000, (100_000, 20_000))],
)
def test_the_axis_begins_at_zero_and_ends_at_a_round_number(highest, axis):
    assert charts._axis(highest) == axis


def test_the_chart_stands_on_zero(editor):
    day(2026, 3, 1, 50)
    drawn = audience.chart([audience.Period("a", 50), audience.Period("b", 100), audience.Period("c", None)])
    half, full, none = drawn.bars
    assert full.height == pytest.approx(2 * half.height, abs=0.2)
    assert half.y + half.height == pytest.approx(full.y + full.height, abs=0.2)
    assert none.height == 0
    assert drawn.steps[0][1] == 0


@pytest.mark.requirement("P4")
@pytest.mark.parametrize(
    ("last", "words", "bars"),
    [
        (0, "10 seconds", 1),
        (29, "10 seconds", 30),
        (30, "30 seconds", 11),
        (3 * 360, "15 minutes", 13),
        (8640 * 3, "3 hours", 25),
    ],
)
def test_delivery_over_time(editor, issue, last, words, bars):
    Pace.objects.all().delete()
    begin = 170_000_640 // 6 * 6  # the slot of a whole quarter of an hour
    Pace.objects.create(issue=issue, slot=begin, count=1200)
    if last:
        Pace.objects.create(issue=issue, slot=begin + last, count=34)
    course = reports.course(issue)
    assert (len(course.chart.bars), course.most) == (bars, 1200)
    assert sum(bar.value for bar in course.chart.bars) == 1200 + 34 * bool(last)
    assert course.chart.bars[-1].value == (34 if last else 1200)
    for url in (f"{BASE}/{issue.pk}/", f"{BASE}/{issue.pk}/status/"):
        page = editor.get(url).content.decode()
        assert f"answered within {words}. The highest: 1,200." in page
        assert page.count("<rect ") == bars


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_a_day_of_the_chart_is_a_day_where_the_site_is(editor, issue, zone):
    Pace.objects.all().delete()
    with timezone.override(zone):
        moments = [dt.datetime(2026, 11, day, 12, tzinfo=timezone.get_current_timezone()) for day in (3, 4, 20)]
        late = moments[0].replace(hour=23, minute=59)
        for count, moment in enumerate((*moments, late), 1):
            Pace.objects.create(issue=issue, slot=Pace.slot_of(moment), count=count)
        course = reports.course(issue)
    assert course.seconds == reports.DAY_S
    bars = {bar.label: bar.value for bar in course.chart.bars if bar.value}
    assert bars == {"3 Nov": 1 + 4, "4 Nov": 2, "20 Nov": 3}


def test_no_delivery_no_chart(editor, issue):
    Pace.objects.all().delete()
    assert reports.course(issue) is None
    assert "Delivery over time" not in editor.get(f"{BASE}/{issue.pk}/").content.decode()


def test_figures_are_written_down_and_reckoned_back(editor, subscribers, smtp):
    now = timezone.now()
    made = subscribers(5)
    for number, subscriber in enumerate(made):
        subscriber.consents.create(event="confirmed", at=now - dt.timedelta(days=number))
    actions.unsubscribe(made[4], source="link")
    audience.count_today()
    audience.count_today()
    today = now.astimezone(dt.UTC).date()
    rows = {row.day: (row.active, row.joined) for row in AudienceDay.objects.all()}
    assert rows[today] == (4, 1)
    assert rows[today - dt.timedelta(days=1)] == (4, 1)
    assert rows[today - dt.timedelta(days=4)] == (1, 1)
    shown = panels(editor)
    assert "<strong>4</strong> active subscribers" in shown
    assert "<svg" in shown
    assert "<table" in shown, "the numbers stand behind the picture"
    from webstreet.atoms.newsletter import personal_data

    personal_data.erase(made[3], by=None)
    audience.count_today()
    assert AudienceDay.objects.get(day=today - dt.timedelta(days=3)).joined == 1, "what was is not rewritten"
