"""Every page of a site that readers see, in both languages; on paper, and before its pictures have come."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route

from tests.browser import pages
from tests.browser.screens import check_page
from tests.browser.stage import SITE, Stage
from webstreet.control.orchestrators.processes import door

ERRORS = {
    "permission_denied": 403,
    "csrf_failure": 403,
    "bad_request": 400,
    "server_error": 500,
    "store_down": 503,
    "site_down": 503,
    "out_of_room": 503,
    "too_large": 413,
    "too_many_guesses": 429,
    "too_many_shared": 429,
    "too_many_requests": 429,
}
RENDER = """
import json
from django.test import RequestFactory
from django.utils.translation import override
from webstreet.engine import errors
found = {}
for name in %r:
    for language in ("en", "fr"):
        with override(language):
            request = RequestFactory().get("/", HTTP_HOST="localhost")
            more = (900,) if name.startswith("too_many") else ()
            found[f"{name} {language}"] = getattr(errors, name)(request, *more).content.decode()
print(json.dumps(found))
"""


def slug(name: str) -> str:
    return f"site {name}".replace(" ", "-").replace("_", "-").lower()


@pytest.mark.parametrize("name", pages.SITE)
def test_pages_for_readers(stage: Stage, name: str) -> None:
    with stage.reader() as page:
        address = stage.site + pages.SITE[name].format(**stage.content)
        check_page(page, address, name=slug(name), language=pages.language(name))


@pytest.mark.parametrize(
    ("language", "said"), [("", "The password you have entered is not correct."), (" in French", "incorrect")]
)
def test_a_wrong_password_is_said_so(stage: Stage, language: str, said: str) -> None:
    with stage.reader() as page:
        page.goto(stage.site + stage.content[f"password{language}"])
        page.locator("main input[type=password]").fill("high tide")
        page.locator("main button").click()
        page.locator("#password-error").wait_for()
        assert said in page.locator("#password-error").inner_text()
        check_page(page, name=slug(f"wrong password{language}"), language=pages.language(language))
        page.locator("main input[type=password]").fill("low tide")
        page.locator("main button").click()
        page.wait_for_url(f"**{stage.content[f'password{language}']}")
        assert page.locator("h1").inner_text() == "Below the pier"


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_the_password_of_a_document(stage: Stage, locale: str) -> None:
    """Its address has no language: the reader's browser says which."""
    with stage.reader(locale) as page:
        address, language = stage.site + stage.content["document"], locale[:2]
        check_page(page, address, name=f"site-password-document-{language}", language=language)
        page.locator("main input[type=password]").fill("low tide")
        with page.expect_download() as download:
            page.locator("main button").click()
        assert download.value.path().read_text("utf-8") == "High water at noon."


@pytest.mark.parametrize("name", pages.MISSING)
def test_pages_that_are_not_there(stage: Stage, name: str) -> None:
    status, path = pages.MISSING[name]
    with stage.reader() as page:
        address = stage.site + path.format(**stage.content)
        check_page(page, address, name=slug(name), status=status, language=pages.language(name))


def test_a_site_without_an_article(stage: Stage) -> None:
    with stage.reader() as page:
        check_page(page, stage.bare + "/", name="bare-home")
        assert "Nothing is published here yet" in page.locator("main").inner_text()
        check_page(page, stage.bare + "/search/?q=octopus", name="bare-search")


def test_the_home_page_of_a_language_without_articles(stage: Stage) -> None:
    """And with one: that is the French home of the other tests."""
    stage.python(
        "from webstreet.atoms.articles.models import Article; Article.objects.filter(locale__language_code='fr').update(live=False)"
    )
    stage.python("from webstreet.engine import pagecache; pagecache.expire()")
    try:
        with stage.reader("fr-FR") as page:
            check_page(page, stage.site + "/fr/", name="site-home-in-french-without-articles")
            assert "Rien" in page.locator("h1 + p").inner_text()
    finally:
        stage.python(
            "from webstreet.atoms.articles.models import Article; Article.objects.filter(locale__language_code='fr').update(live=True)"
        )
        stage.python("from webstreet.engine import pagecache; pagecache.expire()")


@pytest.fixture(scope="module")
def error_pages(stage: Stage) -> dict[str, str]:
    found: dict[str, str] = json.loads(stage.python(RENDER % (list(ERRORS),)).splitlines()[-1])
    return found


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", ERRORS)
def test_pages_for_what_went_wrong(stage: Stage, error_pages: dict[str, str], name: str, language: str) -> None:
    """As the engine makes them, at an address of the site, so that stylesheet and font are the site's."""
    with stage.reader() as page:
        address = f"{stage.site}/{name}/"

        def answer(route: Route) -> None:
            body = error_pages[f"{name} {language}"]
            route.fulfill(status=ERRORS[name], content_type="text/html; charset=utf-8", body=body)

        page.route(address, answer)
        check_page(page, address, name=slug(f"{name} {language}"), status=ERRORS[name], language=language)


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
@pytest.mark.parametrize("name", ["SUSPENDED", "PREPARING", "FAILING"])
def test_pages_while_no_process_of_the_site_answers(page: Page, name: str, locale: str) -> None:
    """The supervisor's own."""
    asked = f"GET / HTTP/1.1\r\nAccept-Language: {locale}\r\n\r\n".encode()
    body = door.answer(asked, getattr(door, name)).partition(b"\r\n\r\n")[2].decode()
    address = "http://127.0.0.1/door/"
    page.route(address, lambda route: route.fulfill(status=503, content_type="text/html; charset=utf-8", body=body))
    check_page(page, address, name=f"door-{name.lower()}-{locale[:2]}", status=503, language=locale[:2])


def test_a_real_failure_shows_its_page(stage: Stage) -> None:
    rename = "from django.db import connection; connection.cursor().execute('ALTER TABLE articles_removed%s RENAME TO articles_removed%s')"
    stage.python(rename % ("", "_away"))
    try:
        with stage.reader() as page:
            check_page(page, f"{stage.site}/not-there-while-broken/", name="site-failure", status=500, widths=(360,))
    finally:
        stage.python(rename % ("_away", ""))


def test_an_old_address_leads_on(stage: Stage) -> None:
    with stage.reader() as page:
        page.goto(stage.site + stage.content["moved from"])
        assert page.url == stage.site + stage.content["moved to"]
        check_page(page, name="site-moved")


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_the_link_that_lets_an_editor_in(stage: Stage, locale: str) -> None:
    with stage.reader(locale) as page:
        link = stage.world.cli("site", "login", SITE)["url"]
        check_page(page, link, name=f"site-login-link-{locale[:2]}", language=locale[:2])
        assert pages.fits(pages.LOGIN_LINK, page.url)


def test_on_paper_an_article_is_itself_and_its_links(stage: Stage) -> None:
    with stage.reader() as page:
        page.goto(stage.site + stage.content["full"])
        page.emulate_media(media="print", color_scheme="dark")
        shown = page.evaluate(
            "Object.fromEntries(['h1', '.prose', 'figure img', '.menu', '.panel', '.related', '.skip'].map("
            "s => [s, Boolean(document.querySelector(s)?.checkVisibility())]))"
        )
        assert shown == {
            "h1": True,
            ".prose": True,
            "figure img": True,
            ".menu": False,
            ".panel": False,
            ".related": False,
            ".skip": False,
        }
        link = page.locator(".prose .text a[href^=http]").first
        assert "https://example.com/" in link.evaluate("e => getComputedStyle(e, '::after').content")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert len(page.pdf(format="A4")) > 10_000


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_moves_when_the_pictures_arrive(stage: Stage, width: int) -> None:
    measure = "() => [...document.querySelectorAll('main *')].map(e => { const b = e.getBoundingClientRect(); return [b.top, b.height]; })"
    with stage.reader() as page:
        page.set_viewport_size({"width": width, "height": 900})
        page.route("**/media/**", lambda route: route.abort())
        page.goto(stage.site + stage.content["full"])
        page.evaluate("document.fonts.ready.then(() => true)")
        before = page.evaluate(measure)
        page.unroute("**/media/**")
        page.reload()
        page.evaluate("document.fonts.ready.then(() => true)")
        for image in page.locator("main img").all():
            image.scroll_into_view_if_needed()
            image.evaluate("e => e.decode()")
        page.evaluate("scrollTo(0, 0)")
        after = page.evaluate(measure)
        assert len(before) == len(after)
        assert [b for b, a in zip(before, after, strict=True) if abs(b[0] - a[0]) > 1 or abs(b[1] - a[1]) > 1] == []


def test_what_pages_say_to_machines_is_let_through(stage: Stage) -> None:
    with stage.reader() as page:
        answer = page.goto(stage.site + stage.content["full"])
        assert "script-src" not in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        data = json.loads(page.locator('script[type="application/ld+json"]').text_content())
        assert {entry["@type"] for entry in data["@graph"]} >= {"BlogPosting", "BreadcrumbList", "Organization"}


@pytest.mark.parametrize("path", ["/", "/about/", "/nothing-here/"])
def test_the_last_row_of_a_page_is_one_line(stage: Stage, path: str) -> None:
    """The copyright at its start and the links at its end, with or without a form in the foot."""
    with stage.reader() as page:
        page.goto(stage.site + path)
        middles = page.evaluate(
            """[".site-foot .imprint p", ".site-foot nav a"].map(found => {
                const box = document.querySelector(found).getBoundingClientRect();
                return box.top + box.height / 2;
            })"""
        )
        assert abs(middles[0] - middles[1]) <= 1
