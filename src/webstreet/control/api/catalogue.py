"""/atoms and /templates: what came with this installation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from webstreet.contract.atom import AtomManifest
from webstreet.contract.template import TemplateManifest
from webstreet.control.api.pages import Exported, Page, Paging, listed
from webstreet.control.catalogue import shelf
from webstreet.control.catalogue.settings import default_of, takes
from webstreet.control.sites.dictionary import sites_of, uses_of_atoms, uses_of_templates
from webstreet.control.tables import csv_answer

atoms = Router(tags=["catalogue"])
templates = Router(tags=["catalogue"])


class AtomOut(Schema):
    name: str
    title: str
    kind: str
    purpose: str
    typical_use: str
    sensitive: bool
    stores: list[str]
    requires: list[str]
    parameters: dict[str, Any]
    hooks_offered: list[str]
    hooks_used: list[str]
    templates: list[str]
    sites: int


class AtomPage(Page):
    items: list[AtomOut]


class TemplateOut(Schema):
    name: str
    title: str
    purpose: str
    typical_use: str
    atoms: dict[str, dict[str, Any]]
    pages: list[str]
    sites: int


class TemplatePage(Page):
    items: list[TemplateOut]


def _atom(atom: AtomManifest, sites: int) -> dict[str, Any]:
    names = ("name", "title", "kind", "purpose", "typical_use", "sensitive", "stores", "requires", "parameters",
             "hooks_offered", "hooks_used")  # fmt: skip
    used = {"templates": [t.name for t in shelf.templates_with(atom.name)], "sites": sites}
    return {name: getattr(atom, name) for name in names} | used


def _template(template: TemplateManifest, used: dict[str, int]) -> dict[str, Any]:
    return {
        "name": template.name,
        "title": template.title,
        "purpose": template.purpose,
        "typical_use": template.typical_use,
        "atoms": template.atoms,
        "pages": [page.slug for page in template.pages],
        "sites": used.get(template.name, 0),
    }


ATOM_TITLES = (
    "atom", "title", "kind", "purpose", "typical_use", "sensitive", "stores", "requires", "hooks_offered", "hooks_used",
    "templates", "sites", "parameter", "takes", "default", "meaning",
)  # fmt: skip


def atom_rows(atom: AtomManifest, sites: int) -> Iterator[tuple[Any, ...]]:
    """One row a parameter; one without for an atom that has none."""
    shown = _atom(atom, sites)
    names = [name if name != "atom" else "name" for name in ATOM_TITLES[:12]]
    head = tuple(" ".join(shown[name]) if isinstance(shown[name], list) else shown[name] for name in names)
    properties = atom.parameters.get("properties", {}) or {"": {}}
    for name, schema in properties.items():
        kind = takes(schema, atom.parameters) if name else ""
        yield (*head, name, kind, default_of(schema), schema.get("description", ""))


@atoms.get("", response=AtomPage, summary="List the atoms of this release")
def list_atoms(request: HttpRequest, paging: Query[Exported]) -> Any:
    found, total = listed(shelf.release().atoms, paging, lambda atom: f"{atom.name} {atom.title} {atom.purpose}")
    used = uses_of_atoms(sites_of(request.auth), found)
    if paging.format == "csv":
        return csv_answer("atoms", ATOM_TITLES, (row for atom in found for row in atom_rows(atom, used[atom.name])))
    return {"items": [_atom(atom, used[atom.name]) for atom in found], "total": total}


@atoms.get("/{name}", response=AtomOut, summary="Show an atom and its parameters")
def show_atom(request: HttpRequest, name: str) -> dict[str, Any]:
    found = shelf.atom(name)
    return _atom(found, uses_of_atoms(sites_of(request.auth), [found])[name])


@templates.get("", response=TemplatePage, summary="List templates")
def list_templates(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    found, total = listed(shelf.templates(), paging, lambda one: f"{one.name} {one.title} {one.purpose}")
    used = uses_of_templates(sites_of(request.auth))
    return {"items": [_template(one, used) for one in found], "total": total}


@templates.get("/{name}", response=TemplateOut, summary="Show a template")
def show_template(request: HttpRequest, name: str) -> dict[str, Any]:
    return _template(shelf.template(name), uses_of_templates(sites_of(request.auth)))
