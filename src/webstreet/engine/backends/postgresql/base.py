"""Loaded by Django as ENGINE ``webstreet.engine.backends.postgresql``: the alias ``default``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from webstreet.engine.backends import patience


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with a limit on every answer where `patience.limit` was said."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.wait = _impatient(connection, self.fell_silent)
        return connection

    def fell_silent(self) -> None:
        """An answer did not come in time, and the connection was closed."""


def _impatient(connection: psycopg.Connection[Any], fell_silent: Callable[[], None]) -> Callable[..., Any]:
    """psycopg's ``Connection.wait``, through which every statement goes, with a limit.

    Silence ends the connection, or whatever is said on it next, as a rollback, would wait once more.
    """
    wait = connection.wait

    def limited(gen: Any, **options: Any) -> Any:
        try:
            return wait(gen, **{"timeout": patience.timeout_s(), **options})
        except psycopg.errors._WaitTimeout:
            connection.pgconn.finish()
            fell_silent()
            raise

    return limited
