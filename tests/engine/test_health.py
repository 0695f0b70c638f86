"""Liveness, readiness and facts."""

from __future__ import annotations

import json

import pytest
from django.db import connections

from webstreet import __version__
from webstreet.contract.health import Facts, Live, Part, Ready
from webstreet.engine import health, hooks
from webstreet.engine.backends.breaker import StoreDown

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])


def test_live_looks_at_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/-/live", headers={"host": "10.1.2.3"})
    assert response.status_code == 200
    Live.model_validate_json(response.content)


def test_ready_names_its_parts_and_accepts_any_host(client):
    response = client.get("/-/ready", headers={"host": "10.1.2.3:8000"})
    found = Ready.model_validate_json(response.content)
    assert (response.status_code, found.status, found.release) == (200, "ready", __version__)
    assert {"database", "migrations", "newsletter database"} <= {p.name for p in found.parts}
    assert response["Cache-Control"] == "no-store"


def test_an_atoms_own_database_is_shown_but_not_needed(client, monkeypatch):
    def away(*args, **kwargs):
        raise StoreDown("newsletter")

    # On the instance: Django puts a method of its own there after a test that may not use this database.
    monkeypatch.setattr(connections["newsletter"], "cursor", away)
    found = Ready.model_validate_json(client.get("/-/ready").content)
    part = next(p for p in found.parts if p.name == "newsletter database")
    assert (part.ok, part.needed) == (False, False)
    assert part.note == "does not answer; pages that need it answer 503"
    assert all(p.ok for p in found.parts if p.needed)
    assert found.status == "ready"


def test_missing_migrations_are_not_ready(client, monkeypatch):
    from django.db.migrations.executor import MigrationExecutor

    monkeypatch.setattr(health, "_migrated", health.threading.Event())
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: [("x", False)])
    response = client.get("/-/ready")
    assert response.status_code == 503
    assert "run prepare" in response.content.decode()


def test_atoms_add_parts(client):
    def parts():
        return [Part(name="extra", ok=False)]

    hooks.register("ready_parts")(parts)
    try:
        assert client.get("/-/ready").status_code == 503
    finally:
        hooks.unregister("ready_parts", parts)


def test_facts_only_for_neighbours(client, settings):
    response = client.get("/-/facts", REMOTE_ADDR="127.0.0.1")
    found = Facts.model_validate_json(response.content)
    assert (found.client, found.site) == ("groupe-7", "test")
    assert set(found.databases) == {"default", "newsletter"}
    assert settings.SECRET_KEY not in json.dumps(found.model_dump())
    assert client.get("/-/facts", REMOTE_ADDR="192.0.2.9").status_code == 404


def test_facts_are_not_passed_on_to_the_world(client, settings):
    from webstreet.contract.proxies import parse_networks

    def ask(peer: str, **headers: str) -> int:
        return client.get("/-/facts", REMOTE_ADDR=peer, **headers).status_code

    settings.WEBSTREET_TRUSTED_PROXIES = parse_networks("10.0.0.0/8")
    assert ask("10.0.0.1") == 200
    assert ask("10.0.0.1", HTTP_X_FORWARDED_FOR="10.7.7.7") == 200
    assert ask("10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.5") == 404
    # A proxy on this machine that nobody named: who asks it is not known, so nobody is told.
    assert ask("127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.5") == 404
    assert ask("127.0.0.1", HTTP_X_FORWARDED_FOR="127.0.0.1") == 404
    settings.WEBSTREET_TRUSTED_PROXIES = parse_networks("127.0.0.1")
    assert ask("127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.5") == 404
    assert ask("127.0.0.1") == 200


def test_the_readers_address_is_believed_only_through_known_proxies(rf, settings):
    from webstreet.contract.proxies import parse_networks
    from webstreet.engine.middleware import TrustedProxies
    from webstreet.engine.network import client_ip

    settings.WEBSTREET_TRUSTED_PROXIES = parse_networks("10.0.0.0/8, ::1")
    forged = "198.51.100.1, 203.0.113.5, 10.9.9.9"
    assert client_ip(rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forged)) == "203.0.113.5"
    assert client_ip(rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forged)) == "192.0.2.1"
    assert client_ip(rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="nonsense")) == "10.0.0.1"
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_PROTO="https")
    TrustedProxies(lambda r: r)(request)
    assert not request.is_secure()
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_PROTO="https")
    TrustedProxies(lambda r: r)(request)
    assert request.is_secure()
