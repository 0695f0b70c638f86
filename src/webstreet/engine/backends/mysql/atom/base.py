"""Loaded by Django as ENGINE ``webstreet.engine.backends.mysql.atom``: the alias of a sensitive atom."""

from __future__ import annotations

from webstreet.engine.backends.breaker import BreakerMixin
from webstreet.engine.backends.mysql import base


class DatabaseWrapper(BreakerMixin, base.DatabaseWrapper):
    """MariaDB that stops trying for a while after it could not be reached, or fell silent."""
