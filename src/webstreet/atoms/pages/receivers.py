"""What pages answer when other parts of the site ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from webstreet.atoms.pages import starter
from webstreet.atoms.pages.importing import take
from webstreet.contract.site import SiteManifest
from webstreet.contract.template import TemplateManifest
from webstreet.engine import hooks


@hooks.register("starter_content", order=10)
def starter_content(manifest: SiteManifest, template: TemplateManifest | None) -> None:
    """After the home page exists."""
    starter.make(manifest, template)


@hooks.register("import_pages")
def import_pages(records: Iterable[Any], ctx: Any) -> None:
    take(records, ctx)
