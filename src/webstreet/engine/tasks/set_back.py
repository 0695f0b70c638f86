"""When the system's clock was set back: what we planned by the clock that was wrong must not wait until it is that late again.

A duration inside one process is measured by the monotonic clock, which nobody sets. What several processes must agree on lies in
rows as a time of day: a lease, a next try, a sign of life. A worker that finds a sign of life of this machine in the future knows
that the clock was set back, and moves all of those that lie in the future to now. That is safe: who holds a lease finds at its next
step that it is lost, what is tried too early is put off again, and every outcome is fenced by its attempt.
"""

from __future__ import annotations

import datetime as dt
import logging

from django.apps import apps
from django.conf import settings
from django.db import models

from webstreet.engine.backends.breaker import StoreDown

PLANNED = frozenset({"due_at", "lease_until", "woken_at", "seen_at", "since"})
"""Fields of the engine's and the atoms' models that hold such a time. A time that a person chose has another name."""
SLACK = dt.timedelta(seconds=5)
"""Clocks are corrected by a little all the time."""
logger = logging.getLogger(__name__)


def bring_to(now: dt.datetime) -> bool:
    """Move every planned time that lies after ``now`` to ``now``; False if an atom's database was away, and this is to be repeated."""
    moved, complete = 0, True
    # The engine last: its rows are what the next look is decided by.
    for label in (*(atom.name for atom in settings.SITE_ATOMS), "engine"):
        try:
            if label != "engine" or complete:
                moved += sum(_bring(model, now) for model in apps.get_app_config(label).get_models())
        except StoreDown:
            complete = False
    logger.warning("worker.clock_was_set_back", extra={"moved": moved})
    return complete


def _bring(model: type[models.Model], now: dt.datetime) -> int:
    fields = [f.name for f in model._meta.concrete_fields if isinstance(f, models.DateTimeField) and f.name in PLANNED]
    late = model._base_manager.all()
    return sum(late.filter(**{f"{name}__gt": now + SLACK}).update(**{name: now}) for name in fields)
