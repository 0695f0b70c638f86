"""Panels of the admin's first page: what to do first, what is scheduled, what was published last. Editors see the pages that they may
change.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from wagtail.models import Page, Revision
from wagtail.permissions import policy_registry

from webstreet.atoms.articles.models import Article
from webstreet.engine import site as this_site

SHOWN = 8
RECENT = 5


@dataclass(frozen=True, slots=True)
class Event:
    """Something that will happen to a page by itself.

    Attributes:
        what: ``publish``, ``update`` (a newer version replaces what is live) or ``expire``.
    """

    at: dt.datetime
    what: str
    page: Any


def panels(request: HttpRequest) -> list[SafeString]:
    mine = policy_registry.get_by_type(Page).instances_user_has_any_permission_for(
        request.user, {"add", "change", "publish"}
    )
    if not mine.exists():
        return []
    articles = Article.objects.filter(pk__in=mine.values("pk"))
    first = (
        [] if articles.exists() else [render_to_string("articles/admin/first.html", {"home": _home(request)}, request)]
    )
    events = upcoming(mine)
    drafts = (
        mine.filter(live=False, expired=False)
        .exclude(pk__in=[event.page.pk for event in events])
        .specific(defer=True)
        .order_by("-latest_revision_created_at", "-pk")
    )
    scheduled = {
        "events": events[:SHOWN], "further": max(0, len(events) - SHOWN), "now": timezone.now(),
        "drafts": drafts[:SHOWN], "further_drafts": max(0, drafts.count() - SHOWN),
    }  # fmt: skip
    newest = articles.live().order_by("-published_at", "-pk").select_related("locale").defer_streamfields()[:RECENT]
    recent = render_to_string("articles/admin/recent.html", {"articles": newest, "home": _home(request)}, request)
    shown = [
        *first,
        render_to_string("articles/admin/scheduled.html", scheduled, request),
        *([] if first else [recent]),
    ]
    return [SafeString(panel) for panel in shown]


def upcoming(pages: Any) -> list[Event]:
    """What will happen to ``pages``, soonest first."""
    planned = Revision.objects.filter(
        base_content_type=ContentType.objects.get_for_model(Page, for_concrete_model=False),
        approved_go_live_at__isnull=False,
    )
    revisions = {int(revision.object_id): revision for revision in planned.order_by("approved_go_live_at")}
    found = []
    for page in pages.filter(pk__in=revisions).specific(defer=True):
        revision = revisions[page.pk]
        found.append(Event(revision.approved_go_live_at, "update" if page.live else "publish", page))
        ends = parse_datetime(revision.content.get("expire_at") or "")
        if ends is not None:
            found.append(Event(ends, "expire", page))
    known = {event.page.pk for event in found if event.what == "expire"}
    ending = pages.live().filter(expire_at__isnull=False).exclude(pk__in=known).specific(defer=True)
    found += [Event(page.expire_at, "expire", page) for page in ending]
    return sorted(found, key=lambda event: (event.at, event.page.pk))


def _home(request: HttpRequest) -> Any:
    """Where this editor may add articles: the home in the first language, or None."""
    wagtail_site = this_site.wagtail_site()
    if wagtail_site is None:
        return None
    home = wagtail_site.root_page.specific
    allowed = home.permissions_for_user(request.user).can_add_subpage() and Article.can_create_at(home)
    return home if allowed else None
