"""The one exception tree of Webstreet.

Every error that a person may see has three parts: a ``code`` (``noun.fact``, stable, documented in docs/reference/errors.md),
a ``message`` (what happened and what to do next, for the person) and a ``detail`` (for the operator's log; never personal data).
Foreign exceptions are translated into these at the seam where the foreign library is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


class WebstreetError(Exception):
    """The root. Subclasses set ``code`` and ``status``; callers give the message.

    Args:
        message: what happened, why if known, what to do. A full sentence.
        detail: for the operator only. No secrets, no personal data.
        code: overrides the class's code where one class serves several facts; read it as ``error_code``.

    Attributes:
        status: the HTTP status it is answered with.
        retry: whether the same request may succeed later without being changed.
        retry_after_s: seconds after which it may; 0 if nobody can say.
    """

    code: ClassVar[str] = "webstreet.error"
    status: ClassVar[int] = 500
    retry: ClassVar[bool] = False
    retry_after_s: ClassVar[int] = 0

    def __init__(self, message: str, *, detail: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.error_code = code or self.code

    def __str__(self) -> str:
        return f"{self.message} [{self.error_code}]"


class BadInput(WebstreetError):
    """What was given cannot be accepted as it is."""

    code = "input.invalid"
    status = 422


class NotFound(WebstreetError):
    """The thing named does not exist, or the caller may not know of it."""

    code = "object.missing"
    status = 404


class Conflict(WebstreetError):
    """The request is well formed but contradicts what is there."""

    code = "object.conflict"
    status = 409


class Denied(WebstreetError):
    """The caller is known and may not do this."""

    code = "access.denied"
    status = 403


class Unauthenticated(WebstreetError):
    """The caller did not say who it is, or could not prove it."""

    code = "access.unauthenticated"
    status = 401


class TooMany(WebstreetError):
    """A limit was reached; waiting helps."""

    code = "limit.reached"
    status = 429
    retry = True


class Unavailable(WebstreetError):
    """Something this needs does not answer; waiting may help."""

    code = "service.unavailable"
    status = 503
    retry = True


class Broken(WebstreetError):
    """Something that should hold does not; a defect or a damaged installation."""

    code = "state.broken"
    status = 500


class Sentence(str):
    """An English text whose readers may have another language: it knows what it says, and about what.

    Attributes:
        code: ``noun.fact``; whoever has translations chooses by it.
        values: what stands in the text, by name; a value may be a sentence itself.
    """

    code: str
    values: Mapping[str, Any]

    @classmethod
    def of(cls, code: str, form: str, /, **values: Any) -> Self:
        """``form`` as for `str.format`, with ``values`` in their places."""
        return cls.said(form.format(**values), code, values)

    @classmethod
    def said(cls, text: str, code: str, values: Mapping[str, Any]) -> Self:
        """One whose text somebody else wrote."""
        made = cls(text)
        made.code, made.values = code, dict(values)
        return made

    @staticmethod
    def kept(text: str) -> dict[str, Any] | None:
        """What is to be stored beside ``text`` so that `restored` knows it again; None if it is no sentence."""
        return {"code": text.code, "values": dict(text.values)} if isinstance(text, Sentence) else None

    @classmethod
    def restored(cls, text: str, kept: Mapping[str, Any] | None) -> str:
        """``text`` as it was when it was stored."""
        return cls.said(text, kept["code"], kept["values"]) if kept else text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document that a person wrote.

    Attributes:
        path: where, in the document's own terms (``atoms.newsletter.on_publish``).
        rule: what must hold there; a `Sentence` where it is ours.
        suggestion: what to write instead; empty if there is nothing better to say than the rule. The same.
    """

    path: str
    rule: str
    suggestion: str = ""

    def __str__(self) -> str:
        end = f" {self.suggestion}" if self.suggestion else ""
        return f"{self.path}: {self.rule}{end}"


class DocumentInvalid(BadInput):
    """A document (manifest, dump, form) has problems; all of them are listed, not only the first."""

    code = "document.invalid"

    def __init__(self, document: str, problems: Sequence[Problem], *, code: str | None = None) -> None:
        self.document = document
        self.problems = tuple(problems)
        lines = "; ".join(str(p) for p in self.problems)
        super().__init__(f"{document} is not valid: {lines}", code=code)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)
