"""What sites are told of the proxy in front of them, and when."""

from __future__ import annotations

from typing import Any

import pytest

from webstreet.contract.environment import SettingInvalid
from webstreet.control.clients.models import Client
from webstreet.control.orchestrators.memory import MemoryOrchestrator
from webstreet.control.sites.actions import Opening, open_site, refresh_settings
from webstreet.control.sites.front import check_pattern
from webstreet.control.sites.models import Site

PUBLIC = {"BASE_URL": "https://blog.acme.example", "TRUSTED_PROXIES": "127.0.0.1"}


def proxied(settings: Any) -> None:
    settings.SITES_BASE_URL, settings.TRUSTED_PROXIES_TEXT = "https://{domain}", "127.0.0.1"


def test_without_a_proxy_a_site_has_its_local_address(blog: Site, operator: Any, reconcile: Any) -> None:
    reconcile()
    assert blog.workload().settings == {}
    Site.objects.update(wanted_settings=None)  # opened before sites had settings
    assert refresh_settings(by="test") == 0
    shown = operator.get("/sites/acme/blog").json()
    assert shown["address"] == shown["listens_at"] != ""


def test_a_site_with_a_domain_is_told_of_the_proxy(acme: Client, memory: Any, settings: Any) -> None:
    proxied(settings)
    named = open_site(
        Opening(client="acme", site="named", template="publication", domains=["été.example", "b.example"]), by="t"
    )
    bare = open_site(Opening(client="acme", site="bare", template="publication"), by="t")
    assert named.workload().settings == PUBLIC | {"BASE_URL": "https://xn--t-9fab.example"}
    assert bare.workload().settings == {}


def test_other_settings_make_another_generation_once(
    blog: Site, memory: MemoryOrchestrator, operator: Any, reconcile: Any, settings: Any
) -> None:
    reconcile()
    proxied(settings)
    # Only when it is decided anew: the wish of a generation stays what it was, whatever the environment says by now.
    assert Site.objects.get().workload() == blog.workload()
    assert [refresh_settings(by="test") for _ in range(2)] == [1, 0]
    reconcile()
    after = operator.get("/sites/acme/blog").json()
    assert (after["state"], after["seen_generation"], after["differs"]) == ("running", 2, [])
    assert after["address"] == "https://blog.acme.example"
    assert after["listens_at"] == "http://blog.acme.example"
    assert memory.applied[-1].workload.settings == PUBLIC
    settings.SITES_BASE_URL = ""
    assert refresh_settings(by="test") == 1
    assert Site.objects.get().workload().settings == {}


@pytest.mark.parametrize("right", ["", "https://{domain}", "http://{domain}:8443"])
def test_a_pattern(right: str) -> None:
    assert check_pattern(right) == right


@pytest.mark.parametrize(
    "wrong", ["https", "{domain}", "ftp://{domain}", "https://x.{domain}", "https://{domain}/blog"]
)
def test_no_pattern(wrong: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        check_pattern(wrong)
    assert caught.value.error_code == "setting.sites_base_url"
