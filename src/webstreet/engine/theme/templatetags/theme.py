"""Tags of the theme. None of them touches the session, so that pages can be cached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, override
from wagtail.models import Page

from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.theme import accents, pictures, stylesheet

register = template.Library()


@register.simple_tag
def site_title() -> str:
    return this_site.current().title


@register.simple_tag
def stylesheet_url() -> str:
    return reverse("theme-stylesheet", args=[stylesheet.build(accents.of_site()).digest])


@register.simple_tag
def icon_url() -> str:
    return reverse("theme-icon", args=[stylesheet.build(accents.of_site()).digest])


@register.simple_tag
def font_url() -> str:
    return static(stylesheet.FONTS["{font}"])


@register.simple_tag(takes_context=True)
def slot(context: template.Context, name: str) -> SafeString:
    """Everything that atoms put into a slot of the page, one after the other."""
    parts = hooks.call("slot", name, context.get("request"), context.flatten())
    return mark_safe("".join(str(part) for part in parts if part))  # noqa: S308 atoms return safe strings


@register.simple_tag(takes_context=True)
def head_of_atoms(context: template.Context) -> SafeString:
    """What atoms add to a page's head."""
    parts = hooks.call("head", context.get("request"), context.flatten())
    return mark_safe("\n".join(str(part) for part in parts if part))  # noqa: S308 atoms return safe strings


@register.filter
def paragraphs(text: Any) -> list[str]:
    """A string as one paragraph, a list as it is, nothing as none."""
    if not text:
        return []
    if isinstance(text, str):
        return [text]
    return [str(part) for part in text] if isinstance(text, Iterable) else [str(text)]


@register.simple_tag
def home_url() -> str:
    """The home page in the language of this page."""
    return reverse("wagtail_serve", args=[""])


@register.simple_tag(takes_context=True)
def languages_of_page(context: template.Context) -> list[dict[str, str]]:
    """The other languages in which this page exists: of a Wagtail page its translations, of a list the same list."""
    here = get_language()
    if len(settings.LANGUAGES) < 2:
        return []
    page = context.get("page")
    found = []
    for code, name in settings.LANGUAGES:
        if code == here:
            continue
        if isinstance(page, Page):
            other = page.get_translations().live().filter(locale__language_code=code).specific().first()
            url = other.get_url() if other is not None and getattr(other, "is_public", True) else None
        else:
            with override(code):
                url = reverse("wagtail_serve", args=[""])
        if url:
            found.append({"code": code, "name": name, "url": url})
    return found


@register.simple_tag
def picture_of(image: Any, sizes: str) -> SafeString:
    """An image of a body, which the reader comes to later; ``alt`` is what the editor wrote for this place."""
    return pictures.picture(image, sizes=sizes, alt=getattr(image, "contextual_alt_text", None) or "")
