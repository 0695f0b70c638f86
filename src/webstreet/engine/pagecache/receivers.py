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
from django.db.models.signals import m2m_changed, post_delete, post_save
from wagtail.contrib.redirects.models import Redirect
from wagtail.contrib.settings.models import BaseGenericSetting, BaseSiteSetting
from wagtail.documents.models import AbstractDocument
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
IGNORE = "page_cache_ignore"
"""A model of an atom says ``page_cache_ignore = True`` when no public page shows it."""


def connect() -> None:
    """Called once, when all models are there."""
    snippets, atoms = set(get_snippet_models()), {atom.app for atom in settings.SITE_ATOMS}
    for model in apps.get_models(include_auto_created=True):
        if home(model._meta.app_label) != "default" or getattr(model, IGNORE, False):
            continue
        if issubclass(model, _SHOWN) or model in snippets or model._meta.app_config.name in atoms:
            post_save.connect(_saved, sender=model)
            post_delete.connect(_expire, sender=model)
            m2m_changed.connect(_expire, sender=model)
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


def _revision_saved(
    sender: type[Revision], instance: Revision, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    if instance.approved_go_live_at is not None or "approved_go_live_at" in (update_fields or ()):
        pagecache.expire(pagecache.SCHEDULE)
