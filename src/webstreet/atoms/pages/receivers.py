"""What pages answer when other parts of the site ask."""

from __future__ import annotations

from webstreet.atoms.pages import starter
from webstreet.contract.site import SiteManifest
from webstreet.contract.template import TemplateManifest
from webstreet.engine import hooks


@hooks.register("starter_content", order=10)
def starter_content(manifest: SiteManifest, template: TemplateManifest | None) -> None:
    """After the home page exists."""
    starter.make(manifest, template)
