"""Loaded by Django as ENGINE ``webstreet.engine.backends.postgresql``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from webstreet.engine.backends import patience
from webstreet.engine.backends.breaker import BreakerMixin, breakers


class DatabaseWrapper(BreakerMixin, base.DatabaseWrapper):
    """PostgreSQL that stops trying for a while after it could not be reached, or fell silent."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.wait = _impatient(connection, self.alias)
        return connection


def _impatient(connection: psycopg.Connection[Any], alias: str) -> Callable[..., Any]:
    """psycopg's ``Connection.wait``, through which every statement goes, with a limit.

    Silence ends the connection, or whatever is said on it next, as a rollback, would wait once more.
    """
    wait = connection.wait

    def limited(gen: Any, **options: Any) -> Any:
        try:
            return wait(gen, **{"timeout": patience.timeout_s(), **options})
        except psycopg.errors._WaitTimeout:
            connection.pgconn.finish()
            breakers.trip(alias)
            raise

    return limited
