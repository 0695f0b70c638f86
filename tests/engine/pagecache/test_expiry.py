"""What expires which pages; and that nothing made of old content can be kept."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction
from django.utils import timezone

from webstreet.engine import pagecache
from webstreet.engine.pagecache import front, journal
from webstreet.engine.pagecache.journal import Expired, State

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])


def is_hit(ask, path="/"):
    return ask(path)["cache-status"] == "webstreet; hit"


@pytest.fixture
def kept(ask, article):
    """An article whose page, the home page and the feed are kept."""
    made = article("First")
    for path in ("/", "/first/", "/feed/"):
        ask(path)
        assert is_hit(ask, path)
    return made


def _publish(article):
    article.title = "Second"
    article.save_revision().publish()


def _unpublish(article):
    article.unpublish()


def _delete(article):
    article.delete()


def _save(article):
    article.intro = "New words"
    article.save()


def _restrict(article):
    from wagtail.models import PageViewRestriction

    PageViewRestriction.objects.create(page=article.get_parent(), restriction_type="login")


def _site(article):
    from wagtail.models import Site

    site = Site.objects.get()
    site.site_name = "Other"
    site.save()


def _snippet(article):
    from webstreet.atoms.articles.models import Author

    Author.objects.create(name="Somebody", slug="somebody")


def _redirect(article):
    from wagtail.contrib.redirects.models import Redirect

    Redirect.objects.create(old_path="/old", redirect_link="/new")


def _move(article):
    from wagtail.models import Page

    from webstreet.atoms.articles.models import ArticleIndex

    other = ArticleIndex(title="Other home", slug="other-home")
    Page.objects.get(depth=1).add_child(instance=other)
    Expired.objects.all().delete()
    article.move(other, "last-child")


def _image(article):
    from wagtail.images import get_image_model

    get_image_model().objects.create(title="Logo", file="logo.png", width=1, height=1)


@pytest.mark.requirement("P6")
@pytest.mark.parametrize(
    "change", [_publish, _unpublish, _delete, _save, _restrict, _site, _snippet, _redirect, _move, _image]
)
def test_a_change_of_content_expires_every_page(ask, kept, change):
    change(kept)
    assert not is_hit(ask, "/")
    assert not is_hit(ask, "/feed/")


def test_a_library_s_model_expires_pages_once_somebody_made_it_a_snippet(ask, kept, monkeypatch):
    from taggit.models import Tag
    from wagtail.snippets import models

    tag = Tag.objects.create(name="Old")
    assert is_hit(ask, "/")
    monkeypatch.setattr(models, "SNIPPET_MODELS", [*models.SNIPPET_MODELS, Tag])
    tag.name = "New"
    tag.save()
    assert not is_hit(ask, "/")
    assert is_hit(ask, "/")
    tag.delete()
    assert not is_hit(ask, "/")


def test_a_draft_expires_nothing(ask, kept, article):
    from webstreet.atoms.articles.models import Article

    draft = Article(title="Draft", live=False)
    kept.get_parent().add_child(instance=draft)
    draft.title = "Better"
    draft.save_revision()
    kept.title = "Not yet"
    kept.save_revision()
    assert is_hit(ask, "/")


def test_a_page_is_fresh_after_the_change(ask, kept):
    _publish(kept)
    assert "Second" in ask("/").text
    assert "Second" in ask("/").text


def test_only_pages_with_the_tag_expire(ask, kept):
    from webstreet.engine import hooks

    def tagging(name, request, context):
        if request.path == "/first/":
            pagecache.tag(request, "thing:1")
        return ""

    hooks.register("slot")(tagging)
    try:
        pagecache.expire()
        ask("/"), ask("/first/")
        pagecache.expire("thing:1")
        assert is_hit(ask, "/")
        assert not is_hit(ask, "/first/")
    finally:
        hooks.unregister("slot", tagging)


def _change_and_fail():
    with transaction.atomic():
        pagecache.expire()
        raise RuntimeError


def test_what_was_rolled_back_expires_nothing(ask, kept):
    with pytest.raises(RuntimeError):
        _change_and_fail()
    assert is_hit(ask, "/")
    with transaction.atomic():
        with pytest.raises(RuntimeError):
            _change_and_fail()
        pagecache.expire()
    assert not is_hit(ask, "/")


def test_a_tag_is_written_once_a_transaction(db):
    before = Expired.objects.count()
    with transaction.atomic():
        for _ in range(5):
            pagecache.expire("a", "b")
    assert Expired.objects.count() == before + 2


@pytest.mark.requirement("P6")
def test_a_change_while_the_page_is_made_makes_it_worthless(ask, kept):
    """The race that loses expiries: old words were read, then the change was committed, then the page would be kept."""
    from webstreet.engine import hooks

    def editor(name, request, context):
        # While the page is being made, another process publishes.
        if name == "site_footer" and not done:
            done.append(1)
            pagecache.expire()
        return ""

    done = []
    pagecache.expire()
    hooks.register("slot")(editor)
    try:
        ask("/")
        assert done
        assert not is_hit(ask, "/")
        assert is_hit(ask, "/")
    finally:
        hooks.unregister("slot", editor)


def test_rows_may_appear_in_another_order_than_their_numbers():
    """A transaction that began first may commit last: its row has the smaller id and must still be noticed."""
    late, early = Expired.objects.create(tag="t"), Expired.objects.create(tag="t")
    late_id = late.pk
    late.delete()
    reader = journal.Reader()
    before = reader.current()
    Expired.objects.create(pk=late_id, tag="t")
    reader.look_soon()
    after = reader.current()
    assert early.pk > late_id
    assert before.token("t") != after.token("t")


@pytest.mark.requirement("P6")
def test_no_page_outlives_a_scheduled_moment(ask, article, monkeypatch):
    made = article("Soon gone")
    made.expire_at = timezone.now() + dt.timedelta(seconds=60)
    made.save_revision().publish()
    ask("/")
    assert is_hit(ask, "/")
    clock = journal.time.time
    monkeypatch.setattr(journal.time, "time", lambda: clock() + 61)
    assert not is_hit(ask, "/")


def test_a_moment_planned_after_the_page_was_made_counts_too(ask, kept, article):
    from webstreet.atoms.articles.models import Article

    draft = Article(title="Planned", live=False, go_live_at=timezone.now() + dt.timedelta(hours=1))
    kept.get_parent().add_child(instance=draft)
    front.store.clear()
    ask("/")
    draft.save_revision().publish()
    ask("/")
    planned = Article.objects.get(pk=draft.pk)
    assert not planned.live
    assert [e.until for e in front.store.entries()] == [pytest.approx(draft.go_live_at.timestamp(), abs=1)]


def test_a_database_that_is_away_changes_nothing_and_pages_go_on(ask, kept, monkeypatch):
    from django.db import OperationalError

    def away(before):
        raise OperationalError

    monkeypatch.setattr(journal.Reader, "_look", staticmethod(away))
    assert is_hit(ask, "/")


def test_without_ever_having_seen_the_journal_nothing_is_kept(ask, monkeypatch):
    from django.db import OperationalError

    def away(before):
        raise OperationalError

    monkeypatch.setattr(journal.Reader, "_look", staticmethod(away))
    ask("/")
    assert len(front.store) == 0


def test_the_store_is_bounded_by_bytes():
    from webstreet.engine.pagecache.entry import Entry
    from webstreet.engine.pagecache.store import Store

    state, store = State((0, 0), 0.0), Store(max_bytes=50_000)
    for number in range(20):
        store.put(str(number), Entry([], b"x" * 8000, b"", (), float("inf"), float("inf"), state))
    assert len(store) == 4
    assert store.bytes <= store.max_bytes
    assert store.get("19", state) is not None
    assert store.get("0", state) is None
    store.put("large", Entry([], b"x" * 40_000, b"", (), float("inf"), float("inf"), state))
    assert store.get("large", state) is None


def test_old_rows_go_but_never_the_newest(monkeypatch):
    monkeypatch.setattr(journal, "KEEP_ROWS", 3)
    Expired.objects.all().delete()
    for _ in range(6):
        Expired.objects.create(tag="t", at=timezone.now() - 2 * journal.KEEP)
    assert journal.forget_old() == 3
    assert Expired.objects.count() == 3
