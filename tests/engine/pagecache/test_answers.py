"""Which requests the page cache answers, with what; and what it never keeps."""

from __future__ import annotations

import gzip
import re

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client, RequestFactory
from wagtail.models import PageViewRestriction

from webstreet.engine import pagecache
from webstreet.engine.pagecache import front
from webstreet.engine.pagecache.entry import _takes_gzip
from webstreet.engine.pagecache.policy import NEVER_BELOW, Policy, is_for_everybody

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])


def status(answer):
    return answer["cache-status"].removeprefix("webstreet; ")


@pytest.mark.requirement("P6")
def test_the_second_reader_gets_the_kept_page_without_a_query(ask, article, django_assert_num_queries):
    article("Kept")
    first = ask("/kept/")
    with django_assert_num_queries(1):  # the look at the journal
        second = ask("/kept/")
    assert (status(first), status(second)) == ("fwd=miss; stored", "hit")
    assert first.body == second.body
    assert "<h1" in second.text
    assert {k: v for k, v in first.headers.items() if k != "cache-status"} == {
        k: v for k, v in second.headers.items() if k != "cache-status"
    }


def test_headers_of_a_page(ask):
    ask("/")
    answer = ask("/")
    assert answer["cache-control"] == "public, max-age=0, must-revalidate"
    assert answer["vary"] == "Accept-Encoding, Cookie"
    assert answer["etag"].startswith('W/"')
    assert int(answer["content-length"]) == len(answer.body)
    assert "default-src 'self'" in answer["content-security-policy"]
    assert "set-cookie" not in answer.headers


def test_a_reader_who_has_the_page_is_told_so(ask):
    etag = ask("/")["etag"]
    for known in (etag, f'"other", {etag}', "*"):
        answer = ask("/", if_none_match=known)
        assert (answer.status, answer.body, answer["etag"]) == (304, b"", etag)
        assert "content-type" not in answer.headers
    assert ask("/", if_none_match='"other"').status == 200


def test_packed_for_those_who_can_unpack(ask):
    plain, packed = ask("/"), ask("/", accept_encoding="br, gzip")
    assert packed["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in ask("/", accept_encoding="br").headers


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [("gzip", True), ("gzip;q=0", False), ("gzip; q=0.5, br", True), ("", False), ("identity;q=1, gzip;q=0.0", False)],
)
def test_who_can_unpack(accepted, takes):
    assert _takes_gzip(accepted) is takes


def test_head_is_answered_from_the_page_and_never_fills(ask):
    assert status(ask("/", method="HEAD")) == "fwd=miss"
    whole = ask("/")
    head = ask("/", method="HEAD")
    assert (status(head), head.body, head["content-length"]) == ("hit", b"", str(len(whole.body)))


@pytest.mark.parametrize("path", [f"{folder}x" for folder in NEVER_BELOW])
def test_what_is_not_a_page_passes_by(ask, path):
    ask(path)
    assert status(ask(path)) == "fwd=bypass"
    assert len(front.store) == 0


@pytest.mark.parametrize(
    "headers",
    [{"cookie": "__Host-session=abc"}, {"cookie": "a=b; messages=x"}, {"authorization": "Basic eDp5"}],
    ids=["session", "messages", "authorization"],
)
def test_a_reader_of_whom_something_is_known_passes_by(ask, headers):
    ask("/")
    assert status(ask("/", **headers)) == "fwd=bypass"


def test_a_foreign_cookie_reads_but_never_fills(ask):
    assert status(ask("/", cookie="_ga=1")) == "fwd=miss"
    assert len(front.store) == 0
    ask("/")
    assert status(ask("/", cookie="_ga=1")) == "hit"


def test_a_post_passes_by(ask):
    ask("/")
    assert status(ask("/", method="POST")) == "fwd=bypass"


@pytest.mark.parametrize(
    "query", ["q=word", "page=x", "page=12345", "page=2&page=3", "utm_source=a&other=1", "page=-1"]
)
def test_a_query_that_is_not_known_passes_by(ask, query):
    """A robot that invents addresses fills nothing."""
    assert status(ask(f"/?{query}")) == "fwd=bypass"
    assert len(front.store) == 0


def test_what_others_hang_onto_a_link_makes_no_other_page(ask):
    ask("/?utm_source=letter&utm_medium=mail&fbclid=xyz")
    assert status(ask("/")) == "hit"
    assert len(front.store) == 1


def test_a_page_that_does_not_exist_in_a_list_fills_nothing(ask, article):
    article("Only")
    for number in range(5, 10):
        ask(f"/?page={number}")
    assert len(front.store) == 0


def test_a_host_counts_as_it_is_written(ask):
    ask("/")
    assert status(ask("/", host="blog.example.com:8443")) == "fwd=bypass"
    assert status(ask("/", host="other.example")) == "fwd=bypass"


def test_scheme_is_believed_from_trusted_proxies_only(ask, settings):
    from webstreet.contract.proxies import parse_networks

    settings.WEBSTREET_TRUSTED_PROXIES = parse_networks("192.0.2.7")
    environ = {"wsgi.url_scheme": "http", "REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "blog.example.com"}
    policy = Policy()
    trusted = policy.key_of({**environ, "REMOTE_ADDR": "192.0.2.7", "HTTP_X_FORWARDED_PROTO": "https"})
    stranger = policy.key_of({**environ, "REMOTE_ADDR": "192.0.2.8", "HTTP_X_FORWARDED_PROTO": "https"})
    several = policy.key_of({**environ, "REMOTE_ADDR": "192.0.2.7", "HTTP_X_FORWARDED_PROTO": "https, http"})
    assert (trusted, stranger) == ("https://blog.example.com/?", "http://blog.example.com/?")
    assert several == trusted, "as Django takes it, which makes the page"


def _answer(**headers: str) -> HttpResponse:
    response = HttpResponse("words")
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache_Control": "private"}, {"Cache_Control": "no-store"}, {"Cache_Control": "max-age=0, No-Cache"},
        {"Vary": "Origin"}, {"Vary": "*"}, {"Content_Encoding": "br"},
    ],
)  # fmt: skip
def test_answers_that_forbid_it_are_not_kept(headers):
    request = RequestFactory().get("/")
    assert is_for_everybody(request, _answer())
    assert not is_for_everybody(request, _answer(**headers))


def test_an_answer_with_a_cookie_a_token_or_a_session_is_not_kept():
    from django.contrib.sessions.backends.db import SessionStore
    from django.middleware.csrf import get_token

    factory = RequestFactory()
    with_cookie = _answer()
    with_cookie.set_cookie("seen", "1")
    assert not is_for_everybody(factory.get("/"), with_cookie)
    with_token = factory.get("/")
    get_token(with_token)
    assert not is_for_everybody(with_token, _answer())
    with_session = factory.get("/")
    with_session.session = SessionStore()
    assert is_for_everybody(with_session, _answer())
    with_session.session.get("anything")
    assert not is_for_everybody(with_session, _answer())
    never = factory.get("/")
    pagecache.never(never)
    assert not is_for_everybody(never, _answer())
    assert not is_for_everybody(factory.get("/"), HttpResponse("gone", status=410))


def test_the_page_that_asks_for_a_shared_password_is_not_kept(ask, home):
    about = home.get_children().get(slug="about")
    PageViewRestriction.objects.create(page=about, restriction_type="password", password="low tide")
    for _ in range(2):
        answer = ask("/about/")
        assert 'name="csrfmiddlewaretoken"' in answer.text
        assert status(answer) == "fwd=miss"
        assert "no-store" in answer["cache-control"]
    form = re.search(r'action="(/_util/[^"]+)"', answer.text)[1]
    assert [status(ask(form)) for _ in range(2)] == ["fwd=miss"] * 2


@pytest.mark.requirement("H4")
def test_nothing_of_anybody_is_in_a_kept_page(ask, article):
    """A canary: an editor and a reader with a form's cookie go everywhere; afterwards no kept byte knows their session or token."""
    article("Everywhere")
    get_user_model().objects.create_superuser("canary", "canary.person@example.org", "pass-word-of-canary")
    client = Client(HTTP_HOST="blog.example.com")
    client.login(username="canary", password="pass-word-of-canary")
    from django.conf import settings

    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    secret = "c4" * 16
    paths = [
        "/",
        "/everywhere/",
        "/search/",
        "/feed/",
        "/sitemap.xml",
        "/robots.txt",
        "/newsletter/",
        "/admin/",
        "/fr/",
        "/nowhere/",
    ]
    cookies = [
        f"{settings.SESSION_COOKIE_NAME}={session}", f"{settings.CSRF_COOKIE_NAME}={secret}",
        f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={secret}",
    ]  # fmt: skip
    for path in paths:
        for cookie in cookies:
            ask(path, cookie=cookie)
        ask(path)
    entries = front.store.entries()
    assert len(entries) >= 5
    for entry in entries:
        kept = entry.body + gzip.decompress(entry.packed or gzip.compress(b"")) + repr(entry.headers).encode()
        for canary in (session, secret, "canary", "csrfmiddlewaretoken", "Set-Cookie"):
            assert canary.lower().encode() not in kept.lower(), canary
