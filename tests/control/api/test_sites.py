"""Sites over the API, from opening to closing; what is never shown."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import yaml

from webstreet.control.clients.models import Client
from webstreet.control.sites.models import Site

BODY = {
    "client": "acme",
    "site": "blog",
    "title": "Le blog",
    "template": "publication",
    "domains": ["Blog.Acme.Example."],
    "languages": ["fr"],
    "parameters": {"newsletter": {"on_publish": "draft"}},
    "residency": {"newsletter": "client"},
    "database_urls": {
        "default": "postgresql://u:canary-1@db.example/a",
        "newsletter": "postgresql://u:canary-2@db.example/b",
    },
    "email_url": "smtp://u:canary-3@mail.example:587",
    "settings": {"EVENTS_SECRET": "canary-8-0123456789-abc", "BOUNCE_MAILBOX_URL": "imaps://u:canary-9@mail.example"},
}


@pytest.mark.requirement("H11")
def test_the_life_of_a_site(acme: Client, memory: Any, operator: Any, reconcile: Any) -> None:
    answer = operator.post("/sites", BODY)
    assert answer.status_code == 201, answer.content
    assert answer.json()["state"] == "opening"
    assert answer.json()["domains"] == ["blog.acme.example"]
    reconcile()
    shown = operator.get("/sites/acme/blog").json()
    assert (shown["state"], shown["wanted_generation"], shown["seen_generation"]) == ("running", 1, 1)
    assert shown["differs"] == []
    assert shown["address"] == "http://blog.acme.example"
    assert {p["name"] for p in shown["processes"]} == {"web", "worker"}
    assert shown["seen_at"]
    assert "/console/sites/site/" in shown["console_url"]
    assert operator.post("/sites/acme/blog/suspend").json()["state"] == "suspending"
    reconcile()
    assert operator.get("/sites/acme/blog").json()["state"] == "suspended"
    assert operator.post("/sites/acme/blog/resume").status_code == 202
    reconcile()
    closing = operator.post("/sites/acme/blog/close", {"confirm": "acme/blog"})
    assert (closing.status_code, closing.json()["state"]) == (202, "closing")
    assert operator.post("/sites/acme/blog/resume").json()["code"] == "site.closing"
    reconcile(6)
    assert operator.get("/sites/acme/blog").status_code == 404
    assert operator("DELETE", "/clients/acme").status_code == 204


def test_secrets_never_come_back(
    acme: Client, memory: Any, operator: Any, reconcile: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [operator.post("/sites", BODY).content.decode()]
    reconcile()
    broken = BODY | {"site": "b2", "domains": [], "database_urls": {"newsletter": "canary-4"}, "email_url": "canary-5"}
    texts.append(operator.post("/sites", broken).content.decode())
    texts.append(operator.post("/sites", BODY | {"database_urls": ["canary-6"]}).content.decode())
    texts.append(operator.post("/sites", BODY | {"email_url": {"x": "canary-7"}}).content.decode())
    texts.append(operator.post("/sites", BODY | {"settings": {"EVENTS_SECRET": "canary-10"}}).content.decode())
    paths = (
        "/sites",
        "/sites/acme/blog",
        "/sites/acme/blog/rendered",
        "/customizations",
        "/events",
        "/keys",
        "/clients",
    )
    for path in paths:
        texts.append(operator.get(path).content.decode())
    site = Site.objects.get(name="blog")
    texts += [caplog.text, repr(site), repr(vars(site)), repr(site.workload()), repr(list(site.secrets.all()))]
    assert "canary" not in "".join(texts)
    assert operator.key.rpartition("_")[2] not in "".join(texts)


def test_rendered_is_yaml(blog: Site, viewer: Any, reconcile: Any) -> None:
    reconcile()
    answer = viewer.get("/sites/acme/blog/rendered")
    assert answer["Content-Type"].startswith("text/yaml")
    manifest, wanted, seen = yaml.safe_load_all(answer.content)
    assert manifest["site"] == "blog"
    assert [s["name"] for s in wanted["wanted"]["secrets"]] == ["SECRET_KEY"]
    assert seen["seen"]["state"] == "running"


def test_logs_are_text_and_can_be_followed(blog: Site, viewer: Any, reconcile: Any) -> None:
    reconcile()
    answer = viewer.get("/sites/acme/blog/logs?process=web")
    assert answer["Content-Type"].startswith("text/plain")
    assert answer.content == b"generation 1 serves\n"
    followed = viewer.get("/sites/acme/blog/logs?follow=true")
    assert followed.streaming
    assert b"".join(followed.streaming_content) == b"web: generation 1 serves\n"


def test_too_many_followers_are_refused(blog: Site, viewer: Any, reconcile: Any) -> None:
    reconcile()
    held = [viewer.get("/sites/acme/blog/logs?follow=true") for _ in range(2)]
    answer = viewer.get("/sites/acme/blog/logs?follow=true")
    assert (answer.status_code, answer.json()["code"]) == (429, "logs.too_many_followers")
    for one in held:
        one.close()
    assert viewer.get("/sites/acme/blog/logs?follow=true").status_code == 200


def test_lists_are_paged_searched_sorted_and_filtered(acme: Client, memory: Any, operator: Any, reconcile: Any) -> None:
    for name in ("alpha", "beta", "gamma"):
        operator.post("/sites", {"client": "acme", "site": name, "template": "publication", "title": f"The {name}"})
    memory.break_generation(Site.objects.get(name="gamma").site_id, 1, "It is broken.")
    reconcile()

    def names(query: str) -> list[str]:
        return [s["site"] for s in operator.get(f"/sites?{query}").json()["items"]]

    assert names("") == ["gamma", "alpha", "beta"]
    assert names("sort=name") == ["alpha", "beta", "gamma"]
    assert names("sort=-name") == ["gamma", "beta", "alpha"]
    assert names("sort=name&limit=1&offset=1") == ["beta"]
    assert names("q=THE+BE") == ["beta"]
    assert names("state=failing") == ["gamma"]
    assert operator.get("/sites?limit=1").json()["total"] == 3
