"""Every page of the console, and the pages of errors, in both languages: valid, accessible, no wider than the screen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser import pages
from tests.browser.screens import SCHEMES, Known, check_page, needless
from tests.browser.stage import SITE, Stage
from tests.browser.walk import Walk

LONG = (
    "Acme reads every mail before it goes, and wants to be asked whenever something about it is to be changed for good"
)
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
UNFOLD = (
    Known("landmark-unique", ".simplebar-content-wrapper", "simplebar calls each of its scrolling boxes the same"),
)


TITLED = """
import json
from django.utils import timezone
from webstreet.control.clients.models import Client
from webstreet.control.journal.models import note
from webstreet.control.sites.models import Site
word = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung"
titles = {
    "long": (f"The whole name of an association, as its statutes of 1897 have it: {word} und Verwandtes, " * 3)[:200],
    "arabic": "جمعية أصدقاء الأخطبوط (2024) — Tide & Co.",
}
found = {}
for name, title in titles.items():
    client, made = Client.objects.get_or_create(name=f"title-{name}", defaults={"title": title, "offer": "shared"})
    site = Site.objects.filter(client=client).first()
    if site is None:
        # Nobody carries out what belongs to a closed site.
        site = Site.objects.get(name="blog", closed_at=None)
        site.pk, site.client, site.name, site.wanted_title = None, client, f"title-{name}", title
        site.closed_at, site._state.adding = timezone.now(), True
        site.save()
        note("operator", "site.opened", client=client.name, object=str(site))
    found |= {f"{name} client": f"/clients/client/{client.pk}/", f"{name} site": f"/sites/site/{site.pk}/"}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def places(stage: Stage) -> dict[str, str]:
    """What the placeholders of `pages.CONSOLE` mean; the site has something to show in every card, and there are titles of every kind."""
    stage.world.cli("site", "customize", SITE, "footer.holder=Acme", "--why", LONG, "--no-wait")
    titled = json.loads(stage.control_python(TITLED).splitlines()[-1])
    console = stage.world.cli("site", "status", SITE)["console_url"]
    site = re.sub(r"^.*/console|change/$", "", console)
    return {"site": site, "client": "/clients/client/1/", **titled}


@pytest.fixture(scope="module", params=LOCALES)
def operator(stage: Stage, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    with stage.operator(LOCALES[request.param]) as page:
        yield page, request.param


@pytest.mark.parametrize("name", pages.CONSOLE)
def test_pages_of_the_console(stage: Stage, operator: tuple[Page, str], places: dict[str, str], name: str) -> None:
    page, language = operator
    shown = f"console-{name.replace(' ', '-')}-{language}"
    look(page, stage.console + pages.CONSOLE[name].format(**places), shown)


def test_pages_with_every_kind_of_title(stage: Stage, places: dict[str, str]) -> None:
    """English only and without the keyboard: words and controls are those of the pages above."""
    with stage.operator() as page:
        for name, path in pages.CONSOLE_TITLED.items():
            look(page, stage.console + path.format(**places), f"console-{name.replace(' ', '-')}-en", walked=False)


def look(page: Page, url: str, name: str, status: int = 200, *, walked: bool = True) -> None:
    """unfold decides between light and dark when a page is loaded, so each is a load of its own. The name ends with the language."""
    language = name.rpartition("-")[2]
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        check_page(
            page, url, name=name, status=status, language=language, schemes=(scheme,), known=UNFOLD, walked=walked
        )


@pytest.mark.parametrize("language", LOCALES)
def test_pages_before_the_log_in(stage: Stage, language: str) -> None:
    with stage.reader(LOCALES[language]) as page:
        for name, (status, path) in pages.CONSOLE_BEFORE.items():
            look(page, stage.console + path, f"console-{name.replace(' ', '-')}-{language}", status)
        look(page, stage.world.cli("login")["url"], f"console-link-{language}")
        assert pages.fits("/console" + pages.CONSOLE_LINK, page.url)
        look(page, f"{stage.world.control_url}/nowhere/", f"console-404-{language}", 404)


API_DOCS = tuple(
    Known(
        rule,
        "#swagger-ui",
        "Swagger UI's own, for programmers; in the dark it is turned round, which is not calculated",
    )
    for rule in (
        "color-contrast",
        "heading-order",
        "nested-interactive",
    )
)


def test_the_description_of_the_api(stage: Stage) -> None:
    """English only, as the API itself."""
    with stage.operator() as page:
        page.goto(stage.world.control_url + pages.API_DOCS)
        page.locator(".opblock").first.wait_for()
        check_page(page, name="console-api", known=API_DOCS, walked=False)
        assert needless(API_DOCS) == []


RENDER = (
    "from django.template.loader import render_to_string; from django.utils import translation;"
    " translation.activate('{language}'); print(render_to_string('500.html'))"
)


@pytest.mark.parametrize("language", LOCALES)
def test_pages_of_errors(stage: Stage, language: str) -> None:
    """A request without its token, one for a host that is not ours, and what is shown when something broke."""
    broken = stage.control_python(RENDER.format(language=language))
    with stage.reader(LOCALES[language]) as page:
        page.route(
            "**/broken/", lambda route: route.fulfill(status=500, body=broken, content_type="text/html; charset=utf-8")
        )
        look(page, f"{stage.world.control_url}/broken/", f"console-500-{language}", 500)
        page.route(
            "**/foreign/", lambda r: r.fulfill(response=r.fetch(headers={**r.request.headers, "host": "evil.example"}))
        )
        look(page, f"{stage.world.control_url}/foreign/", f"console-400-{language}", 400)
        page.unroute_all()
        page.goto(f"{stage.console}/login/")
        page.evaluate("document.querySelectorAll('[name=csrfmiddlewaretoken]').forEach(e => e.remove())")
        page.fill("[name=username]", "nobody")
        page.fill("[name=password]", "nothing")
        page.locator("[name=password]").press("Enter")
        page.locator("p.mark").wait_for()
        check_page(page, name=f"console-403-{language}", status=403, language=language, known=UNFOLD)


IMPORTS = """
from django.utils import timezone
from webstreet.control.sites.imports import Import
from webstreet.control.sites.models import Site
old = Site.objects.filter(name="old").first()
if old is None:
    old = Site.objects.get(name="blog")
    # Nobody carries out what belongs to a closed site, so its imports stay as they are.
    old.pk, old.name, old.closed_at, old._state.adding = None, "old", timezone.now(), True
    old.save()
    common = dict(site=old, created_by="operator", started_at=timezone.now(), size_bytes=3 << 20)
    going = dict(step="articles", done=120, total=480)
    Import.objects.create(source="wordpress", progress=going, **common)
    Import.objects.create(source="csv", progress=going, cancelled_at=timezone.now(), **common)
    failure = dict(code="import.truncated", message="The file ends in the middle of an entry. {long}.")
    Import.objects.create(source="crispy-octo", failure=failure, finished_at=timezone.now(), **common)
print(old.pk)
"""


def test_pages_after_a_form_of_the_console(stage: Stage, operator: tuple[Page, str], places: dict[str, str]) -> None:
    page, language = operator
    old = stage.control_python(IMPORTS.format(long=LONG)).splitlines()[-1]
    said = {"en": "cannot be the name of a client", "fr": "lettres minuscules, chiffres et traits d’union"}
    submit = "main button.ws-button-main[type=submit]"
    with Walk(page, pages.CONSOLE_WALKED, "console", language, below="/console", known=UNFOLD, schemes=()) as walk:
        for walk.schemes in (("light",), ("dark",)):
            page.emulate_media(color_scheme=walk.schemes[0])
            page.route(
                re.compile(r"/console/\?begin"),
                lambda r: r.fulfill(body=stage.begin[language], content_type="text/html; charset=utf-8"),
            )
            walk.look("begin", f"{stage.console}/?begin")
            page.goto(f"{stage.console}/clients/client/add/")
            page.fill("[name=name]", "Not A Name")
            walk.press(submit)
            page.get_by_text(said[language]).first.wait_for()
            walk.look("form refused", refused=True)
            page.goto(f"{stage.console}/clients/accesskey/add/")
            page.fill("[name=label]", LONG[:100])
            walk.press(submit)
            walk.look("new key")
            page.goto(f"{stage.console}/clients/accesskey/")
            page.locator("#result_list a[href$='/revoke/']").last.click()
            walk.look("revoke a key")
            page.route("**/-/login/**", lambda route: route.fulfill(status=204))  # so that the page stays
            page.goto(f"{stage.console}{places['site']}change/")
            page.locator("form[action$='/link/']").evaluate("form => { form.target = ''; form.submit() }")
            page.wait_for_url("**/link/")
            walk.look("site's admin")
            walk.look("site with imports", f"{stage.console}/sites/site/{old}/change/")


def test_slash_goes_to_the_search_and_j_and_enter_into_a_row(
    stage: Stage, operator: tuple[Page, str], places: dict[str, str]
) -> None:
    page, _language = operator
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{stage.console}/dictionary/settings/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "searchbar"
    page.goto(f"{stage.console}/sites/site/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "searchbar"
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/sites/site/\d+/change/"))


def test_a_list_keeps_what_was_asked_in_its_address(stage: Stage, operator: tuple[Page, str], places: Any) -> None:
    page, _language = operator
    page.goto(f"{stage.console}/sites/site/?state=running&o=-1")
    page.fill("#searchbar", "blog")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"q=blog"))
    assert "state=running" in page.url
    with page.expect_download() as download:
        page.locator("a[download]").click()
    assert download.value.suggested_filename == "sites.csv"
    assert "acme,blog," in download.value.path().read_text("utf-8")


def test_every_excuse_of_unfold_is_needed(stage: Stage) -> None:
    """What no test before met, as when this one runs alone, is looked for where it was met."""
    with stage.operator() as page:
        if needless(UNFOLD):
            check_page(page, f"{stage.console}/clients/client/", known=UNFOLD, schemes=("light",))
    assert needless(UNFOLD) == []
