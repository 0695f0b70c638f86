"""An article whose schedule the site comes to too late is published all the same; whether it is still news an editor says."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone, translation

from tests.atoms.newsletter.editors import client
from webstreet.atoms.newsletter import receivers
from webstreet.atoms.newsletter.models import Issue
from webstreet.contract.template import shipped_template
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.announcements import FirstPublic
from webstreet.engine.ticks import publish_scheduled
from webstreet.kernel.errors import BadInput

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "newsletter"]),
    pytest.mark.requirement("P4"),
]
LATE = dt.timedelta(hours=3)
EVERYBODY = Counter({"s0@example.org": 1, "s1@example.org": 1})
FIRST_PAGE, SCREENS = "/admin/newsletter/delivering/", "/admin/newsletter/issues"


@pytest.fixture
def scheduled(subscribers: Callable[..., list]) -> Callable[..., Any]:
    """``scheduled(ago)`` makes an article that an editor scheduled and whose time came so long ago; nobody has been at it since."""
    subscribers(2)
    hooks.call("starter_content", this_site.current(), shipped_template("publication"))
    home = this_site.home_page()

    def make(ago: dt.timedelta, **fields: Any) -> Any:
        article = apps.get_model("articles", "Article")(title="Snow on Sunday", live=False, **fields)
        home.add_child(instance=article)
        article.go_live_at = timezone.now() + dt.timedelta(days=1)
        article.save_revision().publish()
        revision = article.get_latest_revision()
        revision.approved_go_live_at = timezone.now() - ago
        revision.content["go_live_at"] = revision.approved_go_live_at.isoformat()
        revision.save()
        type(article).objects.filter(pk=article.pk).update(go_live_at=revision.approved_go_live_at)
        article.refresh_from_db()
        assert not article.live
        return article

    return make


def arrived(smtp: Any) -> Counter[str]:
    return Counter(address for message in smtp.messages for address in message.recipients)


def test_on_time_it_is_published_and_mailed(scheduled, smtp, drain):
    article = scheduled(dt.timedelta(minutes=1))
    publish_scheduled()
    drain()
    article.refresh_from_db()
    assert article.live
    assert arrived(smtp) == EVERYBODY
    assert Issue.objects.get().overdue_since is None


def test_too_late_it_is_published_and_nobody_is_mailed_until_an_editor_says_so(scheduled, smtp, drain, editor):
    article = scheduled(LATE)
    publish_scheduled()
    drain()
    publish_scheduled()
    drain()
    article.refresh_from_db()
    assert article.live
    issue = Issue.objects.get()
    assert (issue.state, issue.overdue_since, smtp.messages) == ("draft", article.go_live_at, [])
    page = editor.get(f"{SCREENS}/{issue.pk}/").content.decode()
    assert "It could be prepared only 3\xa0hours later, so nobody was mailed." in page
    assert f"{SCREENS}/{issue.pk}/start/" in page
    first_page = editor.get(FIRST_PAGE).content.decode()
    assert "It waits for your decision." in first_page
    assert f'{SCREENS}/{issue.pk}/">' in first_page
    assert "No issue yet" not in first_page
    editor.post(f"{SCREENS}/{issue.pk}/start/")
    drain()
    assert arrived(smtp) == EVERYBODY
    page = editor.get(f"{SCREENS}/{issue.pk}/").content.decode() + editor.get(FIRST_PAGE).content.decode()
    assert "nobody was mailed" not in page
    for _ in range(2):
        article.get_latest_revision().publish()
        receivers.article_first_public(article.uuid)
        drain()
    assert arrived(smtp) == EVERYBODY, "whatever comes after, nobody gets it twice"


def test_one_that_an_editor_leaves_is_told_of_no_more(scheduled, smtp, drain, editor):
    scheduled(LATE)
    publish_scheduled()
    drain()
    issue = Issue.objects.get()
    editor.post(f"{SCREENS}/{issue.pk}/cancel/")
    drain()
    issue.refresh_from_db()
    assert (issue.state, smtp.messages) == ("cancelled", [])
    page = editor.get(f"{SCREENS}/{issue.pk}/").content.decode() + editor.get(FIRST_PAGE).content.decode()
    assert "nobody was mailed" not in page


def test_what_waits_is_told_to_those_who_see_issues_in_their_language(scheduled, drain):
    scheduled(LATE)
    publish_scheduled()
    drain()
    web = client("view_issue")
    with translation.override("fr"):
        page = web.get(FIRST_PAGE, headers={"accept-language": "fr"}).content.decode()
        page += web.get(f"{SCREENS}/{Issue.objects.get().pk}/", headers={"accept-language": "fr"}).content.decode()
    assert "Il attend votre décision." in page
    assert "Il n’a pu être préparé que 3\xa0heures plus tard" in page


def test_what_a_person_publishes_goes_out_whatever_old_date_it_carries(scheduled, smtp, drain):
    article = scheduled(dt.timedelta(days=9))
    article.get_latest_revision().publish()
    assert FirstPublic.objects.get().scheduled_for is None
    drain()
    assert arrived(smtp) == EVERYBODY


def test_a_private_one_of_the_schedule_that_a_person_makes_public_later_goes_out(scheduled, smtp, drain):
    article = scheduled(LATE, visibility="private")
    publish_scheduled()
    article.refresh_from_db()
    assert article.live
    assert not FirstPublic.objects.exists()
    article.visibility = "public"
    article.save_revision().publish()
    drain()
    assert arrived(smtp) == EVERYBODY


@pytest.mark.parametrize(("extra_ms", "state"), [(0, "finished"), (1, "draft")])
@pytest.mark.parametrize("hours", [2, 24])
def test_the_limit_is_a_parameter(announce, subscribers, smtp, drain, parameters, monkeypatch, extra_ms, state, hours):
    subscribers(1)
    if hours != 2:
        parameters(schedule_grace_hours=hours)
    now, article = timezone.now(), announce()
    due = now - dt.timedelta(hours=hours, milliseconds=extra_ms)
    FirstPublic.objects.create(uuid=article.uuid, scheduled_for=due)
    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: now)
        receivers.article_first_public(article.uuid)
    drain()
    assert Issue.objects.get().state == state


@pytest.mark.parametrize("hours", [0, 169, -1, "soon"])
def test_a_limit_that_is_none_is_refused(hours):
    from webstreet.atoms.newsletter.atom import Params

    with pytest.raises((BadInput, ValueError), match="schedule_grace_hours"):
        Params.model_validate({"schedule_grace_hours": hours})


def test_one_published_in_time_whose_newsletter_was_told_too_late_waits_too(scheduled, smtp, drain, queue):
    scheduled(dt.timedelta(minutes=1))
    publish_scheduled()
    # The worker ends before it tells the newsletter, and is started hours later.
    FirstPublic.objects.update(scheduled_for=timezone.now() - LATE)
    drain()
    assert (Issue.objects.get().state, smtp.messages) == ("draft", [])


def test_one_whose_time_has_not_come_by_a_clock_that_was_set_back_goes_out(announce, subscribers, smtp, drain):
    subscribers(2)
    article = announce()
    FirstPublic.objects.create(uuid=article.uuid, scheduled_for=timezone.now() + dt.timedelta(days=1))
    receivers.article_first_public(article.uuid)
    drain()
    assert arrived(smtp) == EVERYBODY


@pytest.mark.parametrize(("policy", "expected"), [("draft", [("draft", None)]), ("off", [])])
def test_where_nothing_is_sent_by_itself_nothing_is_asked(scheduled, smtp, drain, parameters, policy, expected):
    parameters(on_publish=policy)
    scheduled(LATE)
    publish_scheduled()
    drain()
    assert [(issue.state, issue.overdue_since) for issue in Issue.objects.all()] == expected
    assert smtp.messages == []
