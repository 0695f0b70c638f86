"""Lists: ``{"items": [...], "total": n}`` with ``limit``, ``offset``, ``q`` and ``sort``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet
from ninja import Schema
from pydantic import AfterValidator, Field

from webstreet.contract.base import closest
from webstreet.kernel.errors import BadInput


def _without_nul(text: str) -> str:
    return text.replace("\0", "")


Text = Annotated[str, AfterValidator(_without_nul)]
"""Text that is compared with what the database holds: no text there has a NUL, and PostgreSQL refuses to be asked for one."""


class SortUnknown(BadInput):
    """The list cannot be sorted by that."""

    code = "sort.unknown"


class Paging(Schema):
    """Query of every list."""

    limit: int = Field(50, ge=1, le=200, description="how many items at most")
    offset: int = Field(0, ge=0, le=10_000_000, description="how many items to leave out first")
    q: Text = Field("", max_length=100, description="only items with this text in a name or title")
    sort: str = Field("", max_length=40, description="what to sort by; with - before it, backwards")


class Exported(Paging):
    """Query of a list that can also be had as a table."""

    format: Literal["json", "csv"] = Field("json", description="csv: the whole list, safe to open in a spreadsheet")


class Page(Schema):
    """Base of the list answers; each names its item type."""

    total: int


def page(
    rows: QuerySet[Any],
    paging: Paging,
    shape: Callable[[Any], dict[str, Any]],
    *,
    search: Iterable[str],
    sorts: Mapping[str, tuple[str, ...]],
) -> dict[str, Any]:
    """One page of ``rows``.

    Args:
        search: lookups that ``q`` is compared with ("name", "client__title").
        sorts: what ``sort`` may say -> the columns it means; the first is the default.
    """
    rows = searched(rows, paging.q, search).order_by(*_order(paging.sort, sorts))
    return {"items": [shape(row) for row in rows[paging.offset : paging.offset + paging.limit]], "total": rows.count()}


def searched(rows: QuerySet[Any], text: str, search: Iterable[str]) -> QuerySet[Any]:
    """The rows that hold ``text`` in one of the columns ``search``."""
    text = text.strip()
    if not text:
        return rows
    match = Q()
    for lookup in search:
        match |= Q(**{f"{lookup}__icontains": text})
    return rows.filter(match)


def listed(items: list[Any], paging: Paging, text_of: Callable[[Any], str]) -> tuple[list[Any], int]:
    """The same for the few things that are values: filter and cut; they come in their own order."""
    text = paging.q.strip().lower()
    found = [item for item in items if text in text_of(item).lower()]
    if isinstance(paging, Exported) and paging.format == "csv":
        return found, len(found)
    return found[paging.offset : paging.offset + paging.limit], len(found)


def _order(sort: str, sorts: Mapping[str, tuple[str, ...]]) -> list[str]:
    name = sort.removeprefix("-") or next(iter(sorts))
    if name not in sorts:
        hint = closest(name, sorts) or f"There are: {', '.join(sorts)}."
        raise SortUnknown(f'This list cannot be sorted by "{name}". {hint}')
    columns = sorts[name]
    if not sort.startswith("-"):
        return list(columns)
    return [column[1:] if column.startswith("-") else f"-{column}" for column in columns]
