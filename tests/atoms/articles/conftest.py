from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.images import ImageFile
from django.test import Client
from PIL import Image as Picture
from wagtail.rich_text import RichText

HOST = "blog.example.com"


@pytest.fixture(autouse=True)
def files(settings, tmp_path) -> None:
    """Uploads of a test lie in its own folder."""
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def home(db: None):
    """The home page, made as `prepare` makes it."""
    from wagtail.models import Site

    from webstreet.contract.template import shipped_template
    from webstreet.engine import hooks
    from webstreet.engine import site as this_site

    hooks.call("starter_content", this_site.current(), shipped_template("publication"))
    return Site.objects.get(is_default_site=True).root_page.specific


@pytest.fixture
def make(home) -> Callable[..., Any]:
    """``make("Title", visibility="private")`` -> a stored Article."""
    from webstreet.atoms.articles.models import Article

    def article(
        title: str,
        text: str = "<p>Words.</p>",
        *,
        tags: tuple[str, ...] = (),
        authors: tuple[Any, ...] = (),
        **fields: Any,
    ) -> Any:
        parent = fields.pop("parent", home)
        body = fields.pop("body", None) or [("text", RichText(text))]
        made = Article(title=title, body=body, **fields)
        made.tags.add(*tags)
        made.authors = list(authors)
        parent.add_child(instance=made)
        return Article.objects.get(pk=made.pk)

    return article


@pytest.fixture
def picture() -> Callable[[str], Any]:
    """``picture("name")`` -> a stored image of 1300 x 800 pixels."""
    from wagtail.images import get_image_model

    def image(name: str) -> Any:
        content = io.BytesIO()
        Picture.new("RGB", (1300, 800), (90, 120, 140)).save(content, "JPEG")
        content.seek(0)
        return get_image_model().objects.create(title=name, file=ImageFile(content, name=f"{name}.jpg"))

    return image


@pytest.fixture
def web() -> Client:
    return Client(HTTP_HOST=HOST)


@pytest.fixture
def member_web(db: None) -> Client:
    """Someone who is signed in and no editor."""
    client = Client(HTTP_HOST=HOST)
    client.force_login(get_user_model().objects.create_user("member", "member@example.org"))
    return client


@pytest.fixture
def editor_web(db: None) -> Client:
    client = Client(HTTP_HOST=HOST)
    user = get_user_model().objects.create_user("editor", "editor@example.org")
    user.groups.add(Group.objects.get(name="Moderators"))
    client.force_login(user)
    return client
