"""Changing a parameter of one site, and undoing that: checked, recorded with its reason, made true by reconcile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from webstreet.contract.atom import AtomManifest
from webstreet.contract.base import closest, listed
from webstreet.contract.site import NO_ATOM_OF_SITE, parameter_problems
from webstreet.control import wake
from webstreet.control.catalogue import shelf
from webstreet.control.journal.models import note
from webstreet.control.sites.actions import held_open
from webstreet.control.sites.customizations import Customization, reason, record, refuse_secret
from webstreet.control.sites.models import Site
from webstreet.kernel.errors import Conflict, DocumentInvalid, NotFound, Problem, Sentence

Changes = Mapping[str, Mapping[str, Any]]
DOCUMENT = "The customization"
MOST_BYTES = 20_000


class CustomizationMissing(NotFound):
    """The site has no customization of that number."""

    code = "customization.missing"


class CustomizationPast(Conflict):
    """It is undone already, or a later one took its place."""

    code = "customization.past"


class CustomizationFixed(Conflict):
    """It cannot be undone by changing a parameter."""

    code = "customization.fixed"


def customize(site: Site, changes: Changes, *, why: str, by: str) -> list[Customization]:
    """Set parameters of a site's atoms; what is so already is left out, so the list may be empty. All of it or nothing.

    Args:
        changes: atom -> parameter -> value.

    Raises:
        WhyMissing, SecretInCustomization, SiteClosing.
        DocumentInvalid: code ``customization.invalid``, with every problem.
    """
    why = reason(why)
    with transaction.atomic():
        held = held_open(site)
        problems = list(_problems(held, changes))
        if problems:
            raise DocumentInvalid(DOCUMENT, problems, code="customization.invalid")
        rows = []
        for atom, values in changes.items():
            now = held.wanted_atoms[atom]
            for name, value in values.items():
                if name not in now or now[name] != value:
                    before = {"value": now[name]} if name in now else {}
                    rows.append({"atom": atom, "name": name, "before": before, "after": {"value": value}})
        return _apply(held, rows, why=why, by=by)


def undo(site: Site, number: int, *, why: str, by: str) -> Customization:
    """Put back what was there before a customization; recorded like any other.

    Raises:
        WhyMissing, SecretInCustomization, SiteClosing, CustomizationMissing, CustomizationPast, CustomizationFixed.
    """
    why = reason(why)
    with transaction.atomic():
        held = held_open(site)
        found = Customization.objects.with_force().filter(site=held, number=number).first()
        if found is None:
            raise CustomizationMissing(
                f"{held} has no customization {number}. See: webstreet site customize {held} --list"
            )
        if found.kind != Customization.Kind.PARAMETER:
            raise CustomizationFixed(
                f"Customization {number} says where data live or which server is used; data would have to move."
                " Only parameters can be undone."
            )
        if not found.in_force:
            raise _past(held, found)
        row = {"atom": found.atom, "name": found.name, "before": found.after, "after": found.before}
        return _apply(held, [row], why=why, by=by, undoes=number)[0]


def _past(site: Site, found: Customization) -> CustomizationPast:
    if found.undoes:
        return CustomizationPast(
            f"Customization {found.number} undid {found.undoes}. To have that again, customize {found.subject} anew."
        )
    same = site.customizations.with_force().filter(kind=found.kind, atom=found.atom, name=found.name, in_force=True)
    later = same.filter(number__gt=found.number).first()
    if later is None:
        return CustomizationPast(f"Customization {found.number} is undone already.")
    return CustomizationPast(
        f"Customization {found.number} was followed by {later.number} about {found.subject}. Undo {later.number} first."
    )


def _apply(site: Site, rows: list[dict[str, Any]], *, why: str, by: str, **more: Any) -> list[Customization]:
    """Change the wish and record why, in one generation."""
    if not rows:
        return []
    atoms = {name: dict(values) for name, values in site.wanted_atoms.items()}
    for row in rows:
        if "value" in row["after"]:
            atoms[row["atom"]][row["name"]] = row["after"]["value"]
        else:
            atoms[row["atom"]].pop(row["name"], None)
    # An undo to a value that holds already still gets its generation: the record names the wish that carries it.
    site.wish(renewed=True, wanted_atoms=atoms)
    made = record(site, rows, why=why, by=by, **more)
    what = "site.customization_undone" if more else "site.customized"
    for row in made:
        note(
            by, what, client=site.client.name, object=str(site), customization=row.number, subject=row.subject, why=why,
            generation=row.generation,
        )  # fmt: skip
    wake.on_commit()
    return made


def _problems(site: Site, changes: Changes) -> Iterator[Problem]:
    """What does not fit the site or its atoms; only of what is to be changed, so that an old mistake hinders nobody."""
    known = shelf.release().by_name
    if not any(changes.values()):
        nothing = Sentence.of("customization.empty", "changes nothing.")
        yield Problem(
            "(top)", nothing, Sentence.of("customization.name_one", "Name at least one ATOM.PARAMETER=VALUE.")
        )
    for name, values in changes.items():
        if name not in site.wanted_atoms or name not in known:
            hint = closest(name, site.wanted_atoms) or listed("atom.has", "It has: {known}.", sorted(site.wanted_atoms))
            yield Problem(name[:80], NO_ATOM_OF_SITE, hint)
            continue
        yield from _of_values(known[name], site.wanted_atoms[name], values)


def _of_values(atom: AtomManifest, now: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Problem]:
    properties = atom.parameters.get("properties", {})
    for name, value in values.items():
        text = json.dumps(value)
        if len(text) > MOST_BYTES:
            rule = Sentence.of("parameter.size", "must be shorter than {size} kB.", size=MOST_BYTES // 1000)
            yield Problem(f"{atom.name}.{name[:80]}", rule)
        elif "\\u0000" in text:
            rule = Sentence.of("parameter.nul", "must not hold the character NUL.")
            yield Problem(f"{atom.name}.{name[:80]}", rule)
        refuse_secret(text)
    for problem in parameter_problems(atom, {**now, **values}):
        path = problem.path.removeprefix("atoms.")
        name = path.removeprefix(f"{atom.name}.").partition(".")[0]
        if name in values:
            more = "" if name in properties else listed("parameter.has", "It has: {known}.", properties)
            yield Problem(path, problem.rule, problem.suggestion or more)
