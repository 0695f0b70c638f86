"""The site these processes serve: its manifest and the parameters of its atoms."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from webstreet.contract.site import SiteManifest
from webstreet.engine.pagecache.memo import remembered
from webstreet.engine.release import parameters_class
from webstreet.kernel.errors import NotFound


def current() -> SiteManifest:
    """The manifest that the settings were made from."""
    manifest: SiteManifest = settings.WEBSTREET_SITE
    return manifest


def has(atom: str) -> bool:
    return atom in current().atoms


def parameters(atom: str) -> Any:
    """The atom's parameters as an instance of its ``Params``; defaults filled in.

    Raises:
        NotFound: the site does not have this atom.
    """
    values = current().atoms.get(atom)
    if values is None:
        raise NotFound(f'This site has no atom "{atom}": add it under atoms in site.yaml.', code="atom.missing")
    return _parameters(atom, json.dumps(values, default=str))


@lru_cache(maxsize=64)
def _parameters(atom: str, values: str) -> Any:
    """Checked once; a page asks a dozen times."""
    return parameters_class(atom)(**json.loads(values))


def base_url() -> str:
    """Scheme and host under which readers reach the site; no slash at the end."""
    url: str = settings.WEBSTREET_BASE_URL
    return url


def absolute(path: str) -> str:
    """``/articles/x/`` -> the same below `base_url`."""
    return path if "://" in path else f"{base_url()}/{path.lstrip('/')}"


def wagtail_site() -> Any:
    """Wagtail's own record of the site with its root page, or None before `prepare` has made it."""
    from wagtail.models import Site

    return Site.objects.filter(is_default_site=True).select_related("root_page").first()


def home_page() -> Any:
    """The home page in the first language, as Wagtail's plain page.

    Raises:
        Site.DoesNotExist: before `prepare` has made it.
    """
    from wagtail.models import Site

    return Site.objects.select_related("root_page").get(is_default_site=True).root_page


def found_for(request: HttpRequest) -> None:
    """Tell Wagtail which site a request is for: there is one. It would ask the database on each request."""
    from wagtail.models import Site

    def ask() -> Any:
        found = Site.find_for_request(request)
        if found is not None:
            _ = found.root_page.specific
        return found

    known = remembered(f"site:{request.get_host()}", ask)
    if known is not None:
        # Copies, because pages hang values of this request onto them.
        site = copy.copy(known)
        site.root_page = copy.copy(known.root_page)
        site.root_page.__dict__["specific"] = copy.copy(known.root_page.specific)
        request._wagtail_site = site  # type: ignore[attr-defined]  # where Site.find_for_request looks first


def restrictions_of(ask: Callable[[], Any]) -> Any:
    """A page's view restrictions as ``ask`` finds them; without asking where no page of the site has any."""
    from wagtail.models import PageViewRestriction

    if remembered("restrictions", PageViewRestriction.objects.exists):
        return ask()
    return PageViewRestriction.objects.none()


def public_parts(parts: Any) -> Any:
    """A page's URL parts with the site's public base, whatever host and port Wagtail's own record of the site names."""
    return (parts[0], base_url(), parts[2]) if parts and parts[2] else parts
