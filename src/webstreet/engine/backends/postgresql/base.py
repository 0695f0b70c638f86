"""Loaded by Django as ENGINE ``webstreet.engine.backends.postgresql``."""

from django.db.backends.postgresql import base

from webstreet.engine.backends.breaker import BreakerMixin


class DatabaseWrapper(BreakerMixin, base.DatabaseWrapper):
    """PostgreSQL that stops trying for a while after it could not be reached."""
