"""Loaded by Django as ENGINE ``webstreet.engine.backends.mysql.atom``: the alias of a sensitive atom."""

from __future__ import annotations

from typing import Any

from webstreet.engine.backends import patience
from webstreet.engine.backends.breaker import BreakerMixin
from webstreet.engine.backends.mysql import base


class DatabaseWrapper(BreakerMixin, base.DatabaseWrapper):
    """MariaDB that stops trying for a while after it could not be reached, or fell silent."""

    def create_cursor(self, name: str | None = None) -> Any:
        self.connection._read_timeout = self.connection._write_timeout = patience.timeout_s()
        return super().create_cursor(name)
