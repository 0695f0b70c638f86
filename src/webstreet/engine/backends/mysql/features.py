"""What the engine asks of the server, and what it does not use although the server has it."""

from __future__ import annotations

from django.db.backends.mysql import features
from django.utils.functional import cached_property

MARIADB = (10, 6)
"""The first with SKIP LOCKED, which two workers need, and with definitions that a crash cannot leave half done."""
MYSQL = (8, 0, 16)
"""The first that checks what a table demands of its rows (CHECK)."""


class DatabaseFeatures(features.DatabaseFeatures):
    has_native_uuid_field = False

    @cached_property
    def minimum_database_version(self) -> tuple[int, ...]:
        return MARIADB if self.connection.mysql_is_mariadb else MYSQL
