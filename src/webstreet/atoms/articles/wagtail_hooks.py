"""Wagtail's own hooks: who may download a document, and where links inside text may lead. `files` and `links` have the rules."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from wagtail import hooks

from webstreet.atoms.articles.files import refuse_document
from webstreet.atoms.articles.links import PublicPageLinkHandler


@hooks.register("before_serve_document")
def only_to_readers_of_its_users(document: Any, request: HttpRequest) -> None:
    refuse_document(document, request)


@hooks.register("register_rich_text_features", order=100)
def link_to_what_is_public(features: Any) -> None:
    features.register_link_type(PublicPageLinkHandler)
