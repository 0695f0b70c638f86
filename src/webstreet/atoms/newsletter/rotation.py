"""When a key of DKIM signs, and for how long its record stays in DNS. Values in, decisions out.

A key is made; its record is seen in DNS (or the editor says that it is set); it signs; a newer one takes its place, and its record
stays for who reads the mails under way; then nobody needs it. Never do two keys of one algorithm sign at the same time, and no key
signs before receivers can find it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

SETTLE = dt.timedelta(hours=1)
"""From when a record is seen until its key takes over from another: every name server of the domain has it by then. The first key of an
algorithm does not wait: without it there is no signature at all."""
KEEP = dt.timedelta(days=7)
"""How long the record of a key that signs no more must stay: mails wait in queues for five days (RFC 5321 4.5.4.1)."""
SOON, LATER = dt.timedelta(minutes=5), dt.timedelta(hours=1)
"""From one look into DNS to the next: while a new record is waited for, and else."""
EAGER = dt.timedelta(days=2)
"""For so long after a key was made its record is looked for every `SOON`."""


class KeyState(StrEnum):
    """Derived, never stored."""

    MADE = "made"
    PUBLISHED = "published"
    SIGNING = "signing"
    RETIRED = "retired"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Times:
    """The life of one key.

    Attributes:
        seen_at: since when its record is in DNS, as far as is known. ``lost``: its private half cannot be read any more.
    """

    pk: int
    made_at: dt.datetime
    seen_at: dt.datetime | None = None
    signing_at: dt.datetime | None = None
    retired_at: dt.datetime | None = None
    removed_at: dt.datetime | None = None
    lost: bool = False

    @property
    def state(self) -> KeyState:
        if self.removed_at:
            return KeyState.REMOVED
        if self.retired_at:
            return KeyState.RETIRED
        if self.signing_at:
            return KeyState.SIGNING
        return KeyState.PUBLISHED if self.seen_at else KeyState.MADE


def advanced(keys: Sequence[Times], now: dt.datetime) -> list[Times]:
    """The keys of one algorithm and domain as they should be at ``now``; each step at most once, and the same again when asked again.

    - The newest key whose record is seen signs: at once when none does, else after `SETTLE`.
    - Whatever signed before it is retired at that moment, and older ones that never signed are removed.
    - A retired key is removed after `KEEP`.
    - A lost key never begins to sign; it is retired (or removed, if it never signed) when there is a newer one.
    """
    found = sorted((key for key in keys if not key.removed_at), key=lambda key: (key.made_at, key.pk))
    signing = [key for key in found if key.state == KeyState.SIGNING]
    ready = [key for key in found if key.state == KeyState.PUBLISHED and not key.lost]
    able = [key for key in signing if not key.lost]
    if ready and (not able or now >= (ready[-1].seen_at or now) + SETTLE):
        begun = replace(ready[-1], signing_at=now)
        found = [begun if key.pk == begun.pk else _superseded(key, begun, now) for key in found]
    newest = found[-1] if found else None
    found = [_superseded(key, newest, now) if newest and key.lost else key for key in found]
    return [replace(key, removed_at=now) if key.retired_at and now >= key.retired_at + KEEP else key for key in found]


def _superseded(key: Times, by: Times, now: dt.datetime) -> Times:
    if key.pk == by.pk or (key.made_at, key.pk) > (by.made_at, by.pk) or key.retired_at:
        return key
    return replace(key, retired_at=now) if key.signing_at else replace(key, removed_at=now)


def next_look(made_at: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """When to look into DNS again. ``made_at``: of the key whose record is waited for; None: nothing is."""
    waited_for = made_at is not None and now - made_at < EAGER
    return now + (SOON if waited_for else LATER)
