"""Every address of the control plane is looked at as a screen by the browser's tests, or it is said here why not."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import get_resolver, path

from tests.browser import pages
from tests.browser.addresses import addresses, left_out, looked_at, useless

CONTENT = {"site": "/sites/site/1/", "client": "/clients/client/1/"}
EXCUSED = {
    "api:*": "for programs",
    "django.views.generic.base.RedirectView": "leads on to the overview",
    "set_language": "leads back to the page",
    "mfa_login_webauthn": "asked for by the door's script",
    "mfa_list_webauthn": "leads on to the page about security",
    "logins_sign_out_elsewhere": "leads back to the page about security",
    "console:login": "the same page as account_login",
    "console:app_list": "leads on to the overview",
    "console:search": "answers a script of unfold's that the console does not use",
    "account_logout": "leads on to the door",
    "console:password_change_done": "leads on to the overview",
    "console:logout": "the same page as account_logout",
    "console:jsi18n": "words for scripts",
    "console:autocomplete": "answers a script",
    "console:view_on_site": "nothing in the console is on a site",
    "console:django.contrib.admin.sites.AdminSite.catch_all_view": "404",
    "console:django.views.generic.base.RedirectView": "leads on to a row's own page",
    "console:*_export": "a file",
    "console:*_delete": "forbidden",
    "console:*_history": "forbidden",
    "console:journal_event_add": "forbidden",
    "console:sites_customization_add": "forbidden",
    "console:*_change": "leads back to the list",
    "console:*_live": "a part of a page",
    "console:sites_site_archive": "a file",
    "console:sites_site_import_cancel": "leads back to the site",
    "console:sites_site_resume": "leads back to the site",
}


@pytest.fixture
def looked() -> set[str]:
    below = [*pages.CONSOLE.values(), *pages.CONSOLE_WALKED.values(), pages.CONSOLE_LINK]
    below += [path for _status, path in pages.CONSOLE_BEFORE.values()]
    entrances = [f"/console/{path}" for path in pages.ENTRANCES.values()]
    whole = [f"/console{path}" for path in below]
    return looked_at([*whole, *entrances, pages.API_DOCS], CONTENT)


def test_every_address_is_looked_at(looked: set[str]) -> None:
    names = [name for name, _module in addresses(get_resolver().url_patterns)]
    assert len(names) > 60
    assert left_out(names, looked, EXCUSED) == []
    assert useless(names, looked, EXCUSED) == []


def test_a_new_address_is_missed(looked: set[str]) -> None:
    def view(request: Any) -> Any: ...

    planted = [*get_resolver().url_patterns, path("console/planted/", view, name="planted")]
    assert left_out((name for name, _module in addresses(planted)), looked, EXCUSED) == ["planted"]
