"""The three dictionaries, as far as sites are in them: where atoms are used, what is configured with what, what was customized.

All is derived from rows and manifests when it is asked for; nothing here is kept by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from webstreet.contract.atom import AtomManifest
from webstreet.contract.base import closest
from webstreet.control.catalogue import shelf
from webstreet.control.clients.access import Actor
from webstreet.control.sites.customizations import Customization
from webstreet.control.sites.models import Site
from webstreet.kernel.errors import BadInput

KINDS = ("atom", "template", "site")
SEARCHED = ("site__name", "site__client__name", "site__client__title", "atom", "name", "why", "by")
"""Fields of a customization in which a text is looked for."""


class KindUnknown(BadInput):
    """The configuration dictionary has no such kind of entry."""

    code = "kind.unknown"


def sites_of(actor: Actor) -> QuerySet[Any]:
    """The open sites that this actor may know of."""
    return actor.sees(Site, Site.objects.kept())


def with_atom(rows: QuerySet[Any], atom: str) -> QuerySet[Any]:
    return rows.filter(wanted_atoms__has_key=atom)


def from_template(rows: QuerySet[Any], template: str) -> QuerySet[Any]:
    return rows.filter(wanted_template=template)


def uses_of_atoms(rows: QuerySet[Any], atoms: Sequence[AtomManifest]) -> dict[str, int]:
    """How many of ``rows`` have each atom; one query."""
    counted = {f"n{i}": Count("pk", filter=Q(wanted_atoms__has_key=atom.name)) for i, atom in enumerate(atoms)}
    found = rows.aggregate(**counted) if counted else {}
    return {atom.name: found[f"n{i}"] for i, atom in enumerate(atoms)}


def uses_of_templates(rows: QuerySet[Any]) -> dict[str, int]:
    """How many of ``rows`` were made from each template that is used at all; one query."""
    counted = rows.order_by().values("wanted_template").annotate(n=Count("pk"))
    return {row["wanted_template"]: row["n"] for row in counted}


@dataclass(frozen=True, slots=True)
class Use:
    """One atom that something uses, and how: "requires", the hook's name, or the parameters that are set."""

    atom: str
    how: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the configuration control dictionary: an atom, template or site, and the atoms that it uses."""

    kind: str
    name: str
    template: str
    uses: tuple[Use, ...]


class Configuration:
    """The configuration control dictionary: which template and site uses which atom, and which atom calls which.

    Atoms come first, then templates, then sites; `entries` reads only the page that is asked for.
    """

    COLUMNS = ("kind", "name", "template", "atom", "how")

    def __init__(self, actor: Actor, *, kind: str = "", atom: str = "", client: str = "", text: str = "") -> None:
        if kind and kind not in KINDS:
            hint = closest(kind, KINDS) or f"There are: {', '.join(KINDS)}."
            raise KindUnknown(f'No entry is of the kind "{kind}". {hint}')
        entries = [] if client else [*_atoms(), *_templates()]
        self._fixed = [
            e for e in entries
            if (not kind or e.kind == kind) and (not atom or any(u.atom == atom for u in e.uses)) and text.lower() in e.name
        ]  # fmt: skip
        rows = sites_of(actor) if kind in ("", "site") else Site.objects.none()
        if client:
            rows = rows.filter(client__name=client)
        if atom:
            rows = with_atom(rows, atom)
        if text:
            rows = rows.filter(Q(name__icontains=text) | Q(client__name__icontains=text))
        self._sites = rows.select_related("client").order_by("client__name", "name")

    @property
    def total(self) -> int:
        return len(self._fixed) + self._sites.count()

    def entries(self, offset: int, limit: int) -> list[Entry]:
        found = self._fixed[offset : offset + limit]
        first = max(0, offset - len(self._fixed))
        return found + [_site(row) for row in self._sites[first : first + limit - len(found)]]

    def all(self) -> Iterator[Entry]:
        yield from self._fixed
        for row in self._sites.iterator(chunk_size=500):
            yield _site(row)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The dictionary as a table with `COLUMNS`: a row for each use."""
        for entry in self.all():
            for use in entry.uses:
                yield entry.kind, entry.name, entry.template, use.atom, use.how


def _atoms() -> Iterable[Entry]:
    """An atom uses those that it requires, and calls those that answer a hook it offers."""
    known = shelf.release().atoms
    for atom in known:
        uses = [Use(name, "requires") for name in atom.requires]
        for hook in atom.hooks_offered:
            uses += [Use(other.name, hook) for other in known if other is not atom and hook in other.hooks_used]
        yield Entry("atom", atom.name, "", tuple(uses))


def uses_of_atom(name: str) -> tuple[Use, ...]:
    """The atoms that this one requires or calls."""
    return next(entry.uses for entry in _atoms() if entry.name == name)


def users_of_atom(name: str) -> list[Use]:
    """The atoms that require or call this one."""
    return [Use(entry.name, use.how) for entry in _atoms() for use in entry.uses if use.atom == name]


def _templates() -> Iterable[Entry]:
    for template in shelf.templates():
        yield Entry("template", template.name, template.name, _set(template.atoms))


def _site(site: Any) -> Entry:
    return Entry("site", str(site), site.wanted_template, _set(site.wanted_atoms))


def _set(atoms: dict[str, dict[str, Any]]) -> tuple[Use, ...]:
    return tuple(Use(name, ", ".join(sorted(values))) for name, values in atoms.items())


def customizations(actor: Actor, *, client: str = "", site: str = "", atom: str = "", only: bool | None = None) -> Any:
    """The customization dictionary: everything done specially for a client, the newest first; also of closed sites."""
    rows = actor.sees(Customization, Customization.objects.with_force()).select_related("site__client")
    wanted = {"site__client__name": client, "site__name": site, "atom": atom}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value})
    return rows if only is None else in_force(rows, only)


def in_force(rows: Any, wanted: bool) -> Any:
    """Those that hold, or the others. Nothing is in force for a site that is closed."""
    live = Q(in_force=True, site__closed_at=None)
    return rows.filter(live if wanted else ~live)


def is_in_force(row: Any) -> bool:
    """The same of one row, read `with_force`."""
    return bool(row.in_force and row.site.closed_at is None)


def shown_values(row: Customization) -> tuple[str, Any, str, Any]:
    """What it was changed from and to: for each, whether it was "set", the "default" or "secret", and the value if it may be seen."""
    atom = shelf.release().by_name.get(row.atom)
    schema = (atom.parameters.get("properties", {}) if atom else {}).get(row.name, {})
    hidden = schema.get("writeOnly") is True or schema.get("format") == "password"
    return *_shown(row.before, schema, hidden), *_shown(row.after, schema, hidden)


def _shown(stored: dict[str, Any], schema: dict[str, Any], hidden: bool) -> tuple[str, Any]:
    if hidden or stored.get("secret"):
        return "secret", None
    return ("set", stored["value"]) if "value" in stored else ("default", schema.get("default"))
