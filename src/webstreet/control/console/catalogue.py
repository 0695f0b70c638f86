"""The catalogue's pages: atoms and templates of the shipped release, to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from webstreet.contract.atom import AtomManifest
from webstreet.control.catalogue import shelf
from webstreet.control.catalogue.settings import default_of, takes
from webstreet.control.console.site import console
from webstreet.control.sites import dictionary
from webstreet.control.sites.models import Site
from webstreet.control.tables import csv_answer
from webstreet.kernel.errors import NotFound

COLUMNS = (
    "atom",
    "title",
    "kind",
    "purpose",
    "typical use",
    "sensitive",
    "sites",
    "parameter",
    "takes",
    "default",
    "meaning",
)


def atoms(request: HttpRequest) -> HttpResponseBase:
    release = shelf.spoken_release()
    text = request.GET.get("q", "").strip()[:100]
    found = [atom for atom in release.atoms if text.lower() in f"{atom.name} {atom.title} {atom.purpose}".lower()]
    used = dictionary.uses_of_atoms(Site.objects.kept(), found)
    if request.GET.get("format") == "csv":
        rows = (line for atom in found for line in _lines(atom, used[atom.name]))
        return csv_answer("atoms", COLUMNS, rows, spreadsheet=True)
    return console.page(
        request,
        "console/atoms.html",
        title=_("Atoms"),
        rows=[{"atom": atom, "sites": used[atom.name]} for atom in found],
        release=release,
        q=text,
        total=len(found),
        export=urlencode({"q": text, "format": "csv"}),
    )


def atom(request: HttpRequest, name: str) -> HttpResponse:
    try:
        found = shelf.atom(name).in_language(get_language() or "en")
    except NotFound as error:
        raise Http404(error.message) from None
    return console.page(
        request,
        "console/atom.html",
        title=found.title,
        atom=found,
        parameters=[of_parameter(found, key, value) for key, value in found.parameters.get("properties", {}).items()],
        calls=dictionary.uses_of_atom(name),
        called_by=dictionary.users_of_atom(name),
        templates=[shelf.spoken(one) for one in shelf.templates_with(name)],
        sites=dictionary.with_atom(_kept(), name)[:50],
    )


def templates(request: HttpRequest) -> HttpResponse:
    used = dictionary.uses_of_templates(Site.objects.kept())
    rows = [{"template": shelf.spoken(one), "sites": used.get(one.name, 0)} for one in shelf.templates()]
    return console.page(request, "console/templates.html", title=_("Templates"), rows=rows)


def template(request: HttpRequest, name: str) -> HttpResponse:
    try:
        found = shelf.spoken(shelf.template(name))
    except NotFound as error:
        raise Http404(error.message) from None
    known = shelf.spoken_release().by_name
    rows = [
        {"name": atom_name, "atom": known.get(atom_name), "parameters": _yaml(values)}
        for atom_name, values in found.atoms.items()
    ]
    return console.page(
        request,
        "console/template.html",
        title=found.title,
        template=found,
        rows=rows,
        sites=dictionary.from_template(_kept(), name)[:50],
    )


def _kept() -> Any:
    return Site.objects.kept().select_related("client")


def _yaml(values: object) -> str:
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).strip() if values not in (None, {}, []) else ""


def of_parameter(atom: AtomManifest, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """One row: name, what it takes, default, what it does."""
    return {
        "name": name,
        "kind": takes(schema, atom.parameters, _),
        "default": default_of(schema),
        "description": schema.get("description", ""),
    }


def _lines(atom: AtomManifest, sites: int) -> Iterator[tuple[Any, ...]]:
    """The atom as rows of CSV, one a parameter."""
    head = (atom.name, atom.title, atom.kind, atom.purpose, atom.typical_use, atom.sensitive, sites)
    for name, schema in (atom.parameters.get("properties") or {"": {}}).items():
        kind = takes(schema, atom.parameters, _) if name else ""
        yield (*head, name, kind, default_of(schema), schema.get("description", ""))
