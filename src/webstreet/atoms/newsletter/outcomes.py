"""Writing down what became of a thousand recipients at once, by the statement that each database does fastest.

Nearly all of a batch was accepted at the first try: neighbours with one fate are one statement about a range of ids. What is left is
written as a table of values: ``unnest`` on PostgreSQL, ``JSON_TABLE`` on MariaDB and MySQL, a prepared statement on SQLite.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections

from webstreet.atoms.newsletter.models.base import alias
from webstreet.atoms.newsletter.models.delivery import State

RUN_MIN = 10
"""Neighbours that are worth a statement of their own."""
UNDECIDED = (State.QUEUED, State.DEFERRED, State.SENDING)


@dataclass(frozen=True, slots=True)
class Fate:
    """What a ledger row becomes. ``attempts``: how often it was tried, this time included."""

    state: Any
    attempts: int
    code: str = ""
    reply: str | None = None
    due_at: dt.datetime | None = None


def write(issue_id: int, number: int, fates: Sequence[tuple[int, Fate | None]], now: dt.datetime) -> None:
    """Write the fates of a batch that is still ours, in the order of its ids; None: the row stays as it is.

    A row that is decided already is left alone.
    """
    single: list[tuple[int, Fate]] = []
    for run in _runs(fates):
        first, fate = run[0]
        if len(run) < RUN_MIN or fate.attempts != 1:
            single += run
            continue
        _write_run((issue_id, number, first, run[-1][0]), fate, now)
    write_each(single, now, UNDECIDED, -1)


def _runs(fates: Iterable[tuple[int, Fate | None]]) -> Iterator[list[tuple[int, Fate]]]:
    run: list[tuple[int, Fate]] = []
    same: Fate | None = None
    for pk, fate in fates:
        # Nearly always one object for all; to compare two takes as long as the rest of this loop.
        if run and fate is not same and fate != same:
            yield run
            run = []
        if fate is not None:
            run.append((pk, fate))
        same = fate
    if run:
        yield run


def _write_run(rows: tuple[int, int, int, int], fate: Fate, now: dt.datetime) -> None:
    """Between the first and the last of a batch, whoever is queued and was never tried is of the batch: nobody's attempts ever fall."""
    connection = connections[alias()]
    adapt = connection.ops.adapt_datetimefield_value
    due_at = adapt(fate.due_at) if fate.due_at else None
    values = [str(fate.state), fate.attempts, fate.code, fate.reply, due_at, adapt(now), *rows, str(State.QUEUED)]
    with connection.cursor() as cursor:
        cursor.execute(_RUN, values)


_RUN = """
UPDATE newsletter_delivery SET state = %s, attempts = %s, code = %s, reply = %s, due_at = %s, changed_at = %s
WHERE issue_id = %s AND number = %s AND id BETWEEN %s AND %s AND state = %s AND attempts = 0
"""


def write_each(fates: Sequence[tuple[int, Fate]], now: dt.datetime, states: Sequence[Any], offset: int) -> None:
    """Write each fate to its row, if that is in one of ``states`` and was tried ``offset`` times more often than its fate says."""
    if not fates:
        return
    connection = connections[alias()]
    adapt = connection.ops.adapt_datetimefield_value
    rows = [
        (pk, str(f.state), f.attempts, f.code, f.reply, adapt(f.due_at) if f.due_at else None, f.attempts + offset)
        for pk, f in fates
    ]
    allowed = [str(state) for state in states]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL, [*map(list, zip(*rows, strict=True)), adapt(now), allowed])
        elif connection.vendor == "mysql":
            texts = [[*row[:5], str(row[5]) if row[5] else None, row[6]] for row in rows]
            holes = ", ".join(["%s"] * len(allowed))
            cursor.execute(_MYSQL.format(states=holes), [json.dumps(texts), adapt(now), *allowed])
        else:
            holes = ", ".join(["%s"] * len(allowed))
            values = [(*row[1:6], adapt(now), row[0], row[6], *allowed) for row in rows]
            cursor.executemany(_SQLITE.format(states=holes), values)


_POSTGRESQL = """
UPDATE newsletter_delivery d
SET state = v.state, attempts = v.attempts, code = v.code, reply = v.reply, due_at = v.due_at, changed_at = w.now
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::int[])
  AS v(id, state, attempts, code, reply, due_at, was), (SELECT %s::timestamptz AS now) w
WHERE d.id = v.id AND d.attempts = v.was AND d.state = ANY(%s)
"""
_MYSQL = """
UPDATE newsletter_delivery d JOIN JSON_TABLE(%s, '$[*]' COLUMNS (
  id BIGINT PATH '$[0]', state VARCHAR(10) PATH '$[1]', attempts INT PATH '$[2]', code VARCHAR(40) PATH '$[3]',
  reply VARCHAR(200) PATH '$[4]', due_at VARCHAR(40) PATH '$[5]', was INT PATH '$[6]')) v ON v.id = d.id
SET d.state = v.state, d.attempts = v.attempts, d.code = v.code, d.reply = v.reply, d.due_at = v.due_at, d.changed_at = %s
WHERE d.attempts = v.was AND d.state IN ({states})
"""
_SQLITE = """
UPDATE newsletter_delivery SET state = %s, attempts = %s, code = %s, reply = %s, due_at = %s, changed_at = %s
WHERE id = %s AND attempts = %s AND state IN ({states})
"""
