"""Lookups that ignore capitals, by saying so: the collation does not."""

from __future__ import annotations

from django.db.backends.mysql import operations

IGNORING_CASE = frozenset({"iexact", "icontains", "istartswith", "iendswith"})


class DatabaseOperations(operations.DatabaseOperations):
    def lookup_cast(self, lookup_type: str, internal_type: str | None = None) -> str:
        given = str(super().lookup_cast(lookup_type, internal_type))
        return f"UPPER({given})" if lookup_type in IGNORING_CASE else given

    def regex_lookup(self, lookup_type: str) -> str:
        if not self.connection.mysql_is_mariadb:
            return str(super().regex_lookup(lookup_type))
        return "%s REGEXP %s" if lookup_type == "regex" else "%s REGEXP CONCAT('(?i)', %s)"
