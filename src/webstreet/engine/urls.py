"""The site's addresses: admin, API, what the atoms bring, files, and Wagtail's pages last.

A parameter named ``token`` is a secret: it is masked in every log.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.urls.resolvers import LocalePrefixPattern
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

from webstreet.engine import login, logs, media, shared_passwords
from webstreet.engine.accounts.views import to_sign_in


def _of_atoms(name: str) -> list[Any]:
    found: list[Any] = []
    for atom in settings.SITE_ATOMS:
        if importlib.util.find_spec(f"{atom.app}.urls") is not None:
            found += getattr(importlib.import_module(f"{atom.app}.urls"), name, [])
    return found


def _routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    """Every route written with ``path()``, whole, without a language before it."""
    for entry in patterns:
        own = "" if isinstance(entry.pattern, LocalePrefixPattern) else str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _routes(entry.url_patterns, before + own)
        elif isinstance(entry, URLPattern):
            yield before + own


urlpatterns = [
    path("-/login/<str:token>/", login.link_view, name="engine_login"),
    path("admin/", include("webstreet.engine.accounts.urls")),
    # Wagtail's own page for readers' passwords knows no second factor.
    path("_util/login/", to_sign_in, name="wagtailcore_login"),
    path("admin/", include(wagtailadmin_urls)),
    *shared_passwords.of_documents,
    path("documents/", include(wagtaildocs_urls)),
    path("api/", include(_of_atoms("api_urlpatterns"))),
    re_path(r"^media/(?P<path>.+)$", media.serve),
    path("", include("webstreet.engine.theme.urls")),
    *_of_atoms("root_urlpatterns"),
    *i18n_patterns(
        *_of_atoms("urlpatterns"),
        *shared_passwords.of_pages,
        path("", include(wagtail_urls)),
        prefix_default_language=False,
    ),
]

logs.keep_secret(_routes(urlpatterns))

handler400 = "webstreet.engine.errors.bad_request"
handler403 = "webstreet.engine.errors.permission_denied"
handler404 = "webstreet.engine.errors.page_not_found"
handler500 = "webstreet.engine.errors.server_error"
