"""The catalogue's pages: atoms and templates of the shipped release, to read."""

from __future__ import annotations

from typing import Any

import yaml
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from webstreet.contract.atom import AtomManifest
from webstreet.control.catalogue import shelf
from webstreet.control.console.site import console
from webstreet.control.sites import dictionary
from webstreet.control.sites.models import Site
from webstreet.kernel.errors import NotFound


def atoms(request: HttpRequest) -> HttpResponse:
    release = shelf.release()
    used = dictionary.uses_of_atoms(Site.objects.kept(), release.atoms)
    rows = [{"atom": atom, "sites": used[atom.name]} for atom in release.atoms]
    return console.page(request, "console/atoms.html", title=_("Atoms"), rows=rows, release=release)


def atom(request: HttpRequest, name: str) -> HttpResponse:
    try:
        found = shelf.atom(name)
    except NotFound as error:
        raise Http404(error.message) from None
    return console.page(
        request,
        "console/atom.html",
        title=found.title,
        atom=found,
        parameters=_parameters(found),
        templates=shelf.templates_with(name),
        sites=dictionary.with_atom(_kept(), name)[:50],
    )


def templates(request: HttpRequest) -> HttpResponse:
    used = dictionary.uses_of_templates(Site.objects.kept())
    rows = [{"template": one, "sites": used.get(one.name, 0)} for one in shelf.templates()]
    return console.page(request, "console/templates.html", title=_("Templates"), rows=rows)


def template(request: HttpRequest, name: str) -> HttpResponse:
    try:
        found = shelf.template(name)
    except NotFound as error:
        raise Http404(error.message) from None
    known = shelf.release().by_name
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
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).strip() if values else ""


def _parameters(found: AtomManifest) -> list[dict[str, Any]]:
    """One row a parameter: name, type, default, what it does."""
    rows = []
    for name, schema in found.parameters.get("properties", {}).items():
        choices = schema.get("enum") or [o.get("const") for o in schema.get("anyOf", []) if "const" in o]
        kind = " | ".join(map(str, choices)) if choices else schema.get("type") or _("several")
        default = schema.get("default")
        rows.append(
            {
                "name": name,
                "kind": kind,
                "default": "" if default in (None, "", [], {}) else _yaml(default).removesuffix("\n..."),
                "description": schema.get("description", ""),
            }
        )
    return rows
