"""From the form to the welcome mail, and everything that must not happen on the way."""

from __future__ import annotations

import datetime as dt
import json
import re
import time

import pytest
from django.core import signing
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from webstreet.atoms.newsletter import guard
from webstreet.atoms.newsletter.models import ConsentRecord, Notice, SignUp, Subscriber, Throttle, Token
from webstreet.atoms.newsletter.tasks import find_left_work
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.testing.smtp import Behaviour

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])


@pytest.mark.requirement("P3")
@pytest.mark.requirement("P10")
def test_sign_up_sends_a_mail(reader, smtp, drain):
    """Crispy Octo's own: a sign-up sends a mail; here first the confirmation, and the welcome once confirmed."""
    answer = reader.sign_up("Ada@Example.org")
    assert answer.status_code == 200
    assert "Check your mailbox" in answer.content.decode()
    assert smtp.messages == [], "the request itself sends nothing"
    drain()
    (mail,) = smtp.messages
    assert mail.recipients == ["ada@example.org"]
    assert mail.parsed["Subject"] == "Confirm your subscription to Test site"
    assert "List-Unsubscribe" not in mail.parsed
    confirm = reader.link("ada@example.org", "confirm")

    page = reader.web.get(confirm)
    assert page.status_code == 200
    assert "Confirm subscription" in page.content.decode()
    assert Subscriber.objects.get().status == "pending", "a scanner that opens links confirms nothing"

    assert "You are subscribed" in reader.web.post(confirm).content.decode()
    drain()
    subscriber = Subscriber.objects.get()
    assert subscriber.status == "active"
    assert subscriber.memberships.count() == 1
    welcome = smtp.to("ada@example.org")[-1]
    assert welcome.parsed["Subject"] == "Welcome to Test site"
    assert welcome.parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len(smtp.messages) == 2
    assert "Already confirmed" in reader.web.post(confirm).content.decode()
    assert "Already confirmed" in reader.web.get(confirm).content.decode()
    drain()
    assert len(smtp.messages) == 2, "one welcome"


@pytest.mark.requirement("P2")
def test_the_consent_is_on_record(reader, drain):
    reader.web.post(
        "/newsletter/subscribe/", {"email": "ada@example.org", "token": reader.token()}, REMOTE_ADDR="203.0.113.77"
    )
    drain()
    reader.web.post(reader.link("ada@example.org", "confirm"), REMOTE_ADDR="2001:db8:1234:5678::1")
    asked, confirmed = ConsentRecord.objects.order_by("id")
    assert (asked.event, asked.source, asked.network, asked.text_version) == ("asked", "form", "203.0.113.0/24", "1")
    assert "unsubscribe at any time" in asked.text
    assert (confirmed.event, confirmed.network, confirmed.text) == ("confirmed", "2001:db8:1234:5600::/56", asked.text)


def test_the_mail_is_in_the_language_of_the_page_and_holds_nothing_of_the_form(reader, smtp, drain):
    reader.sign_up("ada@example.org", path="/fr/newsletter/subscribe/", name="BUY PILLS")
    drain()
    (mail,) = smtp.messages
    assert mail.parsed["Subject"] == "Confirmez votre abonnement à Test site"
    assert "/fr/newsletter/confirm/" in mail.body("plain")
    assert b"PILLS" not in mail.content
    assert b"ada@" not in mail.content.replace(b"To: ada@example.org", b"")


def test_no_session_no_cookie(reader, rf):
    for path in (
        "/newsletter/subscribe/",
        "/newsletter/confirm/" + "x" * 32 + "/",
        "/newsletter/unsubscribe/" + "x" * 27 + "/",
    ):
        assert not reader.web.get(path).cookies, path
    assert not reader.sign_up("ada@example.org").cookies
    for name in ("after_article", "home_after", "footer"):
        html = "".join(hooks.call("slot", name, rf.get("/"), {}))
        assert 'action="/newsletter/subscribe/"' in html
        assert "csrf" not in html


def test_the_form_outlives_the_page_cache_but_not_for_ever(reader, monkeypatch):
    token = reader.token()
    assert reader.sign_up("a@example.org", token=token).status_code == 200
    assert reader.sign_up("b@example.org", token=token).status_code == 200, "cached pages share a token"
    now = time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 13 * guard.DAY)
    assert reader.sign_up("c@example.org", token=token).status_code == 200
    monkeypatch.setattr(signing.time, "time", lambda: now + 15 * guard.DAY)
    answer = reader.sign_up("d@example.org", token=token)
    assert answer.status_code == 400
    assert 'value="d@example.org"' in answer.content.decode(), "the way on: nothing has to be typed again"
    assert SignUp.objects.count() == 3


@pytest.mark.parametrize("token", ["", "f", "f:1abcde:forged", "x" * 10_000])
def test_a_forged_form_token_is_refused(reader, token):
    assert reader.sign_up("ada@example.org", token=token).status_code == 400
    assert SignUp.objects.count() == 0


def test_the_trap_catches_quietly(reader, drain, smtp):
    answer = reader.sign_up("ada@example.org", website="https://spam.example")
    assert (answer.status_code, "Check your mailbox" in answer.content.decode()) == (200, True)
    drain()
    assert (SignUp.objects.count(), Subscriber.objects.count(), smtp.messages) == (0, 0, [])


BAD = [
    "", "ada", "ada@", "@example.org", "ada@example", "a b@example.org", "ada@example.org\r\nBcc: eve@example.org",
    "ada@example.org\nSubject: x", "ada@example.org\0", "ada@exam ple.org", "ada@-example.org", "ada@127.0.0.1",
    "a@b@c@d", "<script>@example.org", "x" * 10_000, "x" * 10_000 + "@example.org", "ada@" + "x." * 5_000 + "org",
]  # fmt: skip


@pytest.mark.parametrize("email", BAD, ids=lambda e: repr(e[:30]))
def test_bad_addresses_are_refused_quickly_by_form_and_api(reader, email):
    token = reader.token()
    started = time.monotonic()
    form = reader.sign_up(email, token=token)
    api = reader.web.post(
        "/api/newsletter/subscriptions", json.dumps({"email": email, "token": token}), "application/json"
    )
    assert time.monotonic() - started < 1
    assert form.status_code == 422
    assert "name@example.org" in form.content.decode()
    assert api.status_code == 422
    assert api["Content-Type"] == "application/problem+json"
    assert api.json()["code"] in ("address.invalid", "address.too_long")
    assert len(email) < 14 or email not in api.content.decode()
    assert SignUp.objects.count() == 0
    assert Throttle.objects.count() == 0


def test_an_enormous_body_is_refused(reader):
    token = reader.token()
    body = {"email": "ada@example.org", "token": token, "more": "x" * 20_000}
    assert reader.web.post("/newsletter/subscribe/", body).status_code == 413
    answer = reader.web.post("/api/newsletter/subscriptions", json.dumps(body), "application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_long")


def test_international_domains_are_one_address(reader, drain, smtp):
    reader.sign_up("ada@BÜCHER.example")
    drain()
    reader.sign_up("ada@xn--bcher-kva.example")
    drain()
    assert Subscriber.objects.get().email == "ada@xn--bcher-kva.example"
    assert [m.recipients for m in smtp.messages] == [["ada@xn--bcher-kva.example"]]


def test_the_api_does_the_same_behind_the_same_guard(reader, drain, smtp):
    post = lambda data: reader.web.post("/api/newsletter/subscriptions", json.dumps(data), "application/json")  # noqa: E731
    token = reader.web.get("/api/newsletter/form-token").json()["token"]
    assert post({"email": "ada@example.org"}).json()["code"] == "form_token.invalid"
    answer = post({"email": "ada@example.org", "token": token, "name": "Ada"})
    assert (answer.status_code, answer.json()) == (202, {"status": "confirmation_sent_if_needed"})
    drain()
    assert Subscriber.objects.get().name == "Ada"
    assert len(smtp.messages) == 1
    assert post({"email": "a@example.org", "token": token, "name": "a\r\nb"}).json()["code"] == "mail.header_invalid"
    for body in ("", "[]", "{", '{"email": 1}', '{"email": "a@example.org", "extra": "x"}', "[" * 5_000):
        refused = reader.web.post("/api/newsletter/subscriptions", body, "application/json")
        assert (refused.status_code, refused.json()["code"]) == (422, "body.invalid"), body[:20]
    assert reader.web.get("/api/newsletter/subscriptions").status_code == 405


def test_known_and_unknown_addresses_get_the_same_answer_and_work(reader, subscribers):
    subscribers(1)
    token = reader.token()
    answers, queries = [], []
    for email in ("first@example.org", "s0@example.org", "unknown@example.org"):
        with CaptureQueriesContext(connections["newsletter"]) as seen:
            answers.append(reader.sign_up(email, token=token))
        queries.append([re.sub(r"'[^']*'|\d+", "?", q["sql"]) for q in seen.captured_queries])
    assert len({re.sub(r'value="f:[^"]+"', "", a.content.decode()) for a in answers}) == 1
    assert {a.status_code for a in answers} == {200}
    assert queries[1] == queries[2]


def test_list_bombing_one_mail_a_day_for_an_address(reader, drain, smtp):
    for _ in range(5):
        assert reader.sign_up("victim@example.org").status_code == 200
        drain()
    assert len(smtp.messages) == 1
    Subscriber.objects.update(confirmation_asked_at=timezone.now() - dt.timedelta(hours=25))
    reader.sign_up("victim@example.org")
    drain()
    assert len(smtp.messages) == 2


def test_list_bombing_a_network_is_slowed_down(reader, smtp, drain):
    limit = this_site.parameters("newsletter").limits.per_network_per_hour
    token = reader.token()
    codes = [
        reader.web.post(
            "/newsletter/subscribe/", {"email": f"v{i}@example.org", "token": token}, REMOTE_ADDR=f"198.51.100.{i}"
        )
        for i in range(1, limit + 3)
    ]
    assert [c.status_code for c in codes] == [200] * limit + [429] * 2
    assert codes[-1]["Retry-After"]
    api = reader.web.post(
        "/api/newsletter/subscriptions",
        json.dumps({"email": "w@example.org", "token": token}),
        "application/json",
        REMOTE_ADDR="198.51.100.9",
    )
    assert (api.status_code, api.json()["code"]) == (429, "sign_up.too_many")
    elsewhere = reader.web.post(
        "/newsletter/subscribe/", {"email": "w@example.org", "token": token}, REMOTE_ADDR="198.51.101.1"
    )
    assert elsewhere.status_code == 200
    drain()
    assert len(smtp.messages) == limit + 1


def test_list_bombing_from_everywhere_closes_the_form(reader, settings):
    site = settings.WEBSTREET_SITE
    values = {**site.atoms["newsletter"], "limits": {"per_site_per_hour": 3}}
    settings.WEBSTREET_SITE = site.model_copy(update={"atoms": {**site.atoms, "newsletter": values}})
    token = reader.token()
    codes = [
        reader.web.post(
            "/newsletter/subscribe/", {"email": f"v{i}@example.org", "token": token}, REMOTE_ADDR=f"198.51.{i}.1"
        ).status_code
        for i in range(5)
    ]
    assert codes == [200, 200, 200, 429, 429]


def test_forwarding_headers_of_strangers_are_not_believed(reader):
    token = reader.token()
    for i in range(2):
        reader.web.post(
            "/newsletter/subscribe/",
            {"email": f"v{i}@example.org", "token": token},
            HTTP_X_FORWARDED_FOR=f"203.0.{i}.1",
        )
    assert set(SignUp.objects.values_list("network", flat=True)) == {"127.0.0.0/24"}


def test_tokens_expired_forged_and_of_another_purpose(reader, drain, smtp):
    reader.sign_up("ada@example.org")
    drain()
    confirm = reader.link("ada@example.org", "confirm")
    token = confirm.rstrip("/").rpartition("/")[2]
    for path in (
        confirm[:-5] + "AAAA/",
        "/newsletter/confirm/short/",
        f"/newsletter/undo/{token}/",
        f"/newsletter/unsubscribe/{token}/",
    ):
        for method in (reader.web.get, reader.web.post):
            answer = method(path)
            assert answer.status_code == 404, path
            assert "This link does not work" in answer.content.decode()
    assert 'name="email"' in reader.web.get(confirm[:-5] + "AAAA/").content.decode(), "a way on"
    Token.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    for method in (reader.web.get, reader.web.post):
        answer = method(confirm)
        assert answer.status_code == 410
        assert "token.expired" in answer.content.decode()
        assert 'name="email"' in answer.content.decode()
    assert Subscriber.objects.get().status == "pending"
    assert not Token.objects.filter(digest__contains=token).exists(), "the store holds the hash"


def test_pages_of_tokens_are_not_cached_or_told_on(reader, drain):
    reader.sign_up("ada@example.org")
    drain()
    answer = reader.web.get(reader.link("ada@example.org", "confirm"))
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "no-referrer"


@pytest.mark.requirement("P2")
def test_unsubscribing(reader, drain, smtp, subscribers):
    (subscriber,) = subscribers(1)
    path = f"/newsletter/unsubscribe/{subscriber.unsubscribe_token}/"
    page = reader.web.get(path).content.decode()
    assert "It takes effect at once" in page
    subscriber.refresh_from_db()
    assert subscriber.is_active, "a GET by a link scanner does nothing"
    one_click = Client(HTTP_HOST="blog.example.com", enforce_csrf_checks=True)
    answer = one_click.post(path, {"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.cookies) == (200, {})
    subscriber.refresh_from_db()
    assert subscriber.status == "unsubscribed"
    undo = re.search(r'action="(/newsletter/undo/[^"]+)"', answer.content.decode()).group(1)
    assert one_click.post(path).status_code == 200, "again is fine"
    assert "Nothing is sent to you" in reader.web.get(path).content.decode()
    reader.web.get(undo)
    subscriber.refresh_from_db()
    assert subscriber.status == "unsubscribed"
    assert "still subscribed" in reader.web.post(undo).content.decode()
    subscriber.refresh_from_db()
    assert subscriber.is_active
    assert list(subscriber.consents.order_by("id").values_list("event", flat=True)) == ["withdrawn", "restored"]


def test_unsubscribe_links_never_expire(reader, subscribers, settings):
    (subscriber,) = subscribers(1)
    settings.SECRET_KEY = "another-key-" * 6
    Subscriber.objects.update(created_at=timezone.now() - dt.timedelta(days=4000))
    assert reader.web.post(f"/newsletter/unsubscribe/{subscriber.unsubscribe_token}/").status_code == 200
    subscriber.refresh_from_db()
    assert subscriber.status == "unsubscribed"


def test_who_unsubscribed_may_come_back_by_confirming(reader, drain, subscribers):
    (subscriber,) = subscribers(1)
    reader.web.post(f"/newsletter/unsubscribe/{subscriber.unsubscribe_token}/")
    reader.sign_up("s0@example.org")
    drain()
    subscriber.refresh_from_db()
    assert subscriber.status == "unsubscribed"
    reader.web.post(reader.link("s0@example.org", "confirm"))
    subscriber.refresh_from_db()
    assert subscriber.is_active


def test_a_mail_server_that_is_away_delays_the_confirmation(reader, drain, smtp, monkeypatch):
    port = smtp.port
    monkeypatch.setenv("EMAIL_URL", "smtp://127.0.0.1:9")
    started = time.monotonic()
    assert reader.sign_up("ada@example.org").status_code == 200
    assert time.monotonic() - started < 1
    drain()
    notice = Notice.objects.get()
    assert (notice.sent_at, notice.code, notice.attempts) == (None, "mail_server.away", 0)
    monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{port}")
    Notice.objects.update(due_at=timezone.now() - dt.timedelta(minutes=1))
    find_left_work()
    drain()
    assert len(smtp.messages) == 1
    assert Notice.objects.get().sent_at


def test_an_address_that_is_refused_is_given_up(reader, drain, smtp):
    smtp.behaviour = Behaviour(recipients={"ada@example.org": "550 5.1.1 ada@example.org unknown"})
    reader.sign_up("ada@example.org")
    drain()
    notice = Notice.objects.get()
    assert (notice.sent_at, notice.code) == (None, "550 5.1.1")
    assert notice.given_up_at


def test_lost_wake_ups_are_found(reader, drain, smtp, queue):
    reader.sign_up("ada@example.org")
    queue.lose()
    assert drain() == 0
    SignUp.objects.update(created_at=timezone.now() - dt.timedelta(minutes=1))
    find_left_work()
    drain()
    assert len(smtp.messages) == 1


def test_a_server_that_greets_late_gets_the_mail_in_steps(reader, drain, smtp, monkeypatch):
    monkeypatch.setattr("webstreet.mail.smtp.AWAY_S", 0)
    smtp.behaviour = Behaviour(greeting_delay_s=2.5)
    reader.sign_up("ada@example.org")
    began = time.monotonic()
    drain()
    assert time.monotonic() - began < 2.5, "three steps would find it speaking"
    notice = Notice.objects.get()
    assert (notice.sent_at, notice.code, notice.attempts) == (None, "mail_server.away", 0)
    while Notice.objects.get().sent_at is None:
        assert time.monotonic() - began < 20
        Notice.objects.update(due_at=timezone.now() - dt.timedelta(minutes=1))
        find_left_work()
        drain()
    assert (len(smtp.messages), smtp.connections) == (1, 1)
