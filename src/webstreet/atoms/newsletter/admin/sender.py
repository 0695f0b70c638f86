"""As whom the site writes: the records that DNS must have, what it has, and the keys that sign."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from wagtail.admin.auth import permission_required

from webstreet.atoms.newsletter import identity, looking, mails, rotation, verdicts
from webstreet.atoms.newsletter.admin.subscribers import crumbs
from webstreet.atoms.newsletter.identity import Standing
from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.identity import DnsRecord, SigningKey
from webstreet.atoms.newsletter.rotation import KeyState
from webstreet.engine.tasks import enqueue_on_commit
from webstreet.kernel.errors import BadInput, Conflict, WebstreetError
from webstreet.mail.dkim import txt_strings

OLD = dt.timedelta(days=365)
"""Keys that are older should be replaced."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record: what to set, and what DNS has.

    Attributes:
        pieces: the value as zone files and some DNS screens want it, where it is longer than one string.
        seen: what the last look came to; None before the first. ``words``: that in a sentence.
    """

    anchor: str
    title: str
    name: str
    value: str
    seen: DnsRecord | None
    words: str
    key: SigningKey | None = None
    state: KeyState | None = None
    label: str = ""
    signs_from: dt.datetime | None = None
    keep_until: dt.datetime | None = None
    lost: bool = False
    pieces: list[str] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        return self.seen is None or not self.seen.is_looked_up

    @property
    def may_act(self) -> bool:
        return self.state in (KeyState.MADE, KeyState.PUBLISHED)


def _rows() -> list[Row]:
    domain, returns = mails.sender().domain, mails.envelope_domain()
    wanted = mails.algorithms()
    keys = [key for key in identity.living(domain) if key.algorithm in wanted or key.state == KeyState.RETIRED]
    seen = {row.name: row for row in identity.watched(domain, returns)}
    spf, dmarc = seen.get(returns), seen.get(f"_dmarc.{domain}")
    return [
        *(_key_row(key, seen.get(key.name)) for key in keys),
        Row("spf", "SPF", returns, verdicts.suggested_spf(), spf, verdicts.words(spf)),
        Row("dmarc", "DMARC", f"_dmarc.{domain}", verdicts.SUGGESTED_DMARC, dmarc, verdicts.words(dmarc)),
    ]


def _key_row(key: SigningKey, seen: DnsRecord | None) -> Row:
    times = key.times
    pieces = txt_strings(key.record)
    return Row(
        f"key-{key.pk}",
        f"DKIM, {key.get_algorithm_display()}",
        key.name,
        key.record,
        seen,
        verdicts.words(seen),
        key,
        times.state,
        verdicts.key_words(times.state),
        times.seen_at + rotation.SETTLE if times.seen_at and times.state == KeyState.PUBLISHED else None,
        times.retired_at + rotation.KEEP if times.retired_at else None,
        times.lost,
        pieces if len(pieces) > 1 else [],
    )


def _status() -> dict[str, object]:
    from_ = mails.sender()
    standing = identity.standing(from_.domain, mails.algorithms())
    rows = _rows()
    signing = [row.key.made_at for row in rows if row.key is not None and row.state == KeyState.SIGNING]
    waiting = any(row.may_act and not row.lost for row in rows)
    return {
        "sender": from_,
        "standing": standing.value,
        "words": verdicts.standing_words(standing),
        "rows": rows,
        "settled": all(row.is_settled for row in rows),
        "may_make": not waiting and standing != Standing.OFF,
        "rotates": bool(signing),
        "old": bool(signing) and min(signing) < dt.datetime.now(dt.UTC) - OLD and not waiting,
        "returns_to": mails.parameters().bounce_address,
        "providers": _providers(),
    }


def _providers() -> str:
    """Those whose API takes the mails, and signs them; empty: none."""
    try:
        return ", ".join(dict.fromkeys(url.provider.title() for url in mails.mail_servers() if url.provider))
    except WebstreetError:
        return ""


@permission_required("newsletter.view_signingkey")
def page(request: HttpRequest) -> HttpResponse:
    context = {
        "header_title": _("Sender"),
        "header_icon": "key",
        "breadcrumbs_items": crumbs(("", _("Sender"))),
        **_status(),
    }
    return TemplateResponse(request, "newsletter/admin/sender.html", context)


@never_cache
@permission_required("newsletter.view_signingkey")
def status(request: HttpRequest) -> HttpResponse:
    """The live part of the page."""
    return render(request, "newsletter/admin/sender_status.html", _status())


@permission_required("newsletter.change_signingkey")
@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """New keys, the first or the next; the old ones sign until the records of the new ones are seen."""
    domain = mails.sender().domain
    try:
        with atomic():
            identity.make_keys(domain, mails.algorithms(), by=request.user.pk)
            _look(domain)
    except Conflict as error:
        text = _("New keys wait for their records already: set those, or discard the keys.")
        messages.error(request, f"{text} ({error.error_code})")
    except BadInput as error:
        text = _("The sender's domain is too long for a key: choose a shorter one.")
        messages.error(request, f"{text} ({error.error_code})")
    else:
        messages.success(
            request, _("New keys are made. Set their records in DNS; they sign as soon as we find them there.")
        )
    return redirect("newsletter_admin:sender")


@permission_required("newsletter.change_signingkey")
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Look everything up now, in the worker."""
    with atomic():
        _look(mails.sender().domain)
    return redirect("newsletter_admin:sender")


def _look(domain: str) -> None:
    for row in identity.look_now(domain, mails.envelope_domain()):
        enqueue_on_commit(looking.look_up, row.pk, using=alias())


@permission_required("newsletter.change_signingkey")
@require_POST
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Say that a key's record is set, or that the key is not wanted."""
    key = get_object_or_404(SigningKey, pk=pk)
    if verb == "declare":
        if identity.declare(key, by=request.user.pk):
            messages.success(request, _("We believe you: the key signs as if its record had been found."))
    elif identity.discard(key, by=request.user.pk):
        messages.success(request, _("The key is discarded. Its record can be removed from DNS."))
    return redirect("newsletter_admin:sender")
