"""ReleaseManifest: what is in an engine image. Control knows atoms only through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field

from webstreet.contract import CONTRACT_VERSION
from webstreet.contract.atom import AtomManifest
from webstreet.contract.base import Document


class ReleaseManifest(Document):
    """An immutable, numbered engine and the atoms in it.

    Attributes:
        version: semantic version of the engine.
        atoms: in the order in which the dictionary shows them.
    """

    version: str
    contract: int = CONTRACT_VERSION
    atoms: list[AtomManifest] = Field(default_factory=list)

    @classmethod
    def of(cls, version: str, atoms: Iterable[AtomManifest]) -> ReleaseManifest:
        return cls(version=version, atoms=sorted(atoms, key=lambda a: (a.kind, a.name)))

    def in_language(self, code: str) -> ReleaseManifest:
        """The same with the atoms' texts in another language, where they have them."""
        return self.model_copy(update={"atoms": [atom.in_language(code) for atom in self.atoms]})

    @property
    def by_name(self) -> Mapping[str, AtomManifest]:
        return {atom.name: atom for atom in self.atoms}
