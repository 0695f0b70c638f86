"""The menu names pages, links and what atoms offer; never a page that not everybody may read."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError as DjangoInvalid
from django.utils import translation
from pydantic import ValidationError
from wagtail.models import PageViewRestriction

from webstreet.atoms.menu.atom import Params
from webstreet.atoms.menu.entries import entries
from webstreet.atoms.menu.models import MenuLink
from webstreet.contract.template import shipped_template
from webstreet.engine import hooks
from webstreet.engine import site as this_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def home():
    from wagtail.models import Site

    hooks.call("starter_content", this_site.current(), shipped_template("publication"))
    return Site.objects.get(is_default_site=True).root_page.specific


def labels(rf, path: str = "/") -> list[str]:
    return [entry.label for entry in entries(rf.get(path, HTTP_HOST="blog.example.com"))]


def test_pages_in_menus_and_what_atoms_offer(home, rf) -> None:
    assert labels(rf)[0] == "About"
    assert "Search" in labels(rf)
    (here,) = [entry for entry in entries(rf.get("/about/", HTTP_HOST="blog.example.com")) if entry.current]
    assert here.label == "About"


def test_pages_that_not_everybody_may_read_are_left_out(home, rf) -> None:
    from webstreet.atoms.articles.models import Article

    for visibility in ("public", "private", "archived"):
        home.add_child(instance=Article(title=visibility, visibility=visibility, show_in_menus=True))
    assert "public" in labels(rf)
    assert "private" not in labels(rf)
    assert "archived" not in labels(rf)


def test_parameters(home, rf, monkeypatch) -> None:
    real = this_site.parameters
    chosen = Params(
        home=True, show_pages=False, show_offered=False, links=[{"label": "Shop", "url": "https://example.com/"}]
    )
    monkeypatch.setattr(this_site, "parameters", lambda atom: chosen if atom == "menu" else real(atom))
    assert labels(rf) == ["Home", "Shop"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "about", ""])
def test_links_lead_somewhere_harmless(url: str) -> None:
    with pytest.raises(ValidationError):
        Params(links=[{"label": "x", "url": url}])


def test_links_of_editors_come_first_in_their_language(home, rf) -> None:
    from webstreet.atoms.articles.models import Article

    french = home.get_translations().get()
    MenuLink.objects.create(locale=home.locale, label="Shop", url="https://example.com/", sort_order=2)
    for order, visibility in enumerate(("public", "private")):
        article = Article(title=visibility, visibility=visibility)
        home.add_child(instance=article)
        MenuLink.objects.create(locale=home.locale, page=article, sort_order=order)
    MenuLink.objects.create(locale=french.locale, label="Boutique", url="/fr/boutique/")
    assert labels(rf)[:3] == ["public", "Shop", "About"]
    with translation.override("fr"):
        assert labels(rf)[0] == "Boutique"


def test_a_link_to_a_page_that_is_restricted_later_is_not_shown(home, rf) -> None:
    about = home.get_children().get(slug="about")
    MenuLink.objects.create(locale=home.locale, page=about, label="Us")
    assert labels(rf)[0] == "Us"
    PageViewRestriction.objects.create(page=about, restriction_type="login")
    assert "Us" not in labels(rf)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [({}, "__all__"), ({"url": "/x/"}, "label"), ({"url": "javascript:alert(1)", "label": "x"}, "url")],
)
def test_a_link_that_leads_nowhere_is_refused(home, values, wrong) -> None:
    with pytest.raises(DjangoInvalid) as caught:
        MenuLink(locale=home.locale, **values).full_clean()
    assert wrong in caught.value.message_dict


def test_editors_may_change_the_menu(home) -> None:
    editors = Group.objects.get(name="Editors")
    assert editors.permissions.filter(codename="change_menulink").exists()
