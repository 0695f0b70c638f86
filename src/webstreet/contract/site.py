"""SiteManifest (site.yaml): which atoms a site has, with which parameters, on which domains, and where their data lives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import idna
import jsonschema
from pydantic import AfterValidator, Field, model_validator

from webstreet.contract import CONTRACT_VERSION
from webstreet.contract.atom import AtomManifest
from webstreet.contract.base import Document, closest, listed
from webstreet.contract.release import ReleaseManifest
from webstreet.kernel.errors import BadInput, DocumentInvalid, Problem, Sentence
from webstreet.kernel.ids import SiteId, slug

Where = Literal["hosted", "client"]
Language = Literal["en", "fr"]
MANIFEST_NAME = "site.yaml"


class DomainInvalid(BadInput):
    """A text is not a host name under which a site could be served."""

    code = "domain.invalid"


def normal_domain(text: str) -> str:
    """The one spelling of a domain: lower-case, IDNA (UTS 46), no trailing dot. Two domains are equal if these are.

    Raises:
        DomainInvalid: a scheme, path, port, address, or a label that DNS does not allow.
    """
    candidate = text.strip().removesuffix(".")
    shown = text if len(text) <= 80 else text[:77] + "..."
    if "//" in candidate or "/" in candidate or ":" in candidate:
        raise DomainInvalid(
            Sentence.of(
                "domain.not_host",
                '"{given}" is not a domain: write the host name only, as in blog.example.com.',
                given=shown,
            )
        )
    try:
        ascii_form = idna.encode(candidate, uts46=True, transitional=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise DomainInvalid(
            Sentence.of(
                "domain.not_dns",
                '"{given}" is not a domain that DNS allows: check each part between the dots.',
                given=shown,
            )
        ) from None
    if re.fullmatch(r"[0-9.]+", ascii_form):
        raise DomainInvalid(
            Sentence.of(
                "domain.address", '"{given}" is an address: a site needs a name, as in blog.example.com.', given=shown
            )
        )
    return ascii_form


def _slug_of(what: str) -> Any:
    def check(text: str) -> str:
        try:
            return slug(text, what=what)
        except BadInput as error:
            raise ValueError(error.message) from None

    return AfterValidator(check)


def _domain(text: str) -> str:
    try:
        return normal_domain(text)
    except BadInput as error:
        raise ValueError(error.message) from None


class SiteManifest(Document):
    """What one site is made of. ``atoms`` maps an atom's name to its parameters; an absent parameter has its default.

    Attributes:
        languages: BCP 47 codes out of `Language`; the first is the default.
        domains: normalised; the first is the canonical one.
        residency: only sensitive atoms may be named; absent means ``hosted``.
    """

    contract: int = CONTRACT_VERSION
    client: Annotated[str, _slug_of("client")]
    site: Annotated[str, _slug_of("site")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    template: Annotated[str, _slug_of("template")]
    languages: list[Language] = Field(default=["en"], min_length=1)
    domains: list[Annotated[str, AfterValidator(_domain)]] = Field(default_factory=list)
    atoms: dict[str, dict[str, Any]] = Field(min_length=1)
    residency: dict[str, Where] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _no_repeats(self) -> SiteManifest:
        for what, values in (("languages", self.languages), ("domains", self.domains)):
            if len(set(values)) != len(values):
                raise ValueError(Sentence.of("list.repeats", "{field} names the same value twice.", field=what))
        return self

    @property
    def id(self) -> SiteId:
        return SiteId(self.client, self.site)

    def problems(self, release: ReleaseManifest) -> Iterator[Problem]:
        """What does not fit the atoms of ``release``: unknown atoms, wrong parameters, residency of what is not sensitive."""
        known = release.by_name
        for name, values in self.atoms.items():
            atom = known.get(name)
            if atom is None:
                hint = closest(name, known) or listed("atom.known", "Known: {known}.", sorted(known))
                yield Problem(f"atoms.{name}", no_atom(release), hint)
                continue
            yield from parameter_problems(atom, values)
            for needed in atom.requires:
                if needed not in self.atoms:
                    rule = Sentence.of("atom.needed", 'needs the atom "{atom}".', atom=needed)
                    add = Sentence.of("atom.add", "Add {atom}: {{}} under atoms.", atom=needed)
                    yield Problem(f"atoms.{name}", rule, add)
        for name in self.residency:
            atom = known.get(name)
            if name not in self.atoms:
                yield Problem(f"residency.{name}", NO_ATOM_OF_SITE, closest(name, self.atoms))
            elif atom is not None and not atom.sensitive:
                sensitive = listed(
                    "atom.sensitive", "Sensitive: {known}.", sorted(a.name for a in release.atoms if a.sensitive)
                )
                rule = Sentence.of("atom.not_sensitive", "is not a sensitive atom.")
                yield Problem(f"residency.{name}", rule, sensitive)

    def check(self, release: ReleaseManifest) -> SiteManifest:
        """Return self, or raise `DocumentInvalid` with every problem."""
        problems = list(self.problems(release))
        if problems:
            raise DocumentInvalid(MANIFEST_NAME, problems, code="manifest.invalid")
        return self

    def lives_at(self, atom: str) -> Where:
        return self.residency.get(atom, "hosted")


NO_ATOM_OF_SITE = Sentence.of("atom.elsewhere", "is not an atom of this site.")


def no_atom(release: ReleaseManifest) -> Sentence:
    """A rule: what is named is no atom of ``release``."""
    return Sentence.of("atom.unknown", "is not an atom of release {release}.", release=release.version)


def parameter_problems(atom: AtomManifest, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Compare ``values`` with the atom's JSON Schema."""
    validator = jsonschema.Draft202012Validator(atom.parameters)
    for error in sorted(validator.iter_errors(values), key=lambda e: list(map(str, e.absolute_path))):
        path = ".".join(["atoms", atom.name, *map(str, error.absolute_path)])
        properties = atom.parameters.get("properties", {})
        if error.validator == "additionalProperties":
            for extra in sorted(set(values) - set(properties)):
                rule = Sentence.of("parameter.unknown", "is not a parameter of this atom.")
                yield Problem(f"{path}.{extra}", rule, closest(extra, properties))
        elif error.validator == "enum":
            allowed = ", ".join(map(str, error.validator_value))
            hint = closest(str(error.instance), map(str, error.validator_value))
            yield Problem(path, Sentence.of("parameter.choice", "must be one of: {allowed}.", allowed=allowed), hint)
        elif error.validator == "type":
            wanted, given = str(error.validator_value), _type_name(error.instance)
            rule = Sentence.of("parameter.type", "must be of type {wanted}, not {given}.", wanted=wanted, given=given)
            yield Problem(path, rule)
        else:
            values = {"given": str(error.instance)[:80], "limit": str(error.validator_value)}
            yield Problem(path, Sentence.said(f"{error.message}.", f"parameter.{error.validator}", values))


def _type_name(value: object) -> str:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null" if value is None else type(value).__name__)
