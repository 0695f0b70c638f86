"""A site's WSGI application with its page cache, asked as a server asks it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection

HOST = "blog.example.com"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, list[str]]
    body: bytes

    def __getitem__(self, name: str) -> str:
        return ", ".join(self.headers.get(name.lower(), []))

    @property
    def text(self) -> str:
        return self.body.decode()


Ask = Callable[..., Answer]


@pytest.fixture
def home(db: None) -> Any:
    """The home page, made as `prepare` makes it."""
    from wagtail.models import Site

    from webstreet.contract.template import shipped_template
    from webstreet.engine import hooks
    from webstreet.engine import site as this_site

    hooks.call("starter_content", this_site.current(), shipped_template("publication"))
    return Site.objects.get(is_default_site=True).root_page.specific


@pytest.fixture
def article(home: Any) -> Callable[..., Any]:
    """``article("Title")`` -> a stored, public Article."""
    from wagtail.rich_text import RichText

    from webstreet.atoms.articles.models import Article

    def make(title: str, **fields: Any) -> Any:
        made = Article(title=title, body=[("text", RichText("<p>Words.</p>"))], **fields)
        home.add_child(instance=made)
        return Article.objects.get(pk=made.pk)

    return make


@pytest.fixture
def ask(home: Any) -> Iterator[Ask]:
    """``ask("/", accept_encoding="gzip")``: one request to an application that has kept nothing yet; names are of headers."""
    from webstreet.engine.pagecache import front, journal

    application = front.SiteApplication()

    def one(
        path: str, *, method: str = "GET", host: str = HOST, environ: dict[str, Any] | None = None, **headers: str
    ) -> Answer:
        path, _, query = path.partition("?")
        given: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": host,
            "REMOTE_ADDR": "192.0.2.7", "wsgi.input": io.BytesIO(), **{f"HTTP_{n.upper()}": v for n, v in headers.items()},
            **(environ or {}),
        }  # fmt: skip
        setup_testing_defaults(given)
        told: list[tuple[str, list[tuple[str, str]]]] = []
        # A reader comes after a commit, and half a second later.
        connection.run_on_commit.clear()
        journal.reader.look_soon()
        response = application(given, lambda status, found, exc_info=None: told.append((status, found)))
        body = b"".join(response)
        if hasattr(response, "close"):
            response.close()
        found: dict[str, list[str]] = {}
        for name, value in told[0][1]:
            found.setdefault(name.lower(), []).append(value)
        return Answer(int(told[0][0][:3]), found, body)

    # As Django's own test client does: the test's transaction must outlive the request.
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    front.store.clear()
    journal.reader.forget()
    yield one
    front.store.clear()
    journal.reader.forget()
    for signal in ends:
        signal.connect(close_old_connections)
