"""Real worker processes, killed in the middle of an issue; and publishing while the mail server is dead."""

from __future__ import annotations

import json
import signal
import socket
import statistics
import time
from collections import Counter

import pytest
from django.apps import apps

from webstreet.testing.smtp import Behaviour

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
        variables["DATABASE_URL"] = server.database("nl_kill_default")
        variables["NEWSLETTER_DATABASE_URL"] = server.database("nl_kill_newsletter")
        variables["REDIS_URL"] = request.getfixturevalue("lab_redis").url
        variables["SECRET_KEY"] = "k" * 64
    site = site_processes(**variables)
    assert site.run("prepare", timeout=200).returncode == 0
    site.python(MAKE)
    smtp.behaviour = Behaviour(delay_s=0.002)
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
    assert len(uncertain) <= 2 * 100, "at most the batch in flight at each kill"


@pytest.mark.requirement("P4")
@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
def test_publishing_answers_as_fast_with_a_dead_mail_server(subscribers, smtp, drain, monkeypatch):
    from wagtail.models import Page

    subscribers(50)
    article_model = apps.get_model("articles", "Article")
    index_model = apps.get_model("articles", "ArticleIndex")
    home = index_model(title="Home", slug="home-of-test")
    Page.objects.filter(depth=1).first().add_child(instance=home)

    def publish(title: str) -> float:
        page = article_model(title=title, live=False)
        home.add_child(instance=page)
        revision = page.save_revision()
        started = time.perf_counter()
        revision.publish()
        return time.perf_counter() - started

    publish("warm")
    live = [publish(f"live {i}") for i in range(7)]
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{dead.getsockname()[1]}")
        gone = [publish(f"dead {i}") for i in range(7)]
    assert statistics.median(gone) < 2 * statistics.median(live) + 0.05
    assert smtp.messages == [], "publishing itself sends nothing"
