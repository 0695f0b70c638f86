"""The engine's own tables, all in the default database; none holds personal data."""

from webstreet.engine.announcements import FirstPublic
from webstreet.engine.login import LoginToken
from webstreet.engine.prepared import Prepared
from webstreet.engine.tasks.heartbeat import WorkerSeen

__all__ = ["FirstPublic", "LoginToken", "Prepared", "WorkerSeen"]
