"""What the control plane's tests share: a client, keys for every role, and an HTTP client that speaks JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client as DjangoClient

from tests.control.release import RELEASE
from webstreet.contract import template as shipped
from webstreet.control.api import auth
from webstreet.control.clients.actions import add_client
from webstreet.control.clients.models import AccessKey, Client, Role
from webstreet.control.console import password
from webstreet.control.orchestrators.memory import MemoryOrchestrator
from webstreet.control.places import orchestrators
from webstreet.control.places.models import make_local
from webstreet.control.reconcile.plan import Policy, plan
from webstreet.control.sites.actions import Opening, open_site
from webstreet.control.sites.models import Site
from webstreet.control.sites.seen import record_seen
from webstreet.control.sites.wanted import wanted_sites
from webstreet.kernel.clock import SystemClock


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our own small release; no counted failure and no spooled file of the test before."""
    monkeypatch.setattr(shipped, "shipped_release", lambda: RELEASE)
    auth.of_key.clear()
    auth.of_address.clear()
    password.of_name.clear()
    password.of_address.clear()
    password.of_code.clear()
    yield
    for path in settings.STATE.spool.iterdir():
        path.unlink()


@pytest.fixture
def acme(db: None) -> Client:
    make_local()
    return add_client(name="acme", title="Acme", offer_name="shared", by="test")


@pytest.fixture
def other(db: None) -> Client:
    make_local()
    return add_client(name="other", title="Other", offer_name="shared", by="test")


@pytest.fixture
def memory(db: None) -> Iterator[MemoryOrchestrator]:
    """An orchestrator that runs nothing, used for the local cluster."""
    found = MemoryOrchestrator()
    orchestrators.use(make_local(), found)
    yield found
    orchestrators.forget()


@pytest.fixture
def blog(acme: Client, memory: MemoryOrchestrator) -> Site:
    """acme/blog, opened and not yet seen."""
    return open_site(
        Opening(client="acme", site="blog", template="publication", domains=["blog.acme.example"]), by="test"
    )


@pytest.fixture
def reconcile(memory: MemoryOrchestrator) -> Any:
    """Call it to make wishes come true: three passes, in this thread's database connection."""

    def passes(n: int = 3) -> None:
        for _ in range(n):
            wanted, seen = wanted_sites(), memory.observe()
            made = plan(wanted, seen, Policy(), SystemClock().now())
            record_seen(seen, made)
            for steps in made.steps.values():
                for step in steps:
                    memory.apply(step)
            seen = memory.observe()
            record_seen(seen, plan(wanted_sites(), seen, Policy(), SystemClock().now()))

    return passes


@dataclass
class Web:
    """Calls the API with one key, or with none."""

    key: str = ""

    def __call__(self, method: str, path: str, data: Any = None, **headers: str) -> HttpResponse:
        extra: dict[str, Any] = {"headers": headers}
        if self.key:
            extra["headers"]["Authorization"] = f"Bearer {self.key}"
        client = DjangoClient(raise_request_exception=False)
        if data is not None:
            extra["data"] = data if isinstance(data, bytes | str) else json.dumps(data)
            extra["content_type"] = "application/json"
        return client.generic(method, f"/api/v1{path}", **extra)

    def get(self, path: str) -> Any:
        return self("GET", path)

    def post(self, path: str, data: Any = None) -> Any:
        return self("POST", path, data)


@pytest.fixture
def anonymous(db: None) -> Web:
    return Web()


@pytest.fixture
def operator(db: None) -> Web:
    make_local()
    return Web(AccessKey.make(label="test", role=Role.OPERATOR, by="test")[1].reveal())


@pytest.fixture
def admin(acme: Client) -> Web:
    return Web(AccessKey.make(label="test", role=Role.ADMIN, client=acme, by="test")[1].reveal())


@pytest.fixture
def viewer(acme: Client) -> Web:
    return Web(AccessKey.make(label="test", role=Role.VIEWER, client=acme, by="test")[1].reveal())


@pytest.fixture
def stranger(other: Client) -> Web:
    """The admin of another client."""
    return Web(AccessKey.make(label="test", role=Role.ADMIN, client=other, by="test")[1].reveal())
