"""An export shows the site as it was at one moment, and nobody who works on the site waits for it."""

from __future__ import annotations

import datetime as dt
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils.dateparse import parse_datetime
from wagtail.contrib.redirects.models import Redirect

from webstreet.engine.exports import writing


def _somebody_writes() -> None:
    try:
        Redirect.objects.create(old_path="/written-meanwhile", redirect_link="/")
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
def test_what_is_written_during_an_export_waits_for_nothing_and_is_not_in_it():
    done: list[str] = []

    def report(kind: str, count: int, total: int) -> None:
        if not done:
            done.append(kind)
            with ThreadPoolExecutor(1) as other:
                other.submit(_somebody_writes).result()

    counts = writing.write(io.BytesIO(), report)
    assert done == ["tags"], "the first kind was read, the redirects were not"
    assert Redirect.objects.filter(old_path="/written-meanwhile").exists()
    assert not counts.get("redirects")


@pytest.mark.parametrize(
    ("microsecond", "written"), [(0, "35Z"), (999, "35Z"), (1000, "35.001Z"), (123_456, "35.123Z")]
)
def test_a_moment_is_written_as_it_is_once_it_was_read_back(microsecond, written):
    moment = dt.datetime(2026, 11, 22, 10, 56, 35, microsecond, tzinfo=dt.UTC)
    text = json.loads(json.dumps(moment, cls=writing._Encoder))
    assert text == f"2026-11-22T10:56:{written}"
    assert json.loads(json.dumps(parse_datetime(text), cls=writing._Encoder)) == text
