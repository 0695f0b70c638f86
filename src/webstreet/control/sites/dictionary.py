"""Where atoms and templates are used: the atom dictionary's "used by", kept by the program."""

from __future__ import annotations

from webstreet.control.clients.access import Actor
from webstreet.control.sites.models import Site


def sites_with_atom(actor: Actor, atom: str) -> int:
    return int(actor.sees(Site, Site.objects.kept()).filter(wanted_atoms__has_key=atom).count())


def sites_with_template(actor: Actor, template: str) -> int:
    return int(actor.sees(Site, Site.objects.kept()).filter(wanted_template=template).count())
