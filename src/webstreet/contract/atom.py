"""AtomManifest: what an atom says of itself. Each atom's ``atom.py`` makes one called ``ATOM``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from webstreet.contract import CONTRACT_VERSION
from webstreet.contract.base import Document

Kind = Literal["back-end", "front-end"]
StoreKind = Literal["database", "files"]


class Parameters(BaseModel):
    """Base of an atom's parameters. Every field needs a description, a default, and a JSON-serialisable type."""

    model_config = {"extra": "forbid", "frozen": True}


class AtomWords(Document):
    """What an atom says of itself in another language than English.

    Attributes:
        parameters: name -> description; of a parameter's parts as "limits.per_address_per_day".
    """

    title: str
    purpose: str
    typical_use: str
    parameters: dict[str, str] = Field(default_factory=dict)


class AtomManifest(Document):
    """One atom of the dictionary.

    Attributes:
        name: slug; also the Django app label and the prefix of its environment variables.
        app: Python path of the Django app.
        title: what a person calls it, in English; ``words`` has other languages.
        kind: ``back-end`` (procedural) or ``front-end`` (graphical, a StreamField block).
        parameters: JSON Schema (draft 2020-12) of the parameters, an object schema.
        sensitive: whether a client may keep this atom's data on its own server.
        stores: what it needs to keep data in.
        requires: names of atoms without which it makes no sense.
        hooks_offered / hooks_used: names of ``engine.hooks`` it calls / implements.
        contract: the contract version it was written for.
        words: BCP 47 code -> the texts of this manifest in that language.
    """

    name: str
    app: str
    title: str
    kind: Kind
    purpose: str
    typical_use: str
    parameters: dict[str, Any] = Field(default_factory=lambda: Parameters.model_json_schema())
    sensitive: bool = False
    stores: list[StoreKind] = Field(default_factory=list)
    requires: list[str] = Field(default_factory=list)
    hooks_offered: list[str] = Field(default_factory=list)
    hooks_used: list[str] = Field(default_factory=list)
    contract: int = CONTRACT_VERSION
    words: dict[str, AtomWords] = Field(default_factory=dict)

    def in_language(self, code: str) -> AtomManifest:
        """The same with its texts in another language; English where that is missing."""
        said = self.words.get(code)
        if said is None:
            return self
        properties = {
            name: schema | ({"description": said.parameters[name]} if name in said.parameters else {})
            for name, schema in self.parameters.get("properties", {}).items()
        }
        texts = {"title": said.title, "purpose": said.purpose, "typical_use": said.typical_use}
        return self.model_copy(update=texts | {"parameters": self.parameters | {"properties": properties}})

    @property
    def database_variable(self) -> str:
        """Name of the environment variable with this atom's own database URL."""
        return f"{self.name.upper().replace('-', '_')}_DATABASE_URL"

    @property
    def files_variable(self) -> str:
        """Name of the environment variable with this atom's own file store URL."""
        return f"{self.name.upper().replace('-', '_')}_FILES_URL"
