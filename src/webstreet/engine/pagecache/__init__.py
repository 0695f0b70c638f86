"""Public pages, kept whole and given to anonymous readers before Django is asked.

Invariants:
- What is kept was made for a reader of whom nothing was known: no session, no cookie, no token of a form bound to one reader.
- A page made from content that has changed since is never given later than a second after the change, by any process of the site:
  `expire` writes a row in the transaction of the change itself (`journal`), and every process looks for new rows before it answers.
- What a page was made of was read after the journal was: a change that happens while a page is being made makes that page worthless.
- No page outlives the next moment at which an editor scheduled a publication or an expiry.

The journal is in the default database, so that neither Redis nor a second machine can lose or reorder an expiry; Redis only saves other
processes the work of making a page.
"""

from __future__ import annotations

from functools import partial

from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import HttpRequest

SITE = "site"
"""The tag of every page."""
SCHEDULE = "schedule"
"""The tag of no page: the next scheduled moment may be another one."""
TAG_MAX = 80
_TAGS, _NEVER = "_page_cache_tags", "_page_cache_never"


def expire(*tags: str, using: str = "default") -> None:
    """Pages with one of ``tags`` (`SITE`: every page) are made anew, once what changed in ``using`` is committed; never if it rolls back.

    For a change in the default database the row is part of the same transaction; cheap to repeat within it.
    """
    from webstreet.engine.pagecache import journal

    if using == "default":
        journal.note(tags or (SITE,))
    else:
        transaction.on_commit(partial(journal.note, tags or (SITE,)), using=using)


def tag(request: HttpRequest | None, *tags: str) -> None:
    """While a page is made: it shows something that `expire` will be called for with one of ``tags`` (as ``article:<uuid>``)."""
    if request is not None:
        request.__dict__.setdefault(_TAGS, set()).update(tags)


def never(request: HttpRequest | None) -> None:
    """While a page is made: it depends on a cookie or on something else that readers do not share, so it is not kept."""
    if request is not None:
        request.__dict__[_NEVER] = True


def tags_of(request: HttpRequest) -> frozenset[str]:
    """What was declared by `tag`, and `SITE`."""
    return frozenset({SITE, *request.__dict__.get(_TAGS, ())})


def is_never(request: HttpRequest) -> bool:
    return bool(request.__dict__.get(_NEVER, False))


def page_of(request: HttpRequest, paginator: Paginator) -> Page:
    """The part of a list that ``?page=`` names; for a number that does not exist another one, as with Django's ``get_page``.

    That one is not kept, or whoever invents numbers would fill the cache.
    """
    wanted = request.GET.get("page", "1")
    page = paginator.get_page(wanted)
    if wanted != str(page.number):
        never(request)
    return page
