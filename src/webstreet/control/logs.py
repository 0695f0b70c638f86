"""Log lines of the control plane: a login link's token is a secret, and a request's path may hold it."""

from __future__ import annotations

import logging
import re

LINK = re.compile(r"(/console/link/)[^/\s\"'?]+")


class Masked(logging.Formatter):
    """Masks the finished line, so that neither an argument nor a traceback escapes it."""

    def format(self, record: logging.LogRecord) -> str:
        return LINK.sub(r"\1***", super().format(record))
