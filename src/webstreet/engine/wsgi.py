"""The WSGI application of a site."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webstreet.engine.settings")
django.setup(set_prefix=False)

from webstreet.engine.pagecache.front import SiteApplication  # noqa: E402 after Django is set up

application = SiteApplication()
