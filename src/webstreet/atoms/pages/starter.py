"""The template's starter pages, made once for each language."""

from __future__ import annotations

from wagtail.models import Locale, Page
from wagtail.rich_text import RichText

from webstreet.atoms.pages.models import StandardPage
from webstreet.contract.site import SiteManifest
from webstreet.contract.template import StarterPage, TemplateManifest
from webstreet.engine import site as this_site
from webstreet.engine.prepared import Prepared


def make(manifest: SiteManifest, template: TemplateManifest | None) -> None:
    """Make each starter page in each language, unless that was done before: a page that an editor deleted stays deleted."""
    wagtail_site = this_site.wagtail_site()
    if template is None or wagtail_site is None:
        return
    for starter in template.pages:
        for language in manifest.languages:
            step = f"pages/{starter.slug}/{language}"[:50]
            if Prepared.objects.filter(step=step).exists():
                continue
            _make_one(starter, language, manifest.languages[0], wagtail_site.root_page)
            Prepared.objects.create(step=step, digest="")


def _make_one(starter: StarterPage, language: str, first: str, root: Page) -> None:
    locale, _ = Locale.objects.get_or_create(language_code=language)
    parent = root.get_translation_or_none(locale) if root.locale_id != locale.pk else root
    if parent is None or parent.get_children().filter(slug=starter.slug).exists():
        return
    by_language = {str(code): title for code, title in starter.title.items()}
    bodies = {str(code): body for code, body in starter.body.items()}
    page = StandardPage(
        title=by_language.get(language) or next(iter(by_language.values())),
        slug=starter.slug,
        locale=locale,
        show_in_menus=starter.in_menu,
        body=[("text", RichText(bodies.get(language, "")))] if bodies.get(language) else [],
    )
    original = StandardPage.objects.filter(slug=starter.slug, locale__language_code=first).first()
    if language != first and original is not None:
        page.translation_key = original.translation_key
    parent.add_child(instance=page)
    page.save_revision(changed=False).publish()
