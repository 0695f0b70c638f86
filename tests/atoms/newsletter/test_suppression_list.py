"""The screens of the suppression list, and what the subscriber's and the issue's pages say of bounces."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from tests.atoms.newsletter.editors import client
from webstreet.atoms.newsletter import events, exporting, personal_data
from webstreet.atoms.newsletter.events import Kind, Mail, Told
from webstreet.atoms.newsletter.models import BulkJob, Change, EventSource, Issue, MailingList, Subscriber, Suppression

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
BASE = "/admin/newsletter/suppressed"


@pytest.fixture
def people(subscribers) -> dict[str, Subscriber]:
    """One of each: bounced, complained, barred elsewhere, active; and one that was erased."""
    found = dict(zip(("bounced", "complained", "elsewhere", "active", "erased"), subscribers(5), strict=True))
    issue = Issue.objects.create(article_uuid="0" * 32, mailing_list=MailingList.main(), subject="Rain")
    for who, kind in (("bounced", Kind.HARD), ("complained", Kind.COMPLAINT)):
        mail = Mail(found[who].pk, issue.pk)
        events.note([Told("mailbox", who, kind, mail, timezone.now(), "5.1.1", reply="User unknown")])
    Subscriber.objects.filter(pk=found["elsewhere"].pk).update(status="suppressed")
    personal_data.erase(found["erased"], by=None)
    return found


def text(web: Client, path: str) -> str:
    answer = web.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def addresses(page: str) -> set[str]:
    return set(re.findall(r"(s\d@example\.org)</a>", page))


def test_an_empty_list_says_how_it_fills(editor):
    page = text(editor, f"{BASE}/")
    assert "Nobody is on the suppression list" in page
    assert "How this site hears of bounces" in page


def test_the_list_is_filtered_and_searched(editor, people):
    page = text(editor, f"{BASE}/")
    assert addresses(page) == {"s0@example.org", "s1@example.org", "s2@example.org"}
    assert "Besides, 1 address was erased" in page
    assert "User unknown" in page
    for reason, wanted in (("bounce", "s0"), ("complaint", "s1"), ("unknown", "s2")):
        assert addresses(text(editor, f"{BASE}/?reason={reason}")) == {f"{wanted}@example.org"}
    assert addresses(text(editor, f"{BASE}/?q=S1@")) == {"s1@example.org"}
    gone = text(editor, f"{BASE}/?q=s4@example.org")
    assert "This address was erased" in gone
    assert "No address matches" in gone
    assert "This address was erased" not in text(editor, f"{BASE}/?q=s3@example.org")


def test_it_is_exported_in_columns_that_an_import_reads(editor, people):
    lines = b"".join(editor.get(f"{BASE}/export/?reason=bounce").streaming_content).decode().splitlines()
    assert lines[0] == "email,status,reason,since,code,note"
    assert lines[1].startswith("s0@example.org,suppressed,bounce,")
    assert len(lines) == 2


def test_an_address_is_taken_off_with_a_note(editor, people):
    person = people["bounced"]
    assert "They receive the next issue again" in text(editor, f"{BASE}/{person.pk}/lift/")
    assert editor.post(f"{BASE}/{person.pk}/lift/", {"why": " "}).status_code == 422
    answer = editor.post(f"{BASE}/{person.pk}/lift/", {"why": "They wrote that it works"}, follow=True).content.decode()
    assert "receives the next issue again" in answer
    assert "They wrote that it works" in answer, "the subscriber's page says why"
    assert Subscriber.objects.get(pk=person.pk).is_active
    assert Change.objects.get(verb="lifted").why == "They wrote that it works"
    personal_data.erase(Subscriber.objects.get(pk=person.pk), by=None)
    assert not Change.objects.exclude(why="").exists()


def test_a_complaint_is_not_lifted(editor, people):
    person = people["complained"]
    assert f"{BASE}/{person.pk}/lift/" not in text(editor, f"{BASE}/")
    page = editor.post(f"{BASE}/{person.pk}/lift/", {"why": "please"}, follow=True).content.decode()
    assert "suppression.not_liftable" in page
    assert Subscriber.objects.get(pk=person.pk).status == "suppressed"


@pytest.fixture
def bounced(people, subscribers) -> list[Subscriber]:
    """Four more: three at whose address nobody lives, one who had not confirmed."""
    more = subscribers(4, start=10)
    Subscriber.objects.filter(pk=more[3].pk).update(status="pending")
    for person in more:
        told = [
            Told("mailbox", f"{person.pk}", Kind.HARD, Mail(person.pk, Issue.objects.get().pk), timezone.now(), "5.1.1")
        ]
        events.note(told)
    return more


def states() -> dict[str, str]:
    return dict(Subscriber.objects.values_list("email", "status"))


def test_many_are_taken_off_at_once_with_a_reason(editor, people, bounced, drain):
    page = text(editor, f"{BASE}/")
    assert page.count('name="id"') == 6, "not before who complained"
    filters = re.search(r'name="filters" value="([^"]*)"', page)[1]
    asked = editor.post(f"{BASE}/many/", {"scope": "all", "filters": filters}).content.decode()
    assert "Write to 6 addresses again?" in asked
    assert "Nobody lives at 5 of them" in asked
    assert "harm the sender’s name" in asked
    assert "1 other stays on the list" in asked
    given = {"scope": "all", "filters": filters, "count": "6"}
    assert editor.post(f"{BASE}/many/", given | {"why": " "}).status_code == 422
    assert (
        "Their number has changed" in editor.post(f"{BASE}/many/", given | {"why": "x", "count": "5"}).content.decode()
    )
    drain()
    assert not Change.objects.filter(verb="lifted").exists(), "nothing is done before it is said why"
    done = editor.post(f"{BASE}/many/", given | {"why": "Their provider erred on Tuesday"})
    drain()
    job = BulkJob.objects.get()
    assert (job.done, job.passed, job.total, job.why, job.filters) == (6, 0, 6, "", {})
    assert "Write again" in text(editor, done["Location"])
    assert f'href="{BASE}/"' in text(editor, done["Location"])
    assert states() == {
        "s0@example.org": "active", "s1@example.org": "suppressed", "s2@example.org": "unsubscribed", "s3@example.org": "active",
        "s10@example.org": "active", "s11@example.org": "active", "s12@example.org": "active", "s13@example.org": "pending",
    }  # fmt: skip
    user = get_user_model().objects.get()
    assert set(Change.objects.filter(verb="lifted").values_list("noun_id", "why", "user_id")) == {
        (person.pk, "Their provider erred on Tuesday", user.pk)
        for person in (people["bounced"], people["elsewhere"], *bounced)
    }


def test_the_chosen_and_the_filtered_alone_are_taken_off(editor, people, bounced, drain):
    first, second, *_ = bounced
    chosen = {
        "scope": "chosen",
        "id": [first.pk, people["complained"].pk, people["active"].pk],
        "why": "x",
        "count": "1",
    }
    assert "Write to 1 address again?" in editor.post(f"{BASE}/many/", chosen | {"count": ""}).content.decode()
    editor.post(f"{BASE}/many/", chosen)
    drain()
    assert set(Change.objects.filter(verb="lifted").values_list("noun_id", flat=True)) == {first.pk}
    editor.post(f"{BASE}/many/", {"scope": "all", "filters": "reason=bounce&q=S11", "why": "x", "count": "1"})
    drain()
    assert set(Change.objects.filter(verb="lifted").values_list("noun_id", flat=True)) == {first.pk, second.pk}


def test_who_complains_meanwhile_stays_on_the_list(editor, people, drain):
    editor.post(f"{BASE}/many/", {"scope": "all", "filters": "reason=bounce", "why": "x", "count": "1"})
    person = people["bounced"]
    events.note([Told("mailbox", "again", Kind.COMPLAINT, Mail(person.pk), timezone.now())])
    drain()
    assert states()[person.email] == "suppressed"
    assert BulkJob.objects.get().done == 0


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"scope": "chosen", "id": ["x", "9" * 30]},
        {"scope": "all", "filters": "reason=complaint"},
        {"scope": "chosen"},
    ],
)
def test_nobody_is_taken_off_where_nobody_may_be(editor, people, given, drain):
    answer = editor.post(f"{BASE}/many/", given | {"why": "x", "count": "0"}, follow=True).content.decode()
    assert "Nobody is chosen whom an editor may have written to again" in answer
    drain()
    assert not BulkJob.objects.exists()
    assert 'name="id"' not in text(editor, f"{BASE}/?reason=complaint")


def test_the_list_of_subscribers_takes_nobody_off(editor, people, drain):
    editor.post("/admin/newsletter/subscribers/many/", {"verb": "lift", "scope": "all", "filters": "", "count": "4"})
    drain()
    assert not BulkJob.objects.exists()


def test_addresses_are_barred(editor, people):
    before = Suppression.objects.count()
    wrong = editor.post(f"{BASE}/bar/", {"addresses": "a@example.org\nnobody", "why": "x"})
    assert (wrong.status_code, Suppression.objects.count()) == (422, before)
    assert "Line 2" in wrong.content.decode()
    given = {"addresses": "New@example.org\n\ns3@example.org\nnew@example.org", "why": "they threatened us"}
    page = editor.post(f"{BASE}/bar/", given, follow=True).content.decode()
    assert "2 addresses were put on the list." in page
    assert set(Suppression.objects.filter(reason="editor").values_list("subscriber__email", "hard", "why")) == {
        ("new@example.org", True, "they threatened us"),
        ("s3@example.org", True, "they threatened us"),
    }


def test_who_may_only_look_changes_nothing(people):
    web = client("view_subscriber")
    page = text(web, f"{BASE}/")
    assert "lift/" not in page
    assert 'name="id"' not in page
    person = people["bounced"]
    given = {"scope": "all", "filters": "", "why": "x", "count": "2"}
    assert web.post(f"{BASE}/many/", given).status_code in (302, 403)
    assert not BulkJob.objects.exists()
    assert web.post(f"{BASE}/{person.pk}/lift/", {"why": "x"}).status_code in (302, 403)
    assert web.post(f"{BASE}/bar/", {"addresses": "a@example.org", "why": "x"}).status_code in (302, 403)
    assert Subscriber.objects.get(pk=person.pk).status == "suppressed"
    assert not Suppression.objects.filter(reason="editor").exists()


def test_subscriber_and_issue_say_what_came_back(editor, people):
    page = text(editor, f"/admin/newsletter/subscribers/{people['bounced'].pk}/")
    assert "Bounced for good" in page
    assert "Write to this address again" in page
    other = text(editor, f"/admin/newsletter/subscribers/{people['active'].pk}/")
    assert "Nothing: no mail bounced" in other
    Issue.objects.update(started_at=timezone.now(), frozen_at=timezone.now())
    issue = text(editor, f"/admin/newsletter/issues/{Issue.objects.get().pk}/")
    found = dict(re.findall(r'<th scope="row">([^<]+)</th><td class="n">(\d+)</td>', issue))
    assert (found["Bounced for good"], found["Reported as spam"], found["Bounced for now"]) == ("1", "1", "0")


def test_what_does_not_work_is_said(editor, monkeypatch):
    monkeypatch.setenv("BOUNCE_MAILBOX_URL", "imaps://u:p@host")
    assert "Nothing came yet" in text(editor, f"{BASE}/")
    EventSource.fail("mailbox", "mailbox.refused")
    page = text(editor, f"{BASE}/")
    assert "Does not work" in page
    assert "mailbox.refused" in page
    assert "Not set up" in page, "the webhook"


def test_an_archive_carries_why_somebody_is_suppressed(people):
    import json

    rows = [json.loads(json.dumps(row, default=str)) for row in exporting._write_subscribers()]
    Subscriber.objects.all().delete()
    Suppression.objects.all().delete()
    exporting._read_subscribers(rows)
    found = dict(Suppression.objects.values_list("subscriber__email", "reason"))
    assert found == {"s0@example.org": "bounce", "s1@example.org": "complaint"}
    assert Suppression.holds("s1@example.org")
    rows[0]["suppression"] = {"reason": "nonsense"}
    with pytest.raises(exporting.SubscriberDamaged):
        exporting._read_subscribers(rows)
