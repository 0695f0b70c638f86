"""Loaded by Django as ENGINE ``webstreet.engine.backends.sqlite3``."""

from django.db.backends.sqlite3 import base

from webstreet.engine.backends.breaker import BreakerMixin


class DatabaseWrapper(BreakerMixin, base.DatabaseWrapper):
    """SQLite that says which alias failed."""
