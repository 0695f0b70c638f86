"""Days as an editor far from UTC means them, on every database: MariaDB has no tables of time zones unless somebody filled them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from wagtail.models import Page, PageLogEntry
from wagtail.users.models import UserProfile

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
PAGES = (
    "/admin/",
    "/admin/reports/workflow/?created_at_from=2026-03-01",
    "/admin/reports/locked/?locked_at_from=2026-03-01&locked_at_to=2026-03-02",
    "/admin/users/?last_login_from=2026-03-01",
    "/admin/newsletter/subscribers/?since=2026-03-01&until=2026-03-02",
    "/admin/newsletter/issues/",
)


@pytest.fixture
def editor():
    user = get_user_model().objects.create_superuser("editor", "editor@example.org", "x")
    UserProfile.objects.update_or_create(user=user, defaults={"current_time_zone": "Asia/Tokyo"})
    web = Client(HTTP_HOST="blog.example.com")
    web.force_login(user)
    return web


@pytest.mark.requirement("P5")
@pytest.mark.parametrize("path", PAGES)
def test_dates_are_asked_for_without_a_table_of_zones(editor, path):
    assert editor.get(path).status_code == 200


def test_a_day_is_the_editors(editor):
    """What happened at 20:00 UTC happened the next day in Tokyo."""
    page = Page.objects.filter(depth=2).first()
    PageLogEntry.objects.all().delete()
    made = PageLogEntry.objects.log_action(page, "wagtail.publish", title="Told apart")
    evening = dt.datetime(2026, 3, 1, 20, 0, tzinfo=dt.UTC)
    PageLogEntry.objects.filter(pk=made.pk).update(timestamp=evening)
    found = {
        day: "Told apart"
        in editor.get(
            f"/admin/reports/site-history/?timestamp_from=2026-03-{day}&timestamp_to=2026-03-{day}"
        ).content.decode()
        for day in ("01", "02")
    }
    assert found == {"01": False, "02": True}
