"""Every address of the control plane, made from its URLconf: who is not an operator gets nothing of the console."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils.regex_helper import normalize

from webstreet.control.clients.models import Member, Role
from webstreet.control.sites.models import Site

OPEN = {
    "/console/login/": "the door",
    "/console/login/passkey/": "the question that a passkey answers",
    "/console/jsi18n/": "words of the interface",
}


def addresses(patterns: Any, before: str = "/") -> Iterator[str]:
    for entry in patterns:
        if isinstance(entry.pattern, RoutePattern):
            own = str(entry.pattern)
            while "<" in own:
                start = own.index("<")
                own = own[:start] + "1" + own[own.index(">", start) + 1 :]
        else:
            text, names = normalize(entry.pattern.regex.pattern)[0]
            own = text % dict.fromkeys(names, "1")
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, before + own)
        else:
            yield before + own


EVERY = sorted(set(addresses(get_resolver().url_patterns)))
CONSOLE = [address for address in EVERY if address.startswith("/console/")]


def test_the_list_is_the_whole_console() -> None:
    assert {"/console/", "/console/account/security/", "/console/sites/site/1/close/"} <= set(CONSOLE)
    assert len(CONSOLE) > 40


@pytest.mark.parametrize("role", [None, Role.ADMIN, Role.VIEWER])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_of_the_console_is_open(blog: Site, role: str | None, method: str) -> None:
    browser = Browser(raise_request_exception=False)
    if role:
        user = User.objects.create_user(f"u-{role}", password="x", is_staff=True, is_superuser=True)
        Member.objects.create(user=user, role=role, client=blog.client)
        browser.force_login(user)
    wrong = []
    for address in CONSOLE:
        if address in OPEN or address.startswith(("/console/link/", "/console/logout/")):
            continue
        for headers in ({}, {"x-requested-with": "XMLHttpRequest"}, {"hx-request": "true"}):
            answer = getattr(browser, method)(address, headers=headers)
            leads = answer.get("Location", "")
            if answer.status_code not in (302, 403, 404, 405, 410) or not leads.startswith(("/console/", "")):
                wrong.append((address, answer.status_code, leads))
            if answer.status_code == 302 and not leads.startswith("/console/login/") and role is None:
                wrong.append((address, answer.status_code, leads))
    assert wrong == []


def test_every_answer_forbids_what_it_can(db: None) -> None:
    browser = Browser()
    for address in ("/console/login/", "/console/link/x/", "/nope", "/api/v1/nope", "/static/console/console.css"):
        answer = browser.get(address, secure=True)
        assert answer["X-Content-Type-Options"] == "nosniff", address
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"], address
        assert "camera=()" in answer["Permissions-Policy"], address
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin", address
        assert answer["Strict-Transport-Security"] == "max-age=31536000", address
        assert "Strict-Transport-Security" not in browser.get(address), address
    assert browser.get("/console/login/", secure=True).cookies["webstreet_csrf"]["secure"]
