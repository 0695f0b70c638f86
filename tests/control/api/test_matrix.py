"""Every operation of the API, taken from its own description, as everybody who could call it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.control.conftest import Web
from webstreet.control.api.root import api
from webstreet.control.clients.models import AccessKey, Client, Role
from webstreet.control.sites.actions import Opening, open_site
from webstreet.control.sites.customizing import customize
from webstreet.control.sites.imports import Import
from webstreet.control.sites.models import Site
from webstreet.control.start import operator as make_operator

SPECIFICATION = api.get_openapi_schema()
OPERATIONS = [
    (method.upper(), path.removeprefix("/api/v1"))
    for path, methods in SPECIFICATION["paths"].items()
    for method in methods
]
OPEN = {("GET", "/health")}
FOR_OPERATORS = {
    ("POST", "/clients"), ("DELETE", "/clients/{client}"), ("POST", "/sites"), ("POST", "/login-links"),
    ("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/{prefix}"),
}  # fmt: skip
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/clients"): {"name": "third", "title": "Third"},
    ("POST", "/sites"): {"client": "acme", "site": "third", "template": "publication"},
    ("POST", "/sites/{client}/{site}/close"): {"confirm": "acme/blog"},
    ("POST", "/sites/{client}/{site}/imports"): "-- a dump",
    ("POST", "/keys"): {"role": "viewer", "client": "acme"},
    ("POST", "/sites/{client}/{site}/customizations"): {
        "parameters": {"newsletter": {"batch_size": 7}},
        "why": "Why not",
    },
    ("POST", "/sites/{client}/{site}/customizations/{number}/undo"): {"why": "Enough"},
}
# A whole copy of the site, with people in it: looking is not enough.
FOR_ADMINS = {("GET", "/sites/{client}/{site}/export")}
ANSWERS_WELL = (200, 201, 202, 204)


@pytest.fixture
def world(blog: Site, other: Client, reconcile: Any, memory: Any) -> dict[str, str]:
    """Two clients with one running site each; what the paths' names mean for acme."""
    make_operator()
    open_site(Opening(client="other", site="blog", template="publication"), by="test")
    reconcile()
    memory.commands["login-link"] = lambda arguments: (
        0, [json.dumps({"kind": "login-link", "path": "/l/x", "expires_at": "2030-01-01T00:00:00Z"})],
    )  # fmt: skip
    memory.commands["export"] = lambda arguments: (0, ["\x1f\x8b archive"])
    customize(blog, {"newsletter": {"on_publish": "off"}}, why="acme asked", by="test")
    key, _text = AccessKey.make(label="x", role=Role.VIEWER, client=blog.client, by="test")
    job = Import.objects.create(site=blog, source="crispy-octo", created_by="test")
    return {
        "client": "acme", "site": "blog", "id": str(job.pk), "prefix": key.prefix,
        "name": "publication", "number": "1",
    }  # fmt: skip


def call(web: Any, operation: tuple[str, str], names: dict[str, str]) -> Any:
    method, path = operation
    if path.startswith("/atoms/"):
        names = names | {"name": "newsletter"}
    query = "?source=crispy-octo" if (method, path) == ("POST", "/sites/{client}/{site}/imports") else ""
    answer = web(method, path.format(**names) + query, BODIES.get(operation))
    if answer.streaming:
        assert b"".join(answer.streaming_content)
        answer.close()
    return answer


def mine(operation: tuple[str, str]) -> bool:
    """Whether the operation is about one client's objects."""
    return "{client}" in operation[1]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: " ".join(o))
class TestEveryOperation:
    def test_anonymous_gets_nothing(self, operation: Any, world: Any, anonymous: Any) -> None:
        answer = call(anonymous, operation, world)
        if operation in OPEN:
            assert answer.status_code == 200
            return
        assert answer.status_code == 401
        assert answer.json()["code"] == "access.unauthenticated"
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_the_other_client_learns_nothing(self, operation: Any, world: Any, stranger: Any) -> None:
        before = list(Site.objects.values().order_by("pk"))
        answer = call(stranger, operation, world)
        assert list(Site.objects.values().order_by("pk")) == before
        if mine(operation):
            assert answer.status_code == 404
            assert answer.json()["code"] in ("client.missing", "site.missing")
        elif operation in FOR_OPERATORS:
            assert answer.status_code == 403
        else:
            assert answer.status_code in ANSWERS_WELL
            assert "acme" not in answer.content.decode()

    def test_a_viewer_changes_nothing(self, operation: Any, world: Any, viewer: Any) -> None:
        before = list(Site.objects.values().order_by("pk")), Import.objects.count(), Client.objects.count()
        answer = call(viewer, operation, world)
        assert (list(Site.objects.values().order_by("pk")), Import.objects.count(), Client.objects.count()) == before
        if operation in FOR_OPERATORS | FOR_ADMINS or operation[0] != "GET":
            assert answer.status_code == 403, answer.content
            assert answer.json()["code"] == "access.denied"
        else:
            assert answer.status_code in ANSWERS_WELL

    def test_an_admin_does_what_concerns_its_client(self, operation: Any, world: Any, admin: Any) -> None:
        answer = call(admin, operation, world)
        if operation in FOR_OPERATORS:
            assert answer.status_code == 403
        else:
            assert answer.status_code in ANSWERS_WELL, answer.content

    def test_an_operator_does_everything(self, operation: Any, world: Any, operator: Any) -> None:
        answer = call(operator, operation, world)
        if operation == ("DELETE", "/clients/{client}"):
            assert (answer.status_code, answer.json()["code"]) == (409, "client.has_sites")
        else:
            assert answer.status_code in ANSWERS_WELL, answer.content

    def test_a_revoked_key_is_refused(self, operation: Any, world: Any, operator: Any) -> None:
        AccessKey.objects.get(prefix=operator.key[:11]).revoke()
        if operation not in OPEN:
            assert call(operator, operation, world).status_code == 401


def test_lists_of_a_client_hold_only_its_own(world: Any, admin: Any, operator: Any) -> None:
    assert [c["name"] for c in admin.get("/clients").json()["items"]] == ["acme"]
    assert [s["client"] for s in admin.get("/sites").json()["items"]] == ["acme"]
    assert {e["client"] for e in admin.get("/events").json()["items"]} == {"acme"}
    assert admin.get("/atoms/newsletter").json()["sites"] == 1
    assert operator.get("/atoms/newsletter").json()["sites"] == 2
    assert admin.get("/sites?client=other").json()["total"] == 0
    assert admin.get("/events?client=other").json()["total"] == 0


def test_a_new_client_does_not_read_the_journal_of_the_old_one_of_that_name(
    acme: Client, operator: Any, admin: Any
) -> None:
    before = admin.get("/events").json()["total"]
    assert before > 0
    assert operator("DELETE", "/clients/acme").status_code == 204
    assert admin.get("/events").status_code == 401
    assert operator.post("/clients", {"name": "acme"}).status_code == 201
    key = operator.post("/keys", {"role": "admin", "client": "acme"}).json()["key"]
    items = Web(key).get("/events").json()["items"]
    assert {item["what"] for item in items} == {"client.added", "key.made"}
    assert len(items) == 2
    assert operator.get("/events?client=acme").json()["total"] > before + 2
