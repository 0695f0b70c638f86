"""No log line holds the token of a login link."""

from __future__ import annotations

import logging
import sys

from django.conf import settings

from webstreet.control.logs import Masked


def test_tokens_of_login_links_are_masked_also_in_tracebacks() -> None:
    try:
        raise ValueError("/console/link/canary-token/")
    except ValueError:
        record = logging.LogRecord(
            "django.request", logging.ERROR, __file__, 1, "Gone: %s", ("/console/link/canary-token/",), sys.exc_info()
        )
    line = Masked("%(levelname)s %(message)s").format(record)
    assert line.startswith("ERROR Gone: /console/link/***/\n")
    assert "canary-token" not in line


def test_every_handler_masks() -> None:
    for name, handler in settings.LOGGING["handlers"].items():
        assert settings.LOGGING["formatters"][handler["formatter"]]["()"] == "webstreet.control.logs.Masked", name
    found = [h for logger in (logging.getLogger(), logging.getLogger("django")) for h in logger.handlers]
    ours = [handler for handler in found if type(handler) is logging.StreamHandler]
    assert ours
    assert all(isinstance(handler.formatter, Masked) for handler in ours)
