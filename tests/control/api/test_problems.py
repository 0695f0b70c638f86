"""Every error of the API is a problem document with a code, whatever went wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from webstreet.control.api import auth
from webstreet.control.clients.models import AccessKey
from webstreet.control.sites.models import Site

CASES = [
    ("GET", "/nowhere", None, 404, "route.missing"),
    ("GET", "/sites/acme/blog/nowhere", None, 404, "route.missing"),
    ("PUT", "/sites", {}, 405, "route.method"),
    ("POST", "/clients", "{not json", 400, "request.malformed"),
    ("POST", "/clients", "[]", 422, "request.malformed"),
    ("POST", "/clients", "", 422, "request.malformed"),
    ("POST", "/clients", b"\xff\xfe", 400, "request.malformed"),
    ("POST", "/clients", {}, 422, "request.malformed"),
    ("POST", "/clients", {"name": 5}, 422, "request.malformed"),
    ("POST", "/clients", {"name": "x", "color": "red"}, 422, "request.malformed"),
    ("POST", "/clients", {"name": "Acme Ltd"}, 422, "client.name_invalid"),
    ("POST", "/clients", {"name": "x" * 300}, 422, "client.name_invalid"),
    ("POST", "/clients", {"name": "acme"}, 409, "client.taken"),
    ("POST", "/clients", {"name": "new", "offer": "free"}, 422, "offer.missing"),
    ("POST", "/clients", {"name": "new", "title": "a\nb"}, 422, "client.title_invalid"),
    ("GET", "/clients/nobody", None, 404, "client.missing"),
    ("GET", "/clients/%00", None, 404, "client.missing"),
    ("GET", "/clients?limit=0", None, 422, "request.malformed"),
    ("GET", "/clients?limit=1000", None, 422, "request.malformed"),
    ("GET", "/clients?sort=nam", None, 422, "sort.unknown"),
    ("GET", "/sites/acme/nothing", None, 404, "site.missing"),
    ("GET", "/sites/acme/" + "x" * 300, None, 404, "site.missing"),
    ("POST", "/sites", {"client": "acme", "site": "a b", "template": "publication"}, 422, "site.name_invalid"),
    ("POST", "/sites", {"client": "acme", "site": "blog", "template": "publication"}, 409, "site.taken"),
    ("POST", "/sites", {"client": "acme", "site": "b", "template": "nope"}, 404, "template.missing"),
    ("POST", "/sites", {"client": "acme", "site": "b", "template": "publication", "domains": "a"}, 422, "request.malformed"),
    ("POST", "/sites/acme/blog/close", {"confirm": "yes"}, 422, "site.confirmation_wrong"),
    ("POST", "/sites/acme/blog/login-links", {}, 503, "site.not_running"),
    ("POST", "/sites/acme/blog/login-links", {"next": "//evil.example"}, 422, "login_link.next_invalid"),
    ("POST", "/sites/acme/blog/login-links", {"email": "--help"}, 422, "login_link.email_invalid"),
    ("POST", "/sites/acme/blog/imports?source=wordpres", "x", 422, "import.source_unknown"),
    ("GET", "/sites/acme/blog/imports/no-uuid", None, 422, "request.malformed"),
    ("GET", "/sites/acme/blog/logs?lines=-1", None, 422, "request.malformed"),
    ("GET", "/sites/acme/blog/logs?process=../x", None, 422, "request.malformed"),
    ("GET", "/atoms/newsleter", None, 404, "atom.unknown"),
    ("GET", "/templates/publicaton", None, 404, "template.missing"),
    ("POST", "/login-links", {"next": "https://evil.example"}, 422, "login_link.next_invalid"),
    ("POST", "/keys", {"role": "operator", "client": "acme"}, 422, "key.role_invalid"),
    ("POST", "/keys", {"role": "king"}, 422, "key.role_invalid"),
    ("POST", "/keys", {"role": "viewer", "client": "nobody"}, 404, "client.missing"),
    ("GET", "/sites?state=foo", None, 422, "state.unknown"),
    ("DELETE", "/keys/ws_nothing", None, 404, "key.missing"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), CASES, ids=lambda v: str(v)[:50])
def test_errors_are_problem_documents(
    blog: Site, operator: Any, method: str, path: str, body: Any, status: int, code: str
) -> None:
    answer = operator(method, path, body)
    assert answer["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert (answer.status_code, found["code"]) == (status, code), found
    assert set(found) == {"type", "title", "status", "detail", "code", "problems"}
    assert found["status"] == status
    assert found["detail"].endswith((".", "?", '".'))
    assert len(found["detail"]) < 1500


def test_every_problem_of_a_manifest_is_listed(blog: Site, operator: Any) -> None:
    body = {
        "client": "acme", "site": "two", "template": "publication", "residency": {"pages": "client"},
        "parameters": {"newsletter": {"on_publish": 3}, "articels": {}},
    }  # fmt: skip
    found = operator.post("/sites", body).json()
    assert found["code"] == "manifest.invalid"
    assert {p["path"] for p in found["problems"]} == {
        "atoms.articels",
        "atoms.newsletter.on_publish",
        "residency.pages",
    }
    assert 'Did you mean "articles"?' in [p["suggestion"] for p in found["problems"]]


def test_something_unexpected_tells_nothing(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr("webstreet.control.catalogue.shelf.templates", broken)
    answer = operator.get("/templates")
    assert (answer.status_code, answer.json()["code"]) == (500, "webstreet.error")
    assert b"canary" not in answer.content


def test_a_foreign_host_is_refused_as_a_problem(operator: Any) -> None:
    answer = operator("GET", "/health", None, Host="evil.example")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_wrong_keys_are_held_back(anonymous: Any, operator: Any) -> None:
    anonymous.key = "ws_00000000_wrong"
    answers = [anonymous.get("/sites") for _ in range(12)]
    assert [a.status_code for a in answers] == [401] * 10 + [429] * 2
    assert answers[0].json()["code"] == "access.key_unknown"
    assert answers[0]["WWW-Authenticate"].startswith("Bearer")
    assert answers[-1].json()["code"] == "access.too_many_failures"
    assert int(answers[-1]["Retry-After"]) > 0
    assert operator.get("/sites").status_code == 200


def test_many_different_wrong_keys_are_held_back_too(anonymous: Any) -> None:
    for number in range(100):
        auth.of_address.add("127.0.0.1")
        anonymous.key = f"ws_{number}"
    assert anonymous.get("/sites").status_code == 429


@pytest.mark.parametrize("key", ["", "x" * 5000, "é", "\t", "Bearer"])
def test_odd_keys_are_only_wrong(anonymous: Any, key: str) -> None:
    anonymous.key = key
    assert anonymous.get("/sites").status_code == 401


def test_a_key_is_stored_as_a_hash_only(operator: Any) -> None:
    key = AccessKey.objects.get()
    secret = operator.key.rpartition("_")[2]
    assert secret not in json.dumps({name: str(value) for name, value in vars(key).items()}) + repr(key)
    operator.get("/sites")
    key.refresh_from_db()
    assert key.last_used_at is not None


def test_the_description_is_openapi_3_1(anonymous: Any) -> None:
    found = anonymous.get("/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    for methods in found["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_the_browsable_page_asks_nobody_else(anonymous: Any) -> None:
    answer = anonymous.get("/docs")
    assert answer.status_code == 200
    assert b"//" not in answer.content.replace(b"http://www.w3.org", b"")
