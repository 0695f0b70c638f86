"""The site's addresses for readers and machines: API, what the atoms bring, files, and Wagtail's pages last.

`engine.urls` has the admin's before them. A worker writes addresses into mails with these alone (`addresses.for_readers`), because the
admin's bring the whole admin with them.
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
from wagtail.documents import urls as wagtaildocs_urls

from webstreet.engine import login, logs, media, shared_passwords


def _of_atoms(name: str) -> list[Any]:
    found: list[Any] = []
    for atom in settings.SITE_ATOMS:
        if importlib.util.find_spec(f"{atom.app}.urls") is not None:
            found += getattr(importlib.import_module(f"{atom.app}.urls"), name, [])
    return found


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    """Every route written with ``path()``, whole, without a language before it."""
    for entry in patterns:
        own = "" if isinstance(entry.pattern, LocalePrefixPattern) else str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, before + own)
        elif isinstance(entry, URLPattern):
            yield before + own


urlpatterns = [
    path("-/login/<str:token>/", login.link_view, name="engine_login"),
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

logs.keep_secret(routes(urlpatterns))
