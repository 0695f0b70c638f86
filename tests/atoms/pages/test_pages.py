"""Pages that stay, and the template's starter pages."""

from __future__ import annotations

import pytest
from django.test import Client

from webstreet.atoms.pages.models import StandardPage
from webstreet.contract.template import shipped_template
from webstreet.engine import hooks
from webstreet.engine import site as this_site

pytestmark = pytest.mark.django_db


def start() -> None:
    hooks.call("starter_content", this_site.current(), shipped_template("publication"))


def test_starter_pages_exist_once_in_each_language() -> None:
    start()
    start()
    assert sorted(p.get_url() for p in StandardPage.objects.all()) == ["/about/", "/fr/about/"]
    web = Client(HTTP_HOST="blog.example.com")
    assert "Who writes here" in web.get("/about/").content.decode()
    french = web.get("/fr/about/").content.decode()
    assert "À propos" in french
    assert 'lang="en" hreflang="en">English</a>' in french


def test_a_starter_page_that_an_editor_deleted_stays_deleted() -> None:
    start()
    StandardPage.objects.get(locale__language_code="en").delete()
    start()
    assert StandardPage.objects.count() == 1


def test_an_editor_can_add_a_page(admin_client) -> None:
    from wagtail.models import Site

    start()
    home = Site.objects.get(is_default_site=True).root_page
    response = admin_client.get(f"/admin/pages/add/pages/standardpage/{home.pk}/", HTTP_HOST="blog.example.com")
    assert response.status_code == 200
