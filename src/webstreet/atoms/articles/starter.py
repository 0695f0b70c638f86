"""What a new site has from the start: a home page for each language, and one author."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.utils.text import slugify
from wagtail.models import Locale, Page, Site

from webstreet.atoms.articles.models import ArticleIndex, Author
from webstreet.contract.site import SiteManifest
from webstreet.engine import site as this_site


def make(manifest: SiteManifest) -> None:
    """Idempotent: makes what is missing, touches nothing that an editor may have changed."""
    home = _home(manifest)
    for language in manifest.languages[1:]:
        locale, _ = Locale.objects.get_or_create(language_code=language)
        if not home.has_translation(locale):
            translated = ArticleIndex(
                title=manifest.title, slug=f"home-{language}", locale=locale, translation_key=home.translation_key
            )
            home.get_parent().add_child(instance=translated)
    if not Author.objects.exists():
        Author.objects.create(name=manifest.title[:120], slug=slugify(manifest.title)[:120] or "site")
    _let_editors_sign()


def _home(manifest: SiteManifest) -> ArticleIndex:
    """The site's root page in its first language; Wagtail's welcome page makes room for it."""
    wagtail_site = this_site.wagtail_site()
    if wagtail_site is not None and isinstance(wagtail_site.root_page.specific, ArticleIndex):
        found: ArticleIndex = wagtail_site.root_page.specific
        return found
    locale, _ = Locale.objects.get_or_create(language_code=manifest.languages[0])
    top = Page.get_first_root_node()
    home = ArticleIndex(title=manifest.title, slug=f"home-{manifest.languages[0]}", locale=locale)
    top.add_child(instance=home)
    if wagtail_site is None:
        Site.objects.create(hostname="localhost", is_default_site=True, root_page=home, site_name=manifest.title)
        return home
    welcome = wagtail_site.root_page
    wagtail_site.root_page = home
    wagtail_site.save()
    if welcome.specific_class is Page and not welcome.get_children().exists():
        welcome.delete()
    return home


def _let_editors_sign() -> None:
    """Wagtail's groups may edit pages from the start; let them edit authors too."""
    rights = Permission.objects.filter(content_type__app_label="articles", content_type__model="author")
    for group in Group.objects.filter(name__in=("Editors", "Moderators")):
        group.permissions.add(*rights)
