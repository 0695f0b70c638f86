"""Every address of the site, made from its URLconf: who is not signed in gets nothing of the admin, whoever forgot a check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
HOST = {"host": "blog.example.com"}
# What somebody who is not signed in may have of the admin, and why.
OPEN = {
    "/admin/login/": "the door",
    "/admin/login/passkey/": "the question that a passkey answers; a page leads to the door",
    "/admin/jsi18n/": "words of the interface",
    "/admin/sprite/": "icons",
}
VALUES = {
    "int": "1", "str": "x", "slug": "x", "uuid": "7d0f8e1c-0000-4000-8000-000000000001", "path": "x", "pk": "1",
}  # fmt: skip


def addresses(patterns: Any, before: str = "/") -> Iterator[str]:
    """Every address below ``patterns``, its parameters filled in."""
    for entry in patterns:
        own = _filled(entry.pattern)
        if own is None:
            continue
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, before + own)
        else:
            yield before + own


def _filled(pattern: Any) -> str | None:
    if isinstance(pattern, RoutePattern):
        text = str(pattern)
        for name, converter in pattern.converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
            for form in (f"<{kind}:{name}>", f"<{name}>"):
                text = text.replace(form, VALUES.get(kind, "1"))
            if f":{name}>" in text:
                start = text.index("<")
                text = text[:start] + "1" + text[text.index(">", start) + 1 :]
        return text
    if isinstance(pattern, RegexPattern):
        from django.utils.regex_helper import normalize

        possible = normalize(pattern.regex.pattern)
        text, names = possible[0]
        return text % dict.fromkeys(names, "1")
    return ""


ADMIN = sorted({a for a in addresses(get_resolver().url_patterns) if a.startswith("/admin/")})
EDITORS = {"/admin/users/", "/admin/groups/", "/admin/reports/sign-ins/", "/admin/sites/",
           "/admin/collections/", "/admin/settings/engine_accounts/securitysettings/"}  # fmt: skip


def test_the_list_is_the_whole_admin() -> None:
    assert len(ADMIN) > 150
    for known in (
        "/admin/pages/1/edit/",
        "/admin/account/security/",
        "/admin/images/multiple/add/",
        "/admin/newsletter/subscribers/",
    ):
        assert known in ADMIN


@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_of_the_admin_is_open(method: str) -> None:
    web = Client(headers=HOST, raise_request_exception=False)
    wrong = []
    for address in ADMIN:
        if address in OPEN:
            continue
        for headers in ({}, {"x-requested-with": "XMLHttpRequest"}, {"accept": "application/json"}):
            answer = getattr(web, method)(address, secure=True, headers=headers)
            leads = answer.get("Location", "")
            fine = answer.status_code in (403, 404, 405) or (
                answer.status_code == 302 and leads.startswith(("/admin/login/", "/admin/account/security/confirm/"))
            )
            if not fine:
                wrong.append((address, answer.status_code, leads))
    assert wrong == []


def test_what_is_open_is_what_is_said(client: Client) -> None:
    web = Client(headers=HOST)
    for address in OPEN:
        assert web.get(address, secure=True).status_code in (200, 302), address


def test_whoever_has_an_account_but_no_place_in_the_admin_is_a_stranger() -> None:
    reader = get_user_model().objects.create_user("reader", "reader@example.net", "x")
    web = Client(headers=HOST, raise_request_exception=False)
    web.force_login(reader)
    seen = [a for a in ADMIN if a not in OPEN and web.get(a, secure=True).status_code == 200]
    assert seen == []


def test_an_editor_is_no_administrator() -> None:
    """Wagtail's own group of editors: pages, images and documents, and nothing about people or the site."""
    editor = get_user_model().objects.create_user("editor", "editor@example.net", "x")
    editor.groups.add(Group.objects.get(name="Editors"))
    assert Permission.objects.filter(group=editor.groups.get(), codename="access_admin").exists()
    web = Client(headers=HOST, raise_request_exception=False)
    web.force_login(editor)
    assert web.get("/admin/", secure=True).status_code == 200
    answers = {a: web.get(a, secure=True).status_code for a in EDITORS}
    assert not [a for a, status in answers.items() if status == 200], answers


def test_no_page_can_be_put_into_another_sites_frame() -> None:
    web = Client(headers=HOST)
    for address in ("/", "/admin/login/", "/-/login/x/", "/nothing/"):
        answer = web.get(address, secure=True)
        assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "SAMEORIGIN"
