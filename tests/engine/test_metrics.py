"""What Prometheus reads at ``/-/metrics``: that it can, what it finds, who may, and that nobody is in it."""

from __future__ import annotations

import re

import pytest
from django.db import connections
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from webstreet import __version__
from webstreet.engine import hooks
from webstreet.engine.backends.breaker import StoreDown, breakers
from webstreet.engine.metrics import Figure
from webstreet.engine.metrics.traffic import Traffic
from webstreet.engine.tasks.heartbeat import WorkerSeen
from webstreet.kernel.secret import Secret

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
NEIGHBOUR = {"REMOTE_ADDR": "127.0.0.1"}


def read(client) -> dict[str, dict[tuple[str, ...], float]]:
    """Name of a sample -> values of its labels, in the order of their names -> value."""
    response = client.get("/-/metrics", **NEIGHBOUR)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(response.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(v for _, v in sorted(sample.labels.items()))] = sample.value
    return found


def test_figures_of_the_site(client):
    WorkerSeen.objects.create(name="here:1:2", seen_at=timezone.now())
    found = read(client)
    assert [labels[2] for labels in found["webstreet_site_info"]] == [__version__]
    assert found["webstreet_workers"][()] == 1
    assert 0 <= found["webstreet_worker_silence_seconds"][()] < 30
    assert set(found["webstreet_database_refused"]) == {("default",), ("newsletter",)}
    assert {("interactive",), ("bulk",), ("bulk-newsletter",)} <= set(found["webstreet_tasks_waiting"])
    assert found["webstreet_newsletter_messages"][("queued",)] == 0
    assert found["process_resident_memory_bytes"][()] > 1_000_000
    assert set(found["webstreet_metrics_part_broken"].values()) == {0}


def test_names_follow_the_conventions(client):
    text = client.get("/-/metrics", **NEIGHBOUR).content.decode()
    names = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)
    for name, kind in names:
        assert re.fullmatch(r"(webstreet|process)_[a-z_]+", name)
        assert (kind == "counter") == name.endswith("_total")
    assert len(names) == len(set(names)) > 10


def test_waiting_tasks_are_counted(client):
    from webstreet.engine.announcements import hand_over

    before = read(client)["webstreet_tasks_waiting"][("interactive",)]
    hand_over.enqueue("00000000-0000-0000-0000-000000000000")
    assert read(client)["webstreet_tasks_waiting"][("interactive",)] == before + 1


def test_an_open_breaker_shows(client):
    breakers.trip("newsletter")
    assert read(client)["webstreet_database_refused"] == {("default",): 0, ("newsletter",): 1}


def test_an_atom_whose_database_is_away_is_named_and_the_rest_is_shown(client, monkeypatch):
    def away(*args, **kwargs):
        raise StoreDown("newsletter")

    monkeypatch.setattr(connections["newsletter"], "cursor", away)
    monkeypatch.setattr("webstreet.engine.metrics.figures.PARTS", {})
    found = read(client)
    assert found["webstreet_metrics_part_broken"][("newsletter",)] == 1
    assert "process_resident_memory_bytes" in found


def test_atoms_add_figures(client):
    def figures():
        return [Figure("pots", "Pots of tea.", {("green",): 3}, ("kind",))]

    hooks.register("metrics")(figures)
    try:
        assert read(client)["webstreet_pots"] == {("green",): 3}
    finally:
        hooks.unregister("metrics", figures)


def test_requests_are_counted_by_class_and_cache():
    traffic = Traffic()
    for seconds in (0.0005, 0.002, 99.0):
        traffic.count("GET", "200 OK", "hit", seconds)
    traffic.count("BREW", "418 I'm a teapot", "bypass", 0.2)
    counted = traffic.counted()
    assert set(counted) == {("GET", "2xx", "hit"), ("other", "4xx", "bypass")}
    buckets, seconds = counted["GET", "2xx", "hit"]
    assert (buckets[0], buckets[1], buckets[-1], sum(buckets)) == (1, 1, 1, 3)
    assert seconds == pytest.approx(99.0025)


def test_buckets_add_up(client, monkeypatch):
    traffic = Traffic()
    for seconds in (0.0005, 0.002, 99.0):
        traffic.count("GET", "200 OK", "hit", seconds)
    traffic.count("GET", "404 Not Found", "hit", 0.0001)
    monkeypatch.setattr("webstreet.engine.metrics.exposition.traffic", traffic)
    found = read(client)
    buckets = found["webstreet_http_request_duration_seconds_bucket"]
    assert (buckets[("hit", "0.001")], buckets[("hit", "0.0025")], buckets[("hit", "+Inf")]) == (2, 3, 4)
    assert found["webstreet_http_request_duration_seconds_count"] == {("hit",): 4}
    assert found["webstreet_http_requests_total"] == {("hit", "GET", "2xx"): 3, ("hit", "GET", "4xx"): 1}


def test_only_for_neighbours_and_for_who_has_the_token(client, settings):
    assert client.get("/-/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert client.get("/-/metrics", headers={"authorization": "Bearer "}, REMOTE_ADDR="192.0.2.1").status_code == 404
    environment = settings.WEBSTREET_ENVIRONMENT
    given = {name: getattr(environment, name) for name in environment.__slots__}
    settings.WEBSTREET_ENVIRONMENT = type(environment)(**{**given, "metrics_token": Secret("right")})
    for token, status in (("right", 200), ("wrong", 404), ("", 404)):
        answer = client.get("/-/metrics", headers={"authorization": f"Bearer {token}"}, REMOTE_ADDR="192.0.2.1")
        assert answer.status_code == status


@pytest.mark.requirement("H4")
def test_no_reader_is_in_the_figures(client):
    from webstreet.atoms.newsletter.models import Subscriber

    Subscriber.objects.create(email="canary.person@example.org")
    client.get("/newsletter/confirm/secret-token-of-canary/", REMOTE_ADDR="203.0.113.77")
    text = client.get("/-/metrics", **NEIGHBOUR).content.decode()
    for canary in ("canary", "203.0.113", "newsletter/confirm", "example.org"):
        assert canary not in text
