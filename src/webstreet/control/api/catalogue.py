"""/atoms and /templates: what came with this installation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from webstreet.contract.atom import AtomManifest
from webstreet.contract.template import TemplateManifest
from webstreet.control.api.pages import Page, Paging, listed
from webstreet.control.catalogue import shelf
from webstreet.control.clients.access import Actor
from webstreet.control.sites.dictionary import sites_with_atom, sites_with_template

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


def _atom(actor: Actor, atom: AtomManifest) -> dict[str, Any]:
    names = ("name", "title", "kind", "purpose", "typical_use", "sensitive", "stores", "requires", "parameters",
             "hooks_offered", "hooks_used")  # fmt: skip
    used = {"templates": [t.name for t in shelf.templates_with(atom.name)], "sites": sites_with_atom(actor, atom.name)}
    return {name: getattr(atom, name) for name in names} | used


def _template(actor: Actor, template: TemplateManifest) -> dict[str, Any]:
    return {
        "name": template.name,
        "title": template.title,
        "purpose": template.purpose,
        "typical_use": template.typical_use,
        "atoms": template.atoms,
        "pages": [page.slug for page in template.pages],
        "sites": sites_with_template(actor, template.name),
    }


@atoms.get("", response=AtomPage, summary="List the atoms of this release")
def list_atoms(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    found, total = listed(shelf.release().atoms, paging, lambda atom: f"{atom.name} {atom.title} {atom.purpose}")
    return {"items": [_atom(request.auth, atom) for atom in found], "total": total}


@atoms.get("/{name}", response=AtomOut, summary="Show an atom and its parameters")
def show_atom(request: HttpRequest, name: str) -> dict[str, Any]:
    return _atom(request.auth, shelf.atom(name))


@templates.get("", response=TemplatePage, summary="List templates")
def list_templates(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    found, total = listed(shelf.templates(), paging, lambda one: f"{one.name} {one.title} {one.purpose}")
    return {"items": [_template(request.auth, one) for one in found], "total": total}


@templates.get("/{name}", response=TemplateOut, summary="Show a template")
def show_template(request: HttpRequest, name: str) -> dict[str, Any]:
    return _template(request.auth, shelf.template(name))
