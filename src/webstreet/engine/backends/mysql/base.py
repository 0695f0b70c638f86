"""Loaded by Django as ENGINE ``webstreet.engine.backends.mysql``: the alias ``default``."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from django.db.backends.mysql import base

from webstreet.engine.backends import patience
from webstreet.engine.backends.mysql.features import DatabaseFeatures
from webstreet.engine.backends.mysql.operations import DatabaseOperations
from webstreet.engine.backends.mysql.schema import EXACT_COLLATION, DatabaseSchemaEditor

CONNECT_TIMEOUT_S = 3
"""For the connection, and for each answer while it is being made: a frozen server accepts and says nothing."""
STRICT = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
LOCK_WAIT_S = 10
TOGETHER_MAX = 8 * 2**20
"""Octets of many values asked for as one. MySQL would cut it at 1,024; what a server sends at once is 16 MiB."""
SESSION = f"SET sql_mode='{STRICT}', time_zone='+00:00', innodb_lock_wait_timeout={LOCK_WAIT_S}, group_concat_max_len={TOGETHER_MAX}"
AWAY = frozenset(
    {
        0,  # the connection was closed before
        *(1021, 1030, 1114),  # disk or table full, storage engine failed
        *(1040, 1203, 1226),  # too many connections
        *(1042, 1043, 1044, 1045, 1049, 1129, 1130, 1698),  # not let in
        *(1053, 1077, 1079, 1152, 1153, 1158, 1159, 1160, 1161, 1184, 1927, 4031),  # going away, lost on the way
        *(1205, 1213),  # locked for too long, deadlock
        *(1290, 1792, 1836),  # read-only: a replica after a change of roles
        *range(2000, 2100),  # what the client itself says
    }
)
"""Numbers of the errors that a second try may not meet (https://mariadb.com/kb/en/mariadb-error-codes/).

Everything else that PyMySQL calls operational is a statement that does not fit the tables.
"""


class DatabaseWrapper(base.DatabaseWrapper):
    """As the package says."""

    SchemaEditorClass = DatabaseSchemaEditor
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
    # As on PostgreSQL. Django's rely on a collation that ignores capitals, and on BINARY, which no index can serve.
    operators = {
        **base.DatabaseWrapper.operators,
        "iexact": "LIKE UPPER(%s)",
        "contains": "LIKE %s",
        "icontains": "LIKE UPPER(%s)",
        "startswith": "LIKE %s",
        "endswith": "LIKE %s",
        "istartswith": "LIKE UPPER(%s)",
        "iendswith": "LIKE UPPER(%s)",
    }
    pattern_ops = {
        "contains": "LIKE CONCAT('%%', {}, '%%')",
        "icontains": "LIKE CONCAT('%%', UPPER({}), '%%')",
        "startswith": "LIKE CONCAT({}, '%%')",
        "istartswith": "LIKE CONCAT(UPPER({}), '%%')",
        "endswith": "LIKE CONCAT('%%', {})",
        "iendswith": "LIKE CONCAT('%%', UPPER({}))",
    }

    def get_connection_params(self) -> dict[str, Any]:
        return {
            "init_command": SESSION,
            "collation": EXACT_COLLATION,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": CONNECT_TIMEOUT_S,
            "write_timeout": CONNECT_TIMEOUT_S,
            **super().get_connection_params(),
        }

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        with contextlib.suppress(OSError):
            # Packets that vanish (a cut tunnel) otherwise hold a request for a quarter of an hour. A Unix socket refuses this.
            connection._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, CONNECT_TIMEOUT_S * 1000)
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        # Not the limit of connecting: a long statement may be an honest one, such as a migration.
        self.connection._read_timeout = self.connection._write_timeout = patience.timeout_s()
        return super().create_cursor(name)

    def is_away(self, error: Exception) -> bool:
        """Whether an error means that the server cannot be used now, rather than that a statement is wrong."""
        return not error.args or error.args[0] in AWAY
