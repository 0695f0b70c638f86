"""The password that readers of a page, or of a collection of documents, share: asked for in words, never kept, not to be guessed."""

from __future__ import annotations

import re

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from wagtail.documents import get_document_model
from wagtail.models import Collection, CollectionViewRestriction, PageViewRestriction, Site
from wagtail.rich_text import RichText

from webstreet.atoms.pages.models import StandardPage
from webstreet.contract.template import shipped_template
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.guessing import OF_NETWORK, WINDOW, FailedLogins

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
PASSWORD, WRONG = "low tide", "high tide"
CANARY = "Only for members: the boat leaves at six"
HOST = {"host": "blog.example.com"}


@pytest.fixture
def files(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def page():
    hooks.call("starter_content", this_site.current(), shipped_template("publication"))
    for made in StandardPage.objects.all():
        made.title = CANARY
        made.save_revision().publish()
        PageViewRestriction.objects.create(page=made, restriction_type="password", password=PASSWORD)
    return "/about/"


def closed_document(name: str):
    closed = Collection.get_first_root_node().add_child(name="Members")
    CollectionViewRestriction.objects.create(collection=closed, restriction_type="password", password=PASSWORD)
    made = get_document_model()(title="Minutes", collection=closed)
    made.file.save(name, ContentFile(CANARY.encode()))
    return made


@pytest.fixture
def document(files, page):
    """A public page links to it."""
    made = closed_document("minutes.txt")
    text = RichText(f'<p><a linktype="document" id="{made.pk}">Minutes</a></p>')
    home = Site.objects.get(is_default_site=True).root_page
    home.add_child(instance=StandardPage(title="Papers", body=[("text", text)]))
    return made


@pytest.fixture(params=["page", "document"])
def address(request, page, document):
    return page if request.param == "page" else document.url


def browser(peer: str = "192.0.2.1") -> Client:
    return Client(headers=HOST, REMOTE_ADDR=peer)


def ask(web: Client, address: str):
    """The page that asks, and where its form goes."""
    answer = web.get(address, secure=True)
    assert answer.status_code == 200
    form = re.search(r'<form method="post" action="([^"]+)" class="one-line"><input', answer.content.decode())
    return answer, form[1]


def send(web: Client, address: str, password: str, **more: str):
    _, action = ask(web, address)
    return web.post(action, {"password": password, "return_url": address} | more, secure=True)


def test_it_is_asked_for_on_a_page_of_the_site(address):
    answer, _ = ask(browser(), address)
    shown = answer.content.decode()
    assert answer.templates[0].name == "theme/password.html"
    assert '<label for="password">Password</label>' in shown
    assert 'autocomplete="current-password"' in shown
    assert '<meta name="robots" content="noindex">' in shown
    assert "aria-invalid" not in shown
    assert CANARY not in shown


def test_the_right_one_lets_in(address):
    web = browser()
    answer = send(web, address, PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, address)
    shown = web.get(address, secure=True)
    assert CANARY in shown.getvalue().decode()
    assert "public" not in shown.get("Cache-Control", "")
    assert CANARY not in browser().get(address, secure=True).content.decode()
    assert not FailedLogins.objects.exists()


def test_a_wrong_one_is_said_in_words_beside_the_field(address):
    web = browser()
    answer = send(web, address, WRONG)
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert 'aria-invalid="true" aria-describedby="password-error"' in shown
    assert '<p class="error" id="password-error">The password you have entered is not correct.' in shown
    assert f'name="return_url" value="{address}"' in shown
    assert WRONG not in shown
    assert CANARY not in shown
    assert CANARY not in web.get(address, secure=True).content.decode()


def test_in_french_below_fr(page):
    web = browser()
    answer, action = ask(web, "/fr/about/")
    assert action.startswith("/fr/_util/")
    assert "Mot de passe requis" in answer.content.decode()
    assert "incorrect" in send(web, "/fr/about/", WRONG).content.decode()


@pytest.mark.parametrize(
    ("accepted", "words"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.1", "Mot de passe requis"),
        ("de,en;q=0.5", "Password required"),
        ("de", "Password required"),
    ],
)
def test_of_a_document_in_the_readers_language(document, accepted, words):
    web = Client(headers=HOST | {"accept-language": accepted}, REMOTE_ADDR="192.0.2.1")
    answer, _ = ask(web, document.url)
    assert words in answer.content.decode()
    assert "Accept-Language" in answer["Vary"]
    wrong = send(web, document.url, WRONG).content.decode()
    assert ("incorrect" in wrong) is (words != "Password required")
    assert words in wrong


def test_who_opens_the_forms_own_address_gets_in_too(address):
    web = browser()
    _, action = ask(web, address)
    answer = web.get(action, secure=True)
    assert 'name="return_url" value="/"' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert web.post(action, {"password": PASSWORD, "return_url": "/"}, secure=True)["Location"] == "/"
    assert CANARY in web.get(address, secure=True).getvalue().decode()


def test_a_network_is_refused_after_fifty_wrong_ones(address):
    for number in range(OF_NETWORK):
        assert send(browser(f"2001:db8:0:7::{number:x}"), address, WRONG).status_code == 200
    refused = send(browser("2001:db8:0:7:ffff::1"), address, PASSWORD)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) == WINDOW.total_seconds()
    assert "no-store" in refused["Cache-Control"]
    shown = refused.content.decode()
    assert "Too many attempts" in shown
    assert "one-time link" not in shown
    assert send(browser("2001:db8:0:8::1"), address, PASSWORD).status_code == 302
    assert "2001" not in str(list(FailedLogins.objects.values_list()))


def test_readers_keep_no_editor_out(page, django_user_model, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    django_user_model.objects.create_superuser("maud", "maud@example.org", "seven tentacles")
    for _ in range(OF_NETWORK):
        send(browser(), page, WRONG)
    assert send(browser(), page, PASSWORD).status_code == 429
    form = {"username": "maud", "password": "seven tentacles"}
    assert browser().post("/admin/login/", form, secure=True).status_code == 302


def test_what_is_not_there_stays_so_for_anonymous_readers(page, document):
    web = browser()
    StandardPage.objects.get(slug="about", locale__language_code="en").unpublish()
    for path in (
        page,
        f"/media/{document.file.name}",
        closed_document("of-no-page.txt").url,
        "/_util/authenticate_with_password/999999/1/",
        "/documents/authenticate_with_password/999999/",
    ):
        assert web.get(path, secure=True).status_code == 404, path
