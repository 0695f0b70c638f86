"""Tables whose text is compared by its bytes, whatever the database was made with."""

from __future__ import annotations

from typing import Any

from django.db.backends.mysql import schema
from django.db.models import Model

EXACT_COLLATION = "utf8mb4_bin"
"""Both servers have it, in every version, and what their JSON functions return has it too: another one would not mix with it.

It ignores spaces at the end of a text, which our forms take away anyway.
"""
FOLDING_TABLES = frozenset({"wagtailsearch_indexentry", "modelsearch_indexentry"})
"""Where Wagtail's admin searches: a reader's "ete" shall find "été"."""
FOLDING_COLLATION = "utf8mb4_unicode_ci"


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    def table_sql(self, model: type[Model]) -> tuple[str, Any]:
        sql, parameters = super().table_sql(model)
        folds = model._meta.db_table in FOLDING_TABLES
        collation = FOLDING_COLLATION if folds else EXACT_COLLATION
        # DYNAMIC: keys of up to 768 characters, also where an old server's default is kept.
        return f"{sql} ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}", parameters
