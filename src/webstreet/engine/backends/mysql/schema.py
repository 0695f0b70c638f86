"""Tables whose text is compared by its bytes, whatever the database was made with; and statements that may find their work done."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from django.db.backends.mysql import schema
from django.db.models import Model

from webstreet.engine.resuming import Replay

EXACT_COLLATION = "utf8mb4_bin"
"""Both servers have it, in every version, and what their JSON functions return has it too: another one would not mix with it.

It ignores spaces at the end of a text, which our forms take away anyway.
"""
FOLDING_TABLES = frozenset({"wagtailsearch_indexentry", "modelsearch_indexentry"})
"""Where Wagtail's admin searches: a reader's "ete" shall find "été"."""
FOLDING_COLLATION = "utf8mb4_unicode_ci"
DONE_ALREADY = frozenset(
    {
        *(1050, 1051, 1146),  # table is there, is not there
        *(1054, 1060, 1091),  # column or key is not there, column is there
        *(1061, 1068, 1176),  # key is there, primary key is there, key is not there
        *(1826, 3822, 3821),  # foreign key is there, check is there, check is not there
    }
)
"""Numbers of the errors by which a statement says that it ran before."""
CANNOT_CREATE = 1005
DUPLICATE = "errno: 121"
"""How MariaDB says that a foreign key is there."""


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    replay = Replay.DO

    def table_sql(self, model: type[Model]) -> tuple[str, Any]:
        sql, parameters = super().table_sql(model)
        collation = FOLDING_COLLATION if model._meta.db_table in FOLDING_TABLES else EXACT_COLLATION
        # DYNAMIC: keys of up to 768 characters, also where an old server's default is kept.
        return f"{sql} ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}", parameters

    def execute(self, sql: Any, params: Any = ()) -> None:
        if self.replay is Replay.PRETEND:
            return
        try:
            super().execute(sql, params)
        except DatabaseError as error:
            if self.replay is Replay.DO or not _says_done(error):
                raise

    def _delete_composed_index(self, model: type[Model], fields: Any, *args: Any) -> None:
        try:
            super()._delete_composed_index(model, fields, *args)
        except ValueError:
            # Django wants to find exactly one.
            if self.replay is Replay.DO:
                raise


def _says_done(error: DatabaseError) -> bool:
    number = error.args[0] if error.args else None
    return number in DONE_ALREADY or (number == CANNOT_CREATE and DUPLICATE in str(error))
