"""The catalogue as values: offers, and the templates and atoms that came with this installation."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from webstreet.contract import template as shipped
from webstreet.contract.atom import AtomManifest
from webstreet.contract.base import closest
from webstreet.contract.release import ReleaseManifest
from webstreet.contract.template import TemplateManifest
from webstreet.kernel.errors import BadInput, Broken, NotFound


class OfferMissing(BadInput):
    """There is no offer of that name."""

    code = "offer.missing"


class AtomMissing(NotFound):
    """There is no atom of that name in this release."""

    code = "atom.unknown"


class CatalogueMissing(Broken):
    """The description of the shipped release is not there: a damaged installation."""

    code = "catalogue.missing"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a client buys. ``shared``: one cluster for all. ``dedicated``: one cluster for this client alone."""

    name: str
    title: str | Promise
    purpose: str | Promise


OFFERS = {
    offer.name: offer
    for offer in (
        Offer("shared", _("Shared"), _("One cluster for all clients; a peak of one uses what the others leave.")),
        Offer("dedicated", _("Dedicated"), _("A cluster for this client alone, on servers it picks one by one.")),
    )
}


def offer(name: str) -> Offer:
    if name not in OFFERS:
        hint = closest(name, OFFERS) or f"There are: {', '.join(OFFERS)}."
        raise OfferMissing(f'There is no offer "{name[:80]}". {hint}')
    return OFFERS[name]


def release() -> ReleaseManifest:
    """The release that new sites start with."""
    try:
        return shipped.shipped_release()
    except FileNotFoundError:
        raise CatalogueMissing(
            "This installation lacks its release description (webstreet/catalogue/release.json). Install Webstreet again."
        ) from None


def spoken_release() -> ReleaseManifest:
    """The same with its texts in the language of whoever reads them."""
    return release().in_language(get_language() or "en")


def atom(name: str) -> AtomManifest:
    known = release().by_name
    if name not in known:
        hint = closest(name, known) or f"There are: {', '.join(sorted(known))}."
        raise AtomMissing(f'There is no atom "{name[:80]}". {hint}')
    return known[name]


def templates() -> list[TemplateManifest]:
    return list(shipped.shipped_templates().values())


def spoken(template: TemplateManifest) -> TemplateManifest:
    """A template with its texts in the language of whoever reads them."""
    return template.in_language(get_language() or "en")


def template(name: str) -> TemplateManifest:
    return shipped.shipped_template(name)


def templates_with(atom_name: str) -> list[TemplateManifest]:
    """The templates that a given atom is part of."""
    return [found for found in templates() if atom_name in found.atoms]
