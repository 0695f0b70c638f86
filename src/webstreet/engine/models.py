"""The engine's own tables, all in the default database; none says who somebody is."""

from webstreet.engine.announcements import FirstPublic
from webstreet.engine.guessing import FailedLogins
from webstreet.engine.imports.origin import Origin
from webstreet.engine.login import LoginToken
from webstreet.engine.pagecache.journal import Expired
from webstreet.engine.prepared import Prepared
from webstreet.engine.tasks.heartbeat import WorkerSeen

__all__ = ["Expired", "FailedLogins", "FirstPublic", "LoginToken", "Origin", "Prepared", "WorkerSeen"]
