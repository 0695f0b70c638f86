"""TemplateManifest: a named list of atoms with parameters and starter content. It contains no code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from webstreet.contract.base import Document, closest
from webstreet.contract.release import ReleaseManifest
from webstreet.contract.site import MANIFEST_NAME, SiteManifest, no_atom, parameter_problems
from webstreet.kernel.errors import NotFound, Problem


class StarterPage(Document):
    """A page that a new site has from the start. ``body`` is a list of StreamField blocks as {type, value}."""

    slug: str
    title: dict[Literal["en", "fr"], str]
    body: dict[Literal["en", "fr"], str] = Field(default_factory=dict)
    in_menu: bool = True


class TemplateWords(Document):
    """What a template says of itself in another language than English."""

    title: str
    purpose: str
    typical_use: str


class TemplateManifest(Document):
    """A template of the catalogue (``webstreet/catalogue/templates/NAME.yaml``).

    Attributes:
        atoms: name -> parameters; what a site starts with.
        pages: starter pages, made once when the site is opened.
        words: BCP 47 code -> the texts of this manifest in that language.
    """

    name: str
    title: str
    purpose: str
    typical_use: str
    atoms: dict[str, dict[str, Any]]
    pages: list[StarterPage] = Field(default_factory=list)
    words: dict[str, TemplateWords] = Field(default_factory=dict)

    def in_language(self, code: str) -> TemplateManifest:
        """The same with its texts in another language; English where that is missing."""
        said = self.words.get(code)
        return self.model_copy(update=said.model_dump()) if said else self

    def problems(self, release: ReleaseManifest) -> Iterator[Problem]:
        for name, values in self.atoms.items():
            atom = release.by_name.get(name)
            if atom is None:
                yield Problem(f"atoms.{name}", no_atom(release), closest(name, release.by_name))
            else:
                yield from parameter_problems(atom, values)

    def site(
        self,
        *,
        client: str,
        site: str,
        title: str,
        languages: list[str],
        domains: list[str],
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        residency: Mapping[str, str] | None = None,
    ) -> SiteManifest:
        """The manifest of a new site made from this template; ``parameters`` are laid over the template's."""
        atoms = {name: dict(values) for name, values in self.atoms.items()}
        for name, values in (parameters or {}).items():
            atoms.setdefault(name, {}).update(values)
        data = {
            "client": client,
            "site": site,
            "title": title,
            "template": self.name,
            "languages": languages,
            "domains": domains,
            "atoms": atoms,
            "residency": dict(residency or {}),
        }
        return SiteManifest.read(data, name=MANIFEST_NAME)


@cache
def shipped_templates() -> Mapping[str, TemplateManifest]:
    """The templates that come with Webstreet, by name."""
    folder = resources.files("webstreet.catalogue") / "templates"
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".yaml"):
            template = TemplateManifest.read_yaml(entry.read_text("utf-8"), name=entry.name)
            found[template.name] = template
    return found


@cache
def shipped_release() -> ReleaseManifest:
    """The release that comes with this installation, as written by ``python -m webstreet.engine manifest``."""
    source = resources.files("webstreet.catalogue") / "release.json"
    return ReleaseManifest.model_validate_json(source.read_text("utf-8"))


def shipped_template(name: str) -> TemplateManifest:
    """One template, or `NotFound` that names the nearest."""
    templates = shipped_templates()
    if name not in templates:
        hint = closest(name, templates) or f"There are: {', '.join(templates)}."
        raise NotFound(f'There is no template "{name[:80]}". {hint}', code="template.missing")
    return templates[name]
