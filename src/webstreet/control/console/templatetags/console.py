"""How the console shows a state, an instant and a journal line."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext, ngettext_lazy

from webstreet.control.catalogue.settings import in_words
from webstreet.control.console.errors import said_text
from webstreet.control.console.words import EVENTS, IMPORT_LOOKS, IMPORT_STATES, KINDS, LOOKS, SEEN, STATES, Look
from webstreet.control.sites.customizations import Customization
from webstreet.control.sites.dictionary import shown_values

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
    if when is None:
        return "–"
    short = timezone.now() - when < dt.timedelta(minutes=1)
    return _time(when, gettext("less than a minute") if short else timesince(when, depth=1))


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


IMPORTED = {
    "articles": ngettext_lazy("%(n)s article", "%(n)s articles", "n"),
    "subscribers": ngettext_lazy("%(n)s subscriber", "%(n)s subscribers", "n"),
}
SIZES = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@register.filter
def sized(size_bytes: int) -> str:
    """A size in the units of the command line."""
    for limit, unit in SIZES:
        if size_bytes >= limit:
            return f"{number_format(size_bytes / limit, 1)} {_unit(unit)}"
    return ngettext("%(n)s byte", "%(n)s bytes", size_bytes) % {"n": size_bytes}


def _unit(unit: str) -> str:
    return {"GB": gettext("GB"), "MB": gettext("MB"), "kB": gettext("kB")}[unit]


@register.filter
def import_words(report: dict[str, Any]) -> str:
    """What an import did: "12 articles and 38 subscribers added"."""
    parts = [
        sentence % {"what": _listed(counts)}
        for sentence, counts in (
            (gettext("%(what)s added"), report.get("created") or {}),
            (gettext("%(what)s updated"), report.get("updated") or {}),
        )
        if any(counts.values())
    ] or [gettext("nothing new")]
    rejected = len(report.get("rejected") or ())
    if rejected:
        parts.append(ngettext("%(n)s record rejected", "%(n)s records rejected", rejected) % {"n": rejected})
    return "; ".join(parts)


def _listed(counts: dict[str, int]) -> str:
    return str(
        get_text_list(
            [str(IMPORTED[kind] % {"n": n}) if kind in IMPORTED else f"{n} {kind}" for kind, n in counts.items() if n],
            gettext("and"),
        )
    )


@register.filter
def in_language(text: str) -> str:
    """A sentence of the reconcile loop in the reader's language."""
    return said_text(text)


@register.filter
def kind_word(kind: str) -> str:
    """What kind of entry of the configuration dictionary it is."""
    return str(KINDS[kind])


@register.filter
def use_word(how: str) -> str:
    """How one atom uses another: a hook's or a parameter's name stays as it is."""
    return gettext("needs it") if how == "requires" else how


@register.filter
def site_name(full_name: str) -> str:
    return full_name.rpartition("/")[2]


@register.filter
def change_words(row: Customization) -> SafeString:
    """From what to what, as a person would write it."""
    before_is, before, after_is, after = shown_values(row)
    return format_html("{} → {}", _value(before_is, before), _value(after_is, after))


def _value(kind: str, value: Any) -> str:
    if kind == "secret":
        return gettext("a secret value")
    words = in_words(value) or "–"
    return gettext("%(value)s (default)") % {"value": words} if kind == "default" else words


@register.filter
def percent(progress: dict | None) -> int:
    """How far something is, 0 to 100; 0 while the total is unknown."""
    total = (progress or {}).get("total") or 0
    return round(100 * progress["done"] / total) if progress and total else 0
