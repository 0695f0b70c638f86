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

from webstreet.control.api import auth
from webstreet.control.clients.actions import add_client
from webstreet.control.clients.models import AccessKey, Client, Role
from webstreet.control.places.models import make_local


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """No counted failure and no spooled file of the test before."""
    auth.of_key.clear()
    auth.of_address.clear()
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
