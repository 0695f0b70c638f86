"""What articles answer when other parts of the site ask."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterable
from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from wagtail.signals import page_slug_changed

from webstreet.atoms.articles import announcement, dashboard, files, starter
from webstreet.atoms.articles.importing import take
from webstreet.atoms.articles.models import Article, Removed
from webstreet.contract.site import SiteManifest
from webstreet.contract.template import TemplateManifest
from webstreet.engine import hooks
from webstreet.engine.announcements import Announcement


@hooks.register("render_announcement")
def render_announcement(uuid: uuids.UUID) -> Announcement | None:
    return announcement.announcement_of(uuid)


@hooks.register("import_articles")
def import_articles(records: Iterable[Any], ctx: Any) -> None:
    take(records, ctx)


@hooks.register("starter_content")
def starter_content(manifest: SiteManifest, template: TemplateManifest | None) -> None:
    starter.make(manifest)


@hooks.register("menu_items", order=90)
def menu_items(request: HttpRequest) -> list[tuple[str, str]]:
    return [(gettext("Search"), reverse("articles-search"))]


@hooks.register("head")
def head(request: HttpRequest, context: dict[str, Any]) -> SafeString:
    """Where the feeds are."""
    return render_to_string("articles/includes/head.html", {}, request)


@hooks.register("dashboard_panels")
def dashboard_panels(request: HttpRequest) -> list[SafeString]:
    return dashboard.panels(request)


@hooks.register("file_visible")
def file_visible(request: HttpRequest, path: str) -> bool | None:
    return files.visible(request, path)


@receiver(pre_delete, sender=Article)
def remember_removed(sender: type[Article], instance: Article, **_: Any) -> None:
    parent = instance.get_parent()
    if instance.is_public and parent is not None:
        Removed.objects.get_or_create(parent_key=parent.translation_key, slug=instance.slug)


@receiver(page_slug_changed, sender=Article)
def forget_removed(sender: type[Article], instance: Article, instance_before: Article, **_: Any) -> None:
    """The old address leads to the article now, whatever was removed there before."""
    parent = instance.get_parent()
    if parent is not None:
        Removed.objects.filter(parent_key=parent.translation_key, slug=instance_before.slug).delete()
