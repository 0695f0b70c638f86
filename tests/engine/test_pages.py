"""Error pages, security headers and where uploads go."""

from __future__ import annotations

import io

import pytest
from django.test import Client

from webstreet.engine import errors, uploads

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
HOST = {"host": "blog.example.com"}


@pytest.fixture
def web():
    return Client(headers=HOST, raise_request_exception=False)


def test_an_unknown_address_is_a_written_page(web):
    response = web.get("/nothing/", secure=True)
    assert response.status_code == 404
    assert "<h1" in response.content.decode()
    assert response["Content-Security-Policy"].startswith("default-src 'self'")
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("signed_in", [False, True])
def test_no_page_runs_foreign_or_written_in_scripts(web, admin_user, signed_in):
    if signed_in:
        web.force_login(admin_user)
    for path in ("/nothing/", "/-/login/x/"):
        policy = web.get(path, secure=True)["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'self'" in policy
    assert "unsafe" not in web.get("/admin/login/", secure=True)["Content-Security-Policy"]
    policy = web.get("/admin/", secure=True)["Content-Security-Policy"]
    for part in ("script-src 'self' 'unsafe-inline'", "object-src 'none'", "base-uri 'self'", "frame-ancestors 'self'"):
        assert part in policy


def test_it_speaks_french_below_fr(web):
    response = web.get("/fr/rien/")
    assert response.status_code == 404
    assert 'lang="fr"' in response.content.decode()


def test_the_api_answers_with_a_problem(web):
    response = web.get("/api/nothing/")
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "object.missing"


def test_a_foreign_host_name_is_refused(web):
    assert web.get("/", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "page",
    [
        errors.bad_request,
        errors.permission_denied,
        errors.csrf_failure,
        errors.gone,
        errors.server_error,
        errors.store_down,
        errors.site_down,
        errors.out_of_room,
    ],
)
def test_every_message_has_a_page_even_without_the_theme(rf, settings, page):
    themed = page(rf.get("/"))
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [], "APP_DIRS": False}]
    plain = page(rf.get("/"))
    assert plain.status_code == themed.status_code
    assert b"<h1>" in plain.content
    assert len(themed.content) > len(plain.content)


def test_cookies_are_safe_on_https(settings):
    assert settings.SESSION_COOKIE_SECURE
    assert settings.CSRF_COOKIE_SECURE
    assert settings.SESSION_COOKIE_NAME.startswith("__Host-")
    assert settings.SECURE_HSTS_SECONDS
    assert not settings.DEBUG


def _upload(rf, path: str, size: int):
    file = io.BytesIO(b"x" * size)
    file.name = "list.csv"
    request = rf.post(path, {"file": file})
    return request.FILES.get("file")


@pytest.mark.requirement("H4")
@pytest.mark.parametrize("path", ["/admin/newsletter/import/", "/fr/newsletter/", "/api/newsletter/subscribers"])
def test_an_upload_to_a_sensitive_atom_never_becomes_a_file(rf, path):
    found = _upload(rf, path, 4 * 1024 * 1024)
    assert found.size == 4 * 1024 * 1024
    assert not hasattr(found, "temporary_file_path")


def test_one_that_is_too_large_is_not_taken(rf, monkeypatch):
    monkeypatch.setattr(uploads, "MEMORY_LIMIT_BYTES", 1000)
    assert _upload(rf, "/admin/newsletter/import/", 5000) is None


def test_large_pictures_go_to_a_temporary_file(rf):
    assert hasattr(_upload(rf, "/admin/images/add/", 4 * 1024 * 1024), "temporary_file_path")
    assert not hasattr(_upload(rf, "/admin/images/add/", 1000), "temporary_file_path")


def test_every_word_of_the_engine_is_written_in_french():
    import ast
    import re
    from pathlib import Path

    from django.utils.translation import gettext, override

    import webstreet.engine

    folder = Path(webstreet.engine.__file__).parent
    words = set()
    for path in [*folder.glob("*.py"), *folder.glob("commands/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "gettext":
                words.add(node.args[0].value)
    for path in folder.glob("templates/**/*.html"):
        words |= set(re.findall(r'{% translate "([^"]+)"', path.read_text("utf-8")))
    catalogue = (folder / "locale/fr/LC_MESSAGES/django.po").read_text("utf-8")
    with override("fr"):
        assert [w for w in sorted(words) if gettext(w) == w] == []
    assert set(re.findall(r'^msgid "(.+)"$', catalogue, re.MULTILINE)) == words
