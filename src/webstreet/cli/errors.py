"""The CLI's own errors, and the exit code that every error ends in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from webstreet.kernel.errors import (
    BadInput,
    Broken,
    Conflict,
    Denied,
    Problem,
    Unauthenticated,
    Unavailable,
    WebstreetError,
)

DONE, FAILED, USAGE, UNREACHABLE, DENIED, MISSING, CONFLICT = range(7)
EXIT_CODES = {
    DONE: "done",
    FAILED: "the thing failed",
    USAGE: "wrong usage",
    UNREACHABLE: "control plane not reachable",
    DENIED: "not allowed",
    MISSING: "not found",
    CONFLICT: "conflict",
}
_BY_STATUS = {400: USAGE, 401: DENIED, 403: DENIED, 404: MISSING, 405: USAGE, 409: CONFLICT, 422: USAGE}


class ControlUnreachable(Unavailable):
    """No control plane answers at the address we have, or we have none."""

    code = "control.unreachable"


class ControlUnclear(Broken):
    """Something answers there, but not as a control plane does."""

    code = "control.answer_unclear"


class ControlBusy(Conflict):
    """The control plane did not stop when it was told to."""

    code = "control.still_running"


class KeyMissing(Unauthenticated):
    """There is no key to speak to the control plane with."""

    code = "key.not_given"


class KeyExposed(Denied):
    """The key's file can be read by others."""

    code = "key.exposed"


class SecretInArguments(BadInput):
    """A URL with a password was given as an argument, where every process of the machine can read it."""

    code = "secret.in_arguments"


class UsageWrong(BadInput):
    """The command was not written as its help says."""

    code = "usage.wrong"


class FileUnreadable(BadInput):
    """A file named on the command line cannot be read."""

    code = "file.unreadable"


class ImportUnknown(BadInput):
    """There is no such source of an import, or it has no such option."""

    code = "import.source_unknown"


class ExportIncomplete(Unavailable):
    """An archive that did not arrive whole."""

    code = "export.incomplete"


class CloseUnconfirmed(BadInput):
    """A site was to be closed, but its name was not repeated."""

    code = "site.close_unconfirmed"


class SiteFailing(Unavailable):
    """The site does not come up; its logs say why."""

    code = "site.failing"


class SiteSlow(Unavailable):
    """What was asked for goes on, but longer than we were told to wait."""

    code = "site.not_yet"


class Answer(WebstreetError):
    """What the control plane answered instead of doing it (RFC 9457), with its code and status kept.

    Attributes:
        problems: one entry for each thing wrong in a document or form.
    """

    def __init__(self, message: str, *, code: str, status: int, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, code=code)
        self.answered_status = status
        self.problems = tuple(problems)


_TYPED = (
    (r"languages(\.\d+)?", "--language"),
    (r"domains(\.\d+)?", "--domain"),
    (r"database_urls\.([a-z0-9_-]+)", r"--database-url-file \1=FILE"),
    (r"database_urls", "--database-url-file"),
    (r"residency\.([a-z0-9_-]+)", r"--residency \1"),
    (r"residency", "--residency"),
    (r"(?:atoms|parameters)\.([a-z0-9_-]+)\.([a-z0-9_.-]+)", r"--set \1.\2"),
    (r"(?:atoms|parameters)\.([a-z0-9_-]+)", r"--set \1"),
    (r"email_url", "--email-url"),
    (r"settings\.([A-Z_]+)", r"--setting-file \1=FILE"),
    (r"(title|template)", r"--\1"),
)
"""Fields of the API, and the option by which a person gives each."""


def as_typed(path: str) -> str:
    """The option for a field of the API; the field itself where there is none."""
    for field, option in _TYPED:
        if found := re.fullmatch(field, path):
            return found.expand(option)
    return path


def explained(problem: Problem) -> Problem:
    """The problem in the words of the command line."""
    suggestion = re.sub(r"\bdatabase_urls\.[a-z0-9_-]+", lambda found: as_typed(found.group()), problem.suggestion)
    return Problem(as_typed(problem.path), problem.rule, suggestion)


def exit_code(error: WebstreetError) -> int:
    """The exit code of the process that ends in ``error``."""
    if isinstance(error, ControlUnreachable):
        return UNREACHABLE
    status = error.answered_status if isinstance(error, Answer) else error.status
    return _BY_STATUS.get(status, FAILED)
