"""The head of every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from wagtail.images import get_image_model

from webstreet.engine import hooks
from webstreet.engine import site as this_site

LOGO = "max-480x120"


@hooks.register("slot")
def head_of_page(name: str, request: HttpRequest, context: dict[str, Any]) -> SafeString:
    if name != "header":
        return SafeString("")
    parameters = this_site.parameters("header")
    return render_to_string("header/header.html", {"parameters": parameters, "logo": _logo(parameters.logo)}, request)


@hooks.register("file_visible", order=-10)
def file_visible(request: HttpRequest, path: str) -> bool | None:
    """The logo is on every page, so everybody may have it."""
    title = this_site.parameters("header").logo
    if not title:
        return None
    renditions = get_image_model().get_rendition_model()
    return True if renditions.objects.filter(file=path, image__title=title).exists() else None


def _logo(title: str) -> Any:
    image = get_image_model().objects.filter(title=title).order_by("pk").first() if title else None
    return image.get_rendition(LOGO) if image is not None else None
