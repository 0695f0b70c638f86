"""The list of subscribers: filters in the address, quick at 100,000, and actions on all that match."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from webstreet.atoms.newsletter import bulk, personal_data, tasks
from webstreet.atoms.newsletter.bulk import Filters
from webstreet.atoms.newsletter.models import BulkJob, Change, MailingList, Membership, Subscriber

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
BASE = "/admin/newsletter/subscribers"
LISTS = [{"key": "articles", "title": "New articles"}, {"key": "events", "title": "Events"}]


@pytest.fixture
def people(parameters) -> dict[str, Subscriber]:
    """Four subscribers, each with something of its own."""
    parameters(lists=LISTS)
    articles, events = MailingList.wanted()
    made = {}
    for name, values in {
        "ada": {"language": "en", "source": "form"},
        "bea": {
            "language": "fr",
            "source": "import:wordpress",
            "created_at": dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC),
        },
        "cid": {"status": "unsubscribed", "language": "en"},
        "dan": {"status": "pending", "name": "Dân Quoc"},
    }.items():
        made[name] = Subscriber.objects.create(email=f"{name}@example.org", **{"status": "active", **values})
        Membership.objects.create(mailing_list=events if name == "bea" else articles, subscriber=made[name])
    return made


def found(editor: Client, query: str) -> list[str]:
    page = editor.get(f"{BASE}/?{query}").content.decode()
    return re.findall(r">(\w+)@example\.org</a>", page)


@pytest.mark.requirement("P2")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["dan", "cid", "bea", "ada"]),
        ("status=active", ["bea", "ada"]),
        ("list=events", ["bea"]),
        ("source=import%3Awordpress", ["bea"]),
        ("language=en", ["cid", "ada"]),
        ("since=2026-01-15&until=2026-01-15", ["bea"]),
        ("until=2026-01-14", []),
        ("q=D%C3%A2n", ["dan"]),
        ("q=BEA@Example.org", ["bea"]),
        ("status=active&language=en", ["ada"]),
        ("sort=email", ["ada", "bea", "cid", "dan"]),
        ("sort=-email", ["dan", "cid", "bea", "ada"]),
        ("sort=added", ["bea", "ada", "cid", "dan"]),
        # What makes no sense is as if it were missing.
        ("status=nonsense&since=2026-02-31&until=x&sort=password&page=99", ["dan", "cid", "bea", "ada"]),
    ],
)
def test_filters_and_order_lie_in_the_address(editor, people, query, names):
    assert found(editor, query) == names


def test_filters_are_kept_from_page_to_page_and_in_the_export(editor, people, subscribers):
    subscribers(120)
    page = editor.get(f"{BASE}/?status=active&q=s1&sort=email").content.decode()
    assert "?page=2" not in page
    page = editor.get(f"{BASE}/?status=active&q=example&sort=email").content.decode()
    assert 'href="?page=2&amp;q=example&amp;status=active&amp;sort=email"' in page
    assert f'href="{BASE}/export/?q=example&amp;status=active"' in page
    answer = editor.get(f"{BASE}/export/?list=events")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0] == "email,name,status,since,language,source,external_id,added,lists"
    assert len(lines) == 2
    assert lines[1].startswith("bea@example.org,,active,")
    assert lines[1].endswith(",2026-01-15T12:00:00+00:00,events")


def many(editor: Client, **data: object):
    return editor.post(f"{BASE}/many/", data)


def finish(drain) -> BulkJob:
    drain()
    job = BulkJob.objects.get()
    assert job.finished_at
    assert (job.filters, job.ids) == ({}, [])
    return job


def test_some_are_unsubscribed_in_the_background(editor, people, drain):
    ids = [people["ada"].pk, people["cid"].pk]
    asked = many(editor, verb="unsubscribe", scope="chosen", id=ids).content.decode()
    assert "Unsubscribe 2 subscribers?" in asked
    assert not BulkJob.objects.exists(), "asking does nothing"
    answer = many(editor, verb="unsubscribe", scope="chosen", id=ids, count="2")
    job = finish(drain)
    assert answer["Location"] == f"{BASE}/many/{job.pk}/"
    assert (job.done, job.passed, job.total) == (1, 1, 2)
    assert "data-settled" in editor.get(f"{BASE}/many/{job.pk}/status/").content.decode()
    people["ada"].refresh_from_db()
    assert people["ada"].status == "unsubscribed"
    assert Change.objects.get(noun="subscriber").noun_id == people["ada"].pk
    people["bea"].refresh_from_db()
    assert people["bea"].is_active


@pytest.mark.requirement("P2")
def test_all_that_match_are_removed_and_nobody_who_came_later(editor, people, subscribers, drain, monkeypatch):
    monkeypatch.setattr(bulk, "STEP_ROWS", 7)
    subscribers(40)
    data = {"verb": "remove", "scope": "all", "filters": "q=s&status=active"}
    assert "Remove 40 subscribers?" in many(editor, **data).content.decode()
    wrong = many(editor, **data, count="39")
    assert (wrong.status_code, "That is not 40" in wrong.content.decode()) == (422, True)
    many(editor, **data, count="40")
    subscribers(1, start=99)
    job = finish(drain)
    assert (job.done, job.passed) == (40, 0)
    assert sorted(Subscriber.objects.values_list("email", flat=True)) == [
        *("ada@example.org", "bea@example.org", "cid@example.org", "dan@example.org", "s99@example.org")
    ]


def test_a_list_is_joined_and_left_with_a_record(editor, people, drain):
    many(editor, verb="join:events", scope="all", filters="", count="4")
    job = finish(drain)
    assert (job.done, job.passed) == (1, 3), "only who is subscribed and not on it"
    assert people["ada"].consents.get().event == "lists"
    BulkJob.objects.all().delete()
    many(editor, verb="leave:articles", scope="chosen", id=[people["ada"].pk], count="1")
    finish(drain)
    assert [m.mailing_list.key for m in people["ada"].memberships.all()] == ["events"]


def test_a_killed_worker_leaves_a_job_that_goes_on(people, subscribers, queue, drain, monkeypatch):
    monkeypatch.setattr(bulk, "STEP_ROWS", 5)
    subscribers(20)
    job = bulk.begin("unsubscribe", filters=Filters(q="s"), ids=[], mailing_list=None, by=1)
    assert bulk.step(job.pk, budget_s=0)
    assert BulkJob.objects.get().done == 5
    assert drain() == 0, "its task is lost"
    BulkJob.objects.update(woken_at=timezone.now() - dt.timedelta(minutes=1))
    tasks.find_left_work()
    assert finish(drain).done == 20


def test_what_waits_keeps_no_address(people, drain):
    for words in ("ADA@example.org", "dân"):
        job = bulk.begin("unsubscribe", filters=Filters(q=words), ids=[], mailing_list=None, by=1)
        assert (job.filters, job.total, len(job.ids)) == ({}, 1, 1)
    personal_data.erase(people["ada"], by=None)
    assert not any("ada" in str(row).lower() for row in BulkJob.objects.values())


def test_erasing_many_brings_the_log_into_the_file_once_a_step(people, subscribers, monkeypatch):
    subscribers(10)
    done: list[str] = []
    monkeypatch.setattr(personal_data, "_overwrite_on_disk", lambda: done.append("done"))
    monkeypatch.setattr(bulk, "STEP_ROWS", 8)
    job = bulk.begin("remove", filters=Filters(), ids=[], mailing_list=None, by=1)
    assert not bulk.step(job.pk, budget_s=60)
    assert not Subscriber.objects.exists()
    assert len(done) == 2, "two steps"


@pytest.mark.parametrize(
    "data",
    [
        {"verb": "unsubscribe", "scope": "chosen", "id": ["9" * 30, "9" * 5000, "٣", "-1", "\0"]},
        {"verb": "unsubscribe", "scope": "all", "filters": "q=%00nobody-at-all"},
        {"verb": "join:\0", "scope": "all"},
        {"verb": "\0", "scope": "\0", "filters": "\0"},
    ],
)
def test_nonsense_is_no_accident(editor, people, data):
    assert many(editor, **data, count="1").status_code == 302
    assert not BulkJob.objects.exists()
    assert editor.get(f"{BASE}/?q=%00&list=%00&source=%00&page={'9' * 30}").status_code == 200


def test_wrong_orders_do_nothing(editor, people, drain):
    for data in (
        {"verb": "explode", "scope": "all"},
        {"verb": "join:nothing", "scope": "all"},
        {"verb": "remove", "scope": "chosen", "id": ["x", "999999"]},
    ):
        assert many(editor, **data, count="4").status_code == 302
    assert not BulkJob.objects.exists()
    plain = get_user_model().objects.create_user("reader", "r@example.com", "x")
    from django.contrib.auth.models import Permission

    wanted = ("access_admin", "view_subscriber", "change_subscriber")
    plain.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    web = Client(HTTP_HOST="blog.example.com")
    web.force_login(plain)
    assert 'value="remove"' not in web.get(f"{BASE}/").content.decode()
    refused = web.post(f"{BASE}/many/", {"verb": "remove", "scope": "all", "count": "4"})
    assert refused.status_code in (302, 403)
    assert not BulkJob.objects.exists()


# -- 100,000 ---------------------------------------------------------------------------------------------------------
def queries(editor: Client, query: str) -> list[str]:
    with CaptureQueriesContext(connections["newsletter"]) as captured:
        assert editor.get(f"{BASE}/?{query}").status_code == 200
    return [
        q["sql"] for q in captured.captured_queries if not q["sql"].startswith(("BEGIN", "COMMIT", "PRAGMA", "SET"))
    ]


def test_the_number_of_queries_does_not_depend_on_the_number_of_people(editor, subscribers):
    subscribers(2)
    few = len(queries(editor, ""))
    subscribers(60, start=10)
    assert len(queries(editor, "")) == few <= 5
    assert len(queries(editor, "status=active")) == few, "the totals know how many there are"
    assert len(queries(editor, "status=active&language=en")) <= few + 1


@pytest.mark.only_on("sqlite", reason="planners of servers choose by statistics; the indexes are the same")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", ""),
        ("status=active", "newsletter_subscriber_status"),
        ("sort=since", "newsletter_subscriber_since"),
        ("sort=-added", "newsletter_subscriber_created"),
        ("language=fr", "newsletter_subscriber_lang"),
        ("since=2026-01-01&until=2026-01-02", "newsletter_subscriber_created"),
    ],
)
def test_each_order_and_filter_has_an_index(editor, subscribers, query, index):
    """The plan, not a time: nothing is sorted in memory, and no order reads the whole table."""
    connection = connections["newsletter"]
    subscribers(60)
    Subscriber.objects.update(language="fr", created_at=dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC))
    (page,) = [q for q in queries(editor, query) if "LIMIT" in q and "DISTINCT" not in q]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {page}")
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())
    if index:
        assert index in plan, plan
    if "since=2026" not in query:
        assert "TEMP B-TREE" not in plan, plan
