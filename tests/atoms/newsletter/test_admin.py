"""The newsletter's screens in the site's admin."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from webstreet.atoms.newsletter import guard, ledger
from webstreet.atoms.newsletter.models import Change, Delivery, Issue, MailingList, Subscriber

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
BASE = "/admin/newsletter"


def client(user) -> Client:
    found = Client(HTTP_HOST="blog.example.com")
    found.force_login(user)
    return found


@pytest.fixture
def issue():
    return Issue.objects.create(
        article_uuid=uuid.uuid4(),
        mailing_list=MailingList.main(),
        subject="An issue",
        html="<p>Hello</p>",
        text="Hello",
    )


def test_empty_states_say_what_to_do(editor):
    assert "Nobody has subscribed yet" in editor.get(f"{BASE}/subscribers/").content.decode()
    assert "No issue yet" in editor.get(f"{BASE}/issues/").content.decode()
    assert "Newsletter" in editor.get("/admin/").content.decode()


@pytest.mark.requirement("P2")
def test_list_search_filter_and_page(editor, subscribers):
    subscribers(120)
    Subscriber.objects.filter(email="s3@example.org").update(status="unsubscribed", name="Zoé")
    page = editor.get(f"{BASE}/subscribers/").content.decode()
    assert "s119@example.org" in page
    assert "Page 1 of 3" in page
    assert "s3@example.org" in editor.get(f"{BASE}/subscribers/?q=S3@example").content.decode()
    assert "s3@example.org" in editor.get(f"{BASE}/subscribers/?q=Zoé").content.decode()
    found = editor.get(f"{BASE}/subscribers/?status=unsubscribed").content.decode()
    assert "s3@example.org" in found
    assert "s4@example.org" not in found
    assert "No subscriber matches" in editor.get(f"{BASE}/subscribers/?q=nobody").content.decode()


def test_export_is_streamed_and_harmless_in_a_spreadsheet(editor, subscribers):
    subscribers(3)
    Subscriber.objects.filter(email="s1@example.org").update(name="=HYPERLINK()")
    answer = editor.get(f"{BASE}/subscribers/export/?q=s1")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("email,name,status")
    assert lines[1].startswith("s1@example.org,'=HYPERLINK(),active")
    assert len(lines) == 2


def test_add_edit_unsubscribe_remove(editor, smtp, drain):
    answer = editor.post(
        f"{BASE}/subscribers/add/", {"email": "ADA@example.org", "name": "Ada", "language": "fr"}, follow=True
    )
    assert "ada@" not in "".join(str(m) for m in answer.context["messages"])
    drain()
    subscriber = Subscriber.objects.get()
    assert (subscriber.email, subscriber.status) == ("ada@example.org", "pending")
    assert len(smtp.to("ada@example.org")) == 1
    twice = editor.post(f"{BASE}/subscribers/add/", {"email": "ada@example.org", "language": "fr"})
    assert (twice.status_code, "in the list already" in twice.content.decode()) == (422, True)
    assert editor.post(f"{BASE}/subscribers/add/", {"email": "a\r\nb@x.org", "language": "fr"}).status_code == 422
    editor.post(f"{BASE}/subscribers/add/", {"email": "paper@example.org", "language": "en", "agreed": "on"})
    paper = Subscriber.objects.get(email="paper@example.org")
    assert (paper.status, paper.memberships.count(), paper.consents.get().event) == ("active", 1, "added")
    url = f"{BASE}/subscribers/{paper.pk}/"
    assert "paper@example.org" in editor.get(url).content.decode()
    editor.post(url, {"email": "paper2@example.org", "name": "P", "language": "fr"})
    editor.post(f"{url}unsubscribe/")
    paper.refresh_from_db()
    assert (paper.email, paper.name, paper.status) == ("paper2@example.org", "P", "unsubscribed")
    assert "are erased" in editor.get(f"{url}remove/").content.decode()
    assert Subscriber.objects.count() == 2, "asking removes nothing"
    editor.post(f"{url}remove/")
    assert not Subscriber.objects.filter(pk=paper.pk).exists()
    verbs = Change.objects.filter(noun="subscriber", noun_id=paper.pk).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["added", "changed", "unsubscribed", "removed"]


@pytest.mark.requirement("P2")
def test_who_is_asked_by_an_editor_is_asked_a_few_times_a_day(editor, smtp, drain, parameters):
    parameters(limits={"per_address_per_day": 3})
    for _ in range(5):  # removing and adding again would mail a victim each time
        answer = editor.post(f"{BASE}/subscribers/add/", {"email": "victim@example.org", "language": "en"})
        drain()
        Subscriber.objects.all().delete()
    assert answer.status_code == 422
    assert "confirmation.too_many" in answer.content.decode()
    assert "Nobody was added" in answer.content.decode()
    assert len(smtp.to("victim@example.org")) == 3
    agreed = editor.post(f"{BASE}/subscribers/add/", {"email": "victim@example.org", "language": "en", "agreed": "on"})
    assert agreed.status_code == 302, "nobody is mailed, so nothing is counted"


def test_an_editor_asks_so_many_an_hour_and_another_editor_is_not_hindered(editor, smtp, drain, monkeypatch):
    monkeypatch.setattr(guard, "ASKED_PER_HOUR", 4)
    answers = [
        editor.post(f"{BASE}/subscribers/add/", {"email": f"a{n}@example.org", "language": "en"}).status_code
        for n in range(6)
    ]
    assert answers == [302] * 4 + [422] * 2
    assert Subscriber.objects.count() == 4
    other = client(get_user_model().objects.create_superuser("other", "other@example.com", "x"))
    added = other.post(f"{BASE}/subscribers/add/", {"email": "b@example.org", "language": "en"})
    assert added.status_code == 302
    drain()
    assert len(smtp.messages) == 5


def test_an_issue_from_draft_to_cancelled(editor, announce, subscribers, smtp, drain, issue):
    subscribers(3)
    announce("An issue", uuid=issue.article_uuid)
    url = f"{BASE}/issues/{issue.pk}/"
    assert "Send to 3 subscribers" in editor.get(url).content.decode()
    editor.post(f"{url}start/")
    editor.post(f"{url}pause/")
    drain()
    assert smtp.messages == []
    assert "Resume issue" in editor.get(url).content.decode()
    editor.post(f"{url}resume/")
    drain()
    assert len(smtp.messages) == 3
    status = editor.get(f"{url}status/").content.decode()
    assert "data-settled" in status
    assert "Finished" in status
    assert "Pause issue" not in status
    assert "An issue" in editor.get(f"{BASE}/issues/").content.decode()
    editor.post(f"{url}cancel/")
    assert list(Change.objects.filter(noun="issue").order_by("id").values_list("verb", flat=True))[:3] == [
        "started",
        "paused",
        "resumed",
    ]


def test_who_did_not_get_it_is_named_by_number(editor, subscribers, issue):
    made = subscribers(3)
    Issue.objects.filter(pk=issue.pk).update(started_at=timezone.now())
    ledger.freeze_audience(issue)
    Delivery.objects.filter(subscriber=made[1]).update(state="failed", code="550 5.1.1")
    Delivery.objects.filter(subscriber=made[2]).update(state="uncertain", code="closed")
    chunk = issue.chunks.get()
    ledger._settle(chunk.pk, issue.pk, chunk.number)
    page = editor.get(f"{BASE}/issues/{issue.pk}/").content.decode()
    assert f"Subscriber {made[1].pk}" in page
    assert "550 5.1.1" in page
    assert "Uncertain · 1 of 1 is still subscribed" in page
    assert "@example.org" not in page
    editor.post(f"{BASE}/issues/{issue.pk}/retry/", {"state": "uncertain"})
    assert Delivery.objects.get(subscriber=made[2]).state == "queued"


def test_permissions_are_asked_for(editor, subscribers, issue):
    subscribers(1)
    reader = get_user_model().objects.create_user("reader", "r@example.com", "x")
    group = Group.objects.create(name="Readers of issues")
    group.permissions.add(
        Permission.objects.get(codename="access_admin"), Permission.objects.get(codename="view_issue")
    )
    reader.groups.add(group)
    web = client(reader)
    pk = Subscriber.objects.get().pk
    assert web.get(f"{BASE}/issues/{issue.pk}/").status_code == 200
    assert "Pause issue" not in web.get(f"{BASE}/issues/{issue.pk}/").content.decode()
    for path in (
        "subscribers/",
        "subscribers/export/",
        "subscribers/add/",
        f"subscribers/{pk}/",
        f"subscribers/{pk}/remove/",
    ):
        assert web.get(f"{BASE}/{path}").status_code == 302, path
    for path in (f"issues/{issue.pk}/cancel/", f"subscribers/{pk}/unsubscribe/"):
        assert web.post(f"{BASE}/{path}").status_code == 302, path
    issue.refresh_from_db()
    assert issue.cancelled_at is None
    anonymous = Client(HTTP_HOST="blog.example.com")
    for path in ("subscribers/", "issues/", f"issues/{issue.pk}/status/", f"issues/{issue.pk}/preview/"):
        assert anonymous.get(f"{BASE}/{path}")["Location"].startswith("/admin/login/"), path
