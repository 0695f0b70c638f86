"""Every address of a site is looked at as a screen by the browser's tests, or it is said here why not."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from django.urls import get_resolver, path

from tests.browser import pages
from tests.browser.addresses import addresses, left_out, looked_at, useless

CONTENT = {"french tag": "maree"}
OURS = (
    "wagtailadmin_home",
    "wagtailadmin_account",
    "wagtailsettings:*",
    "wagtailsnippets_articles_*",
    "wagtailsnippets_menu_*",
    "mfa_*",
    "account_*",
    "logins_*",
)
"""Screens of Wagtail's that are about what is ours, and ours behind a guard of Wagtail's; its others are as Wagtail made them."""
EXCUSED = {
    "articles-atom": "a feed",
    "articles-rss": "a feed",
    "articles-robots": "for machines",
    "articles-sitemap": "for machines",
    "theme-*": "a file",
    "webstreet.engine.media.serve": "a file",
    "newsletter_api_*": "for programs",
    "django.views.generic.base.TemplateView": "Wagtail's own",
    "account_logout": "leads on to the door",
    "wagtailcore_login": "leads on to the door",
    "mfa_login_webauthn": "asked for by the door's script",
    "mfa_list_webauthn": "leads on to the page about security",
    "logins_sign_out_elsewhere": "leads back to the page about security",
    "engine_sign_ins_results": "a part of the page of sign-ins",
    "wagtailsettings:preview_on_edit": "a part of an editor",
    "wagtailsnippets_*:*_results": "a part of a page",
    "wagtailsnippets_*:history": "Wagtail's own: what happened to any object",
    "wagtailsnippets_*:usage": "Wagtail's own: where any object is used",
    "wagtailsnippets_*:delete": "Wagtail's own: asks about any object",
    "wagtailsnippets_*:copy": "the editor of something new, filled in",
    "wagtailsnippets_*:reorder": "answers a script",
    "newsletter_admin:*_status": "a part of a page",
    "newsletter_admin:delivering": "a part of the dashboard",
    "newsletter_admin:issue_preview": "the mail itself, in a frame: looked at as a mail",
    "newsletter_admin:*export": "a file",
    "newsletter_admin:issue_csv": "a file",
    "newsletter_admin:issue_act": "leads back to the issue",
    "newsletter_admin:issue_retry": "leads back to the recipients",
    "newsletter_admin:issue_test": "leads back to the mail",
    "newsletter_admin:subscriber_unsubscribe": "leads back to the subscriber",
    "newsletter_admin:sender_*": "leads back to the page of the sender",
}


def ours(patterns: Any) -> Iterator[str]:
    for name, module in addresses(patterns):
        if not module.startswith("wagtail.") or any(fnmatchcase(name, about) for about in OURS):
            yield name


@pytest.fixture
def looked() -> set[str]:
    below = {
        "/admin/": pages.ENTRANCES | pages.REFUSED,
        "/admin/newsletter/": pages.NEWSLETTER_ADMIN | pages.NEWSLETTER_ADMIN_ANSWERS,
    }
    whole = [
        *pages.SITE.values(),
        *pages.NEWSLETTER.values(),
        *pages.NEWSLETTER_ANSWERS.values(),
        *pages.ADMIN.values(),
    ]
    whole += [pages.LOGIN_LINK, *pages.EDITORS.values(), *(path for _status, path in pages.NEWSLETTER_BROKEN.values())]
    whole += [before + path for before, found in below.items() for path in found.values()]
    return looked_at([path for path in whole if path.startswith("/")], CONTENT)


def test_every_address_is_looked_at(looked: set[str]) -> None:
    names = list(ours(get_resolver().url_patterns))
    assert len(names) > 60
    assert left_out(names, looked, EXCUSED) == []
    assert useless(names, looked, EXCUSED) == []


def test_a_new_address_is_missed(looked: set[str]) -> None:
    def view(request: Any) -> Any: ...

    planted = [*get_resolver().url_patterns, path("admin/newsletter/planted/", view, name="planted")]
    assert left_out(ours(planted), looked, EXCUSED) == ["planted"]
