"""Real worker processes, killed in the middle of an issue; and publishing while the mail server is dead."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections import Counter

import pytest
from django.apps import apps
from django.test import Client
from wagtail.test.utils.form_data import nested_form_data, querydict_from_html, streamfield

from tests.lab import prototypes
from webstreet.mail.connection import CONNECT_TIMEOUT_S
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AUDIENCE = 1200
MAKE = f"""
import uuid
from django.utils import timezone
from webstreet.atoms.newsletter.models import Issue, MailingList, Membership, Subscriber
main = MailingList.main()
made = Subscriber.objects.bulk_create(Subscriber(email=f"s{{i}}@example.org", status="active") for i in range({AUDIENCE}))
Membership.objects.bulk_create(Membership(mailing_list=main, subscriber=s) for s in made)
Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=main, subject="Issue", language="en", started_at=timezone.now(),
    html="<p>Hello <a href='\\ue000unsubscribe\\ue001'>x</a></p>", text="Hello \\ue000unsubscribe\\ue001")
"""
FEW = """
from webstreet.atoms.newsletter.models import MailingList, Membership, Subscriber
for i in range(10):
    who = Subscriber.objects.create(email=f"s{i}@example.org", status="active")
    Membership.objects.create(mailing_list=MailingList.main(), subscriber=who)
"""
LEDGER = """
import json
from webstreet.atoms.newsletter.models import Delivery, Issue
rows = dict(Delivery.objects.values_list("subscriber__email", "state"))
print(json.dumps({"state": str(Issue.objects.get().state), "total": Issue.objects.get().counts.total, "rows": rows}))
"""
LEASES_RUN_OUT = """
import datetime as dt
from django.utils import timezone
from webstreet.atoms.newsletter.models import Chunk
Chunk.objects.exclude(lease_until=None).update(lease_until=timezone.now() - dt.timedelta(seconds=1))
"""


@pytest.mark.timeout(900)
@pytest.mark.requirement("P4")
@pytest.mark.parametrize("stores", ["sqlite", "postgresql and redis"])
def test_a_worker_killed_in_mid_issue_loses_nobody(stores, site_processes, smtp, wait_until, request):
    variables = {"EMAIL_URL": smtp.url}
    if stores != "sqlite":
        server = request.getfixturevalue("lab_postgres")
        for alias, name in prototypes.URLS.items():
            variables[name] = prototypes.filled(server.database(f"nl_kill_{alias}"), alias)
        variables["REDIS_URL"] = request.getfixturevalue("redis_url")
        variables["SECRET_KEY"] = "k" * 64
    site = site_processes(**variables)
    assert site.run("prepare", timeout=200).returncode == 0
    site.python(MAKE)
    smtp.behaviour = Behaviour(delay_s=0.008)
    for target in (100, 500):
        worker = site.start("work")
        smtp.wait_for(target, timeout_s=60)
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        site.python(LEASES_RUN_OUT)
    at_kill = json.loads(site.python(LEDGER))
    assert at_kill["total"] == AUDIENCE
    smtp.behaviour = Behaviour()
    site.start("work")

    def finished():
        ledger = json.loads(site.python(LEDGER))
        return ledger if ledger["state"] == "finished" else None

    ledger = wait_until(finished, seconds=90, what=f"the issue finishes; {site.log()[-2000:]}")
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    states = Counter(ledger["rows"].values())
    assert sum(states.values()) == AUDIENCE == ledger["total"]
    assert set(states) <= {"sent", "uncertain"}
    sent = {address for address, state in ledger["rows"].items() if state == "sent"}
    uncertain = {address for address, state in ledger["rows"].items() if state == "uncertain"}
    assert sent <= set(arrived), "what is said to be sent has arrived"
    assert set(arrived) - sent <= uncertain, "what arrived and is not known to be sent is shown as uncertain"
    assert max(arrived.values()) == 1, "the policy is to hold: nobody got it twice"
    assert len(uncertain) <= 2 * 2 * 100, (
        "at most two batches at each kill, of what a server that takes 500 a second takes in 0.2 s"
    )


NOTICES = """
import datetime as dt
from django.utils import timezone
from webstreet.atoms.newsletter.models import Notice, Subscriber
past = timezone.now() - dt.timedelta(minutes=1)
for i in range(5):
    who = Subscriber.objects.create(email=f"waiting{i}@example.org")
    Notice.objects.create(kind="confirm", subscriber=who, due_at=past)
"""
DELAYS = """
import json, os, time
import probe_tasks as p
from webstreet.engine.tasks.heartbeat import WorkerSeen
from django.utils import timezone
path, delays, silences = os.environ["PROBE_FILE"], [], []
for number in range(12):
    p.soon.enqueue(f"w{number}.")
    began = time.monotonic()
    while not (os.path.exists(path) and f"w{number}." in open(path).read()) and time.monotonic() < began + 30:
        time.sleep(0.01)
    delays.append(time.monotonic() - began)
    silences.append((timezone.now() - WorkerSeen.objects.get().seen_at).total_seconds())
    time.sleep(0.7)
print(json.dumps({"delay": max(delays), "silence": max(silences)}))
"""
TROUBLE = """
import json
from webstreet.atoms.newsletter.models import Delivery, Issue, Notice
print(json.dumps({"issue": Issue.objects.get().trouble, "attempts": Delivery.objects.filter(attempts__gt=0).count(),
    "notices": sorted(set(Notice.objects.values_list("code", flat=True)))}))
"""
EVERY_TICK_S = 10


@pytest.mark.timeout(300)
@pytest.mark.requirement("P6")
@pytest.mark.parametrize("tasks_in", ["database", "redis"])
def test_a_silent_mail_server_holds_up_nothing_else(tasks_in, site_processes, smtp, wait_until, request):
    variables = {"EMAIL_URL": smtp.url}
    if tasks_in == "redis":
        variables |= {"REDIS_URL": request.getfixturevalue("redis_url"), "SECRET_KEY": "k" * 64}
    site = site_processes(**variables)
    assert site.run("prepare", timeout=200).returncode == 0
    smtp.behaviour = Behaviour(silent="connect")
    site.python(MAKE + NOTICES)
    worker = site.start("work")
    wait_until(lambda: smtp.connections > 0, what="the worker asks the mail server")
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert time.monotonic() - began < 4, "the step in hand, and the end of the process"
    site.start("work")
    seen = json.loads(site.python(DELAYS))
    assert seen["delay"] < 2, "interactive work beside it"
    assert seen["silence"] < EVERY_TICK_S + 2, "ticks"
    trouble = json.loads(site.python(TROUBLE))
    assert trouble == {"issue": "mail_server.away", "attempts": 0, "notices": ["mail_server.away"]}
    assert smtp.messages == []


ARTICLE = """
from django.apps import apps
from wagtail.models import Site
page = apps.get_model("articles", "Article")(title="Once", live=False)
Site.objects.get(is_default_site=True).root_page.add_child(instance=page)
print(page.save_revision().pk)
"""
AT_ONCE = """
import pathlib, time, uuid
from wagtail.models import Revision
from webstreet.engine import hooks
revision = Revision.objects.get(pk={revision})
article = revision.content_object.uuid

def together(word):
    (pathlib.Path("{folder}") / f"{{word}}-{me}").touch()
    while not (pathlib.Path("{folder}") / f"{{word}}-go").exists():
        time.sleep(0.001)

together("publish")
revision.publish()
together("announce")
hooks.call("article_first_public", article)
from webstreet.engine.tasks.worker import drain
drain()
"""
ISSUES = """
import json
from webstreet.atoms.newsletter.models import Change, Issue
from webstreet.engine.announcements import FirstPublic
print(json.dumps([Issue.objects.count(), FirstPublic.objects.count(), Change.objects.filter(verb=Change.Verb.CREATED).count()]))
"""


@pytest.mark.timeout(300)
@pytest.mark.requirement("P4")
@pytest.mark.parametrize("stores", ["sqlite", "postgresql and redis"])
def test_processes_that_publish_and_hand_over_at_once_make_one_issue(
    stores, site_processes, smtp, wait_until, request, tmp_path
):
    variables = {"EMAIL_URL": smtp.url}
    if stores != "sqlite":
        server = request.getfixturevalue("lab_postgres")
        for alias, name in prototypes.URLS.items():
            variables[name] = prototypes.filled(server.database(f"nl_once_{alias}"), alias)
        variables["REDIS_URL"] = request.getfixturevalue("redis_url")
        variables["SECRET_KEY"] = "k" * 64
    site = site_processes(**variables)
    assert site.run("prepare", timeout=200).returncode == 0
    site.python(FEW)
    revision = site.python(ARTICLE)
    codes = [AT_ONCE.format(revision=revision, folder=tmp_path, me=me) for me in range(3)]
    running = [site.start("manage", "shell", "--no-imports", "-c", code) for code in codes]
    for word in ("publish", "announce"):
        wait_until(lambda word=word: len(list(tmp_path.glob(f"{word}-[0-9]"))) == 3, what=site.log())
        (tmp_path / f"{word}-go").touch()
    assert [process.wait(60) for process in running] == [0, 0, 0], site.log()
    assert json.loads(site.python(ISSUES)) == [1, 1, 1]
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    assert arrived == Counter(f"s{i}@example.org" for i in range(10))


class Editor:
    """Somebody who publishes with the buttons of the site's admin."""

    def __init__(self) -> None:
        from django.contrib.auth import get_user_model

        self.web = Client(HTTP_HOST="blog.example.com")
        self.web.force_login(get_user_model().objects.create_superuser("editor", "editor@example.org", "x"))

    def publish(self, page) -> float:
        """Open the article's form, press *Publish*; the seconds that the answer took."""
        path = f"/admin/pages/{page.pk}/edit/"
        form = querydict_from_html(self.web.get(path).content.decode(), form_id="page-edit-form")
        form |= nested_form_data({"body": streamfield([]), "action-publish": "action-publish"})
        began = time.perf_counter()
        answer = self.web.post(path, form)
        took = time.perf_counter() - began
        assert answer.status_code == 302, answer.content.decode()
        page.refresh_from_db()
        assert page.live
        return took


@pytest.mark.requirement("P4")
@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
def test_publishing_waits_for_no_mail_server(subscribers, smtp, drain, monkeypatch):
    from wagtail.models import Page

    subscribers(50)
    article_model = apps.get_model("articles", "Article")
    home = apps.get_model("articles", "ArticleIndex")(title="Home", slug="home-of-test")
    Page.objects.filter(depth=1).first().add_child(instance=home)
    editor = Editor()

    def publish(title: str) -> float:
        page = article_model(title=title, live=False)
        home.add_child(instance=page)
        return editor.publish(page)

    publish("warm")
    live = [publish(f"live {i}") for i in range(5)]
    with socket.socket() as dead, RecordingSmtpServer(Behaviour(silent="connect")) as silent:
        dead.bind(("127.0.0.1", 0))
        monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{dead.getsockname()[1]}")
        gone = [publish(f"dead {i}") for i in range(5)]
        monkeypatch.setenv("EMAIL_URL", silent.url)
        mute = [publish(f"silent {i}") for i in range(5)]
        assert silent.connections == 0
    from webstreet.engine.announcements import FirstPublic

    # Whoever asks the silent one waits as long as that at least.
    assert max(gone + mute) < CONNECT_TIMEOUT_S, live
    assert FirstPublic.objects.filter(handed_over_at=None).count() == 16, "a worker will tell the newsletter"
    assert smtp.messages == [], "publishing itself sends nothing"
