"""The console: who gets in and how, and that its pages show what there is."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.utils import timezone

from tests.browser import markup
from webstreet.contract.jobs import LoginLink as SiteLink
from webstreet.control.clients.actions import make_login_link
from webstreet.control.clients.models import AccessKey, Client, LoginLink, Member, Role
from webstreet.control.console import password
from webstreet.control.console.templatetags.console import import_words, sized
from webstreet.control.journal.models import Event
from webstreet.control.sites.customizing import customize
from webstreet.control.sites.imports import Import
from webstreet.control.sites.models import Site
from webstreet.control.start import operator as make_operator
from webstreet.kernel.secret import Secret


@pytest.fixture
def browser(db: None) -> Browser:
    """Logged in as the operator."""
    found = Browser()
    found.force_login(make_operator())
    return found


def path_of(text: Any) -> str:
    return f"/console/link/{text.reveal()}/"


PAGES = [
    "/console/", "/console/overview/live/", "/console/sites/site/", "/console/sites/site/add/",
    "/console/clients/client/", "/console/clients/client/add/", "/console/clients/accesskey/",
    "/console/clients/accesskey/add/", "/console/journal/event/", "/console/catalogue/atoms/",
    "/console/catalogue/atoms/newsletter/", "/console/catalogue/templates/", "/console/catalogue/templates/publication/",
    "/console/search/?s=acme", "/console/dictionary/settings/", "/console/dictionary/configuration/",
    "/console/sites/customization/", "/console/sites/customization/export/", "/console/sites/site/export/",
    "/console/clients/client/export/", "/console/clients/accesskey/export/", "/console/journal/event/export/",
    "/console/dictionary/settings/?format=csv", "/console/dictionary/configuration/?format=csv",
    "/console/catalogue/atoms/?format=csv",
]  # fmt: skip


def site_pages(site: Site) -> list[str]:
    return [
        f"/console/sites/site/{site.pk}/{verb}"
        for verb in ("change/", "live/", "suspend/", "close/", "parameters/", "parameters/newsletter/on_publish/")
    ]


class TestLoginLink:
    def test_get_by_a_scanner_uses_nothing_up(self, db: None) -> None:
        make_operator()
        _link, text = make_login_link(by="test")
        for _ in range(3):
            page = Browser().get(path_of(text))
            assert page.status_code == 200
            assert page["Referrer-Policy"] == "same-origin"
        Browser().head(path_of(text))
        human = Browser()
        assert human.post(path_of(text)).status_code == 302
        assert human.get("/console/").status_code == 200

    def test_it_works_once(self, db: None) -> None:
        make_operator()
        _link, text = make_login_link(by="test", next="/console/sites/site/")
        assert Browser().post(path_of(text))["Location"] == "/console/sites/site/"
        late = Browser()
        assert late.post(path_of(text)).status_code == 410
        assert late.get(path_of(text)).status_code == 410
        assert late.get("/console/").status_code == 302

    def test_it_expires(self, db: None) -> None:
        make_operator()
        link, text = make_login_link(by="test")
        assert dt.timedelta(minutes=9) < link.expires_at - timezone.now() <= dt.timedelta(minutes=10)
        LoginLink.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
        assert Browser().post(path_of(text)).status_code == 410

    def test_of_two_at_once_one_wins(self, db: None) -> None:
        make_operator()
        link, _text = make_login_link(by="test")
        twin = LoginLink.objects.get(pk=link.pk)
        assert [link.use(), twin.use()] == [True, False]

    def test_only_its_hash_is_stored(self, db: None) -> None:
        make_operator()
        link, text = make_login_link(by="test")
        assert text.reveal() not in str(list(LoginLink.objects.values())) + repr(link)

    def test_a_switched_off_operator_stays_out(self, db: None) -> None:
        user = make_operator()
        _link, text = make_login_link(by="test")
        User.objects.filter(pk=user.pk).update(is_active=False)
        assert Browser().post(path_of(text)).status_code == 410

    def test_the_button_needs_its_token(self, db: None) -> None:
        make_operator()
        _link, text = make_login_link(by="test")
        assert Browser(enforce_csrf_checks=True).post(path_of(text)).status_code == 403

    def test_over_the_api(self, operator: Any) -> None:
        make_operator()
        answer = operator.post("/login-links", {"next": "/console/journal/event/"})
        assert answer.status_code == 201
        assert re.fullmatch(r"http://testserver/console/link/[\w-]{43}/", answer.json()["url"])


@pytest.mark.parametrize("path", PAGES)
def test_no_page_for_strangers(blog: Site, path: str) -> None:
    for role, client in ((None, None), (Role.ADMIN, blog.client), (Role.VIEWER, blog.client)):
        browser = Browser()
        if role:
            user = User.objects.create_user(f"u-{role}", password="x", is_staff=True, is_superuser=True)
            Member.objects.create(user=user, role=role, client=client)
            browser.force_login(user)
        answer = browser.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/console/login/")


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_load(blog: Site, browser: Browser, reconcile: Any, path: str, language: str) -> None:
    reconcile()
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    if not answer["Content-Type"].startswith("text/html"):
        assert "csv" in path or "export" in path
        return
    assert b"//fonts.g" not in answer.content
    assert answer["Content-Security-Policy"].startswith("default-src 'self'")


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_valid_html(blog: Site, browser: Browser, reconcile: Any, path: str) -> None:
    reconcile()
    answer = browser.get(path)
    if answer["Content-Type"].startswith("text/html") and "live" not in path and "search" not in path:
        assert markup.faults(answer.content.decode()) == []


def test_pages_of_a_site_are_valid_html(blog: Site, browser: Browser, reconcile: Any) -> None:
    reconcile()
    customize(blog, {"newsletter": {"batch_size": 7}}, why="To see it", by="test")
    for path in (
        *site_pages(blog),
        f"/console/sites/site/{blog.pk}/undo/1/",
        f"/console/clients/client/{blog.client_id}/change/",
    ):
        if "live" not in path:
            assert markup.faults(browser.get(path).content.decode()) == [], path


def test_pages_of_a_site_load_in_every_state(blog: Site, browser: Browser, reconcile: Any) -> None:
    Import.objects.create(
        site=blog, source="crispy-octo", created_by="test", progress={"step": "articles", "done": 1, "total": 4}
    )
    for _ in range(2):
        for path in site_pages(blog):
            assert browser.get(path).status_code == 200, path
        reconcile()


def test_an_import_is_cancelled(blog: Site, browser: Browser) -> None:
    job = Import.objects.create(site=blog, source="csv", created_by="test")
    page = f"/console/sites/site/{blog.pk}/change/"
    address = f"/console/sites/site/{blog.pk}/imports/{job.pk}/cancel/"
    assert address in browser.get(page).content.decode()
    assert browser.get(address).status_code == 302
    assert not job.is_cancelled, "only a form asks for it"
    assert browser.post(address).status_code == 302
    assert job.is_cancelled
    shown = browser.get(page).content.decode()
    assert ("Being cancelled" in shown, address in shown) == (True, False)
    assert Event.objects.filter(what="import.cancelled", object=str(blog)).exists()


def test_the_journal_names_its_columns_and_counts_events(blog: Site, browser: Browser) -> None:
    page = browser.get("/console/journal/event/").content.decode()
    assert 'data-label="When"' in page
    assert "Select record" not in page
    assert re.search(r"\d+ events?\b", page)


def test_a_site_that_was_just_opened_has_no_log_yet(blog: Site, browser: Browser, reconcile: Any) -> None:
    page = f"/console/sites/site/{blog.pk}/change/"
    told = browser.get(page).content.decode()
    assert "No log yet." in told
    assert "orchestrator.site_unknown" not in told
    reconcile()
    assert "generation 1 serves" in browser.get(page).content.decode()


def test_the_list_shows_what_needs_attention_first(
    acme: Client, memory: Any, browser: Browser, operator: Any, reconcile: Any
) -> None:
    for name in ("alpha", "omega"):
        operator.post("/sites", {"client": "acme", "site": name, "template": "publication"})
    memory.break_generation(Site.objects.get(name="omega").site_id, 1, "It is broken.")
    reconcile()
    page = browser.get("/console/sites/site/").content.decode()
    assert page.index("acme/omega") < page.index("acme/alpha")
    assert "Failing" in page
    assert (
        "acme/alpha" not in browser.get("/console/sites/site/?state=failing").content.decode().split("result_list")[-1]
    )
    assert "acme/alpha" in browser.get("/console/sites/site/?q=alph").content.decode()
    assert "It is broken." in browser.get("/console/").content.decode()


def test_actions_of_a_site(blog: Site, browser: Browser, reconcile: Any) -> None:
    reconcile()
    base = f"/console/sites/site/{blog.pk}"
    for verb in ("suspend", "close"):
        browser.get(f"{base}/{verb}/")
    blog.refresh_from_db()
    assert blog.wanted_generation == 1
    browser.post(f"{base}/suspend/")
    blog.refresh_from_db()
    assert blog.wanted_suspended
    browser.post(f"{base}/resume/")
    wrong = browser.post(f"{base}/close/", {"confirm": "blog"})
    assert b"That is not its name." in wrong.content
    browser.post(f"{base}/close/", {"confirm": "acme/blog"})
    reconcile(6)
    blog.refresh_from_db()
    assert blog.state == "closed"
    assert browser.get(f"{base}/change/").status_code == 200
    assert "acme/blog" in browser.get("/console/sites/site/?state=closed").content.decode()


def test_opening_a_site_in_the_console(acme: Client, memory: Any, browser: Browser) -> None:
    form = {"client": "acme", "site": "new", "template": "publication", "domains": "New.example\n", "languages": ["fr"],
            "residency_newsletter": "client", "database_newsletter": "canary"}  # fmt: skip
    wrong = browser.post("/console/sites/site/add/", form)
    assert b"database_urls.newsletter" in wrong.content
    assert b"canary" not in wrong.content
    assert not Site.objects.exists()
    browser.post("/console/sites/site/add/", form | {"database_newsletter": "postgresql://u:p@db.example/n"})
    site = Site.objects.get()
    assert site.domain_names == ["new.example"]
    assert site.residency == {"newsletter": "client"}
    again = browser.post(
        "/console/sites/site/add/", form | {"site": "x", "residency_newsletter": "hosted", "database_newsletter": ""}
    )
    assert b"domain.taken" in again.content


def test_clients_and_keys_in_the_console(browser: Browser, operator: Any) -> None:
    assert browser.get("/console/sites/site/add/")["Location"] == "/console/clients/client/add/"
    assert (
        b"client.name_invalid"
        in browser.post("/console/clients/client/add/", {"name": "A B", "offer": "shared"}).content
    )
    browser.post("/console/clients/client/add/", {"name": "acme", "offer": "shared"})
    client = Client.objects.get()
    page = browser.post("/console/clients/accesskey/add/", {"role": "viewer", "client": "acme"}).content.decode()
    shown = re.search(r"ws_[0-9a-f]{8}_[\w-]+", page)
    assert shown
    assert AccessKey.find(shown[0])
    key = AccessKey.objects.get(client=client)
    browser.get(f"/console/clients/accesskey/{key.pk}/revoke/")
    assert AccessKey.find(shown[0])
    browser.post(f"/console/clients/accesskey/{key.pk}/revoke/")
    assert AccessKey.find(shown[0]) is None
    browser.post(f"/console/clients/client/{client.pk}/remove/", {"confirm": "wrong"})
    assert Client.objects.exists()
    browser.post(f"/console/clients/client/{client.pk}/remove/", {"confirm": "acme"})
    assert not Client.objects.exists()


def test_the_start_page_says_what_to_do_first(browser: Browser) -> None:
    page = browser.get("/console/").content.decode()
    assert "webstreet client add" in page


def test_the_console_speaks_french(browser: Browser, blog: Site) -> None:
    page = browser.get("/console/sites/site/", headers={"Accept-Language": "fr"}).content.decode()
    assert 'lang="fr"' in page
    assert "Ouverture" in page


def test_passwords_cannot_be_guessed_at_leisure(db: None) -> None:
    user = make_operator()
    user.set_password("right and long enough")
    user.save()
    browser = Browser()
    for _ in range(5):
        browser.post("/console/login/", {"username": "operator", "password": "wrong"})
    answer = browser.post("/console/login/", {"username": "operator", "password": "right and long enough"})
    assert b"Too many attempts" in answer.content
    password.of_name.clear()
    assert (
        browser.post("/console/login/", {"username": "operator", "password": "right and long enough"}).status_code
        == 302
    )


def test_the_button_to_the_sites_admin_answers_with_the_link(
    blog: Site, memory: Any, browser: Browser, reconcile: Any
) -> None:
    """Not with a redirect: our own policy lets no form end at another origin."""
    reconcile()
    memory.commands["login-link"] = lambda _: (
        0,
        [SiteLink(path="/-/login/canary", expires_at="2026-01-01T00:00:00+00:00").model_dump_json()],
    )
    answer = browser.post(f"/console/sites/site/{blog.pk}/link/")
    url = "http://blog.acme.example/-/login/canary"
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'<meta http-equiv="refresh" content="0;url={url}">' in page
    assert f'href="{url}"' in page
    assert browser.get(f"/console/sites/site/{blog.pk}/link/").status_code == 302


@pytest.mark.parametrize("path", ["/nope", "/console/nope/"])
def test_an_address_that_is_none_has_a_page_of_the_console(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert b"There is no such page" in answer.content
    assert b"/static/console/error.css" in answer.content


def test_the_login_page_names_the_link(db: None) -> None:
    assert b"webstreet login" in Browser().get("/console/login/").content


def test_only_the_latest_import_of_a_site_needs_attention(blog: Site, browser: Browser, reconcile: Any) -> None:
    reconcile()
    ended = {"site": blog, "source": "crispy-octo", "created_by": "test", "finished_at": timezone.now()}
    Import.objects.create(**ended, failure={"code": "import.crashed", "message": "It fell over."})
    assert b"It fell over." in browser.get("/console/overview/live/").content
    Import.objects.create(**ended, report={"created": {"articles": 1}})
    assert b"It fell over." not in browser.get("/console/overview/live/").content


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"created": {"articles": 12, "subscribers": 38}}, "12 articles and 38 subscribers added"),
        ({"created": {"articles": 0}, "rejected": [{}, {}]}, "nothing new; 2 records rejected"),
        ({"created": {"articles": 1}, "updated": {"subscribers": 2}}, "1 article added; 2 subscribers updated"),
    ],
)
def test_an_import_is_told_in_words(report: dict[str, Any], words: str) -> None:
    assert import_words(report) == words


@pytest.mark.parametrize(("n", "shown"), [(1, "1 byte"), (46_100, "46.1 kB"), (2_500_000, "2.5 MB")])
def test_sizes_are_those_of_the_command_line(n: int, shown: str) -> None:
    assert sized(n) == shown


def test_the_mail_server_of_a_new_site(acme: Client, memory: Any, browser: Browser, settings: Any) -> None:
    address = "/console/sites/site/add/"
    assert b"its mails wait until it has one" in browser.get(address).content
    form = {"client": "acme", "template": "publication", "languages": ["en"], "residency_newsletter": "hosted"}
    browser.post(address, form | {"site": "mute"})
    browser.post(address, form | {"site": "loud", "email_url": "smtp://mail.example:25"})
    mute, loud = Site.objects.get(name="mute"), Site.objects.get(name="loud")
    assert (mute.mail, loud.mail, mute.wanted_title) == ("none", "own", "Mute")
    told = "This site has no mail server"
    assert told in browser.get(f"/console/sites/site/{mute.pk}/change/").content.decode()
    assert told not in browser.get(f"/console/sites/site/{loud.pk}/change/").content.decode()
    settings.SITE_EMAIL_URL = Secret("smtp://mail.example:25")
    assert b"this installation" in browser.get(address).content


@pytest.mark.parametrize(("title", "shown"), [("Acme", "Acme"), ("جمعية (2024)", "\u2068جمعية (2024)\u2069")])
def test_a_title_from_right_to_left_stands_apart(blog: Site, browser: Browser, title: str, shown: str) -> None:
    Client.objects.update(title=title)
    for path in (
        "/console/clients/client/",
        "/console/sites/site/",
        f"/console/clients/client/{blog.client_id}/remove/",
    ):
        text = browser.get(path).content.decode()
        assert shown in text
        assert ("\u2068" in text) is (shown != title)
