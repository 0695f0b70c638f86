"""An archive is read into a new site only: one draft that came from elsewhere is enough to refuse it."""

from __future__ import annotations

import pytest
from django.db import transaction

from webstreet.contract.template import shipped_template
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.imports import ImportContext, wordpress
from webstreet.engine.imports.content import Content
from webstreet.engine.preparation import _wagtail_site
from webstreet.testing.sources import WXR_HEAD, WXR_TAIL, wxr_item

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])


@pytest.fixture
def site():
    with transaction.atomic():
        _wagtail_site()
    hooks.call("starter_content", this_site.current(), shipped_template("publication"))


def is_there_already() -> bool:
    return Content(ImportContext("webstreet")).is_there_already()


@pytest.mark.parametrize(("kind", "status"), [("post", "draft"), ("post", "private"), ("page", "draft")])
def test_what_was_imported_is_seen_whoever_may_read_it(site, tmp_path, kind, status):
    assert not is_there_already(), "what a new site starts with is nobody's"
    path = tmp_path / "export.xml"
    item = wxr_item(1, content="x", kind=kind, status=status).replace(
        "<link>https://old.example/2019/01/title-1/</link>", ""
    )
    path.write_text(WXR_HEAD + item + WXR_TAIL, "utf-8")
    wordpress.run(path, lambda *a: None)
    assert is_there_already()


def test_a_link_in_the_menu_is_seen(site):
    from webstreet.atoms.menu.models import MenuLink

    MenuLink.objects.create(locale=this_site.home_page().locale, label="Shop", url="https://example.com/")
    assert is_there_already()
