"""What one-off engine commands print for the control plane: one JSON document a line on standard output."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from webstreet.contract.base import Document

SOURCES = {
    "crispy-octo": "a file written by mysqldump",
    "wordpress": "an export of WordPress (.xml), or an archive of it and its uploads",
    "csv": "subscribers, one a line",
    "webstreet": "an archive written by webstreet site export",
}
"""What can be imported from, and what the file is."""
WITH_PEOPLE = ("crispy-octo", "csv", "webstreet")
"""Sources that may hold subscribers."""
OPTIONS = {"map": ("csv",), "dry_run": ("csv",), "fetch_remote": ("wordpress",)}
"""Options of an import, and the sources that have them."""


class Progress(Document):
    """How far a command is. ``total`` is 0 while unknown."""

    kind: Literal["progress"] = "progress"
    step: str
    done: int
    total: int = 0


class Rejected(Document):
    """One record that was not taken, or a part of one that was lost, by line of the source. ``reason`` names no person."""

    line: int
    reason: str


class ImportReport(Document):
    """The end of ``engine import``. Counts are of records of the source.

    Attributes:
        created, updated, unchanged: per kind of record ("articles", "subscribers").
        counted: what is there and was not taken by intent ("comments").
        rejected: records that were not taken. lost: what could not be kept of those that were.
        notes: sentences about the whole, such as the encoding that was found.
        ignored_tables: names of tables of the dump that were not read.
        dry_run: these are the counts of what would be done.
    """

    kind: Literal["report"] = "report"
    source: str
    created: dict[str, int] = Field(default_factory=dict)
    updated: dict[str, int] = Field(default_factory=dict)
    unchanged: dict[str, int] = Field(default_factory=dict)
    counted: dict[str, int] = Field(default_factory=dict)
    rejected: list[Rejected] = Field(default_factory=list)
    lost: list[Rejected] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    ignored_tables: list[str] = Field(default_factory=list)
    dry_run: bool = False


class LoginLink(Document):
    """The end of ``engine login-link``: a path below the site's base URL that logs an editor in once."""

    kind: Literal["login-link"] = "login-link"
    path: str
    expires_at: str


class Failure(Document):
    """A command that could not do its work. Exit code 1."""

    kind: Literal["failure"] = "failure"
    code: str
    message: str
    problems: list[dict[str, str]] = Field(default_factory=list)


Line = Progress | ImportReport | LoginLink | Failure
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def read_line(text: str) -> Line | None:
    """The document in one line of a command's standard output; None if the line is something else."""
    try:
        return _LINE.validate_json(text)
    except ValidationError:
        return None
