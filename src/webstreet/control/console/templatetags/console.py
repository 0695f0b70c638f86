"""How the console shows a state, an instant and a journal line."""

from __future__ import annotations

import datetime as dt

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from webstreet.control.console.words import EVENTS, IMPORT_LOOKS, IMPORT_STATES, LOOKS, SEEN, STATES, Look

register = template.Library()


@register.filter
def state_badge(state: str) -> SafeString:
    """The state as icon, word and colour."""
    return _badge(LOOKS.get(state, LOOKS["unknown"]), STATES.get(state, state))


@register.filter
def import_badge(state: str) -> SafeString:
    """The same for an import."""
    return _badge(IMPORT_LOOKS[state], IMPORT_STATES[state])


def _badge(look: Look, word: object) -> SafeString:
    return format_html(
        '<span class="ws-state ws-{}"><span class="material-symbols-outlined" aria-hidden="true">{}</span>{}</span>',
        look.tone,
        look.icon,
        word,
    )


@register.filter
def ago(when: dt.datetime | str | None) -> SafeString | str:
    """Relative time, the exact one on hover."""
    at = parse_datetime(when) if isinstance(when, str) else when
    return _time(at, naturaltime(at)) if at else "–"


@register.filter
def how_long(when: dt.datetime | None) -> SafeString | str:
    """For how long something has been so, the exact instant on hover."""
    return _time(when, timesince(when, depth=1)) if when else "–"


def _time(at: dt.datetime, words: str) -> SafeString:
    exact = date_format(timezone.localtime(at), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{} UTC">{}</time>', at.isoformat(), exact, words)


@register.filter
def state_word(state: str) -> str:
    """The word alone, for sentences and tables."""
    return str(STATES.get(state) or SEEN.get(state) or state or "–")


@register.filter
def event_words(what: str) -> str:
    """What happened, in words; the code itself if there are none."""
    return str(EVENTS.get(what, what))


@register.filter
def percent(progress: dict | None) -> int:
    """How far something is, 0 to 100; 0 while the total is unknown."""
    total = (progress or {}).get("total") or 0
    return round(100 * progress["done"] / total) if progress and total else 0
