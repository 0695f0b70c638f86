"""Every page of the console, and the pages of errors, in both languages: valid, accessible, no wider than the screen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.screens import SCHEMES, Known, check_page
from tests.browser.stage import SITE, Stage

LONG = (
    "Acme reads every mail before it goes, and wants to be asked whenever something about it is to be changed for good"
)
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
PAGES = {
    "overview": "/",
    "sites": "/sites/site/",
    "sites found none": "/sites/site/?q=xyzzy",
    "site": "{site}change/",
    "site suspend": "{site}suspend/",
    "site close": "{site}close/",
    "parameters": "{site}parameters/",
    "parameter choice": "{site}parameters/newsletter/on_publish/",
    "parameter list": "{site}parameters/newsletter/lists/",
    "undo": "{site}undo/2/",
    "open a site": "/sites/site/add/",
    "clients": "/clients/client/",
    "client": "{client}change/",
    "client remove": "{client}remove/",
    "add a client": "/clients/client/add/",
    "templates": "/catalogue/templates/",
    "template": "/catalogue/templates/publication/",
    "atoms": "/catalogue/atoms/",
    "atom": "/catalogue/atoms/newsletter/",
    "configuration": "/dictionary/configuration/",
    "settings": "/dictionary/settings/",
    "customizations": "/sites/customization/",
    "journal": "/journal/event/",
    "keys": "/clients/accesskey/",
    "make a key": "/clients/accesskey/add/",
}
UNFOLD = (
    Known("landmark-unique", ".simplebar-content-wrapper", "simplebar calls each of its scrolling boxes the same"),
)


@pytest.fixture(scope="module")
def places(stage: Stage) -> dict[str, str]:
    """What the placeholders of `PAGES` mean; the site has something to show in every card."""
    stage.world.cli("site", "customize", SITE, "footer.holder=Acme", "--why", LONG, "--no-wait")
    console = stage.world.cli("site", "status", SITE)["console_url"]
    site = re.sub(r"^.*/console|change/$", "", console)
    return {"site": site, "client": "/clients/client/1/"}


@pytest.fixture(scope="module", params=LOCALES)
def operator(stage: Stage, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    with stage.operator(LOCALES[request.param]) as page:
        yield page, request.param


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_the_console(stage: Stage, operator: tuple[Page, str], places: dict[str, str], name: str) -> None:
    page, language = operator
    shown = f"console-{name.replace(' ', '-')}-{language}"
    look(page, stage.console + PAGES[name].format(**places), shown)


def look(page: Page, url: str, name: str, status: int = 200) -> None:
    """unfold decides between light and dark when a page is loaded, so each is a load of its own."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        check_page(page, url, name=name, status=status, schemes=(scheme,), known=UNFOLD)


@pytest.mark.parametrize("language", LOCALES)
def test_pages_before_the_log_in(stage: Stage, language: str) -> None:
    with stage.reader(LOCALES[language]) as page:
        look(page, f"{stage.console}/login/", f"console-login-{language}")
        look(page, f"{stage.console}/link/used-or-old/", f"console-link-{language}", 410)
        look(page, f"{stage.world.control_url}/nowhere/", f"console-404-{language}", 404)


RENDER = (
    "from django.template.loader import render_to_string; from django.utils import translation;"
    " translation.activate('{language}'); print(render_to_string('500.html'))"
)


@pytest.mark.parametrize("language", LOCALES)
def test_pages_of_errors(stage: Stage, language: str) -> None:
    """A request without its token, one for a host that is not ours, and what is shown when something broke."""
    state = {**os.environ, "WEBSTREET_STATE": str(stage.world.state)}
    command = [sys.executable, "-m", "webstreet.control", "manage", "shell", "--no-imports", "-c", RENDER]
    command[-1] = command[-1].format(language=language)
    broken = subprocess.run(command, env=state, capture_output=True, text=True, check=True).stdout
    with stage.reader(LOCALES[language]) as page:
        page.route("**/broken/", lambda route: route.fulfill(status=500, body=broken, content_type="text/html"))
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
        check_page(page, name=f"console-403-{language}", known=UNFOLD)


def test_a_form_that_was_refused(stage: Stage, operator: tuple[Page, str], places: dict[str, str]) -> None:
    page, language = operator
    page.goto(f"{stage.console}/clients/client/add/")
    page.fill("[name=name]", "Not A Name")
    page.click("main button[type=submit], #content button[type=submit], .ws-actions button[type=submit]")
    said = {"en": "cannot be the name of a client", "fr": "lettres minuscules, chiffres et traits d’union"}
    page.get_by_text(said[language]).first.wait_for()
    check_page(page, name=f"console-form-refused-{language}", schemes=("light",), known=UNFOLD)


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
