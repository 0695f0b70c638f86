"""Pieces that a process remembers hold as long as a kept page would."""

from __future__ import annotations

import pytest
from django.db import connection

from webstreet.engine import pagecache
from webstreet.engine.pagecache import journal, memo


@pytest.fixture
def made():
    return []


@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
def test_a_piece_is_made_once_until_it_expires(made):
    def make():
        made.append(1)
        return len(made)

    assert [memo.remembered("x", make), memo.remembered("x", make)] == [1, 1]
    pagecache.expire("other")
    assert memo.remembered("x", make) == 1
    pagecache.expire()
    assert memo.remembered("x", make) == 2
    assert memo.remembered("y", make, tag="t") == 3
    pagecache.expire("t")
    assert memo.remembered("y", make, tag="t") == 4
    assert memo.remembered("x", make) == 2


@pytest.mark.django_db(databases=["default", "newsletter"])
def test_within_a_transaction_nothing_is_remembered(made):
    """It may have been made of what is never committed."""
    assert connection.in_atomic_block
    memo.remembered("x", lambda: made.append(1))
    memo.remembered("x", lambda: made.append(1))
    assert len(made) == 2


@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
def test_an_article_asks_the_database_for_itself_only(ask, article, django_assert_max_num_queries):
    """What every page shows is remembered; a query more for each page is noticed here. The test site has two languages."""
    article("One")
    article("Two")
    journal.reader.look_soon()
    ask("/two/?x=1")
    with django_assert_max_num_queries(15):
        answer = ask("/two/?x=1")
    assert answer["cache-status"] == "webstreet; fwd=bypass"
