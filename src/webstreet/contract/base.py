"""The base of every document, and how a wrong one is reported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from webstreet.kernel.errors import DocumentInvalid, Problem, Sentence


def closest(word: str, known: Iterable[str]) -> str:
    """'Did you mean "x"?' for the nearest of ``known``; empty when none is near."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return Sentence.of("near.one", 'Did you mean "{near}"?', near=matches[0]) if matches else ""


def listed(code: str, form: str, known: Iterable[str]) -> Sentence:
    """A suggestion that names all there are: ``form`` with {known}."""
    return Sentence.of(code, form, known=", ".join(known) or "none")


class Document(BaseModel):
    """An immutable document that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def read(cls, data: object, *, name: str) -> Self:
        """Validate ``data`` (as parsed from YAML or JSON).

        Args:
            name: what to call the document in messages ("site.yaml").

        Raises:
            DocumentInvalid: every problem with path, rule and suggestion.
        """
        if not isinstance(data, Mapping):
            raise DocumentInvalid(
                name, [Problem("(top)", Sentence.of("document.mapping", "must be a mapping of keys to values."))]
            )
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise DocumentInvalid(name, [_problem(cls, e) for e in error.errors()]) from None

    @classmethod
    def read_yaml(cls, text: str, *, name: str) -> Self:
        return cls.read(parse_yaml(text, name=name), name=name)

    def to_yaml(self) -> str:
        """YAML with stable order, defaults left out: what a person would have written."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def parse_yaml(text: str, *, name: str) -> object:
    """Parse one YAML document with the safe loader; the error names line and column."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "(top)"
        rule = getattr(error, "problem", None) or "cannot be read as YAML"
        raise DocumentInvalid(name, [Problem(where, f"{rule}.")]) from None


def _problem(model: type[BaseModel], error: Any) -> Problem:
    path = ".".join(str(part) for part in error["loc"]) or "(top)"
    if error["type"] == "extra_forbidden":
        rule = Sentence.of("key.unknown", "is not a key we know.")
        return Problem(path, rule, closest(str(error["loc"][-1]), _keys(model, error["loc"][:-1])))
    if error["type"] == "missing":
        return Problem(path, Sentence.of("key.missing", "is required."))
    context = error.get("ctx", {})
    reason = context.get("error")
    if isinstance(reason, ValueError) and reason.args and isinstance(reason.args[0], Sentence):
        return Problem(path, reason.args[0])
    message = str(error["msg"]).removeprefix("Value error, ")
    message = message[0].lower() + message[1:] if not message.startswith('"') else message
    message = message if message.endswith((".", "?")) else message + "."
    # pydantic's own types of errors are stable, and so are the names of what stands in them.
    return Problem(path, Sentence.said(message, f"value.{error['type']}", {k: str(v) for k, v in context.items()}))


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
