"""The beginning and the end of a process of the site that runs Django."""

from __future__ import annotations

import gc
import sys

from webstreet.kernel.errors import DocumentInvalid, WebstreetError


def set_up() -> None:
    """Django, with every module it needs. They stay for good, so that looking for garbage among them costs time and finds nothing.

    Raises:
        WebstreetError: the environment or site.yaml is wrong.
    """
    import django
    from django.conf import settings

    if not any("postgresql" in db["ENGINE"] for db in settings.DATABASES.values()):
        # The admin's REST framework takes it wherever it is installed: 6 MB a process for nothing.
        sys.modules.setdefault("psycopg", None)  # type: ignore[arg-type]  # what import says means "there is none"
    gc.disable()
    django.setup()
    gc.freeze()
    gc.enable()


def fail(error: WebstreetError) -> int:
    """Tell the control plane and people why a command ends; returns its exit code."""
    # Only here: a process that does not fail and runs no Django can do without it, which saves memory.
    from webstreet.contract.jobs import Failure
    from webstreet.engine.commands import emit, say

    problems = []
    if isinstance(error, DocumentInvalid):
        problems = [{"path": p.path, "rule": p.rule, "suggestion": p.suggestion} for p in error.problems]
    emit(Failure(code=error.error_code, message=error.message, problems=problems))
    say(str(error))
    return 1
