"""A circuit breaker at the one place where connections are made.

After a failed connection attempt further ones are refused for `REFUSE_S` seconds without touching the network: the first
request to a dead server waits for its time-out, those that follow do not.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from django.db import Error, InterfaceError, OperationalError
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property

REFUSE_S = 15.0


class StoreDown(OperationalError):
    """The database of an atom does not answer. Carries the alias and nothing of the server's words: they name host and user.

    Attributes:
        full: it answers, but has no room to write.
    """

    def __init__(self, alias: str, *, full: bool = False) -> None:
        super().__init__(f"the database of {alias} {'has no room left' if full else 'does not answer'}")
        self.alias = alias
        self.full = full


_SQLITE_FULL, _POSTGRESQL_FULL, _MYSQL_FULL = "database or disk is full", "53100", (1021, 1114)


def is_full(error: BaseException | None) -> bool:
    """Whether a database says that it has no room left."""
    if isinstance(error, StoreDown):
        return error.full
    if not isinstance(error, Error):
        return False
    state = getattr(error.__cause__, "sqlstate", "")
    return _SQLITE_FULL in str(error) or state == _POSTGRESQL_FULL or bool(error.args and error.args[0] in _MYSQL_FULL)


class _Breakers:
    """When each alias may be tried again (monotonic seconds); one instance a process."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def is_open(self, alias: str) -> bool:
        with self._lock:
            return time.monotonic() < self._until.get(alias, 0.0)

    def trip(self, alias: str) -> None:
        with self._lock:
            self._until[alias] = time.monotonic() + REFUSE_S

    def close(self, alias: str) -> None:
        with self._lock:
            self._until.pop(alias, None)


breakers = _Breakers()


class _NamingErrorWrapper(DatabaseErrorWrapper):
    """Turns the driver's operational errors into `StoreDown`, which knows its alias.

    Everything operational counts (server gone, refused, too many connections, locked for too long): for a reader all of
    them mean "try again later". The driver's own text is dropped because it can hold values. What a wrapper's own ``is_away``
    knows to be a mistake of ours stays what it is.
    """

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        try:
            super().__exit__(exc_type, exc_value, traceback)
        except StoreDown:
            raise
        except (OperationalError, InterfaceError) as error:
            if not self.wrapper.is_away(error):
                raise
            full = is_full(error)
        else:
            return
        # Outside the except block, so that the driver's exception is not chained to ours.
        raise StoreDown(self.wrapper.alias, full=full)


class BreakerMixin:
    """Goes before Django's DatabaseWrapper."""

    alias: str

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return _NamingErrorWrapper(self)

    def is_away(self, error: Exception) -> bool:
        """Whether an error of the driver means that the database cannot be used now."""
        if asks := getattr(super(), "is_away", None):
            return bool(asks(error))
        return isinstance(error, OperationalError) and "no such " not in str(error)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if breakers.is_open(self.alias):
            raise StoreDown(self.alias)
        try:
            connection = super().get_new_connection(conn_params)  # type: ignore[misc]
        except self.Database.Error:  # type: ignore[attr-defined]
            breakers.trip(self.alias)
        else:
            breakers.close(self.alias)
            return connection
        raise StoreDown(self.alias)
