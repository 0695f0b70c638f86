"""The newsletter's panels on the admin's first page. When its database is away they say so, and the page stays."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from wagtail.admin.auth import permission_required

from webstreet.atoms.newsletter import audience, verdicts
from webstreet.atoms.newsletter.models.delivery import Chunk
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.notice import ATTEMPTS, Notice
from webstreet.engine.backends.breaker import StoreDown

SHOWN = 5
GIVEN_UP_FOR = dt.timedelta(days=30)
"""How long mails to one person that were given up are told of."""


def panels(request: HttpRequest) -> list[SafeString]:
    """What is being delivered, and how the audience grows; each for those who may see it."""
    found: list[SafeString] = []
    for permission, title, make in (
        ("newsletter.view_issue", _("What is being delivered"), _delivering_panel),
        ("newsletter.view_subscriber", _("Audience growth"), _growth_panel),
    ):
        if request.user.has_perm(permission):
            found.append(_or_away(title, make, request))
    return found


def _or_away(title: str, make: Callable[[HttpRequest], SafeString], request: HttpRequest) -> SafeString:
    try:
        return make(request)
    except StoreDown:
        return SafeString(render_to_string("newsletter/admin/panel_away.html", {"title": title}, request))


def _delivering_panel(request: HttpRequest) -> SafeString:
    sees = request.user.has_perm("newsletter.view_signingkey")
    context = {**_delivering(), "sender_note": verdicts.note() if sees else ""}
    return SafeString(render_to_string("newsletter/admin/panel_delivering.html", context, request))


def _delivering() -> dict[str, object]:
    """Issues that are on their way, the newest first, the last one that is done, and those that wait for an editor's decision."""
    started = Issue.objects.defer("html", "text").filter(started_at__isnull=False)
    moving = started.filter(
        Q(frozen_at=None) | Exists(Chunk.objects.filter(issue=OuterRef("pk"), closed=False)), cancelled_at=None
    )
    rows = [(issue, issue.state, issue.counts) for issue in moving.order_by("-id")[:SHOWN]]
    last = None
    if not rows:
        issue = started.order_by("-id").first()
        last = (issue, issue.state, issue.counts) if issue is not None else None
    undecided = Issue.undecided().defer("html", "text").order_by("-id")[:SHOWN]
    return {"rows": rows, "last": last, "undecided": undecided, "settled": False, "people": _to_people()}


def _to_people() -> dict[str, int]:
    """Mails to one person that were tried and have not gone: how many wait for the mail server (``away``), for the site's settings
    (``refused``), for the recipient's server (``later``), and how many were given up.

    What a recipient's server refused for good is not told of: anybody may sign up an address that does not exist.
    """
    waiting: Counter[str] = Counter()
    for code, count in Notice.open().exclude(code="").order_by().values_list("code").annotate(n=Count("id")):
        noun = code.partition(".")[0]
        waiting[{"mail_server": "away", "sender": "refused", "content": "refused"}.get(noun, "later")] += count
    since = timezone.now() - GIVEN_UP_FOR
    lost = Notice.objects.filter(sent_at=None, given_up_at__gt=since)
    in_vain = Q(attempts__gte=ATTEMPTS)
    for trouble in ("mail_server.", "sender.", "content."):
        in_vain |= Q(code__startswith=trouble)
    return {**waiting, "given_up": lost.filter(in_vain).count()}


@never_cache
@permission_required("newsletter.view_issue")
def delivering_now(request: HttpRequest) -> HttpResponse:
    """The live part of the panel."""
    try:
        return render(request, "newsletter/admin/delivering.html", _delivering())
    except StoreDown:
        return render(request, "newsletter/admin/away.html", status=503)


def _growth_panel(request: HttpRequest) -> SafeString:
    unit: audience.Unit = "months" if request.GET.get("growth") == "months" else "weeks"
    found = audience.periods(unit)
    first = next((period.active for period in found if period.active is not None), None)
    last = found[-1].active
    context = {
        "unit": unit,
        "periods": found,
        "chart": audience.chart(found),
        "active": last,
        "change": last - first if last is not None and first is not None else 0,
        "nothing": first is None,
        "now": timezone.now(),
    }
    return SafeString(render_to_string("newsletter/admin/panel_growth.html", context, request))
