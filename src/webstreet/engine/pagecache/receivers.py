"""What changes public pages without an atom's saying so: everything that editors keep with Wagtail, and the atoms' own tables.

Saving a draft changes nothing that readers see. Whatever else is saved or deleted expires every page: a menu, a list, a neighbour or a
picture may show it, and making some pages twice costs less than one page that lies.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from wagtail.contrib.redirects.models import Redirect
from wagtail.contrib.settings.models import BaseGenericSetting, BaseSiteSetting
from wagtail.documents.models import AbstractDocument
from wagtail.hooks import search_for_hooks
from wagtail.images.models import AbstractImage
from wagtail.models import Collection as FileCollection
from wagtail.models import DraftStateMixin, Locale, Page, Revision, Site
from wagtail.models.view_restrictions import BaseViewRestriction
from wagtail.signals import page_published, page_unpublished, post_page_move, published, unpublished
from wagtail.snippets.models import get_snippet_models

from webstreet.engine import pagecache
from webstreet.engine.routers import home

_SHOWN = (
    AbstractDocument,
    AbstractImage,
    BaseGenericSetting,
    BaseSiteSetting,
    BaseViewRestriction,
    FileCollection,
    Locale,
    Page,
    Redirect,
    Site,
)
_OF_DRAFTS = frozenset({"draft_title", "has_unpublished_changes", "latest_revision", "latest_revision_created_at"})
_BOOKS = frozenset(
    {
        "allauth.account",
        "allauth.mfa",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django_tasks_db",
        "wagtail",
        "wagtail.admin",
        "wagtail.images",
        "wagtail.search",
        "webstreet.engine",
        "webstreet.engine.accounts",
    }
)
"""Apps whose models nobody makes snippets of, and that processes write to all the time."""
IGNORE = "page_cache_ignore"
"""A model of an atom says ``page_cache_ignore = True`` when no public page shows it."""


def connect() -> None:
    """Called once, when all models are there. Not yet all snippets: to ask for them loads the admin, which few workers need."""
    atoms = {atom.app for atom in settings.SITE_ATOMS}
    for model in apps.get_models(include_auto_created=True):
        app = model._meta.app_config.name
        if home(model._meta.app_label) != "default" or getattr(model, IGNORE, False):
            continue
        if app not in _BOOKS:
            pre_save.connect(_load_hooks, sender=model)
            pre_delete.connect(_load_hooks, sender=model)
        if issubclass(model, _SHOWN) or app in atoms:
            post_save.connect(_saved, sender=model)
            post_delete.connect(_expire, sender=model)
            m2m_changed.connect(_expire, sender=model)
        elif app not in _BOOKS:
            post_save.connect(_snippet_saved, sender=model)
            post_delete.connect(_snippet_deleted, sender=model)
    for signal in (page_published, page_unpublished, post_page_move, published, unpublished):
        signal.connect(_expire)
    post_save.connect(_revision_saved, sender=Revision)


def _expire(sender: Any, **_: Any) -> None:
    pagecache.expire()


def _saved(
    sender: type[Model], instance: Model, created: bool, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    if update_fields is not None and _OF_DRAFTS.issuperset(update_fields):
        return
    if created and isinstance(instance, DraftStateMixin) and not instance.live:
        return
    pagecache.expire()


def _load_hooks(sender: type[Model], **_: Any) -> None:
    """Whoever changes content gets all that listens to it: hooks make snippets, whose references Wagtail then notes."""
    search_for_hooks()


def _snippet_saved(sender: type[Model], **saved: Any) -> None:
    """Of a model that an atom may have made a snippet, as it may make one of tags."""
    if sender in get_snippet_models():
        _saved(sender, **saved)


def _snippet_deleted(sender: type[Model], **_: Any) -> None:
    if sender in get_snippet_models():
        pagecache.expire()


def _revision_saved(
    sender: type[Revision], instance: Revision, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    if instance.approved_go_live_at is not None or "approved_go_live_at" in (update_fields or ()):
        pagecache.expire(pagecache.SCHEDULE)
