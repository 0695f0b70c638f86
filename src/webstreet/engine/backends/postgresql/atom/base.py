"""Loaded by Django as ENGINE ``webstreet.engine.backends.postgresql.atom``: the alias of a sensitive atom."""

from __future__ import annotations

from webstreet.engine.backends.breaker import BreakerMixin, breakers
from webstreet.engine.backends.postgresql import base


class DatabaseWrapper(BreakerMixin, base.DatabaseWrapper):
    """PostgreSQL that stops trying for a while after it could not be reached, or fell silent."""

    def fell_silent(self) -> None:
        breakers.trip(self.alias)
