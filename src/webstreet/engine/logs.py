"""Logs that hold no personal data: one filter on every handler, one line a record, no query strings.

What can carry an address: messages and their arguments, ``record.request`` (POST, cookies), exception values and stack
texts ("Key (email)=(...) already exists"), 404 paths. The filter masks or drops each of them, for every logger and library.
Addresses that let whoever has them in (a login link, a mail's unsubscribe link) lose their token too; which these are the URLconf
says, see `keep_secret`.
"""

from __future__ import annotations

import json
import logging
import logging.config
import re
import time
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any

MASK = "<address>"
TOKEN_MASK = "<token>"  # noqa: S105 it is what stands in a token's place
_ADDRESS = re.compile(r"""[^\s"'<>(),;:=\[\]{}|\\/?&]+(?:@|%40)[^\s"'<>(),;=\[\]{}|\\/?&]+""", re.IGNORECASE)
_QUERY = re.compile(r"(\S*/\S*)\?\S+")
_KEPT = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_DROPPED = frozenset({"request", "status_code", "server_time", "exc_value", "task_result"})
_PLACEHOLDER = re.compile(r"<(?:\w+:)?(\w+)>")
SECRET_PARAMETER = "token"  # noqa: S105 a name
_secret_routes: list[re.Pattern[str]] = []


def keep_secret(routes: Iterable[str]) -> None:
    """Mask the part ``<token>`` of every address that fits one of these routes of Django's ``path()``; others are left out."""
    _secret_routes[:] = [_secret_route(route) for route in sorted(set(routes)) if _names_secret(route)]


def _names_secret(route: str) -> bool:
    return SECRET_PARAMETER in _PLACEHOLDER.findall(route)


def _secret_route(route: str) -> re.Pattern[str]:
    """``newsletter/undo/<str:token>/``: everything before the token is kept. A language may stand before it, or a host."""
    fixed, names = _PLACEHOLDER.split(route)[::2], _PLACEHOLDER.findall(route)
    before = "/"
    for text, name in zip(fixed, names, strict=False):
        before += re.escape(text)
        if name == SECRET_PARAMETER:
            break
        before += r"[^\s/]+"
    return re.compile(rf"""({before})[^\s/?#"'<>]+""")


def masked(text: str) -> str:
    """The text with mail addresses and secret parts of addresses replaced and query strings cut."""
    for route in _secret_routes:
        text = route.sub(rf"\1{TOKEN_MASK}", text)
    return _ADDRESS.sub(MASK, _QUERY.sub(r"\1?...", text))


class PrivacyFilter(logging.Filter):
    """Rewrites the record in place; never drops a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "_private", False):
            return True
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        record.msg, record.args = masked(message), ()
        if record.exc_info:
            record.exc_text = where(record.exc_info)
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = masked(record.exc_text)
        record.stack_info = None
        for name in set(record.__dict__) - _KEPT:
            value = record.__dict__[name]
            if name in _DROPPED or not isinstance(value, (str, int, float, bool, type(None))):
                del record.__dict__[name]
            elif isinstance(value, str):
                record.__dict__[name] = masked(value)
        record._private = True
        return True


def where(info: Any) -> str:
    """The kind of an exception and the places it passed, without its text and without source lines."""
    kind, value, trace = info if isinstance(info, tuple) else (None, None, None)
    if kind is None:
        return ""
    lines = [f"{kind.__module__}.{kind.__qualname__}"]
    lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames(trace)]
    code = getattr(value, "error_code", "")
    return "\n".join([f"{lines[0]} [{code}]" if code else lines[0], *lines[1:]])


def frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    return list(traceback.StackSummary.extract(traceback.walk_tb(trace), lookup_lines=False, capture_locals=False))


class PlainFormatter(logging.Formatter):
    """``2026-11-21T09:00:00Z level logger: message key=value``."""

    converter = staticmethod(time.gmtime)  # type: ignore[assignment]

    def format(self, record: logging.LogRecord) -> str:
        moment = self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z"
        extras = "".join(f" {k}={v}" for k, v in sorted(_extras(record).items()))
        line = f"{moment} {record.levelname.lower()} {record.name}: {record.getMessage()}{extras}"
        return f"{line}\n{record.exc_text}" if record.exc_text else line


class JsonFormatter(PlainFormatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_text:
            entry["where"] = record.exc_text.splitlines()
        return json.dumps(entry, ensure_ascii=False, default=str)


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {k: v for k, v in record.__dict__.items() if k not in _KEPT and not k.startswith("_")}


def logging_config(style: str, level: str = "INFO") -> dict[str, Any]:
    """For `configure`: one handler on standard error. ``style``: "plain" or "json"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"privacy": {"()": "webstreet.engine.logs.PrivacyFilter"}},
        "formatters": {
            "plain": {"()": "webstreet.engine.logs.PlainFormatter"},
            "json": {"()": "webstreet.engine.logs.JsonFormatter"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json" if style == "json" else "plain",
                "filters": ["privacy"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Its own handlers mail tracebacks to ADMINS and print to the console; ours is enough.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            # Every 404 of a scanner, with the path it tried.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # One line a job with its arguments.
            "rq": {"level": "WARNING"},
            # Two lines for each page that Wagtail indexes.
            "django_tasks": {"level": "WARNING"},
            "wagtail": {"level": "WARNING"},
            "PIL": {"level": "WARNING"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook."""
    logging.config.dictConfig(config)
