"""The dictionaries' pages that are no list of rows: configuration and settings."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from webstreet.control.catalogue import settings as table
from webstreet.control.catalogue import shelf
from webstreet.control.clients.access import Actor
from webstreet.control.console.site import console
from webstreet.control.console.words import KINDS, SCOPES
from webstreet.control.sites.dictionary import Configuration, Entry
from webstreet.control.tables import csv_answer

PER_PAGE = 100


def settings(request: HttpRequest) -> HttpResponseBase:
    text, scope = _given(request, "q").lower(), _given(request, "scope")
    known = [one.said() for one in table.settings(shelf.spoken_release(), _)]
    found = [s for s in known if scope in ("", s["scope"]) and text in f"{s['name']} {s['meaning']}".lower()]
    if request.GET.get("format") == "csv":
        titles = tuple(known[0])
        return csv_answer("settings", titles, ([s[name] for name in titles] for s in found), spreadsheet=True)
    groups = [(word, [s for s in found if s["scope"] == name]) for name, word in SCOPES.items()]
    return _page(
        request,
        "console/settings.html",
        title=_("Settings"),
        groups=[(word, rows) for word, rows in groups if rows],
        choices=[("scope", _("Controls"), scope, list(SCOPES.items()))],
        total=len(found),
    )


class _Entries:
    """What a paginator asks of a list; reads only the page it is asked for."""

    def __init__(self, found: Configuration) -> None:
        self._found = found

    def count(self) -> int:
        return self._found.total

    def __getitem__(self, part: slice) -> list[Entry]:
        return self._found.entries(part.start, part.stop - part.start)


def configuration(request: HttpRequest) -> HttpResponseBase:
    kind, atom = _given(request, "kind"), _given(request, "atom")
    kind = kind if kind in KINDS else ""
    found = Configuration(Actor.of_member(request.user.member), kind=kind, atom=atom, text=_given(request, "q"))  # type: ignore[union-attr]
    if request.GET.get("format") == "csv":
        return csv_answer("configuration", found.COLUMNS, found.rows(), spreadsheet=True)
    shown = Paginator(_Entries(found), PER_PAGE).get_page(request.GET.get("page"))  # type: ignore[arg-type]
    atoms = [(one.name, one.name) for one in shelf.release().atoms]
    return _page(
        request,
        "console/configuration.html",
        title=_("Configuration"),
        shown=shown,
        total=found.total,
        choices=[("kind", _("Kind"), kind, list(KINDS.items())), ("atom", _("Atom"), atom, atoms)],
    )


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    query = request.GET.copy()
    for name in ("page", "format"):
        query.pop(name, None)
    export = query.copy()
    export["format"] = "csv"
    return console.page(
        request, template, q=_given(request, "q"), query=query.urlencode(), export=export.urlencode(), **context
    )


def _given(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "").strip()[:100]
