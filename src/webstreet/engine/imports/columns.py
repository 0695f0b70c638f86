"""Which column of a list of subscribers is what: by its title, in English and French, and as Ghost, listmonk, Mailchimp and Substack
write it; or as the person who imports says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from webstreet.contract.base import closest
from webstreet.kernel.errors import BadInput

FIELDS = (
    "email", "name", "first_name", "last_name", "status", "created_at", "status_at", "consent_at", "consent", "lists", "language", "id",
)  # fmt: skip
_TITLES = {
    "email": ("email", "e-mail", "mail", "email address", "e-mail address", "adresse e-mail", "adresse email", "adresse mail", "courriel",
              "adresse de courriel", "adresse electronique", "subscriber email", "contact email"),
    "name": ("name", "full name", "nom complet", "nom et prenom", "display name", "subscriber name"),
    "first_name": ("first name", "firstname", "prenom", "given name"),
    "last_name": ("last name", "lastname", "nom", "nom de famille", "surname", "family name"),
    "status": ("status", "statut", "etat", "state", "subscription status", "subscribed", "subscribed to emails", "email disabled",
               "abonne", "actif", "active"),
    "created_at": ("created at", "created", "date created", "creation date", "date de creation", "cree le", "date d inscription",
                   "inscrit le", "subscribed at", "subscription date", "signup date", "sign up date", "optin time", "joined", "added",
                   "date added", "start date"),
    "status_at": ("unsubscribed at", "unsub time", "unsubscribed date", "desinscrit le", "date de desinscription", "cleaned time",
                  "clean time", "bounced at", "status date"),
    "consent_at": ("consent at", "consent date", "date du consentement", "confirmed at", "confirm time", "confirmation date",
                   "opt in date", "optin date"),
    "consent": ("consent source", "consent", "consentement", "source du consentement", "opt in source", "consent text", "preuve"),
    "lists": ("lists", "list", "listes", "liste", "newsletters", "newsletter"),
    "language": ("language", "langue", "lang", "locale"),
    "id": ("id", "uuid", "external id", "leid", "euid", "identifiant"),
}  # fmt: skip


class ColumnUnknown(BadInput):
    """A list has no column that is needed, or that was named."""

    code = "csv.column"


def plain_title(text: str) -> str:
    """A title without case, accents and punctuation, so that "E-Mail " and "e_mail" are the same."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", "".join(c for c in folded if not unicodedata.combining(c))).split())


_BY_TITLE = {plain_title(title): field for field, titles in _TITLES.items() for title in titles}


def chosen(titles: Sequence[str], given: Sequence[str]) -> dict[str, int]:
    """Field -> number of its column.

    Args:
        titles: the first line's.
        given: "field=Title" of ``--map``; these win.

    Raises:
        ColumnUnknown: a field or a column that does not exist, or no column for the address.
    """
    plain = [plain_title(title) for title in titles]
    found: dict[str, int] = {}
    for text in given:
        field, equals, title = text.partition("=")
        field = field.strip().lower()
        if not equals or field not in FIELDS:
            hint = closest(field, FIELDS) or f"The fields are {', '.join(FIELDS)}."
            raise ColumnUnknown(f"--map {field[:40]} is not understood: write it as FIELD=COLUMN. {hint}")
        if plain_title(title) not in plain:
            raise ColumnUnknown(f'The list has no column "{title[:60]}". It has: {_shown(titles)}.')
        found[field] = plain.index(plain_title(title))
    for number, title in enumerate(plain):
        field = _BY_TITLE.get(title, "")
        if field and field not in found and number not in found.values():
            found[field] = number
    if "email" not in found:
        raise ColumnUnknown(
            f"No column of the list holds the addresses. It has: {_shown(titles)}. Say which: --map email=COLUMN"
        )
    return found


def _shown(titles: Sequence[str]) -> str:
    """Titles for a message. What looks like an address is none: the list has no first line of titles then."""
    return (
        ", ".join(f'"{title.strip()[:40]}"' for title in titles[:20] if title.strip() and "@" not in title)
        or "no titles"
    )
