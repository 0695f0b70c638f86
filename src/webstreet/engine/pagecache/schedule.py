"""When editors want something to appear or to vanish."""

from __future__ import annotations

import datetime as dt

from django.apps import apps
from django.db.models import Min


def next_moment(after: float) -> float | None:
    """The first scheduled publication or expiry later than ``after``; both in seconds since the epoch."""
    from wagtail.models import DraftStateMixin, Page, Revision

    since = dt.datetime.fromtimestamp(after, dt.UTC)
    found = [Revision.objects.filter(approved_go_live_at__gt=since).aggregate(at=Min("approved_go_live_at"))["at"]]
    drafts = (m for m in apps.get_models() if issubclass(m, DraftStateMixin) and not issubclass(m, Page))
    for model in (Page, *drafts):
        # An object that expires says so in its row, which is written when it is published.
        found.append(model.objects.filter(live=True, expire_at__gt=since).aggregate(at=Min("expire_at"))["at"])
    moments = [at.timestamp() for at in found if at is not None]
    return min(moments, default=None)
