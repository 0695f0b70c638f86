"""Reading tables that may be larger than memory."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.db.models import Q, QuerySet

Found = TypeVar("Found")


def by_key(queryset: QuerySet[Any], key: str = "pk", *, size: int = 1000) -> Iterator[Any]:
    """Every row in the order of a field, ``size`` at a time, each page asked for where the last one ended.

    `QuerySet.iterator` cannot do that: the driver for MariaDB takes a whole result into memory before it gives the first row.

    Args:
        queryset: neither sliced nor distinct; its own order is replaced. What it prefetches is asked for once a page.
        key: the primary key, or a field that is never null, where rows of one value follow one another by primary key. "-" before it
            turns its order round.
        size: rows that are in memory at once.
    """
    name = key.removeprefix("-")
    ordered = queryset.order_by(*dict.fromkeys([key, "pk" if name != "pk" else key]))
    page = ordered
    while True:
        rows = list(page[:size])
        if not rows:
            return
        last, is_full = rows[-1], len(rows) == size
        rows.reverse()
        while rows:
            yield rows.pop()  # given away: two pages would be in memory else when the next one comes
        if not is_full:
            return
        value = getattr(last, name)
        beyond = Q(**{f"{name}__{'lt' if key.startswith('-') else 'gt'}": value})
        page = ordered.filter(beyond if name == "pk" else beyond | Q(**{name: value}, pk__gt=last.pk))


def settled() -> None:
    """For a process with one task, before it begins: what it holds by now stays, and is not looked through for garbage again.

    Looking is quick then. And Python puts off looking through everything until a quarter of it is new: of what it has loaded by now, that
    would be tens of MB.
    """
    gc.collect()
    gc.freeze()
    gc.collect()


def swept(found: Iterable[Found], *, every: int) -> Iterator[Found]:
    """What is found, with the garbage of each ``every`` collected before the next.

    A page and its revisions refer to one another in circles, each with its whole text. Python looks for such garbage by the number of
    objects, not by their size: of a site of large articles it would hold all of them.
    """
    for number, one in enumerate(found, 1):
        yield one
        if number % every == 0:
            gc.collect()
