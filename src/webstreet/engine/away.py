"""What an error says about the things a site stands on: a database that cannot be used now, a disk without room."""

from __future__ import annotations

import errno

from django.db import InterfaceError, OperationalError, connections

from webstreet.engine.backends import breaker
from webstreet.engine.backends.breaker import StoreDown

_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_away(error: BaseException | None) -> bool:
    """Whether a database, that of the site or an atom's, cannot be used now; not for a statement that is wrong."""
    if isinstance(error, StoreDown):
        return True
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    asks = getattr(connections["default"], "is_away", None)
    return bool(asks(error)) if asks else "no such " not in str(error)


def is_full(error: BaseException | None) -> bool:
    """Whether nothing could be written for want of room, by us or by a database."""
    return error.errno in _FULL if isinstance(error, OSError) else breaker.is_full(error)
