"""The admin's first page says what will happen, what waits, and what to do first."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

HOST = "blog.example.com"


def panel(page: str, name: str) -> str:
    return re.search(rf'<section[^>]* aria-labelledby="dashboard-{name}">.*?</section>', page, re.S).group()


def text(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def test_a_new_site_says_what_to_do_first(home, editor_web) -> None:
    page = editor_web.get("/admin/").content.decode()
    assert f'href="/admin/pages/add/articles/article/{home.pk}/"' in panel(page, "first")
    assert "Nothing will appear or disappear by itself" in panel(page, "scheduled")
    assert "dashboard-recent" not in page


def test_what_is_scheduled_is_told_to_the_second_soonest_first(home, make, editor_web) -> None:
    now = timezone.now().replace(microsecond=0)
    soon, later, end = (now + dt.timedelta(**d) for d in ({"hours": 2, "seconds": 7}, {"days": 3}, {"days": 9}))
    make("Zyx live")
    first = make("Zyx first", live=False)
    first.go_live_at, first.expire_at = soon, end
    first.save_revision().publish()
    changed = make("Zyx changed")
    changed.go_live_at = later
    changed.save_revision().publish()
    ending = make("Zyx ending")
    ending.expire_at = soon + dt.timedelta(seconds=1)
    ending.save_revision().publish()
    make("Zyx draft", live=False)
    page = editor_web.get("/admin/").content.decode()
    scheduled, drafts = panel(page, "scheduled").split("Drafts without a date")
    assert re.findall(r"Zyx (\w+)", scheduled) == ["first", "ending", "changed", "first"]
    assert re.findall(r"Goes live|A new version|Expires", scheduled) == [
        "Goes live",
        "Expires",
        "A new version",
        "Expires",
    ]
    shown = re.findall(r'<time class="note" datetime="([^"]+)">[^<]* (\d\d:\d\d:\d\d) \(UTC\)</time>', scheduled)
    assert [dt.datetime.fromisoformat(exact) for exact, _ in shown] == [
        soon,
        soon + dt.timedelta(seconds=1),
        later,
        end,
    ]
    assert shown[0][1] == soon.strftime("%H:%M:%S")
    assert re.findall(r"Zyx (\w+)", drafts) == ["draft"]
    recent = panel(page, "recent")
    assert set(re.findall(r"edit/\"><bdi>Zyx (\w+)", recent)) == {"live", "changed", "ending"}


def test_editors_are_told_of_pages_they_may_change_only(home, make) -> None:
    make("Zyx secret plan", live=False)
    user = get_user_model().objects.create_user("guest", "guest@example.org")
    group = Group.objects.create(name="Guests")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    user.groups.add(group)
    client = Client(HTTP_HOST=HOST)
    client.force_login(user)
    answer = client.get("/admin/")
    assert answer.status_code == 200
    assert "Zyx" not in answer.content.decode()


def test_a_panel_that_breaks_leaves_the_others(home, make, editor_web, caplog) -> None:
    from webstreet.engine import hooks

    def broken(request):
        raise ValueError("broken")

    hooks.register("dashboard_panels", order=-50)(broken)
    try:
        make("One")
        assert "Published last" in editor_web.get("/admin/").content.decode()
    finally:
        hooks.unregister("dashboard_panels", broken)
    assert "dashboard.panel_failed" in caplog.text


def test_many_events_are_counted(home, make, editor_web) -> None:
    for n in range(10):
        article = make(f"Zyx {n}", live=False)
        article.go_live_at = timezone.now() + dt.timedelta(days=n + 1)
        article.save_revision().publish()
    assert "2 more after these" in panel(editor_web.get("/admin/").content.decode(), "scheduled")


@pytest.mark.parametrize("path", ["/admin/pages/", "/admin/pages/1/"])
def test_no_editor_is_sent_to_configure_a_site(home, admin_client, path) -> None:
    page = admin_client.get(path, follow=True, HTTP_HOST=HOST).content.decode()
    assert "Configure a site" not in page
    assert "no site" not in page


def test_a_second_home_cannot_be_made(home) -> None:
    from wagtail.models import Page

    from webstreet.atoms.articles.models import ArticleIndex
    from webstreet.atoms.pages.models import StandardPage

    root = Page.get_first_root_node()
    assert not ArticleIndex.can_create_at(root)
    assert not StandardPage.can_create_at(root)
    assert StandardPage.can_create_at(home)
