"""The site these processes serve: its manifest and the parameters of its atoms."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from webstreet.contract.site import SiteManifest
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
    return parameters_class(atom)(**values)


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


def public_parts(parts: Any) -> Any:
    """A page's URL parts with the site's public base, whatever host and port Wagtail's own record of the site names."""
    return (parts[0], base_url(), parts[2]) if parts and parts[2] else parts
